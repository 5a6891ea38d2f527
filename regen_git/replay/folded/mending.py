"""Judge the whole of what was generated, and have modules mended until it holds or a person is wanted."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from regen_git.git.trees import edit
from regen_git.replay.folded.faults import Faults, Shape, find_faults
from regen_git.replay.trying import REPAIRS, SAMPLES
from regen_git.replay.workbench import StuckError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from regen_git.domain.ids import Oid
    from regen_git.domain.verdict import Verification
    from regen_git.replay.folded.building import Builder, Built
    from regen_git.replay.folded.given import Given
    from regen_git.replay.folded.planning import FoldedPrepared
    from regen_git.replay.folded.standing import Standing
    from regen_git.replay.plan import Step
    from regen_git.replay.workbench import Workbench
    from regen_git.verify.runner import Verifier

__all__ = ["Mender"]


@dataclass
class Mender:
    """Judges and mends. What a person handed in is judged, and never mended."""

    bench: Workbench
    prepared: FoldedPrepared
    standing: Standing
    builder: Builder
    verifier: Verifier
    released: Oid | None = None
    given: Given | None = None

    async def settled(self) -> tuple[Oid, Verification | None]:
        """Judge the whole and have modules mended until it holds. Raises ``StuckError``."""
        options, standing = self.bench.options, self.standing
        can_mend = bool(self._mendable(standing.built)) and not options.locked and not options.is_original
        best: tuple[Faults, dict[str, Built]] | None = None
        for sample in range(SAMPLES if can_mend else 1):
            if best is not None and not await self._sampled_afresh(best, sample):
                break
            seen: set[tuple[str, ...]] = set()
            asked: frozenset[str] = frozenset()
            for number in range(1 + (REPAIRS if can_mend else 0)):
                tree = self._whole()
                verification = await self._judged(tree)
                faults = self._faults(verification)
                if not faults.findings or not can_mend:
                    return tree, verification
                if best is None or faults.failing < best[0].failing:
                    best = faults, dict(standing.built)
                # A test through the top names no other module; where its repair was not enough, the fault
                # may lie in what it needs.
                to_mend = faults if number == 0 else self._wider(faults)
                if number == REPAIRS or (faults.findings in seen and asked.issuperset(to_mend.modules)):
                    break
                seen.add(faults.findings)
                asked = frozenset(to_mend.modules)
                if not await self._mended(to_mend, number + 1):
                    break
        if best is None:
            raise AssertionError("a whole is judged at least once")
        standing.built = best[1]
        raise StuckError(self._step_of(best[0]), best[0].findings, self._whole())

    def _whole(self) -> Oid:
        """Return the tree to judge: a person's, where there is one, with what is not in it."""
        if self.given is None:
            return self.standing.whole()
        if self.bench.options.locked:
            return self.given.tree
        others = [name for name in self.standing.built if name not in self.given.files]
        return edit(self.bench.store, self.given.tree, self.standing.edits(others))

    def _mendable(self, names: Iterable[str]) -> list[str]:
        taken = self.given.files if self.given is not None else ()
        return [name for name in names if name not in taken]

    def _wider(self, faults: Faults) -> Faults:
        """Return the same with all that the modules need among those to mend."""
        suspects = self.standing.with_needs(faults.modules)
        return replace(faults, modules=self.standing.in_order(suspects))

    async def _judged(self, tree: Oid) -> Verification | None:
        if self.bench.options.check == "never":
            return None
        gates = self.builder.gates(*self.prepared.units)
        source = self.prepared.tip.tree
        future = self.verifier.submit(tree, source, gates=gates, released=self.released)
        return await asyncio.wrap_future(future)

    def _faults(self, verification: Verification | None) -> Faults:
        if verification is None:
            return Faults()
        hidden = self.bench.held_out(self.prepared.tip.tree)
        return find_faults(verification, self._shape(), hidden)

    def _shape(self) -> Shape:
        units = self.prepared.units
        changed = self.bench.options.goes_by_changes
        fresh = (u.module.name for u in units if not u.module.files or (changed and u.why))
        return Shape(
            files={unit.module.name: self.standing.built[unit.module.name].files for unit in units},
            fresh=frozenset(fresh),
            needed=frozenset(name for unit in units for name in unit.module.needs),
            mentions=self.prepared.source.mentions,
        )

    def _step_of(self, faults: Faults) -> Step:
        names = [unit.module.name for unit in self.prepared.units]
        position = names.index(faults.modules[0]) if faults.modules else len(names) - 1
        return self.bench.plan.steps[self.prepared.index_of(position)]

    async def _mended(self, faults: Faults, number: int) -> bool:
        """Have the modules repaired in which the fault may lie, then those whose requests changed by it.

        Return whether all of them could be built.
        """
        standing = self.standing

        async def mend(name: str) -> None:
            built = standing.built[name]
            self.bench.on_state(built.step, "repairing")
            ground = standing.ground(built.unit)
            made = await self.builder.repair(built, ground, faults.findings, number)
            if made is None and built.last is None:
                _, asked = standing.inputs(built.unit)
                made = await self.builder.build(built.unit, built.step, asked, ground)
            if made is not None:
                standing.built[name] = replace(made, inputs=built.inputs)

        wanted = self._mendable(faults.modules)
        done = await asyncio.gather(*(mend(name) for name in wanted), return_exceptions=True)
        return _all_built(done) and await self._follow_on(set(wanted))

    async def _sampled_afresh(self, best: tuple[Faults, dict[str, Built]], sample: int) -> bool:
        """Ask anew for the modules in which the fault may lie, and return whether they could be built."""
        standing = self.standing
        standing.built = dict(best[1])
        wanted = self._mendable(self._wider(best[0]).modules)
        for name in wanted:
            built = standing.built[name]
            inputs, asked = standing.inputs(built.unit)
            ground = standing.ground(built.unit)
            try:
                made = await self.builder.build(built.unit, built.step, asked, ground, sample)
            except StuckError:
                return False
            standing.built[name] = replace(made, inputs=inputs)
        return await self._follow_on(set(wanted))

    async def _follow_on(self, changed: set[str]) -> bool:
        """Build again what needs a module that looks different from outside now, in order."""
        standing = self.standing
        for unit in self.prepared.units:
            name = unit.module.name
            before = standing.built[name]
            inputs, asked = standing.inputs(unit)
            is_settled = name in changed or before.resolved or not self._mendable([name])
            if is_settled or inputs == dict(before.inputs):
                standing.built[name] = replace(before, inputs=inputs)
                continue
            try:
                made = await self.builder.build(unit, before.step, asked, standing.ground(unit))
            except StuckError:
                return False
            standing.built[name] = replace(made, inputs=inputs)
        return True


def _all_built(done: Iterable[BaseException | None]) -> bool:
    """Return whether none was stuck; raises whatever else went wrong."""
    failed = [each for each in done if each is not None]
    other = next((each for each in failed if not isinstance(each, StuckError)), None)
    if other is not None:
        raise other
    return not failed
