"""Say what the demonstration did, in lines for people or as one object for scripts.

No figure stands here: all of them come from the run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from regen_git.demo.running import MODEL, NAME, RELEASE
from regen_git.domain.verdict import Outcome
from regen_git.git.commits import read_commit
from regen_git.verify.statement import to_json

if TYPE_CHECKING:
    from pathlib import Path

    from regen_git.demo.running import Shown, StepShown
    from regen_git.verify.compare import Difference

__all__ = ["as_object", "as_text"]

_SHORT = 7
_WIDE = 74
_NAMES = 6


def as_text(shown: Shown, folder: Path, seconds: float) -> list[str]:
    """Return the whole story, line by line."""
    return [
        *_head(shown, folder),
        *_history(shown),
        *_replay(shown),
        *_verdict(shown),
        *_changed(shown),
        *_next(folder),
        "",
        f"{seconds:.1f} s in all, {shown.report.calls} recorded replies, nothing sent, nothing paid.",
    ]


def as_object(shown: Shown, folder: Path, seconds: float) -> dict[str, Any]:
    """Return the same for scripts."""
    tree = read_commit(shown.repo.objects, shown.tip).tree
    return {
        "folder": str(folder),
        "replies": "recorded",
        "trusted": list(shown.trusted),
        "history": [_step_object(step) for step in shown.steps],
        "replay": shown.report.to_json(tree),
        "verification": to_json(shown.verification),
        "comparison": shown.comparison.to_json(),
        "next": _commands(folder),
        "seconds": round(seconds, 3),
    }


def _step_object(step: StepShown) -> dict[str, Any]:
    return {
        "source": step.source,
        "commit": step.commit,
        "subject": step.subject,
        "author": step.author,
        "kind": step.kind,
        "prompts": [{"class": kind, "text": text} for kind, text in step.prompts],
        "attempts": step.attempts,
        "carried": [{"path": path, "how": how} for path, how in step.carried],
        "mended": list(step.mended),
        "failed": [list(lost) for lost in step.failed],
        "verdict": step.verdict,
    }


def _head(shown: Shown, folder: Path) -> list[str]:
    return [
        "A small application, rebuilt from its prompts by a newer model.",
        "",
        f"  It lies in {folder} and stays there.",
        f"  The replies of '{MODEL}' are recorded: they come with this program, one for each request.",
        "  All else is real: plan, requests, tests and branch are made as they are with any model.",
        "  A repository's commands run only after somebody said yes. This one was made here, so the",
        "  demonstration said yes itself, to:",
        *(f"    {line}" for line in shown.trusted),
    ]


def _history(shown: Shown) -> list[str]:
    lines = ["", f"The history: {len(shown.steps)} commits on 'main', as people make them with an agent", ""]
    for step in shown.steps:
        lines.append(f"  {step.source[:_SHORT]} {step.subject}")
        for kind, text in step.prompts:
            lines.append(f'          {kind}: "{_cut(text)}"')
        if not step.prompts:
            lines.append(f"          by hand: {step.author}")
    return lines


def _cut(text: str) -> str:
    return text if len(text) <= _WIDE else text[: _WIDE - 1].rstrip() + "…"


def _replay(shown: Shown) -> list[str]:
    counts = ", ".join(f"{n} {kind}" for kind, n in shown.report.counts.items() if n)
    lines = ["", f"The replay: {counts}; the result is the branch 'regen/{NAME}'", ""]
    for step in shown.steps:
        lines.append(f"  {step.commit[:_SHORT]} {step.kind:<12} {step.subject}")
        lines += [f"          {what}" for what in _became(step)]
    return lines


def _became(step: StepShown) -> list[str]:
    if step.kind == "reused":
        return ["the same commit: nothing before it changed"]
    told = [f"{path}: carried {how}, {step.author}'s change" for path, how in step.carried]
    if step.kind == "carried" and not told:
        told.append(f"{step.author}'s files, byte for byte: tests and settings are frozen")
    if step.joins:
        told.append(f"a correction: it was asked at once with '{step.joins}', and is judged here")
    for number, lost in enumerate(step.failed, 1):
        told.append(f"answer {number} was refused; these tests pass on the original and failed on it:")
        told += [f"  {name}" for name in lost]
    if step.failed:
        told.append(f"the model was shown the failure; answer {step.attempts} was accepted")
    told += [f"mended by hand, and kept: {line}" for line in step.mended]
    return told


def _verdict(shown: Shown) -> list[str]:
    found = shown.verification
    lines = ["", f"The verdict: {found.verdict.value}. It rests on this:", ""]
    for check in found.checks:
        counts = [sum(o is outcome for o in check.tests.values()) for outcome in Outcome]
        tests = ", ".join(f"{n} {o.value}" for n, o in zip(counts, Outcome, strict=True) if n)
        what = f"data made by {RELEASE}, read by the new code" if check.name == "state" else tests
        lines.append(f"  check '{check.name}': {check.verdict.value}{', ' + what if what else ''}")
    lost, unstable = found.ratchet.lost, found.ratchet.unstable
    lines.append(f"  tests lost against the original: {len(lost)}; not stable there: {len(unstable)}")
    held = [gate.name for gate in found.gates if not gate.problems]
    lines.append(f"  gates that hold: {', '.join(held)}")
    lines.append(
        f"  {len(found.frozen)} frozen files (tests, migrations, settings) are history's, byte for byte"
    )
    lines += [f"  {reason}" for reason in found.reasons]
    lines.append("  What no test asks is not verified.")
    return lines


def _changed(shown: Shown) -> list[str]:
    found = shown.comparison
    old, new = found.old_size, found.new_size
    lines = ["", "What changed, computed from both trees (without tests and other frozen files)", ""]
    lines.append(f"  {'':<26}{'old':>8}{'new':>8}")
    rows = [
        ("files", old.files, new.files),
        ("lines", old.lines, new.lines),
        ("decisions (complexity)", old.complexity, new.complexity),
        ("public names", *_totals(found.surface)),
        ("declared dependencies", *_totals(found.dependencies)),
    ]
    if found.tests is not None:
        rows.append(("tests that pass", *_totals(found.tests)))
    lines += [f"  {name:<26}{before:>8,}{after:>8,}{_percent(before, after)}" for name, before, after in rows]
    lines.append("")
    for word, sign in (("fewer", -1), ("more", 1), ("the same", 0)):
        mine = [name for name, before, after in rows if (after > before) - (after < before) == sign]
        lines += [f"  {word}: {', '.join(mine)}"] if mine else []
    for title, names in (
        ("public names gone", found.surface.lost),
        ("new public names", found.surface.gained),
        ("dependencies gone", found.dependencies.lost),
        ("new dependencies", found.dependencies.gained),
        ("tests lost", found.tests.lost if found.tests else ()),
    ):
        lines += _named(title, names)
    return [
        *lines,
        "",
        "  History and replies were written for this demonstration: the figures show what is measured,",
        "  not what a model will do with your code.",
    ]


def _totals(difference: Difference) -> tuple[int, int]:
    return len(difference.lost) + difference.same, len(difference.gained) + difference.same


def _percent(before: int, after: int) -> str:
    return f"   {100 * (after - before) / before:+.0f} %" if before and after != before else ""


def _named(title: str, names: tuple[str, ...]) -> list[str]:
    if not names:
        return []
    short = [name.rpartition(": ")[2] for name in names]
    lines = [f"  {title}: {short[0]}", *(f"  {'':<{len(title)}}  {name}" for name in short[1:_NAMES])]
    if len(short) > _NAMES:
        lines.append(f"  {'':<{len(title)}}  and {len(short) - _NAMES} more")
    return lines


def _commands(folder: Path) -> dict[str, list[str]]:
    import shlex

    git = f"git -C {shlex.quote(str(folder))}"
    return {
        "look": [
            f"{git} regen log",
            f"{git} regen why spend/export.py:4",
            f"{git} diff main regen/{NAME} -- spend",
            f"{git} regen replay --locked --model {MODEL} --name {NAME}",
            f"{git} regen adopt {NAME}",
        ],
        "yours": [
            "cd your-repo && git regen init",
            "git regen import commits",
            "git regen replay --model original",
            "git regen try HEAD --model openai/gpt-5",
        ],
    }


def _next(folder: Path) -> list[str]:
    commands = _commands(folder)
    why = {
        "regen log": "the prompts behind each commit",
        "regen why": "why a line is there",
        "diff main": "old code against new",
        "--locked": "the same commits again, from recorded replies alone",
        "regen adopt": "take it over as one commit",
        "regen init": "from now on, prompts are kept",
        "import commits": "what messages of agents' commits tell of earlier ones",
        "original": "rehearse: costs nothing, proves the plan",
        "try HEAD": "one commit, asked again of a model you pay",
    }
    lines = ["", "Look at it"]
    lines += _explained(commands["look"], why)
    lines += ["", "Try it on your own repository"]
    return lines + _explained(commands["yours"], why)


def _explained(commands: list[str], why: dict[str, str]) -> list[str]:
    lines = []
    for command in commands:
        about = next((text for part, text in why.items() if part in command), "")
        lines += [*([f"  # {about}"] if about else []), f"  {command}"]
    return lines
