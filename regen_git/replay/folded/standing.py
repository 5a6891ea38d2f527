"""The modules of a generation as they stand while it runs: their files, and what each rests on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from regen_git.config import LONGEST_TEXT
from regen_git.config.ownership import is_text
from regen_git.git.trees import EXECUTABLE, REGULAR, edit
from regen_git.replay.compose import text_of
from regen_git.replay.folded.agreeing import Agreement
from regen_git.replay.folded.source import digest_of, tests_digest
from regen_git.replay.request import Shown
from regen_git.verify.surface import interface, public_surface

if TYPE_CHECKING:
    from collections.abc import Iterable

    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.git.objects import ObjectStore
    from regen_git.git.trees import Leaf
    from regen_git.replay.folded.asking import Asked
    from regen_git.replay.folded.building import Built
    from regen_git.replay.folded.planning import FoldedPrepared, Unit

__all__ = ["Standing"]


@dataclass
class Standing:
    """What is built so far, by the name of the module."""

    store: ObjectStore
    prepared: FoldedPrepared
    built: dict[str, Built] = field(default_factory=dict)
    agreement: Agreement = field(default_factory=Agreement)

    def __post_init__(self) -> None:
        """Number the modules."""
        self._place = {unit.module.name: i for i, unit in enumerate(self.prepared.units)}

    def in_order(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return these names in the order of the plan."""
        return tuple(sorted(names, key=self._place.__getitem__))

    def inputs(self, unit: Unit) -> tuple[dict[str, str], Asked]:
        """Return digests of all that a module rests on, and its request's material with what it needs."""
        module, agreed = unit.module, self.agreement.texts
        others = [name for name in (*module.needs, *module.agreed) if name in agreed]
        shown = {name: agreed[name] for name in (module.name, *others) if name in agreed}
        built = (*unit.asked.built, *self._surfaces(module.needs))
        asked = replace(unit.asked, agreed=shown, built=built)
        inputs = dict(unit.inputs)
        inputs["interface"] = digest_of(agreed.get(module.name, ""))
        surfaces = [*((each.path, each.text) for each in unit.asked.built), *self._public(module.needs)]
        inputs["needs"] = digest_of([[(n, agreed[n]) for n in others], surfaces])
        return inputs, asked

    def _public(self, names: Iterable[str]) -> Iterable[tuple[RepoPath, object]]:
        """Yield what others may rest on in these modules: public names with their parameters.

        Imports, private names and docstrings are shown in a request, and trigger nobody.
        """
        for name in names:
            for path, leaf in sorted(self.built[name].edits.items()):
                text = self._text(leaf)
                surface = public_surface(path, text) if text is not None else None
                if surface is not None:
                    yield path, sorted(surface)

    def _surfaces(self, names: Iterable[str]) -> Iterable[Shown]:
        """Yield the files of these modules by their heads and signatures, where those can be read off."""
        for name in names:
            for path, leaf in sorted(self.built[name].edits.items()):
                text = self._text(leaf)
                heads = interface(path, text) if text is not None else ""
                if heads:
                    yield Shown(path, heads)

    def _text(self, leaf: Leaf | None) -> str | None:
        if leaf is None or leaf.mode not in (REGULAR, EXECUTABLE):
            return None
        data = self.store.short_blob(leaf.oid, LONGEST_TEXT)
        return text_of(data) if data is not None and is_text(data) else None

    def ground(self, unit: Unit) -> Oid:
        """Return the tree that a module is put onto: all that is no module's, and all that it needs."""
        return edit(self.store, self.prepared.base, self.edits(self.with_needs(unit.module.needs)))

    def with_needs(self, names: Iterable[str]) -> dict[str, None]:
        """Return these modules and all that they need, in no order that means anything."""
        wanted: dict[str, None] = {}
        open_names = list(names)
        while open_names:
            name = open_names.pop()
            if name not in wanted:
                wanted[name] = None
                open_names += self.built[name].unit.module.needs
        return wanted

    def edits(self, names: Iterable[str]) -> dict[RepoPath, Leaf | None]:
        """Return the files of these modules; where several wrote one path, the first in order has it."""
        found: dict[RepoPath, Leaf | None] = {}
        for name in reversed(self.in_order(names)):
            found.update(self.built[name].edits)
        return found

    def whole(self) -> Oid:
        """Return the tree with all that is built."""
        return edit(self.store, self.prepared.base, self.edits(self.built))

    def as_seen_next(self) -> list[Built]:
        """Return the modules with the tests that will be shown for them, now that all files have theirs.

        Else the first generation, when no file was there yet, would look like another input to the second.
        """
        claimed = frozenset(path for each in self.built.values() for path in each.files)
        taken: set[RepoPath] = set()
        found: list[Built] = []
        for name in self.in_order(self.built):
            built = self.built[name]
            # What an earlier one in order has written, too, is that one's.
            twice = tuple(path for path in built.files if path in taken)
            taken.update(built.edits)
            built = replace(built, ignored=(*built.ignored, *twice))
            if not built.is_kept:
                tests = self.prepared.source.tests_about(name, built.files, claimed)
                digest = tests_digest(tests, built.unit.asked.migrations)
                built = replace(built, inputs={**built.inputs, "tests": digest})
            found.append(built)
        return found
