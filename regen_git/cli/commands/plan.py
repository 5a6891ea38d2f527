"""``git regen plan``: the steps of a replay, and what it may cost, before anything is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from regen_git.cli.console import Console, safe
from regen_git.cli.context import json_option, open_up_to_date
from regen_git.cli.missing import tell_missing
from regen_git.cli.troubles import tell_troubles

if TYPE_CHECKING:
    from regen_git.git.repository import Repository
    from regen_git.replay.options import ReplayOptions

__all__ = ["command", "show_plan"]


@click.command("plan")
@click.argument("span", metavar="[RANGE]", required=False, default="")
@click.option("--model", default="original", show_default=True, help="The model to estimate for.")
@click.option(
    "--mode",
    type=click.Choice(["chained", "anchored"]),
    default="chained",
    show_default=True,
    help="Start each step from the rebuilt step before it, or from its real parent.",
)
@click.option(
    "--include",
    type=click.Choice(["recorded", "message", "all"]),
    default="recorded",
    show_default=True,
    help="Regenerate commits with recorded prompts, also those with other evidence of an agent, or all.",
)
@click.option("--ungrouped", is_flag=True, help="Repeat corrections as steps of their own.")
@json_option
def command(span: str, model: str, mode: Any, include: Any, *, ungrouped: bool, as_json: bool) -> int:
    r"""Show the steps of a replay and what it may cost.

    \b
    git regen plan v1.0.. --model openai/gpt-5
    """
    from regen_git.git.history import read_span
    from regen_git.replay.options import ReplayOptions

    repo = open_up_to_date()
    tip = read_span(repo, span).tip
    options = ReplayOptions(
        "plan", span, tip, model, mode, include=include, grouped=not ungrouped, rewrite=True
    )
    return show_plan(repo, Console(json=as_json), options)


def show_plan(repo: Repository, console: Console, options: ReplayOptions) -> int:
    """Print the plan of a replay with these options. Asks nothing and writes nothing."""
    from regen_git.cli.replaying import load_for_replay, money
    from regen_git.replay.estimate import estimate
    from regen_git.replay.plan import Kind
    from regen_git.replay.prepare import prepare

    prepared = prepare(repo, options, load_for_replay(repo))
    guess = estimate(prepared)
    plan = prepared.plan
    tell_troubles(console, ((facts.id, facts.troubles) for facts in prepared.facts))
    tell_missing(console, repo, sum(bool(facts.missing) for facts in prepared.facts))
    console.emit(
        {
            "steps": [
                {
                    "commit": step.commit,
                    "kind": step.kind.value,
                    "intents": list(step.intents),
                    "wrote": list(step.wrote),
                    "depends_on": [plan.steps[index].commit for index in step.depends_on],
                }
                for step in plan.steps
            ],
            "waves": plan.waves,
            "tokens_estimate": guess.tokens,
            "cost_estimate_usd": guess.cost_usd,
            "check_seconds_estimate": guess.check_seconds,
            "carry_calls_at_most": guess.carry_calls,
        }
    )
    for step in plan.steps:
        joined = f" (asked with {plan.steps[step.joins].commit[:10]})" if step.joins is not None else ""
        console.out(f"{step.commit[:10]} {step.kind.value:<11} {safe(step.subject)[:70]}{joined}")
    counts = ", ".join(f"{n} {kind.value}" for kind in Kind if (n := plan.count(kind)))
    console.out(f"{counts}; at most {plan.waves} requests stand in line one behind the other")
    if guess.carry_calls:
        console.out(f"changes of people that meet regenerated code: {guess.carry_calls}, at most a call each")
    if options.is_original:
        console.out(f"about {guess.tokens:,} tokens with a model; '--model original' rehearses it at no cost")
    else:
        console.out(f"about {guess.tokens:,} tokens, {money(guess.cost_usd)}, with one repair in four steps")
    if guess.check_seconds is not None:
        console.out(f"about {guess.check_seconds:.0f} s of checks")
    return 0
