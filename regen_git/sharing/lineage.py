"""Commits that a range was made from: still on a branch, in a reflog, or only under a note.

What a rewrite left behind is told from what a person wrote by trees and changes, never by words.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from regen_git.errors import RegenError
from regen_git.git.commits import read_commit
from regen_git.sharing.patches import patch_ids, shapes
from regen_git.sharing.scan import read_commits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from regen_git.domain.ids import Oid
    from regen_git.git.repository import Repository
    from regen_git.ledger.sources import Sources
    from regen_git.sharing.patches import Pair
    from regen_git.sharing.scan import Seen

__all__ = ["How", "Lineage", "Origin"]

How = Literal["note", "trailer", "tree", "trees", "patch"]
"""What tells where a commit comes from: its note was fetched; its message; the tree of a branch; both trees,
before and after; its patch."""

_MOST_TIPS = 200
"""Former and present tips whose whole change is compared with single commits, the newest first."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a commit comes from: one commit, or a branch, from its fork at ``base`` up to ``source``."""

    how: How
    source: Oid
    ids: tuple[str, ...]
    is_branch: bool = False
    base: Oid | None = None


class Lineage:
    """Finds what the commits of a range were made from. ``seen`` is the range, oldest first."""

    def __init__(self, repo: Repository, tip: Oid, seen: Sequence[Seen], sources: Sources) -> None:
        self._repo = repo
        self._tip = tip
        self._sources = sources
        self._range = {each.id: each for each in seen}
        self.given: dict[Oid, tuple[str, ...]] = {}
        """What commits of the range have got meanwhile."""

    @cached_property
    def tips(self) -> dict[Oid, None]:
        """Where branches are and were, the present first, then the newest; not what a replay has built."""
        refs = self._repo.git(
            "for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/remotes"
        )
        found: dict[Oid, None] = {}
        for line in refs.decode("utf-8", "surrogateescape").splitlines():
            oid, _, name = line.partition(" ")
            if not name.startswith("refs/heads/regen/"):
                found[oid] = None
        # A branch that is gone has left its places in the reflog of who had it checked out.
        heads = [f"worktrees/{path.name}/HEAD" for path in (self._repo.common_dir / "worktrees").glob("*")]
        for names in (["HEAD"], heads, ["--branches", "--remotes"]):
            args = ["rev-list", "-g", "--ignore-missing", "--exclude=regen/*", *names]
            status, out = self._repo.git_status(*args, "--", ok=(0, 128, 129)) if names else (1, b"")
            if status == 0:
                found.update(dict.fromkeys(out.decode("ascii").split()))
        return found

    @cached_property
    def left(self) -> dict[Oid, Seen]:
        """Every commit that is known and that the range's tip does not have, the newest first."""
        wanted = dict.fromkeys([*self.tips, *self._sources.notes])
        lines = "".join(f"{oid}\n" for oid in wanted) + f"^{self._tip}\n"
        args = ["--ignore-missing", "--topo-order", "--stdin"]
        return {each.id: each for each in read_commits(self._repo, args, (), stdin=lines.encode("ascii"))}

    def ids_of(self, commit: Oid) -> tuple[str, ...]:
        """Return the intents of a commit: those noted and given, else those it names and the ledger knows."""
        noted = self.given.get(commit, ()) + self._sources.ids_of(commit)
        if noted:
            return tuple(dict.fromkeys(noted))
        seen = self.left.get(commit) or self._range.get(commit)
        return tuple(one for one in seen.named.ids if one in self._sources.by_id) if seen else ()

    def pair(self, seen: Seen) -> Pair:
        """Return the trees before and after a commit; nothing stands before a first one."""
        if not seen.parents:
            return self._nothing, seen.tree
        return self._tree(seen.parents[0]), seen.tree

    @cached_property
    def _nothing(self) -> Oid:
        return self._repo.objects.hash("tree", b"")

    def _tree(self, commit: Oid) -> Oid:
        known = self._range.get(commit) or self.left.get(commit)
        if known is not None:
            return known.tree
        try:
            return read_commit(self._repo.objects, commit).tree
        except RegenError:
            # Beyond the edge of a shallow clone.
            return self._nothing

    @cached_property
    def _by_pair(self) -> dict[Pair, list[Seen]]:
        found: dict[Pair, list[Seen]] = defaultdict(list)
        for each in self.left.values():
            if not each.is_merge:
                found[self.pair(each)].append(each)
        return found

    @cached_property
    def _by_tree(self) -> dict[Oid, list[Oid]]:
        """By tree, the commits left behind that have it; tips of branches first."""
        found: dict[Oid, list[Oid]] = defaultdict(list)
        for oid in [*(tip for tip in self.tips if tip in self.left), *self.left]:
            found[self.left[oid].tree].append(oid)
        return found

    def by_trees(self, seen: Seen) -> Origin | None:
        """Find a commit with the same trees before and after, then a branch with the same tree at its tip.

        A commit with both trees that had no intent is this one's origin too: there is nothing to give.
        """
        pair = self.pair(seen)
        copies = self._by_pair.get(pair, [])
        for copy in copies:
            ids = self.ids_of(copy.id)
            if ids:
                return Origin("trees", copy.id, ids)
        if not copies:
            for tip in dict.fromkeys(self._by_tree.get(seen.tree, [])):
                origin = self._union(seen, tip, "tree")
                if origin is not None:
                    return origin
        for commit in self._sources.by_trees.get(pair, []):
            if commit != seen.id:
                return Origin("trees", commit, self._sources.ids_of(commit))
        return None

    def by_patches(self, wanted: Sequence[Seen]) -> dict[Oid, Callable[[], Origin | None]]:
        """Find commits, then branches, that make the same change, for many commits at once.

        The answers are asked for in order, since what one commit gets another does not need.
        """
        singles = self._singles()
        pairs = {each.id: self.pair(each) for each in wanted}
        shape = shapes(self._repo, [*pairs.values(), *singles, *self._ranges])
        by_paths: dict[bytes, list[Pair]] = defaultdict(list)
        for pair in dict.fromkeys([*singles, *self._ranges]):
            if pair in shape:
                by_paths[shape[pair].paths].append(pair)
        near: dict[Oid, list[Pair]] = {}
        for each in wanted:
            mine = shape.get(pairs[each.id])
            rivals = by_paths.get(mine.paths, []) if mine else []
            near[each.id] = [p for p in rivals if p in self._ranges or self._may_copy(each, singles[p])]
        unequal = {p for oid, some in near.items() for p in some if shape[p] != shape[pairs[oid]]}
        asked = {pairs[oid] for oid, some in near.items() if any(p in unequal for p in some)}
        patch = patch_ids(self._repo, [*unequal, *asked])

        def answer(seen: Seen) -> Callable[[], Origin | None]:
            mine = pairs[seen.id]
            same = [
                p
                for p in near[seen.id]
                if shape[p] == shape[mine] or (p in patch and patch[p] == patch.get(mine))
            ]
            return lambda: self._from(seen, same, singles)

        return {each.id: answer(each) for each in wanted if near[each.id]}

    def _from(self, seen: Seen, same: Sequence[Pair], singles: dict[Pair, list[Seen]]) -> Origin | None:
        for pair in same:
            for single in singles.get(pair, []):
                if single.id != seen.id:
                    return Origin("patch", single.id, self.ids_of(single.id))
        for pair in same:
            origin = self._union(seen, self._ranges[pair], "patch") if pair in self._ranges else None
            if origin is not None:
                return origin
        return None

    def _singles(self) -> dict[Pair, list[Seen]]:
        """Return the commits with intents that could have been copied, those left behind first."""
        found: dict[Pair, list[Seen]] = defaultdict(list)
        for each in [*self.left.values(), *self._range.values()]:
            if not each.is_merge and (each.have or self.ids_of(each.id)):
                found[self.pair(each)].append(each)
        return found

    def _may_copy(self, seen: Seen, singles: Iterable[Seen]) -> bool:
        """Return whether a commit can be a copy: what stands beside it in the range has the same author."""
        return any(one.id in self.left or one.author == seen.author for one in singles)

    @cached_property
    def _ranges(self) -> dict[Pair, Oid]:
        """By the trees at its fork and its tip, every branch left behind that has intents."""
        found: dict[Pair, Oid] = {}
        for tip in [tip for tip in self.tips if tip in self.left and self._any_intent(tip)][:_MOST_TIPS]:
            base = self._merge_base(self._tip, tip)
            if base is not None:
                found.setdefault((self._tree(base), self.left[tip].tree), tip)
        return found

    def _any_intent(self, tip: Oid) -> bool:
        return tip in self._with_intents

    @cached_property
    def _with_intents(self) -> set[Oid]:
        """The commits left behind that have an intent, or stand on one left behind that has."""
        found: set[Oid] = set()
        for each in reversed(self.left.values()):
            if self.ids_of(each.id) or not found.isdisjoint(each.parents):
                found.add(each.id)
        return found

    def _merge_base(self, one: Oid, two: Oid) -> Oid | None:
        out = self._repo.git("merge-base", one, two, ok=(0, 1))
        return out.decode("ascii").split()[0] if out.strip() else None

    def _union(self, seen: Seen, tip: Oid, how: How) -> Origin | None:
        """Return what a branch was asked since it forked, without what the commits below have of that."""
        if tip not in self._with_intents:
            return None
        base = self._merge_base(seen.parents[0], tip) if seen.parents else None
        if base is not None and self._tree(base) == self.left[tip].tree:
            return None
        since = [tip, *([f"^{base}"] if base else [])]
        branch = self._repo.git("rev-list", "--topo-order", "--reverse", *since, "--").decode("ascii").split()
        ids = dict.fromkeys(one for commit in branch for one in self.ids_of(commit))
        below: set[str] = set()
        if seen.parents:
            upto = [seen.parents[0], *([f"^{base}"] if base else [])]
            for commit in self._repo.git("rev-list", *upto, "--").decode("ascii").split():
                below.update(self.ids_of(commit))
        rest = tuple(one for one in ids if one not in below)
        return Origin(how, tip, rest, is_branch=True, base=base) if rest else None
