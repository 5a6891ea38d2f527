"""``git regen plan``: the steps of a replay, and what it may cost, before anything is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from regen_git.cli.changes import forecast_of, one_after_another, show_forecast, step_json
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
@click.option(
    "--model", help="The model to estimate for. Default: git config regen.model, or 'original' without that."
)
@click.option(
    "--mode",
    type=click.Choice(["folded", "chained", "anchored", "oneshot"]),
    help="As for 'git regen replay'.",
)
@click.option(
    "--include",
    type=click.Choice(["recorded", "message", "all"]),
    default="recorded",
    show_default=True,
    help="Regenerate commits with recorded prompts, also those with other evidence of an agent, or all.",
)
@click.option("--ungrouped", is_flag=True, help="Repeat corrections as steps of their own.")
@click.option("--changed", is_flag=True, help="Make anew only what rests on something that changed.")
@click.option("--from", "since", metavar="INTENT", help="Ask afresh for this intent and what depends on it.")
@json_option
def command(span: str, *, as_json: bool, **typed: Any) -> int:
    r"""Show the steps of a replay and what it may cost.

    \b
    git regen plan v1.0.. --model openai/gpt-5
    """
    from regen_git.cli.replaying import choose_model, default_mode, load_for_replay
    from regen_git.git.history import read_span
    from regen_git.replay.options import ORIGINAL, ReplayOptions, default_name

    repo = open_up_to_date()
    tip = read_span(repo, span).tip
    settings = load_for_replay(repo)
    goes_by_changes = typed["changed"] or typed["since"]
    if goes_by_changes:
        # History never changes its answers: what is meant is the model that answered the last time.
        model = choose_model(None if typed["model"] == ORIGINAL else typed["model"], settings)
    else:
        model = typed["model"] or settings.user.model or ORIGINAL
    mode = typed["mode"] or default_mode(repo, span, tip)
    options = ReplayOptions(
        default_name(model, mode) if goes_by_changes else "plan",
        span,
        tip,
        model,
        mode,
        include=typed["include"],
        grouped=not typed["ungrouped"],
        rewrite=True,
        changed=typed["changed"],
        since=typed["since"],
    )
    return show_plan(repo, Console(json=as_json), options)


def show_plan(repo: Repository, console: Console, options: ReplayOptions) -> int:
    """Print the plan of a replay with these options. Asks nothing and writes nothing."""
    if options.is_from_spec:
        from regen_git.cli.generating import show_spec_plan

        return show_spec_plan(repo, console, options)
    from regen_git.cli.replaying import load_for_replay, print_estimate
    from regen_git.cli.risks import print_risk, risk_json
    from regen_git.replay.estimate import estimate
    from regen_git.replay.plan import Kind
    from regen_git.replay.prepare import prepare
    from regen_git.replay.risk.assess import assess

    prepared = prepare(repo, options, load_for_replay(repo))
    risk = assess(prepared)
    guess = estimate(prepared)
    plan = prepared.plan
    told = forecast_of(prepared)
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
                    "retracted": list(step.retracted),
                    **step_json(told, step.index),
                }
                for step in plan.steps
            ],
            "waves": plan.waves,
            "tokens_estimate": guess.tokens,
            "cost_estimate_usd": guess.cost_usd,
            "check_seconds_estimate": guess.check_seconds,
            "carry_calls_at_most": guess.carry_calls,
            "risk": risk_json(risk),
        }
    )
    for step in plan.steps if not told else ():
        joined = f" (asked with {plan.steps[step.joins].commit[:10]})" if step.joins is not None else ""
        gone = " (retracted: not asked)" if step.retracted else ""
        console.out(f"{step.commit[:10]} {step.kind.value:<11} {safe(step.subject)[:70]}{joined}{gone}")
    if told:
        show_forecast(console, told)
    counts = ", ".join(f"{n} {kind.value}" for kind in Kind if (n := plan.count(kind)))
    console.out(f"{counts}; {one_after_another(plan.waves)}")
    if guess.carry_calls:
        console.out(f"changes of people that meet regenerated code: {guess.carry_calls}, at most a call each")
    print_estimate(console, options, guess)
    print_risk(console, risk)
    return 0
