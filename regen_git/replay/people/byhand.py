"""The part of a step that is not the model's: frozen files from history, and people's changes carried."""

from __future__ import annotations

import difflib
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from regen_git.config.ownership import is_text
from regen_git.domain.intent import LineRange
from regen_git.errors import ModelError
from regen_git.git.trees import EXECUTABLE, REGULAR, Leaf, edit, is_same, lookup
from regen_git.replay.compose import compose, text_of
from regen_git.replay.people.carry import Carried, How, Part, carry, change_of, kept, resolved
from regen_git.replay.people.hand_placing import place_hand_lines
from regen_git.replay.people.regions import kept_regions, missing_hand_lines, missing_regions
from regen_git.replay.plan import Kind
from regen_git.replay.reply import parse_reply
from regen_git.replay.request import carry_request
from regen_git.replay.workbench import StuckError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.git.objects import ObjectStore
    from regen_git.git.trees import Change
    from regen_git.replay.facts import CommitFacts
    from regen_git.replay.plan import Step
    from regen_git.replay.workbench import Made, Workbench

__all__ = ["apply_history", "by_person", "compared", "kept_whole", "settle_carried"]

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
    carried = _mended_lines(bench, step, base)
    left = {*mine, *facts.dropped}
    for change in facts.changes:
        if change.path in left:
            continue
        if facts.kinds[change.path].is_frozen:
            edits[change.path] = change.new
            if _is_by_hand(step, facts, change.path):
                carried.append(kept(bench.store, change.path, base=change.old, theirs=change.new))
            continue
        ours = lookup(bench.store, base, change.path)
        carried.append(carry(bench.store, change.path, base=change.old, theirs=change.new, ours=ours))
    best = edit(bench.store, base, edits)
    settled, replies = await settle_carried(bench, step, carried, best)
    edits.update((each.path, each.leaf) for each in settled)
    return edit(bench.store, base, edits), tuple(settled), replies


def _mended_lines(bench: Workbench, step: Step, base: Oid) -> list[Carried]:
    """Carry the lines that a person mended in files whose intents are retracted, as far as they fit."""
    facts, store = bench.facts[step.index], bench.store
    found: list[Carried] = []
    for path, ranges in facts.dropped_hand.items():
        ours, theirs = lookup(store, base, path), lookup(store, facts.tree, path)
        if theirs is None:
            continue
        why = "a person mended these lines in what a retracted intent wrote"
        gone = tuple(Part(None, part, How.GONE, why) for part in ranges)
        done = Carried(path, ours, gone, theirs=theirs)
        if ours is not None and ours.mode in (REGULAR, EXECUTABLE):
            text = place_hand_lines(None, store.blob(theirs.oid), ranges, store.blob(ours.oid), path=path)
            if text is not None:
                leaf = Leaf(ours.mode, store.write("blob", text))
                exact = tuple(Part(None, part, How.EXACT) for part in ranges)
                done = Carried(path, leaf, exact, theirs=theirs)
        found.append(done)
    return found


def _is_by_hand(step: Step, facts: CommitFacts, path: RepoPath) -> bool:
    """Return whether a person changed this path: in a commit of theirs, or beside what an agent wrote."""
    if step.kind is not Kind.REGENERATED:
        return True
    known = [binding.wrote for binding in facts.bindings]
    return all(known) and bool(known) and not any(path in wrote for wrote in known)


def by_person(bench: Workbench, step: Step, tree: Oid) -> tuple[Carried, ...]:
    """Return what to report of people's changes where a person edited the whole tree of a step."""
    facts = bench.facts[step.index]
    return tuple(
        resolved(bench.store, c.path, base=c.old, theirs=c.new, now=lookup(bench.store, tree, c.path))
        for c in facts.changes
        if c.path not in step.wrote and not facts.kinds[c.path].is_frozen
    )


