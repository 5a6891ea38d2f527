"""``git regen try``: regenerate one commit from its real parent, and put old and new side by side."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from regen_git.cli.console import Console, safe
from regen_git.cli.context import json_option, open_up_to_date

if TYPE_CHECKING:
    from regen_git.git.repository import Repository
    from regen_git.replay.prepare import Prepared
    from regen_git.replay.session import Finish

__all__ = ["command"]

_DIFF_LINES = 120


@click.command("try")
@click.argument("commit", default="HEAD")
@click.option("--model", help="'original', or a model as litellm names it. Default: git config regen.model.")
@click.option("--budget", type=float, help="Most that may be spent, in US dollars.")
@click.option("--budget-tokens", type=int, help="Most tokens that may be used.")
@click.option("--max-tokens", type=int, default=16_000, show_default=True, help="Longest reply.")
@click.option("--no-check", is_flag=True, help="Do not run the checks.")
@click.option("--no-sandbox", is_flag=True, help="Run checks without a sandbox.")
@click.option("--full", is_flag=True, help="Show the whole difference.")
@click.option("--dry-run", is_flag=True, help="Print the request that would be sent; send nothing.")
@json_option
def command(commit: str, *, as_json: bool, **typed: Any) -> int:
    r"""Regenerate one commit from its real parent and compare old with new, with cost and verdict.

    \b
    git regen try HEAD~3 --model anthropic/claude-opus-4-8
    git regen try HEAD --model openai/gpt-5 --dry-run
    """
    from regen_git.cli.replaying import Meter, choose_model, load_for_replay, model_client
    from regen_git.errors import ReplayError
    from regen_git.replay.journal import Journal
    from regen_git.replay.options import ReplayOptions
    from regen_git.replay.plan import Kind
    from regen_git.replay.prepare import prepare
    from regen_git.replay.session import replays_folder, run_replay

    console = Console(json=as_json)
    repo = open_up_to_date()
    settings = load_for_replay(repo, no_sandbox=typed["no_sandbox"])
    for warning in settings.warnings:
        console.say(f"warning: {warning}")
    oid = repo.resolve(commit)
    options = ReplayOptions(
        name=f"try-{oid[:10]}",
        span=oid,
        tip=oid,
        model=choose_model(typed["model"], settings),
        mode="anchored",
        rewrite=True,
        check="never" if typed["no_check"] else "regenerated",
        budget_usd=typed["budget"],
        budget_tokens=typed["budget_tokens"],
        max_tokens=typed["max_tokens"],
        only=oid,
    )
    prepared = prepare(repo, options, settings)
    if prepared.plan.steps[0].kind is not Kind.REGENERATED:
        raise ReplayError(
            f"there is nothing to regenerate in '{oid[:12]}'",
            hint="it is a merge, it is marked human, its intent is retracted, or it touches only files that "
            "no model may write",
        )
    if typed["dry_run"]:
        return _show_request(console, prepared)
    journal = Journal(replays_folder(repo, options.name) / "journal.jsonl")
    journal.note(state="restart")
    journal.write()
    client, price = model_client(options, settings)
    begun = time.monotonic()
    finish = run_replay(prepared, client=client, price=price, on_progress=Meter(is_quiet=as_json))
    return _show(repo, console, finish, time.monotonic() - begun, is_full=typed["full"])


def _show_request(console: Console, prepared: Prepared) -> int:
    """Print the request word for word, and how long it is."""
    from regen_git.llm.client import prompt_estimate
    from regen_git.replay.estimate import request_of

    request = request_of(prepared, prepared.plan.steps[0])
    console.emit(
        {
            "digest": request.digest,
            "tokens_estimate": prompt_estimate(request),
            "messages": [{"role": m.role, "content": m.content} for m in request.messages],
        }
    )
    for message in request.messages:
        console.out(f"--- {message.role}")
        console.out(safe(message.content))
    console.say(f"about {prompt_estimate(request):,} tokens; nothing was sent")
    return 0


def _show(repo: Repository, console: Console, finish: Finish, seconds: float, *, is_full: bool) -> int:
    from regen_git.cli.replaying import counted, money
    from regen_git.git.commits import read_commit
    from regen_git.replay.report import read_report

    report = read_report(repo, finish.prepared.options.name)
    facts = finish.prepared.facts[0]
    stuck = finish.outcome.stuck
    new = stuck.best if stuck else read_commit(repo.objects, finish.tip or "").tree
    console.emit(report.to_json(new))
    console.out(f"{facts.id[:12]} {safe(facts.subject)}")
    for intent in facts.intents:
        for prompt in intent.prompts:
            console.out("  > " + safe(prompt.text.strip()).replace("\n", "\n  > "))
    parent = facts.parents[0] if facts.parents else repo.objects.hash("tree", b"")
    for title, tree in (("old", facts.tree), ("new", new)):
        stat = repo.git("diff", "--shortstat", parent, tree).decode().strip() or "no change"
        console.out(f"{title}: {stat}")
    patch = repo.git("diff", "--no-ext-diff", "--no-color", facts.tree, new).decode("utf-8", "replace")
    lines = safe(patch).rstrip("\n").split("\n") if patch else ["old and new are the same"]
    shown = lines if is_full else lines[:_DIFF_LINES]
    console.out("\n".join(shown))
    if len(shown) < len(lines):
        console.out(f"… {len(lines) - len(shown)} more lines; --full shows them")
    spent = f"{counted(report.calls, 'call')}, {report.tokens:,} tokens, {money(report.cost_usd)}"
    console.out(f"{spent}, {seconds:.1f} s")
    if stuck is not None:
        console.out("no acceptable result:")
        console.out("\n".join("  " + safe(line) for line in stuck.why))
        return 1
    console.out(f"verdict: {report.verdict}")
    for reason in (report.verification or {}).get("reasons", []):
        console.out(f"  {safe(reason)}")
    return 1 if report.verdict == "fail" else 0
