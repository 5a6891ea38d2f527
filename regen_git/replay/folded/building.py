"""Build one module: ask, read, keep people's lines, hold it against the gates; repair, and sample afresh."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from regen_git.errors import NoRecordedReplyError
from regen_git.git.trees import diff, edit, lookup
from regen_git.replay.answers import render_history
from regen_git.replay.attempt import Attempt, Ground, apply_reply, broken_gates, whole_answer
from regen_git.replay.fitting import syntax_problem
from regen_git.replay.folded.asking import module_request
from regen_git.replay.follow import readings
from regen_git.replay.judging import region_texts
from regen_git.replay.request import history_request, repair_request
from regen_git.replay.trying import REPAIRS, SAMPLES, Failed, repaired, shortened
from regen_git.replay.workbench import StuckError
from regen_git.verify.gates import Gates, run_gates
from regen_git.verify.surface import public_surface, surface_changes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.git.objects import ObjectStore
    from regen_git.git.trees import Leaf
    from regen_git.llm.client import Reply, Request
    from regen_git.replay.attempt import Reading
    from regen_git.replay.folded.asking import Asked
    from regen_git.replay.folded.planning import FoldedPrepared, Unit
    from regen_git.replay.plan import Step
    from regen_git.replay.workbench import Workbench

__all__ = ["Builder", "Built"]


@dataclass(frozen=True)
class Built:
    """One module as it stands: its files, and how it came to be.

    ``edits`` put it onto a tree without its files. ``first`` is the request it began with, ``last`` the one
    that ``text`` answered; both ``None`` for what was not asked in this run. ``request`` is the digest of the
    first. ``replies`` are all that became it, in order.
    """

    unit: Unit
    step: Step
    edits: Mapping[RepoPath, Leaf | None]
    first: Request | None = None
    last: Request | None = None
    text: str = ""
    replies: tuple[str, ...] = ()
    attempts: int = 0
    sample: int = 0
    ignored: tuple[RepoPath, ...] = ()
    resolved: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    request: str = ""

    @property
    def is_kept(self) -> bool:
        """Whether nothing was asked for it."""
        return not self.replies and not self.resolved

    @property
    def files(self) -> tuple[RepoPath, ...]:
        """The files it has."""
        return tuple(path for path, leaf in self.edits.items() if leaf is not None)


class Builder:
    """Builds modules on trees that hold what they need."""

    def __init__(self, bench: Workbench, prepared: FoldedPrepared) -> None:
        self._bench = bench
        self._prepared = prepared

    def kept(self, unit: Unit, step: Step) -> Built:
        """Return a module as the source has it."""
        store = self._bench.store
        return Built(unit, step, {path: lookup(store, unit.own, path) for path in unit.module.files})

    def request(self, unit: Unit, step: Step, asked: Asked, sample: int, room: int | None = None) -> Request:
        """Return what is asked first for a module."""
        options = self._bench.options
        if options.is_original:
            return history_request(options.model, [step.subject], step.commit)
        resolution = self._bench.resolutions.get(step.index)
        notes = tuple(f"A person adds: {note}" for note in (resolution.notes if resolution else ()))
        return module_request(
            replace(asked, notes=(*asked.notes, *notes)),
            unit.module.name,
            model=options.model,
            parameters=options.parameters,
            sample=sample,
            room=options.context_tokens if room is None else room,
        )

    async def build(self, unit: Unit, step: Step, asked: Asked, ground: Oid, first_sample: int = 0) -> Built:
        """Ask for a module until an answer holds to the gates. Raises ``StuckError``."""
        resolution = self._bench.resolutions.get(step.index)
        if resolution is not None and resolution.take_original:
            return replace(self.kept(unit, step), resolved="original")
        best: Failed | None = None
        for sample in range(first_sample, first_sample + (1 if self._bench.options.is_original else SAMPLES)):
            made = await self._sample(unit, step, asked, ground, sample)
            if isinstance(made, Built):
                return made
            if best is None or made.score < best.score:
                best = made
            if made.is_too_long:
                break
        if best is None:
            raise AssertionError("a module has at least one sample")
        raise StuckError(step, best.findings, best.tree)

    async def repair(self, built: Built, ground: Oid, findings: Sequence[str], number: int) -> Built | None:
        """Ask for a module again, with what is wrong with the whole; ``None`` where no answer is sound."""
        if built.last is None:
            return None
        heading = f"{self._heading(built.unit)}, repair {number}"
        request = repair_request(built.last, built.text, heading, findings)
        current = edit(self._bench.store, ground, built.edits)
        made = await self._asked(built.unit, built.step, (built.first or request, request), ground, current)
        if isinstance(made, Failed):
            return None
        replies = (*built.replies, *made.replies)
        return replace(made, replies=replies, attempts=built.attempts + made.attempts, sample=built.sample)

    def follow(self, unit: Unit, step: Step, ground: Oid, read: Callable[[str], Reply]) -> Built:
        """Return what the recorded replies of a module come to. Raises ``NoRecordedReplyError``."""
        refs = self._bench.followed[step.index]
        tree, attempts, tried = ground, 0, None
        for reading in readings(refs, read):
            tried = self._apply(unit, step, ground, tree, reading)
            tree = tried.tree
            attempts += 1
        if tried is None or tried.findings:
            why = tried.findings[0] if tried is not None else "none is named"
            raise NoRecordedReplyError(
                f"the recorded replies of module '{unit.module.name}' cannot be followed: {why}",
                hint="they do not belong to this spec; replay without --locked",
            )
        edits = {c.path: c.new for c in diff(self._bench.store, ground, tree)}
        request = refs[0].partition("/")[0]
        return Built(
            unit, step, edits, replies=refs, attempts=attempts, ignored=tried.ignored, request=request
        )

    def _heading(self, unit: Unit) -> str:
        ids = f"\nIntent {' '.join(unit.module.intents)}" if unit.module.intents else ""
        return f"Module {unit.module.name}{ids}"

    async def _sample(self, unit: Unit, step: Step, asked: Asked, ground: Oid, sample: int) -> Built | Failed:
        """Try one sample, with less in its request where that is too long for the model."""
        made = await shortened(
            self.request(unit, step, asked, sample),
            lambda request: self._asked(unit, step, (request, request), ground, ground),
            lambda room: self.request(unit, step, asked, sample, room),
        )
        return made if isinstance(made, Failed) else replace(made, sample=sample)

    async def _asked(
        self, unit: Unit, step: Step, requests: tuple[Request, Request], ground: Oid, current: Oid
    ) -> Built | Failed:
        """Ask, and repair what an answer lacks by itself; the whole is judged later.

        ``requests`` are the one the module began with, and the one to ask now.
        """
        first, request = requests
        bench = self._bench
        history = None
        if bench.options.is_original:
            history = render_history(bench.store, ground, unit.own, unit.module.files)

        async def ask(asked: Request, onto: Oid) -> Attempt:
            return self._apply(unit, step, ground, onto, await whole_answer(bench, asked, history))

        came = await repaired(
            request,
            current,
            ask,
            repairs=0 if bench.options.is_original else REPAIRS,
            heading=self._heading(unit),
            on_repair=lambda: bench.on_state(step, "repairing"),
        )
        if isinstance(came, Failed):
            return came
        tried = came.attempt
        return Built(
            unit,
            step,
            {c.path: c.new for c in diff(bench.store, ground, tried.tree)},
            first,
            last=came.request,
            text=tried.text,
            replies=came.replies,
            attempts=came.attempts,
            ignored=tried.ignored,
            request=first.digest,
        )

    def _apply(self, unit: Unit, step: Step, ground: Oid, current: Oid, reading: Reading) -> Attempt:
        """Put an answer onto ``current`` and hold the module's own files against the gates."""
        store = self._bench.store
        closed = self._prepared.territory.closed_to(unit.module.name)
        now = [change.path for change in diff(store, ground, current) if change.new is not None]
        shown = replace(step, wrote=tuple(dict.fromkeys((*step.wrote, *now))))
        # Tests may be in another language than what they test; a page says itself what it is about.
        is_free = bool(unit.module.patterns) or not unit.module.files
        onto = Ground(ground, (), (), closed, any_language=is_free)
        tried = apply_reply(self._bench, shown, onto, current, reading)
        if not tried.findings and tried.ignored and tried.tree == ground:
            tried.findings = tuple(
                f"- {path} is not of module '{unit.module.name}', and nothing else is in this answer"
                for path in tried.ignored
            )
            tried.score = (1, len(tried.findings), 0)
        if tried.findings:
            return tried
        before = edit(store, ground, {path: lookup(store, unit.own, path) for path in unit.module.files})
        found = broken_gates(run_gates(store, before, tried.tree, self.gates(unit)))
        found += [f"- {problem}" for problem in _unreadable(store, ground, tried.tree)]
        if found:
            tried.findings, tried.score = tuple(found), (0, len(found), 0)
        return tried

    def gates(self, *units: Unit) -> Gates:
        """Return the gates for these modules' files: names that nothing else uses may go."""
        return Gates(
            self._prepared.ownership,
            kept_regions=region_texts,
            public_surface=public_surface,
            surface_changes=surface_changes,
            allowed=frozenset(name for unit in units for name in unit.free),
            released=self._prepared.last_release,
            end=self._prepared.tip.tree,
        )


def _unreadable(store: ObjectStore, ground: Oid, tree: Oid) -> list[str]:
    """Return what is wrong with the syntax of what was written: Python alone is read here."""
    problems = []
    for change in diff(store, ground, tree):
        if change.new is not None and change.path.endswith(".py"):
            reason = syntax_problem(store.blob(change.new.oid))
            problems += [f"{change.path} is not Python: {reason}"] if reason else []
    return problems
