"""``git regen fold``: write what is asked now as pages that people edit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from regen_git.cli.console import Console, safe, style
from regen_git.cli.context import json_option, open_up_to_date
from regen_git.errors import UsageError

if TYPE_CHECKING:
    from regen_git.cli.folding import Outcome
    from regen_git.domain.intent import Intent
    from regen_git.spec.checking import Findings
    from regen_git.spec.merging import Change

__all__ = ["command"]

_WIDTH = 90
_COLOURS = {"+": "green", "-": "red", "~": "yellow", "!": "red"}
_MOST = 40  # changes that are listed one by one
_MOST_LEFT_OUT = 8  # prompts that are newly left out and shown


@click.command("fold")
@click.argument("span", metavar="[RANGE]", required=False, default="HEAD")
@click.option(
    "--model",
    metavar="MODEL",
    default="rules",
    show_default=True,
    help="'rules', which cost nothing, or a model that words each page, as litellm names it.",
)
@click.option("--check", is_flag=True, help="Only say which intents the spec lacks, and what is out of date.")
@click.option("--budget", type=float, help="Most that may be spent, in US dollars.")
@click.option("--budget-tokens", type=int, help="Most tokens that may be used.")
@click.option("--max-tokens", type=int, default=8000, show_default=True, help="Longest reply.")
@click.option("--jobs", type=click.IntRange(min=1), default=4, show_default=True, help="Calls at once.")
@click.option("--dry-run", is_flag=True, help="Say what would change and what it may cost; do nothing.")
@json_option
def command(
    span: str,
    *,
    model: str,
    check: bool,
    budget: float | None,
    budget_tokens: int | None,
    max_tokens: int,
    jobs: int,
    dry_run: bool,
    as_json: bool,
) -> int:
    r"""Fold the intents of a range into the living spec, '.regen/spec/' of the working tree.

    Requirements become statements, corrections their conditions; what asks for nothing is listed at the end
    of a page with the reason. People's edits stay: a fold brings what is new, and marks a conflict where an
    intent and the words about it were both changed. Exits with 1 when there is a conflict, or, with --check,
    when intents are missing or out of date.

    \b
    Examples:
      git regen fold
      git regen fold v1.0..HEAD --dry-run
      git regen fold --model anthropic/claude-sonnet-4-5 --budget 0.50
      git regen fold --check
    """
    from regen_git.cli.folding import RULES, Terms, check_spec, run

    console = Console(json=as_json)
    repo = open_up_to_date()
    if check:
        if model != RULES:
            raise UsageError("--check asks no model", hint="leave '--model' out")
        findings, pages, _ = check_spec(repo, span)
        console.emit({"range": span, "pages": [page.name for page in pages], **_found(findings)})
        _say_findings(console, findings)
        return 0 if findings.is_good else 1
    terms = Terms(
        model,
        dry_run=dry_run,
        budget_usd=budget,
        budget_tokens=budget_tokens,
        max_tokens=max_tokens,
        jobs=jobs,
    )
    outcome = run(repo, span, terms, is_quiet=as_json)
    console.emit({"range": span, **outcome.to_json()})
    _say(console, outcome)
    return 1 if outcome.conflicts else 0


def _say(console: Console, outcome: Outcome) -> None:
    """Say what changed, and what to do next."""
    from regen_git.cli.replaying import counted, money

    changes = outcome.merged.changes
    for change in changes[:_MOST] if len(changes) > _MOST + 1 else changes:
        console.out(_line(change))
    if len(changes) > _MOST + 1:
        console.out(f"  … and {len(changes) - _MOST} more, on the pages")
    _say_left_out(console, outcome)
    for name, problem in outcome.kept.items():
        console.say(safe(f"page '{name}' stays as the rules made it: {problem}"))
    for one in outcome.disputed:
        console.say(f"two versions of intent '{one}' are in conflict; 'git regen edit {one}' settles it")
    if outcome.is_only_estimate:
        console.out(
            f"would ask {safe(outcome.terms.model)}: {counted(outcome.calls, 'call')}, about "
            f"{outcome.tokens:,} tokens, at most {money(outcome.cost_most_usd)}; nothing was sent"
        )
    elif outcome.calls:
        console.out(
            f"{counted(outcome.calls, 'call')}, {counted(outcome.reused, 'recorded reply')}, "
            f"{outcome.tokens:,} tokens, {money(outcome.cost_usd)}"
        )
    if not outcome.asked:
        console.out("no intent is recorded here; 'git regen import' takes what other tools recorded")
    elif not changes and not outcome.newly_left_out:
        console.out(f"the spec says what {counted(len(outcome.asked), 'intent')} ask")
    else:
        _say_next(console, outcome)


def _say_left_out(console: Console, outcome: Outcome) -> None:
    left_out = outcome.newly_left_out
    for name, one in left_out[:_MOST_LEFT_OUT]:
        console.out(style(safe(f"  {name}: left out ({one.reason}): {_short(one.text)}"), dim=True))
    if len(left_out) > _MOST_LEFT_OUT:
        console.out(f"  … and {len(left_out) - _MOST_LEFT_OUT} more are left out, on the pages")


def _say_next(console: Console, outcome: Outcome) -> None:
    from regen_git.cli.replaying import counted

    pages = outcome.merged.pages
    statements = sum(len(page.statements) for page in pages)
    left_out = sum(len(page.left_out) for page in pages)
    console.out(
        f"{counted(len(outcome.asked), 'intent')}: {counted(statements, 'statement')} on "
        f"{counted(len(pages), 'page')}, {counted(left_out, 'prompt')} left out"
    )
    if outcome.terms.dry_run:
        console.say("nothing was written")
    elif outcome.conflicts:
        where = ", ".join(sorted({f"'.regen/spec/{safe(change.page)}.md'" for change in outcome.conflicts}))
        console.say(f"conflicts in {where}: keep what is right between <<<<<<< and >>>>>>>")
    else:
        console.say("read the pages, edit them, commit them; then 'git regen plan --mode folded'")


def _line(change: Change) -> str:
    name = "conflict: " if change.sign == "!" else ""
    text = f"{change.sign} {change.page}: {name}{_short(change.text)}"
    return style(safe(text), fg=_COLOURS[change.sign])


def _short(text: str) -> str:
    line = " ".join(text.partition("\n\n")[0].split())
    return line if len(line) <= _WIDTH else line[: _WIDTH - 1].rstrip() + "…"


def _found(findings: Findings) -> dict[str, object]:
    """Return what scripts read of a check."""
    return {
        "good": findings.is_good,
        "missing": [{"intent": one.intent.id, "text": _first(one.intent)} for one in findings.missing],
        "stale": [
            {"page": one.page, "intent": one.intent, "why": one.why, "text": one.text}
            for one in findings.stale
        ],
        "removed": [{"intent": one.intent.id, "text": _first(one.intent)} for one in findings.removed],
        "unbacked": [{"page": page, "text": text} for page, text in findings.unbacked],
    }


def _first(intent: Intent) -> str:
    return next((prompt.text for prompt in intent.prompts), intent.approved or "")


def _say_findings(console: Console, findings: Findings) -> None:
    for one in findings.missing:
        console.out(safe(f"missing: {one.intent.id} {_short(_first(one.intent))}"))
    for stale in findings.stale:
        console.out(safe(f"stale: {stale.path}: {stale.intent} {stale.why}: {_short(stale.text)}"))
    for one in findings.removed:
        console.out(safe(f"taken out by hand: {one.intent.id} {_short(_first(one.intent))}"))
    for page, text in findings.unbacked:
        console.out(safe(f"no intent, by hand: {page}: {_short(text)}"))
    if findings.is_good:
        console.out("the spec says what the intents ask")
    else:
        console.say("'git regen fold' brings the spec up to date")