def kept_whole(bench: Workbench, step: Step) -> tuple[Carried, ...]:
    """Return what to report of a person's commit that stands on the very tree it was made on."""
    changes = bench.facts[step.index].changes
    return tuple(kept(bench.store, c.path, base=c.old, theirs=c.new) for c in changes)


def compared(bench: Workbench, step: Step, made: Made) -> Made:
    """Return a result as it is told and committed: compared with what history has in its place."""
    if made.inside is not None:
        return made
    tree, history = made.tree, bench.facts[step.index].tree
    if made.request and tree != history and is_same(bench.store, tree, history):
        # Empty folders and odd modes are in no answer: where all files are as they were, so is the tree.
        tree = history
    return replace(made, tree=tree, inside=kept_inside(bench, step, tree))


def kept_inside(bench: Workbench, step: Step, tree: Oid) -> tuple[Carried, ...]:
    """Return what became of what people wrote inside an agent's commit: mended lines, and kept regions."""
    facts = bench.facts[step.index]
    store = bench.store
    found: list[Carried] = []
    for change in facts.changes:
        ranges = facts.hand.get(change.path, ())
        if change.path not in step.wrote or change.new is None:
            continue
        leaf = lookup(store, tree, change.path)
        new = store.blob(change.new.oid)
        now = store.blob(leaf.oid) if leaf is not None else b""
        lost = missing_hand_lines(new, ranges, now)
        parts = [_inside(part, is_lost=part in lost) for part in ranges]
        parts += _regions(store, change, new, now)
        if parts:
            found.append(Carried(change.path, leaf, tuple(parts), change.old, change.new))
    return tuple(found)


def _inside(part: LineRange, *, is_lost: bool) -> Part:
    """Return the fate of lines that a person mended; nothing but a person's own word lets some go."""
    if part.last < part.first:
        return Part(None, part, How.GONE, "lines were taken out here, and nobody recorded which")
    if is_lost:
        return Part(None, part, How.RESOLVED, "a person decided on the whole step")
    return Part(None, part, How.EXACT, "mended inside an agent's commit")


def _regions(store: ObjectStore, change: Change, new: bytes, now: bytes) -> list[Part]:
    """Return the fate of the kept regions that this commit brought or changed."""
    if b"regen:" not in new or not is_text(new):
        return []
    old = store.blob(change.old.oid) if change.old is not None else b""
    before = {region.text for region in kept_regions(old.decode())} if is_text(old) else set()
    gone = {region.ordinal for region in missing_regions(new.decode(), now.decode("utf-8", "replace"))}
    found = []
    for region in kept_regions(new.decode()):
        if region.text not in before:
            is_gone = region.ordinal in gone
            why = "a person decided on the whole step" if is_gone else "a kept region"
            how = How.RESOLVED if is_gone else How.EXACT
            found.append(Part(None, LineRange(region.first, region.last), how, why))
    return found


async def settle_carried(
    bench: Workbench, step: Step, carried: Sequence[Carried], best: Oid
) -> tuple[list[Carried], tuple[str, ...]]:
    """Take what the rules left open to whoever may decide: a person who has spoken, the model, a person.

    ``best`` is the tree without these changes. Raises ``StuckError`` where a person is wanted.
    """
    resolution = bench.resolutions.get(step.index)
    is_dropped = resolution is not None and resolution.drop
    settled: list[Carried] = []
    replies: list[str] = []
    waiting: list[Carried] = []
    for each in carried:
        done = each
        if each.how in _OPEN and resolution is not None and resolution.take_original:
            taken = (replace(part, how=How.EXACT, why="taken as it was") for part in each.parts)
            done = replace(each, leaf=each.theirs, parts=tuple(taken))
        elif each.how in _OPEN and is_dropped:
            done = replace(each, parts=tuple(_dropped(part) for part in each.parts))
        elif each.how is How.PERSON and not bench.options.is_original:
            done, used = await _ask_model(bench, step, each)
            replies += used
        if done.how in _OPEN and not is_dropped:
            waiting.append(done)
        settled.append(done)
    if waiting:
        # What found its place is in the state that a person goes on from.
        state = edit(bench.store, best, {each.path: each.leaf for each in settled})
        raise StuckError(step, [f"{w.path}: {w.how.value}: {w.why}" for w in waiting], state)
    return settled, tuple(replies)


