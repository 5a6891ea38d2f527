"""The modules of a spec: which files each one has, and what must be there before it. Pure rules."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from regen_git.errors import ReplayError
from regen_git.replay.folded.claims import Claims

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from regen_git.domain.ids import IntentId, RepoPath
    from regen_git.spec.values import Page, Statement

__all__ = ["PROJECT", "WHOLE", "Module", "Territory", "as_one", "intents_of", "make_modules"]

PROJECT = "project"
"""The page that speaks of every module."""

WHOLE = "whole"
"""The name of the one module that a spec in one request is."""


@dataclass(frozen=True, slots=True)
class Module:
    """One module to generate: a page of the spec, or all of them together.

    ``files`` are those of the source that a model may write anew, ``patterns`` what else it may create; with
    no patterns it may create whatever no other module has. ``needs`` are modules whose public surface its
    request shows; where they need each other in a circle, ``agreed`` are those known by agreement alone.
    """

    name: str
    pages: tuple[Page, ...]
    files: tuple[RepoPath, ...] = ()
    patterns: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    agreed: tuple[str, ...] = ()

    @property
    def intents(self) -> tuple[IntentId, ...]:
        """The intents that its statements rest on, in order."""
        return intents_of(self.pages)


def intents_of(pages: Iterable[Page]) -> tuple[IntentId, ...]:
    """Return the intents that the statements of these pages rest on, in order of appearance."""
    found: dict[IntentId, None] = {}

    def take(statements: Sequence[Statement]) -> None:
        for statement in statements:
            found.update((source.intent, None) for source in statement.sources)
            take(statement.conditions)

    for page in pages:
        take(page.statements)
    return tuple(found)


def make_modules(
    pages: Sequence[Page],
    files: Sequence[RepoPath],
    *,
    known: Mapping[str, Collection[RepoPath]],
    imports: Callable[[RepoPath], Iterable[RepoPath]],
) -> tuple[Module, ...]:
    """Return the modules, each after those it needs, otherwise by name.

    ``files`` are those that a model may write; ``known`` names, for pages without patterns, the files that
    their last generation wrote. ``imports`` returns the files that a file imports. Raises ``ReplayError``
    when a page needs one that there is not.
    """
    pages = [page for page in pages if page.name != PROJECT]
    names = {page.name for page in pages}
    owner = _owners(pages, files, known)
    owned: dict[str, list[RepoPath]] = defaultdict(list)
    for path in files:
        if path in owner:
            owned[owner[path]].append(path)
    modules: dict[str, Module] = {}
    for page in sorted(pages, key=lambda page: page.name):
        unknown = [name for name in page.needs if name not in names]
        if unknown:
            raise ReplayError(
                f"page '{page.name}' of the spec needs '{unknown[0]}', which is no page",
                hint="name pages under 'needs' as their files are called, without '.md'",
            )
        mine = owned[page.name]
        used = dict.fromkeys(page.needs)
        used.update((owner[path], None) for file in mine for path in imports(file) if path in owner)
        used.pop(page.name, None)
        modules[page.name] = Module(page.name, (page,), tuple(mine), page.paths, tuple(used))
    return tuple(_in_order(modules))


def _owners(
    pages: Sequence[Page], files: Sequence[RepoPath], known: Mapping[str, Collection[RepoPath]]
) -> dict[RepoPath, str]:
    """Return whose each file is: of the page whose longest pattern matches it, else of its last writer."""
    written = {path: name for name, paths in known.items() for path in paths}
    claims = Claims((page.name, page.paths) for page in pages)
    with_paths = {page.name for page in pages if page.paths}
    named = {page.name for page in pages}
    found: dict[RepoPath, str] = {}
    for path in files:
        by_pattern = claims.owner(path)
        by_writing = written.get(path)
        if by_pattern is not None:
            found[path] = by_pattern
        elif by_writing in named and by_writing not in with_paths:
            found[path] = by_writing
    return found


def _in_order(modules: dict[str, Module]) -> list[Module]:
    """Return each module after those it needs; what closes a circle is known by agreement alone."""
    done: dict[str, Module] = {}
    for first, start in modules.items():
        # Each entry is a module and those of its needs that are still to be visited.
        path: list[tuple[str, list[str]]] = [(first, list(start.needs))] if first not in done else []
        while path:
            name, waiting = path[-1]
            if waiting:
                wanted = waiting.pop(0)
                on_path = any(each == wanted for each, _ in path)
                if wanted not in done and not on_path:
                    path.append((wanted, list(modules[wanted].needs)))
                continue
            path.pop()
            module = modules[name]
            open_circle = tuple(need for need in module.needs if need not in done)
            needs = tuple(need for need in module.needs if need in done)
            done[name] = replace(module, needs=needs, agreed=open_circle)
    return list(done.values())


def as_one(modules: Sequence[Module]) -> Module:
    """Return all modules as the one that a single request asks for."""
    pages = tuple(page for module in modules for page in module.pages)
    files = tuple(path for module in modules for path in module.files)
    free = any(not module.patterns for module in modules)
    patterns = () if free else tuple(pattern for module in modules for pattern in module.patterns)
    return Module(WHOLE, pages, files, patterns)


class Territory:
    """Answers which paths a module may write: its own, and new ones that are nobody else's.

    ``is_added_to`` says of a path whether files may be added there by any module, as with migrations.
    """

    def __init__(
        self,
        modules: Sequence[Module],
        existing: Collection[RepoPath],
        is_added_to: Callable[[RepoPath], bool] = lambda _path: False,
    ) -> None:
        self._is_added_to = is_added_to
        self._own = {module.name: frozenset(module.files) for module in modules}
        self._claims = Claims((module.name, module.patterns) for module in modules)
        self._free = frozenset(module.name for module in modules if not module.patterns)
        self._existing = frozenset(existing)

    def may_write(self, name: str, path: RepoPath) -> bool:
        """Return whether the module of this name may write the path."""
        if path in self._own[name]:
            return True
        if path in self._existing:
            return False
        if self._is_added_to(path):
            return True
        owner = self._claims.owner(path)
        return owner == name if owner is not None else name in self._free

    def closed_to(self, name: str) -> Closed:
        """Return the paths that are closed to a module, as a container."""
        return Closed(self, name)


@dataclass(frozen=True, slots=True)
class Closed:
    """Contains every path that a module may not write."""

    territory: Territory
    name: str

    def __contains__(self, path: object) -> bool:
        """Return whether the path is closed."""
        return not (isinstance(path, str) and self.territory.may_write(self.name, path))
