"""``git regen replay``: rebuild a range of history from its prompts."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from regen_git.cli.changes import forecast_of, ran_json, tell_forecast, tell_ran
from regen_git.cli.console import Console
from regen_git.cli.context import json_option, open_up_to_date
from regen_git.cli.missing import tell_missing
from regen_git.cli.troubles import tell_troubles
from regen_git.errors import GitError, ModelError, RegenError, ReplayError, UsageError

if TYPE_CHECKING:
    from regen_git.git.repository import Repository
    from regen_git.replay.options import ReplayOptions
    from regen_git.replay.prepare import Prepared

__all__ = ["command"]

_STOPPED = 130


@click.command("replay")
@click.argument("span", metavar="[RANGE]", required=False, default="")
@click.option("--model", help="'original', or a model as litellm names it. Default: git config regen.model.")
@click.option(
    "--mode",
    type=click.Choice(["folded", "chained", "anchored", "oneshot"]),
    help="Generate the spec by modules, or in one request; or rebuild history, each step on the rebuilt one "
    "before it, or on its real parent. Default: folded where there is a spec and no A..B, else chained.",
)
@click.option("--name", help="Name of the branch below 'regen/'. Default: made from the model.")
@click.option(
    "--include",
    type=click.Choice(["recorded", "message", "all"]),
    default="recorded",
    show_default=True,
    help="Regenerate commits with recorded prompts, also those with other evidence of an agent, or all.",
)
@click.option("--ungrouped", is_flag=True, help="Repeat corrections as steps of their own.")
@click.option("--rewrite", is_flag=True, help="Make new commits even where nothing changed.")
@click.option("--changed", is_flag=True, help="Make anew only what rests on something that changed.")
@click.option("--from", "since", metavar="INTENT", help="Ask afresh for this intent and what depends on it.")
@click.option("--locked", is_flag=True, help="Use recorded replies only: offline, the same commits.")
@click.option(
    "--check",
    type=click.Choice(["tip", "regenerated", "every", "never"]),
    default="regenerated",
    show_default=True,
    help="Which steps run the checks; 'regenerated' means these and the tip.",
)
@click.option("--jobs", type=click.IntRange(1, 1000), default=4, show_default=True, help="Calls at once.")
@click.option("--budget", type=float, help="Most that may be spent, in US dollars.")
@click.option("--budget-tokens", type=int, help="Most tokens that may be used.")
@click.option("--max-tokens", type=int, default=16_000, show_default=True, help="Longest reply.")
@click.option("--context-tokens", type=int, default=60_000, show_default=True, help="Longest request.")
@click.option("--temperature", type=float, help="Handed to the model.")
@click.option("--no-sandbox", is_flag=True, help="Run checks without a sandbox.")
@click.option("--dry-run", is_flag=True, help="Show the plan; ask nothing, write nothing.")
@click.option("--resume", metavar="NAME", help="Go on with a replay that was stopped.")
@click.option("--force", is_flag=True, help="Go on where the risk is too high, or a replay is not finished.")
@click.option("--yes", is_flag=True, help="Do not ask before '--include all'.")
@json_option
def command(span: str, *, as_json: bool, **typed: Any) -> int:
    r"""Rebuild a range of history on the branch regen/NAME.

    RANGE is as git reads it: A..B keeps A, one revision means everything up to it, nothing means HEAD. Where
    there is a spec ('.regen/spec/*.md' in the commit), it is generated as a whole, module by module. Your
    branch, index and files are not touched; 'git regen adopt' takes the result over.

    \b
    git regen replay --model original            rehearse: costs nothing
    git regen replay v1.0.. --model openai/gpt-5 --budget 5
    git regen replay --resume gpt-5
    """
    console = Console(json=as_json)
    repo = open_up_to_date()
    if typed["resume"]:
        return _resume(repo, console, span, typed)
    options = _options(repo, span, typed)
    if typed["dry_run"]:
        from regen_git.cli.commands.plan import show_plan

        return show_plan(repo, console, options)
    return _run(repo, console, options, no_sandbox=typed["no_sandbox"], force=typed["force"])


def _options(repo: Repository, span: str, typed: dict[str, Any]) -> ReplayOptions:
    from regen_git.cli.replaying import choose_model, default_mode, load_for_replay
    from regen_git.git.history import read_span
    from regen_git.replay.options import ReplayOptions, check_name, default_name

    if typed["include"] == "all" and not typed["yes"]:
        click.confirm("regenerate every commit, also those that people wrote by hand?", abort=True, err=True)
    settings = load_for_replay(repo)
    model = choose_model(typed["model"], settings)
    tip = read_span(repo, span).tip
    mode = typed["mode"] or default_mode(repo, span, tip)
    return ReplayOptions(
        name=check_name(typed["name"] or default_name(model, mode)),
        span=span,
        tip=tip,
        model=model,
        mode=mode,
        include=typed["include"],
        grouped=not typed["ungrouped"],
        rewrite=typed["rewrite"],
        locked=typed["locked"],
        check=typed["check"],
        jobs=typed["jobs"],
        budget_usd=typed["budget"] if typed["budget"] is not None else settings.user.budget_usd,
        budget_tokens=typed["budget_tokens"],
        max_tokens=typed["max_tokens"],
        context_tokens=typed["context_tokens"],
        temperature=typed["temperature"],
        changed=typed["changed"],
        since=typed["since"],
    )


def _begin(repo: Repository, options: ReplayOptions, *, force: bool, risk: dict[str, Any] | None) -> None:
    """Refuse to throw away a replay that is not finished, or commits that somebody made on its branch."""
    from regen_git.git.refs import read_ref
    from regen_git.replay.journal import Journal, hold
    from regen_git.replay.report import read_report
    from regen_git.replay.session import replays_folder

    folder = replays_folder(repo, options.name)
    tip = read_ref(repo, options.branch)
    if (folder / "plan.json").exists():
        report = read_report(repo, options.name, is_brief=True)
        if not report.is_ended and report.steps and not force:
            raise ReplayError(
                f"replay '{options.name}' is not finished",
                hint=f"go on with 'git regen replay --resume {options.name}', or start again with --force",
            )
        if tip is not None and tip != report.tip and report.is_ended and not force:
            raise ReplayError(
                f"somebody moved the branch 'regen/{options.name}'",
                hint="give this replay another --name, or say --force to move the branch away from there",
            )
    elif tip is not None and not force:
        raise ReplayError(
            f"there is a branch 'regen/{options.name}' that no replay here made",
            hint="give this replay another --name, or say --force",
        )
    with hold(folder, options.name):
        told = [{"state": "risk", **risk}] if risk is not None else []
        Journal(folder / "journal.jsonl").tell([{"state": "restart"}, *told], is_durable=True)


def _resume(repo: Repository, console: Console, span: str, typed: dict[str, Any]) -> int:
    from regen_git.replay.options import load
    from regen_git.replay.session import replays_folder

    if span or typed["model"]:
        raise UsageError("--resume takes its range and model from the replay", hint="leave them out")
    name = typed["resume"]
    options = load(replays_folder(repo, name), name)
    options = replace(
        options,
        jobs=typed["jobs"],
        budget_usd=typed["budget"] if typed["budget"] is not None else options.budget_usd,
        budget_tokens=typed["budget_tokens"] or options.budget_tokens,
        tip=_grown_tip(repo, console, options),
    )
    return _run(repo, console, options, no_sandbox=typed["no_sandbox"])


def _grown_tip(repo: Repository, console: Console, options: ReplayOptions) -> str:
    """Return the end of the range as it is now, where it only grew: its new commits are appended."""
    end = options.span.rpartition("..")[2] or "HEAD"
    now = repo.resolve(end)
    if options.only is not None or now == options.tip:
        return options.tip
    if options.is_from_spec:
        console.say(f"{end} has moved; this goes on with the spec at {options.tip[:12]}")
        return options.tip
    if repo.git_status("merge-base", "--is-ancestor", options.tip, now, ok=(0, 1))[0] != 0:
        return options.tip
    new = repo.git("rev-list", "--count", f"{options.tip}..{now}").decode("ascii").strip()
    console.say(f"{end} has grown: {new} more in the range")
    return now


def _is_up_to_date(repo: Repository, console: Console, prepared: Prepared) -> bool:
    """Say what counts of the spec; return whether every module of it stays as it is."""
    if not prepared.options.is_from_spec:
        return False
    from regen_git.cli.generating import is_nothing_to_do, tell_about_spec
    from regen_git.replay.folded.planning import FoldedPrepared

    if not isinstance(prepared, FoldedPrepared):
        return False
    tell_about_spec(repo, console, prepared)
    if not is_nothing_to_do(prepared):
        return False
    console.emit({"name": prepared.options.name, "steps": {"regenerated": 0, "reused": len(prepared.units)}})
    console.out("nothing to do: nothing that a module rests on changed since it was generated")
    return True


def _check_asked(console: Console, prepared: Prepared) -> None:
    """Say where no commit is to be regenerated; only history itself can answer for such a range."""
    from regen_git.replay.plan import Kind

    if prepared.plan.count(Kind.REGENERATED):
        return
    if any(step.retracted for step in prepared.plan.steps):
        raise RegenError(
            "nothing to regenerate: every intent of this range is retracted",
            hint="'git regen retract --undo INTENT' gives one its force again",
        )
    console.say(
        "nothing to regenerate: no commit of this range has a recorded prompt. "
        "Take prompts from messages with 'git regen import commits', from Claude Code's sessions with "
        "'git regen import claude', or replay commits of agents too with '--include message'"
    )
    if not prepared.options.is_original:
        raise RegenError("nothing to regenerate", hint="'git regen log' shows what is known of each commit")


def _run(
    repo: Repository,
    console: Console,
    options: ReplayOptions,
    *,
    no_sandbox: bool,
    force: bool | None = None,
) -> int:
    """Plan and run a replay. ``force`` is what was said of one that begins; ``None``: it goes on."""
    from regen_git.cli.replaying import Meter, load_for_replay, model_client, prepared_for, print_report
    from regen_git.git.commits import read_commit
    from regen_git.replay.report import read_report
    from regen_git.replay.session import run_replay

    settings = load_for_replay(repo, no_sandbox=no_sandbox)
    for warning in settings.warnings:
        console.say(f"warning: {warning}")
    prepared = prepared_for(repo, options, settings)
    tell_troubles(console, ((facts.id, facts.troubles) for facts in prepared.facts))
    tell_missing(console, repo, sum(bool(facts.missing) for facts in prepared.facts))
    if _is_up_to_date(repo, console, prepared):
        return 0
    if not options.is_from_spec:
        _check_asked(console, prepared)
    if force is not None:
        from regen_git.cli.risks import check_risk

        _begin(repo, options, force=force, risk=check_risk(console, prepared, force=force))
    told = forecast_of(prepared)
    tell_forecast(console, told)
    client, price = model_client(options, settings)
    meter = Meter(is_quiet=console.is_json)
    begun = time.monotonic()
    try:
        finish = run_replay(prepared, client=client, price=price, on_progress=meter)
    except (KeyboardInterrupt, GitError) as error:
        # Ctrl-C on a terminal reaches git, too; which of us says so first is chance.
        if isinstance(error, GitError) and not error.is_interrupted:
            raise
        meter.clear()
        console.say(f"stopped; what was done is kept. Go on with 'git regen replay --resume {options.name}'")
        return _STOPPED
    except ModelError:
        meter.clear()
        console.say(f"what was done is kept; go on with 'git regen replay --resume {options.name}'")
        raise
    finally:
        meter.clear()
    report = read_report(repo, options.name)
    tree = read_commit(repo.objects, finish.tip).tree if finish.tip else None
    console.emit(report.to_json(tree) | ({"ran": ran_json(told, finish.ran)} if told else {}))
    print_report(console, report, time.monotonic() - begun)
    tell_ran(console, told, finish.ran)
    failed = report.verdict == "fail" or report.stuck is not None
    if options.is_original and report.first_difference is not None:
        failed = True
    return 1 if failed else 0