def _dropped(part: Part) -> Part:
    if part.how not in _OPEN:
        return part
    return replace(part, how=How.GONE, why=f"{part.why}; a person confirmed it".lstrip("; "))


async def _ask_model(bench: Workbench, step: Step, change: Carried) -> tuple[Carried, list[str]]:
    """Ask the model to make the open hunks of a change on the rebuilt file. One answer; a person is next."""
    leaf = change.leaf
    asked = [part for part in change.parts if part.how is How.PERSON and part.new is not None]
    if leaf is None or leaf.mode not in (REGULAR, EXECUTABLE) or not asked:
        return change, []
    facts = bench.facts[step.index]
    store = bench.store
    before, after = change_of(store, change, asked)
    old, new, now = text_of(before), text_of(after), text_of(store.blob(leaf.oid))
    diff = "\n".join(difflib.unified_diff(old.split("\n"), new.split("\n"), "before", "after", lineterm=""))
    resolution = bench.resolutions.get(step.index)
    message = "\n\n".join([facts.commit.text, *(resolution.notes if resolution else ())])
    request = carry_request(
        f"Carry {step.commit[:16]} {change.path}",
        message,
        change.path,
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
        return _still_open(change, str(error)), []
    used = [answer.recorded] if answer.recorded else []
    parsed = parse_reply(answer.text, current={change.path: now}, finish=answer.finish)
    if parsed.problems:
        return _still_open(change, f"the model's answer: {parsed.problems[0].message}"), used
    tree = edit(store, None, {change.path: leaf})
    made = compose(store, tree, tree, parsed, frozenset({change.path}))
    result = made.edits.get(change.path)
    if result is None or result.oid == leaf.oid:
        return _still_open(change, "the model changed nothing"), used
    return _judged(store, change, asked, result), used


def _still_open(change: Carried, why: str) -> Carried:
    parts = (replace(p, why=f"{p.why}; {why}") if p.how is How.PERSON else p for p in change.parts)
    return replace(change, parts=tuple(parts))


def _judged(store: ObjectStore, change: Carried, asked: Sequence[Part], result: Leaf) -> Carried:
    """Say of each hunk that the model was asked for whether it is in the answer."""
    made = store.blob(result.oid)
    ranges = [part.new for part in change.parts if part not in asked and part.new is not None]
    theirs = store.blob(change.theirs.oid) if change.theirs is not None else b""
    had = store.blob(change.leaf.oid) if change.leaf is not None else b""
    absent = missing_hand_lines(theirs, ranges, had)
    lost = [part for part in missing_hand_lines(theirs, ranges, made) if part not in absent]
    if lost:
        shown = ", ".join(map(str, lost))
        return _still_open(change, f"the model's answer leaves out lines {shown}, which were in place")
    parts: list[Part] = []
    for part in change.parts:
        if part not in asked:
            parts.append(part)
            continue
        before, after = change_of(store, change, [part])
        words, missing = _arrived(text_of(before), text_of(after), made.decode())
        if words and len(missing) == len(words):
            parts.append(replace(part, why=f"{part.why}; nothing of the change is in the answer"))
        else:
            why = "not in the answer: " + ", ".join(missing) if missing else ""
            parts.append(replace(part, how=How.MODEL, why=why))
    return replace(change, leaf=result, parts=tuple(parts))


def _arrived(old: str, new: str, result: str) -> tuple[list[str], list[str]]:
    """Return the words that the person's change brought, and those of them that the result lacks.

    Words, not lines: a line that was carried into code with other names is another line.
    """
    before, after = set(_WORD.findall(old)), set(_WORD.findall(result))
    brought = [word for word in dict.fromkeys(_WORD.findall(new)) if word not in before]
    return brought, [word for word in brought if word not in after]
