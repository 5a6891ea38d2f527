"""What the commands around a replay share: its options, its model, its progress and its report."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from regen_git.cli.console import safe
from regen_git.errors import ReplayError, UsageError
from regen_git.replay.options import ORIGINAL

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from regen_git.cli.console import Console
    from regen_git.config import Settings
    from regen_git.domain.ids import Oid
    from regen_git.git.repository import Repository
    from regen_git.llm.client import ModelClient, Request
    from regen_git.llm.prices import Price
    from regen_git.replay.answers import Answers
    from regen_git.replay.engine import Progress
    from regen_git.replay.estimate import Estimate
    from regen_git.replay.options import Mode, ReplayOptions
    from regen_git.replay.prepare import Prepared
    from regen_git.replay.report import Report
    from regen_git.replay.session import OpenClient

__all__ = [
    "Meter",
    "choose_model",
    "counted",
    "default_mode",
    "load_for_replay",
    "model_client",
    "money",
    "prepared_for",
    "print_estimate",
    "print_hunks",
    "print_report",
]


_FEW = 20
"""How many hunks that stand unchanged are still listed one by one."""


def choose_model(typed: str | None, settings: Settings) -> str:
    """Return the model to use. Raises ``UsageError`` when nobody named one."""
    model = typed or settings.user.model
    if not model:
        raise UsageError(
            "no model is named",
            hint="rehearse with '--model original', which costs nothing; or name one as litellm does: "
            "'--model openai/gpt-5', '--model anthropic/claude-opus-4-8', '--model ollama/qwen3'; "
            "'git config regen.model NAME' keeps it",
        )
    return model


def default_mode(repo: Repository, span: str, tip: Oid) -> Mode:
    """Return the mode where none is named: the spec is generated where there is one, and no A..B is typed."""
    from regen_git.git.commits import read_commit
    from regen_git.git.trees import subtree, walk
    from regen_git.spec.values import SPEC_FOLDER

    store = repo.objects
    folder = subtree(store, read_commit(store, tip).tree, SPEC_FOLDER)
    if ".." in span or folder is None:
        return "chained"
    return "folded" if any(path.endswith(".md") for path, _ in walk(store, folder)) else "chained"


def prepared_for(repo: Repository, options: ReplayOptions, settings: Settings) -> Prepared:
    """Plan a replay of history, or the generation of a spec. Raises ``ReplayError``."""
    if options.is_from_spec:
        from regen_git.replay.folded.planning import prepare_folded

        return prepare_folded(repo, options, settings)
    from regen_git.replay.prepare import prepare

    return prepare(repo, options, settings)


def load_for_replay(repo: Any, *, no_sandbox: bool = False) -> Settings:
    """Read the settings of this repository and its user."""
    from regen_git.config import load_settings

    settings = load_settings(repo)
    if no_sandbox:
        settings = replace(settings, user=replace(settings.user, sandbox="off"))
    return settings


def model_client(options: ReplayOptions, settings: Settings) -> tuple[OpenClient | None, Price | None]:
    """Return how to open the client for a model, and its price; nothing for history and recorded replies.

    Raises ``UsageError`` where a budget in dollars meets an unknown price.
    """
    if options.model == ORIGINAL or options.locked:
        return None, None
    from regen_git.llm.prices import lookup

    price = lookup(options.model)
    if price is None and options.budget_usd is not None:
        raise UsageError(
            f"no price is known for model '{options.model}', so a budget in dollars cannot be kept",
            hint="give the budget in tokens with --budget-tokens",
        )

    def opened(unsure: Callable[[Request], Awaitable[None]]) -> ModelClient:
        from regen_git.llm.litellm_client import LitellmClient

        user = settings.user
        client = LitellmClient(max(1, options.jobs), user.timeout_s, api_base=user.api_base, on_unsure=unsure)
        client.warm()
        return client

    return opened, price


def counted(number: int, what: str) -> str:
    """Return ``1 call``, ``2 calls``, ``3 replies``."""
    if number == 1:
        return f"1 {what}"
    return f"{number:,} {what[:-1]}ies" if what.endswith("y") else f"{number:,} {what}s"


def money(usd: float | None) -> str:
    """Return an amount as people read it."""
    if usd is None:
        return "unknown cost"
    return f"${usd:.2f}" if usd >= 1 or usd == 0 else f"${usd:.4f}"


def print_estimate(console: Console, options: ReplayOptions, guess: Estimate) -> None:
    """Say what a replay may cost, and how long its checks take where that is known."""
    if options.is_original:
        console.out(f"about {guess.tokens:,} tokens with a model; '--model original' rehearses it at no cost")
    else:
        console.out(f"about {guess.tokens:,} tokens, {money(guess.cost_usd)}, with one repair in four steps")
    if guess.check_seconds is not None:
        console.out(f"about {guess.check_seconds:.0f} s of checks")


class Meter:
    """Shows how far a replay is on standard error, on a terminal only: steps, tokens, money, time left."""

    def __init__(self, *, is_quiet: bool) -> None:
        self._bar: Any = None
        self._task: Any = None
        if sys.stderr.isatty() and not is_quiet:
            self._bar = _bar()

    def __call__(self, progress: Progress, answers: Answers) -> None:
        """Show the state."""
        if self._bar is None:
            return
        tally = answers.tally
        if self._task is None:
            self._task = self._bar.add_task("", total=progress.total, spent="")
            self._bar.start()
        tokens = tally.prompt_tokens + tally.completion_tokens
        spent = f"{tokens:,} tokens, {money(tally.cost_usd)}"
        subject = safe(progress.subject)[:40]
        self._bar.update(self._task, completed=progress.done, spent=spent, description=subject)

    def clear(self) -> None:
        """Take the bar away, so that what follows stands alone."""
        if self._bar is not None:
            self._bar.stop()


def _bar() -> Any:
    from rich.console import Console as RichConsole
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[spent]}", markup=False),
        TimeRemainingColumn(),
        TextColumn("{task.description}", markup=False),
        console=RichConsole(stderr=True),
        transient=True,
    )


def print_report(console: Console, report: Report, seconds: float) -> None:
    """Say what a replay came to, and what to do next."""
    options = report.options
    counts = report.counts
    shown = ", ".join(f"{number} {kind}" for kind, number in counts.items() if number and kind != "stuck")
    console.out(f"{options.branch.removeprefix('refs/heads/')}: {shown or 'no step done'} in {seconds:.1f} s")
    _print_calls(console, report)
    for module in report.modules:
        if module["kind"] != "reused":
            console.out(f"    {safe(module['module'])}: {safe('; '.join(module['why'] or ['made anew']))}")
    print_hunks(console, report)
    if report.signatures_dropped:
        dropped = counted(report.signatures_dropped, "signature")
        console.out(f"  {dropped} dropped: what was signed is not there any more")
    if report.stuck is not None:
        _print_stuck(console, report)
        return
    difference = report.first_difference
    if difference is None:
        console.out("  identical to its source at every step")
    else:
        where = safe(difference["path"]) + (f":{difference['line']}" if difference["line"] else "")
        console.out(
            f"  first difference: commit {difference['commit'][:12]} ({safe(difference['subject'])}), {where}"
        )
    if report.risk is not None and report.risk.get("forced"):
        console.out("  begun by --force, though its risk said: refuse")
    console.out(f"  verdict: {report.verdict}")
    for reason in (report.verification or {}).get("reasons", []):
        console.out(f"    {safe(reason)}")
    _print_next(console, report)


def _print_calls(console: Console, report: Report) -> None:
    """Say what was asked, and what that cost."""
    if report.calls or report.reused:
        console.out(
            f"  {counted(report.calls, 'call')}, {counted(report.reused, 'recorded reply')}, "
            f"{report.tokens:,} tokens, "
            f"{money(report.cost_usd)}"
        )
    if report.unanswered:
        console.out(
            f"  {counted(report.unanswered, 'call')} of these brought no answer, and may have been billed: "
            "counted at the most they can cost"
        )
    if report.calls_unknown:
        console.out(
            f"  and {counted(report.calls_unknown, 'call')} that a kill cut off: up to "
            f"{money(report.cost_unknown_usd)}, counted against the budget"
        )


def print_hunks(console: Console, report: Report) -> None:
    """Say where every hunk that a person wrote went; of those that stand unchanged, a few by name."""
    hunks = report.hunks
    kinds: dict[str, int] = {}
    for hunk in hunks:
        kinds[hunk.how] = kinds.get(hunk.how, 0) + 1
    if kinds:
        shown = ", ".join(f"{number} {how}" for how, number in kinds.items())
        console.out(f"  hunks by people: {shown}")
    exact = [hunk for hunk in hunks if hunk.how == "exact"]
    for hunk in hunks:
        if hunk.how != "exact" or len(exact) <= _FEW:
            where = safe(hunk.path) + (f":{hunk.new}" if hunk.new else "")
            why = f": {safe(hunk.why)}" if hunk.why else ""
            console.out(f"    {hunk.commit[:12]} {where}: {hunk.how}{why}")
    if len(exact) > _FEW:
        console.out(f"    {len(exact):,} stand as they were written; '--json' names them")


def _print_stuck(console: Console, report: Report) -> None:
    stuck = report.stuck or {}
    name = report.options.name
    console.out(f"  stuck at step {int(stuck['step']) + 1}:")
    for line in stuck["why"]:
        console.out("    " + safe(line).replace("\n", "\n    "))
    console.out("  what a person can do, then 'git regen replay --resume " + name + "':")
    console.out(f"    git regen resolve {name} --note 'what the model must know'")
    ways = stuck.get("ways", ["original", "drop"])
    if "original" in ways:
        console.out(f"    git regen resolve {name} --take original    (as history has it)")
    if "drop" in ways:
        console.out(f"    git regen resolve {name} --drop             (what no longer applies may go)")
    console.out(f"    git regen resolve {name} --edit ../fix      (edit the best state in a worktree)")


def _print_next(console: Console, report: Report) -> None:
    name = report.options.name
    if report.options.model == ORIGINAL:
        console.out("  next: the same command with a model, for instance '--model anthropic/claude-opus-4-8'")
        return
    console.out(f"  next: 'git regen compare {name}', then 'git regen adopt {name}'")


def require_ended(report: Report) -> None:
    """Refuse to go on with a replay that is not at its end. Raises ``ReplayError``."""
    if not report.is_ended or report.tip is None:
        name = report.options.name
        raise ReplayError(
            f"replay '{name}' is not finished", hint=f"go on with 'git regen replay --resume {name}'"
        )
