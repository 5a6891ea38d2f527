"""Fold the intents of a range into pages by rules alone: what is wanted now, in the order asked."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from regen_git.config import Kind
from regen_git.git.commits import read_commit
from regen_git.git.difftree import touched_paths
from regen_git.git.trees import lookup
from regen_git.spec.modules import PROJECT, Modules
from regen_git.spec.requirements import Requirement, left_out_whole, requirements_of
from regen_git.spec.values import LeftOut, Page, Statement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from regen_git.config import Ownership
    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.git.repository import Repository
    from regen_git.ledger.effective import Asked

__all__ = ["Imported", "fold", "footprints"]

Imported: TypeAlias = "Callable[[RepoPath, str, Callable[[RepoPath], bool]], list[RepoPath]]"
"""Returns the files that a file imports, of its path, its text, and what tells whether a path exists."""

_LONGEST_SOURCE = 1 << 20
_MARKER = 200  # bytes: a docstring, at most
_TESTS = "it wrote only tests, which stay as they are"
_KEPT = "it wrote only files that no model writes"


@dataclass(slots=True)
class _Draft:
    """A page in the making; statements in the order asked."""

    requirements: list[Requirement]
    left_out: list[LeftOut]


def fold(
    repo: Repository,
    asked: Sequence[Asked],
    pages: Sequence[Page],
    ownership: Ownership,
    tree: Oid | None,
    *,
    imported: Imported,
) -> list[Page]:
    """Return the pages that these intents make, by name; ``pages`` are those of the spec as it is.

    ``tree`` is the tree of the range's tip, ``imported`` tells what a source file imports. Every intent is on
    some page: in a statement, in a condition, or among what is left out.
    """
    wrote = footprints(repo, asked, tree)
    kinds = _kinds(repo, tree, {path for paths in wrote for path in paths}, ownership)
    in_force = [paths for one, paths in zip(asked, wrote, strict=True) if one.status == "in force"]
    modules = Modules(kinds, pages, in_force)
    drafts: dict[str, _Draft] = defaultdict(lambda: _Draft([], []))
    last: dict[tuple[str, str], Requirement] = {}  # by page and session
    newest: dict[str, Requirement] = {}
    for one, paths in zip(asked, wrote, strict=True):
        name = modules.page_for(paths)
        reason = _reason(one, paths, kinds) if name is None else _status(one)
        draft = drafts[name or PROJECT]
        if reason:
            draft.left_out.append(left_out_whole(one.intent, reason))
            continue
        page = name or PROJECT
        session = one.intent.agent.session if one.intent.agent else None
        known = last.get((page, session)) if session else None
        told = requirements_of(one, known or newest.get(page), same_session=known is not None)
        draft.requirements += told.requirements
        draft.left_out += told.left_out
        if told.requirements:
            newest[page] = told.requirements[-1]
            if session:
                last[page, session] = told.requirements[-1]
    if not drafts[PROJECT].requirements and len(drafts) == 2 and PROJECT not in {page.name for page in pages}:  # noqa: PLR2004 - itself and one more
        # A page only to leave things out would be in the way.
        (only,) = drafts.keys() - {PROJECT}
        drafts[only].left_out += drafts[PROJECT].left_out
        drafts[PROJECT].left_out = []
    for name in modules.paths:
        drafts.setdefault(name, _Draft([], []))
    kept = {
        name: draft
        for name, draft in drafts.items()
        if draft.requirements or draft.left_out or name in modules.paths
    }
    made = [_page(name, draft, modules) for name, draft in sorted(kept.items())]
    return made if tree is None else _Uses(repo, tree, modules, kinds, imported).told(made)


def _status(one: Asked) -> str:
    """Return why an intent is not asked any more; nothing where it is."""
    if one.status == "superseded":
        return f"superseded by {' '.join(one.by)}"
    return "retracted" if one.status == "retracted" else ""


def _reason(one: Asked, paths: Sequence[RepoPath], kinds: Mapping[RepoPath, Kind]) -> str:
    """Return why an intent that wrote no file of a model asks for nothing; nothing where it may well."""
    status = _status(one)
    found = {kinds[path] for path in paths if path in kinds}
    if status or not found:
        return status
    return _TESTS if found <= {Kind.TEST, Kind.HOLDOUT} else _KEPT


def _page(name: str, draft: _Draft, modules: Modules) -> Page:
    statements: list[Statement] = [one for each in draft.requirements for one in each.done()]
    paths = tuple(modules.paths.get(name, ()))
    return Page(name, name, paths, statements=tuple(statements), left_out=tuple(draft.left_out))


def footprints(repo: Repository, asked: Sequence[Asked], tree: Oid | None) -> list[tuple[RepoPath, ...]]:
    """Return what each intent wrote, by the names that its files have in ``tree``.

    Where no binding tells, all that its commits touched counts.
    """
    unknown = {oid for one in asked if not one.wrote for oid in one.commits}
    pairs: dict[Oid, tuple[Oid | None, Oid]] = {}
    for oid in unknown:
        commit = read_commit(repo.objects, oid)
        parent = read_commit(repo.objects, commit.parents[0]).tree if commit.parents else None
        pairs[oid] = parent, commit.tree
    touched = dict(zip(pairs, touched_paths(repo, pairs.values()), strict=True))
    wrote = [one.wrote or tuple(path for oid in one.commits for path in touched[oid]) for one in asked]
    gone = {
        path for paths in wrote for path in paths if tree is None or lookup(repo.objects, tree, path) is None
    }
    names = _renamed(repo, tree, gone)
    return [tuple(dict.fromkeys(names.get(path, path) for path in paths)) for paths in wrote]


def _renamed(repo: Repository, tree: Oid | None, gone: set[RepoPath]) -> dict[RepoPath, RepoPath]:
    """Return the names that files have now which had another one when they were written."""
    if not gone or tree is None or repo.is_unborn:
        return {}
    argv = ("log", "-M", "--diff-filter=R", "--name-status", "-z", "--format=", "HEAD", "--")
    fields = iter(repo.git(*argv).decode("utf-8", "surrogateescape").split("\0"))
    names: dict[RepoPath, RepoPath] = {}
    for status in fields:
        if status.strip().startswith("R"):
            old, new = next(fields, ""), next(fields, "")
            # Newest first: what a file was renamed to may have been renamed since.
            names.setdefault(old, names.get(new, new))
    return {
        path: names[path] for path in gone if lookup(repo.objects, tree, names.get(path, path)) is not None
    }


def _kinds(
    repo: Repository, tree: Oid | None, paths: Iterable[RepoPath], ownership: Ownership
) -> dict[RepoPath, Kind]:
    found: dict[RepoPath, Kind] = {}
    for path in sorted(paths):
        leaf = lookup(repo.objects, tree, path) if tree is not None else None
        if leaf is not None:
            oid = leaf.oid

            def data(oid: Oid = oid) -> bytes | None:
                return repo.objects.short_blob(oid, _LONGEST_SOURCE)

            if path.endswith("__init__.py") and len(data() or b"") <= _MARKER:
                continue  # it only says that the folder is a package
            found[path] = ownership.classify(path, leaf.mode, data)
    return found


@dataclass(frozen=True, slots=True)
class _Uses:
    """Tells which pages use which, as far as the files they have now tell."""

    repo: Repository
    tree: Oid
    modules: Modules
    kinds: Mapping[RepoPath, Kind]
    imported: Imported

    def told(self, pages: Sequence[Page]) -> list[Page]:
        """Say so on each page that has files; never in a circle."""
        needs: dict[str, set[str]] = {page.name: set() for page in pages}
        for path, kind in sorted(self.kinds.items()):
            mine = self.modules.page_for([path])
            if kind is not Kind.MODEL or mine is None or mine not in needs:
                continue
            for used in self._used(path):
                if used in needs and used not in (mine, PROJECT) and not _reaches(needs, used, mine):
                    needs[mine].add(used)
        return [
            replace(page, needs=tuple(sorted(needs[page.name]))) if page.paths else page for page in pages
        ]

    def _used(self, path: RepoPath) -> Iterator[str]:
        store = self.repo.objects
        leaf = lookup(store, self.tree, path)
        data = store.short_blob(leaf.oid, _LONGEST_SOURCE) if leaf is not None else None
        text = (data or b"").decode("utf-8", "replace")
        for other in self.imported(path, text, lambda name: lookup(store, self.tree, name) is not None):
            found = self.modules.page_for([other]) if other in self.kinds else None
            if found is not None:
                yield found


def _reaches(needs: Mapping[str, set[str]], start: str, goal: str) -> bool:
    seen: set[str] = set()
    left = [start]
    while left:
        name = left.pop()
        if name == goal:
            return True
        if name not in seen:
            seen.add(name)
            left += needs.get(name, ())
    return False
