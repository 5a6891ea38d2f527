"""The part of a step that is not the model's: frozen files from history, and people's changes carried."""

from __future__ import annotations

import difflib
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from regen_git.errors import ModelError
from regen_git.git.trees import EXECUTABLE, REGULAR, Leaf, edit, lookup
from regen_git.replay.carry import Carried, How, carry, resolved
from regen_git.replay.compose import compose, text_of
from regen_git.replay.reply import parse_reply
from regen_git.replay.request import carry_request
from regen_git.replay.workbench import StuckError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.git.trees import Change
    from regen_git.replay.plan import Step
    from regen_git.replay.workbench import Workbench

__all__ = ["apply_history", "by_person", "settle_carried"]

_OPEN = (How.PERSON, How.GONE)
_WORD = re.compile(r"\w+")


async def apply_history(
    bench: Workbench, step: Step, base: Oid, mine: Sequence[RepoPath]
) -> tuple[Oid, tuple[Carried, ...], tuple[str, ...]]:
    """Apply what this commit changed beside ``mine`` to ``base``.

    Returns the tree, what became of each change of a person, and the recorded replies that helped. Raises
    ``StuckError`` where a person is wanted.
    """
    facts = bench.facts[step.index]
    edits: dict[RepoPath, Leaf | None] = {}
    carried: list[Carried] = []
    for change in facts.changes:
        if change.path in mine:
            continue
        if facts.kinds[change.path].is_frozen:
            edits[change.path] = change.new
            continue
        ours = lookup(bench.store, base, change.path)
        carried.append(carry(bench.store, change.path, base=change.old, theirs=change.new, ours=ours))
    settled, replies = await settle_carried(bench, step, carried, {c.path: c for c in facts.changes}, base)
    edits.update((each.path, each.leaf) for each in settled)
    return edit(bench.store, base, edits), tuple(settled), replies


def by_person(bench: Workbench, step: Step, tree: Oid) -> tuple[Carried, ...]:
    """Return what to report of people's changes where a person edited the whole tree of a step."""
    facts = bench.facts[step.index]
    return tuple(
        resolved(bench.store, c.path, base=c.old, theirs=c.new, now=lookup(bench.store, tree, c.path))
        for c in facts.changes
        if c.path not in step.wrote and not facts.kinds[c.path].is_frozen
    )


async def settle_carried(
    bench: Workbench,
    step: Step,
    carried: Sequence[Carried],
    changes: dict[RepoPath, Change],
    best: Oid,
) -> tuple[list[Carried], tuple[str, ...]]:
    """Take what the rules left open to whoever may decide: a person who has spoken, the model, a person."""
    resolution = bench.resolutions.get(step.index)
    settled: list[Carried] = []
    replies: list[str] = []
    waiting: list[Carried] = []
    for each in carried:
        done = each
        if each.how in _OPEN and resolution is not None and resolution.take_original:
            change = changes.get(each.path)
            done = replace(
                each, leaf=change.new if change else each.leaf, how=How.EXACT, why="taken as it was"
            )
        elif each.how in _OPEN and resolution is not None and resolution.drop:
            done = replace(each, how=How.GONE, why=f"{each.why}; a person confirmed it".lstrip("; "))
        elif each.how is How.PERSON and not bench.options.is_original and each.path in changes:
            done, used = await _ask_model(bench, step, each, changes[each.path])
            replies += used
        if done.how in _OPEN and not (resolution is not None and resolution.drop):
            waiting.append(done)
        settled.append(done)
    if waiting:
        raise StuckError(step, [f"{w.path}: {w.how.value}: {w.why}" for w in waiting], best)
    return settled, tuple(replies)


async def _ask_model(
    bench: Workbench, step: Step, open_change: Carried, change: Change
) -> tuple[Carried, list[str]]:
    """Ask the model to make a person's change on the rebuilt file. One answer; a person is next."""
    leaf = open_change.leaf
    if leaf is None or leaf.mode not in (REGULAR, EXECUTABLE) or change.new is None:
        return open_change, []
    facts = bench.facts[step.index]
    store = bench.store
    old = text_of(store.blob(change.old.oid)) if change.old is not None else ""
    new, now = text_of(store.blob(change.new.oid)), text_of(store.blob(leaf.oid))
    diff = "\n".join(difflib.unified_diff(old.split("\n"), new.split("\n"), "before", "after", lineterm=""))
    resolution = bench.resolutions.get(step.index)
    message = "\n\n".join([facts.commit.text, *(resolution.notes if resolution else ())])
    request = carry_request(
        f"Carry {step.commit[:16]} {open_change.path}",
        message,
        open_change.path,
        diff,
        now,
        model=bench.options.model,
        parameters=bench.options.parameters,
    )
    try:
        answer = await bench.answers.ask(request, history=None)
    except ModelError as error:
        if error.kind not in ("long", "endless"):
            raise
        return replace(open_change, why=f"{open_change.why}; {error}"), []
    parsed = parse_reply(answer.text, current={open_change.path: now}, finish=answer.finish)
    used = [answer.recorded] if answer.recorded else []
    if parsed.problems:
        return replace(
            open_change, why=f"{open_change.why}; the model's answer: {parsed.problems[0].message}"
        ), used
    tree = edit(store, None, {open_change.path: leaf})
    made = compose(store, tree, tree, parsed, frozenset({open_change.path}))
    result = made.edits.get(open_change.path)
    if result is None or result.oid == leaf.oid:
        return replace(open_change, why=f"{open_change.why}; the model changed nothing"), used
    words, lost = _arrived(old, new, store.blob(result.oid).decode())
    if words and len(lost) == len(words):
        return replace(open_change, why=f"{open_change.why}; nothing of the change is in the answer"), used
    why = "not in the answer: " + ", ".join(lost) if lost else ""
    return replace(open_change, leaf=result, how=How.MODEL, why=why), used


def _arrived(old: str, new: str, result: str) -> tuple[list[str], list[str]]:
    """Return the words that the person's change brought, and those of them that the result lacks.

    Words, not lines: a line that was carried into code with other names is another line.
    """
    before, after = set(_WORD.findall(old)), set(_WORD.findall(result))
    brought = [word for word in dict.fromkeys(_WORD.findall(new)) if word not in before]
    return brought, [word for word in brought if word not in after]
