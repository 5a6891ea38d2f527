"""The interface pass: what modules know of each other, agreed before any of them is written."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from regen_git.errors import ModelError, NoRecordedReplyError
from regen_git.llm.client import prompt_estimate
from regen_git.replay.attempt import listed, whole_answer
from regen_git.replay.folded.asking import INTERFACES, Asked, interface_path, interfaces_request
from regen_git.replay.folded.source import AFRESH
from regen_git.replay.reply import parse_reply
from regen_git.replay.request import repair_request
from regen_git.replay.trying import REPAIRS, SAMPLES
from regen_git.replay.workbench import StuckError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from regen_git.llm.client import Request
    from regen_git.llm.replies import ReplyStore
    from regen_git.replay.attempt import Reading
    from regen_git.replay.folded.planning import FoldedPrepared
    from regen_git.replay.workbench import Workbench

__all__ = ["Agreement", "agree", "material"]


@dataclass(frozen=True, slots=True)
class Agreement:
    """The interface of each module, by name, and the recorded replies that they were read from."""

    texts: Mapping[str, str] = field(default_factory=dict)
    replies: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()


async def agree(bench: Workbench, prepared: FoldedPrepared, store: ReplyStore) -> Agreement:
    """Return the interfaces: those agreed before where the module stays, the others asked for at once.

    Raises ``StuckError`` where no answer has them all.
    """
    if not prepared.has_interfaces or bench.options.is_original:
        return Agreement()
    before = _agreed_before(prepared, store)
    # What is asked afresh though nothing changed keeps to what was agreed.
    running = {u.module.name for u in prepared.units if u.why and not u.why[0].startswith(AFRESH)}
    names = [unit.module.name for unit in prepared.units]
    wanted = [name for name in names if name in running or name not in before.texts]
    kept = {name: text for name, text in before.texts.items() if name in names and name not in wanted}
    if not wanted:
        return Agreement(kept, before.replies)
    texts_before = before.texts
    if len(wanted) == len(names):
        before = Agreement()
    so_far = {name: text for name, text in texts_before.items() if name in wanted}
    texts, replies = await _ask(bench, prepared, wanted, {**kept, **so_far})
    return Agreement({**kept, **texts}, (*before.replies, *replies), tuple(wanted))


def _agreed_before(prepared: FoldedPrepared, store: ReplyStore) -> Agreement:
    """Return what the last generation agreed on; nothing where its replies are not here."""
    if not prepared.options.goes_by_changes:
        return Agreement()
    texts: dict[str, str] = {}
    for reference in prepared.last.interfaces:
        digest, _, reply_id = reference.partition("/")
        try:
            reply = store.read(digest, reply_id)
        except NoRecordedReplyError:
            return Agreement()
        texts.update(_read(reply.text, reply.finish))
    return Agreement(texts, prepared.last.interfaces)


def _read(text: str, finish: str) -> dict[str, str]:
    """Return the interfaces in an answer, by the name of the module."""
    files = {edit.path: edit.text for edit in parse_reply(text, current={}, finish=finish).files}
    return {
        path.removeprefix("interfaces/").removesuffix(".md"): body
        for path, body in files.items()
        if path == interface_path(path.removeprefix("interfaces/").removesuffix(".md"))
    }


async def _ask(
    bench: Workbench, prepared: FoldedPrepared, wanted: Sequence[str], kept: Mapping[str, str]
) -> tuple[dict[str, str], tuple[str, ...]]:
    step = bench.plan.steps[0]
    resolution = bench.resolutions.get(0)
    asked = material(prepared, kept, resolution.notes if resolution else ())
    found: dict[str, str] = {}
    missing: Sequence[str] = wanted
    for sample in range(SAMPLES):
        request, reading = await _first_answer(bench, asked, wanted, sample)
        found = {}
        used: tuple[str, ...] = ()
        for number in range(1 + REPAIRS):
            if number:
                reading = await whole_answer(bench, request, None)
            used += reading.replies
            found.update((n, t) for n, t in _read(reading.text, reading.finish).items() if n in wanted)
            missing = [name for name in wanted if not found.get(name, "").strip()]
            if not missing:
                return found, used
            bench.on_state(step, "repairing")
            findings = listed([f"{interface_path(name)} is missing" for name in missing])
            request = repair_request(request, reading.text, f"{INTERFACES}, repair {number + 1}", findings)
    why = [f"- no answer has the interface of module '{name}'" for name in missing]
    raise StuckError(step, why, prepared.tip.tree)


async def _first_answer(
    bench: Workbench, asked: Asked, wanted: Sequence[str], sample: int
) -> tuple[Request, Reading]:
    """Ask for the interfaces; where that is too long for the model, with half of it, then with the least."""
    options = bench.options
    rooms = [options.context_tokens]
    while True:
        made = interfaces_request(
            asked, wanted, model=options.model, parameters=options.parameters, room=rooms[-1]
        )
        request = replace(made, sample=sample)
        try:
            return request, await whole_answer(bench, request, None)
        except ModelError as error:
            if error.kind != "long" or rooms[-1] == 0:
                raise
        rooms.append(prompt_estimate(request) // 2 if len(rooms) == 1 else 0)


def material(prepared: FoldedPrepared, kept: Mapping[str, str], said: Sequence[str]) -> Asked:
    """Return what the request for interfaces holds: the pages of all modules, and what a person adds."""
    units = prepared.units
    first = units[0].asked
    tests = {shown.path: shown for unit in units for shown in unit.asked.tests}
    return Asked(
        pages={unit.module.name: text for unit in units for text in unit.asked.pages.values()},
        project=first.project,
        files={unit.module.name: unit.module.files for unit in units},
        patterns={unit.module.name: unit.module.patterns for unit in units},
        agreed=kept,
        surface={path: names for unit in units for path, names in unit.asked.surface.items()},
        tests=tuple(tests[path] for path in sorted(tests)),
        migrations=first.migrations,
        conventions=first.conventions,
        notes=tuple(f"A person adds: {note}" for note in said),
    )
