"""What a replay of only what changed does to each step, and why, for people and for scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from regen_git.cli.console import safe

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from regen_git.cli.console import Console
    from regen_git.replay.again.forecast import Forecast
    from regen_git.replay.options import ReplayOptions
    from regen_git.replay.prepare import Prepared

__all__ = [
    "forecast_of",
    "one_after_another",
    "ran_json",
    "show_forecast",
    "step_json",
    "tell_forecast",
    "tell_ran",
]


def one_after_another(waves: int) -> str:
    """Return how many requests wait for one another at most, in words."""
    return f"longest chain: {waves} request{'s' * (waves != 1)}"


def forecast_of(prepared: Prepared) -> list[Forecast]:
    """Return what becomes of each step; empty where the replay does not go by what changed."""
    if not _goes_by_changes(prepared.options):
        return []
    from regen_git.replay.again.forecast import forecast

    return forecast(prepared)


def _goes_by_changes(options: ReplayOptions) -> bool:
    return (options.changed or options.since is not None) and not options.is_from_spec


def step_json(told: Sequence[Forecast], index: int) -> dict[str, Any]:
    """Return what a plan's JSON says of a step beside what it is."""
    return next(({"runs": t.runs, "why": list(t.why)} for t in told if t.step.index == index), {})


def show_forecast(console: Console, told: Sequence[Forecast]) -> None:
    """Print for each step whether it runs, and why."""
    for each in told:
        state = "runs" if each.runs else "recorded"
        console.out(f"{each.step.commit[:10]} {state:<8} {safe(each.step.subject)[:60]}: {_why(each)}")
    console.out(_line(told))


def tell_forecast(console: Console, told: Sequence[Forecast]) -> None:
    """Say before a replay which steps it will run."""
    if told:
        console.say(_line(told))
        for each in told:
            if each.runs:
                console.say(f"  {each.step.commit[:10]} {safe(each.step.subject)[:60]}: {_why(each)}")


def tell_ran(console: Console, told: Sequence[Forecast], ran: Collection[int]) -> None:
    """Say after a replay which of these steps did not have to run in the end."""
    spared = [each for each in told if each.runs and each.step.index not in ran]
    if spared:
        names = ", ".join(each.step.commit[:10] for each in spared)
        console.out(f"  not asked in the end, since all they rest on came out the same: {names}")


def ran_json(told: Sequence[Forecast], ran: Collection[int]) -> list[dict[str, Any]]:
    """Return the steps that a model was asked for, and why."""
    return [
        {"commit": t.step.commit, "intents": list(t.step.intents), "why": list(t.why)}
        for t in told
        if t.step.index in ran
    ]


def _why(told: Forecast) -> str:
    return "; ".join(safe(reason) for reason in told.why)


def _line(told: Sequence[Forecast]) -> str:
    from regen_git.replay.again.forecast import summary

    return summary(told)
