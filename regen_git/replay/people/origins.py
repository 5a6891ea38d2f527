"""Where lines come from, followed through rebuilt and adopted commits to the prompts and people behind them.

A rebuilt commit names its source, an adopted one the rebuilt tip. What the model wrote belongs to the intents
of the source; a line that the source has too, at the same place, and that a person wrote there, is theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from regen_git.agents.causes import NO_LINE, Cause, cause_of, is_alike
from regen_git.agents.told import Told, read_some
from regen_git.git.blame import BlamedLine, committed_blame
from regen_git.git.commits import read_commit
from regen_git.git.trees import EXECUTABLE, REGULAR, lookup
from regen_git.ledger.store import PROVENANCE_REF, Ledger

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.domain.intent import Intent
    from regen_git.git.repository import Repository

__all__ = ["Origin", "Origins"]

_DEEPEST = 8  # rebuilt from rebuilt from rebuilt: trailers can say anything, and also lead in a circle
_FILES = (REGULAR, EXECUTABLE)


@dataclass(frozen=True, slots=True)
class Origin:
    """Why a line is there. ``told`` is the commit that the cause speaks of, ``None`` for no commit yet.

    ``model`` generated the line, where it stands in a rebuilt commit; ``module`` is the one it belongs to,
    where the commit was generated module by module.
    """

    told: Told | None
    cause: Cause
    model: str = ""
    module: str = ""


_UNCOMMITTED = Origin(None, Cause((), "not committed yet", "person"))


class Origins:
    """Answers for lines of one repository, and remembers what was read."""

    def __init__(self, repo: Repository) -> None:
        self._repo = repo
        self._told: dict[Oid, Told] = {}
        self._absent: set[Oid] = set()
        self._alike: dict[tuple[Oid, RepoPath], Origin] = {}
        self._blamed: dict[tuple[Oid, RepoPath], dict[int, BlamedLine]] = {}
        self._aligned: dict[tuple[Oid, Oid, RepoPath], dict[int, int]] = {}
        self._trailers: dict[Oid, tuple[Oid | None, Oid | None, str]] = {}
        self._modules: dict[Oid, dict[RepoPath, tuple[str, tuple[str, ...]]]] = {}
        self._asked: dict[Oid, dict[str, Intent]] = {}

    @property
    def told(self) -> dict[Oid, Told]:
        """Every commit that was read, by id."""
        return self._told

    def of(self, lines: Sequence[BlamedLine]) -> list[Origin]:
        """Return where each line comes from; the commits are all read by one process."""
        self.read(line.commit for line in lines if line.is_committed)
        return [self._of(line, 0) for line in lines]

    def read(self, commits: Iterable[Oid]) -> None:
        """Read commits that exist here."""
        missing = [oid for oid in dict.fromkeys(commits) if oid not in self._told]
        self._told.update(read_some(self._repo, missing))

    def _of(self, line: BlamedLine, depth: int) -> Origin:
        if not line.is_committed:
            return _UNCOMMITTED
        alike = self._alike.get((line.commit, line.path))
        if alike is not None:
            return alike
        told = self._known(line.commit)
        if told is None:
            return Origin(None, Cause((), "its commit is not here", "agent"))
        adopts, source, model = self._names(told)
        if depth < _DEEPEST:
            if adopts is not None:
                return self._adopted(line, told, (adopts, source), model, depth)
            if source is not None and self._known(source) is not None:
                return self._rebuilt(line, told, self._told[source], model, depth)
        origin = Origin(told, cause_of(told, line.path, line.line), model)
        if adopts is None and source is None and is_alike(told, line.path):
            # The same for every line of the commit in this file, and reading its message takes time.
            self._alike[line.commit, line.path] = origin
        return origin

    def _names(self, told: Told) -> tuple[Oid | None, Oid | None, str]:
        """Return what the commit's trailers say: the tip it adopts, its source, its model."""
        if "Regen-Source" not in told.message and "Regen-Adopts" not in told.message:
            return None, None, ""
        # What only rebuilt commits need is imported for them: most files have none.
        from regen_git.git.trailers import values
        from regen_git.replay.facts import ADOPTS, MODEL, SOURCE

        known = self._trailers.get(told.commit)
        if known is None:
            message = told.message.encode("utf-8", "replace")
            firsts = [next(iter(values(message, key)), None) for key in (ADOPTS, SOURCE, MODEL)]
            known = self._trailers[told.commit] = (firsts[0], firsts[1], firsts[2] or "")
        return known

    def is_rebuilt(self, told: Told) -> bool:
        """Return whether a commit was made by a replay from a source that is here."""
        source = self._names(told)[1]
        return source is not None and self._known(source) is not None

    def is_behind(self, told: Told) -> bool:
        """Return whether a commit's lines are followed to other commits: it was rebuilt, or adopts."""
        return self._names(told) != (None, None, "")

    def _known(self, oid: Oid) -> Told | None:
        """Return a commit, ``None`` where this repository does not have it."""
        if oid not in self._told and oid not in self._absent:
            store = self._repo.objects
            is_here = len(oid) == len(self._repo.null_oid) and oid in store and store.read(oid)[0] == "commit"
            if is_here:
                self.read([oid])
            else:
                self._absent.add(oid)
        return self._told.get(oid)

    def _adopted(
        self, line: BlamedLine, told: Told, behind: tuple[Oid, Oid | None], model: str, depth: int
    ) -> Origin:
        """Go on at the rebuilt tip; where that is gone, at the source that it was rebuilt from."""
        for oid in behind:
            found = self._across(line, told.commit, oid) if oid is not None else None
            if found is not None:
                origin = self._of(found, depth + 1)
                is_source = oid != behind[0]
                if not is_source or origin.cause.by == "person":
                    return origin
        source = self._known(behind[1]) if behind[1] is not None else None
        generated = self._generated(behind[0], source, line.path, model) if source is not None else None
        if generated is not None:
            return generated
        reason = f"generated by {model or 'a model'}, and adopted"
        return Origin(told, Cause((), reason, "agent"), model)

    def _rebuilt(self, line: BlamedLine, told: Told, source: Told, model: str, depth: int) -> Origin:
        """Return the person who wrote the line in the source, else the intents it was generated for."""
        across = self._across(line, told.commit, source.commit)
        if across is not None:
            origin = self._of(across, depth + 1)
            if origin.cause.by == "person" or not model:
                return origin
        generated = self._generated(told.commit, source, line.path, model)
        if generated is not None:
            return generated
        same = self._aligned.get((told.commit, source.commit, line.path), {})
        at = same.get(line.line, NO_LINE)
        cause = cause_of(source, line.path, at)
        if cause.by == "person" and model and source.note.intents and not self._has(source, line.path):
            # A file that only the rebuilt commit has: no footprint can name it.
            cause = Cause(tuple(source.note.intents.values()), "", "prompt")
        return Origin(source, cause, model if cause.by != "person" else "")

    def _generated(self, tip: Oid, source: Told, path: RepoPath, model: str) -> Origin | None:
        """Return the intents of the module that a generation wrote a path for; ``None`` where it names none.

        Its note is enough: the tip itself is seldom pushed.
        """
        module, ids = self._module(tip, path)
        if not module:
            return None
        known = self._intents(source.commit)
        asked = tuple(known[one] for one in (each.partition("@")[0] for each in ids) if one in known)
        reason = "" if asked else f"generated for module '{module}', which names no prompt"
        return Origin(source, Cause(asked, reason, "prompt" if asked else "agent"), model, module)

    def _across(self, line: BlamedLine, here: Oid, there: Oid) -> BlamedLine | None:
        """Return what git blames the same line of another commit's file on; ``None`` where it has none."""
        if there == here or self._known(there) is None:
            return None
        key = (here, there, line.path)
        if key not in self._aligned:
            self._aligned[key] = self._same_lines(here, there, line.path)
        number = self._aligned[key].get(line.line)
        if number is None:
            return None
        blamed = self._blamed.get((there, line.path))
        if blamed is None:
            found = committed_blame(self._repo, line.path, there)
            blamed = self._blamed[there, line.path] = {each.number: each for each in found}
            self.read(each.commit for each in found)
        return blamed.get(number)

    def _same_lines(self, here: Oid, there: Oid, path: RepoPath) -> dict[int, int]:
        """Return the lines that a file has in both commits: number here to number there."""
        from regen_git.replay.people.textmerge import hunks

        one, two = self._data(here, path), self._data(there, path)
        if one is None or two is None:
            return {}
        same: dict[int, int] = {}
        old, new = 1, 1
        for hunk in hunks(one, two):
            same.update((old + i, new + i) for i in range(hunk.old_start - old))
            old, new = hunk.old_start + hunk.old_lines, hunk.new_start + hunk.new_lines
        rest = one.count(b"\n") + (not one.endswith(b"\n")) - old + 1
        same.update((old + i, new + i) for i in range(rest))
        return same

    def _data(self, commit: Oid, path: RepoPath) -> bytes | None:
        from regen_git.config.ownership import is_text

        store = self._repo.objects
        leaf = lookup(store, read_commit(store, commit).tree, path)
        if leaf is None or leaf.mode not in _FILES:
            return None
        data = store.blob(leaf.oid)
        return data if is_text(data) else None

    def _has(self, told: Told, path: RepoPath) -> bool:
        return lookup(self._repo.objects, told.tree, path) is not None

    def _module(self, commit: Oid, path: RepoPath) -> tuple[str, tuple[str, ...]]:
        """Return the module whose step wrote a path of this commit, with its intents; empty if unknown."""
        from regen_git.git.notes import read_note
        from regen_git.replay.provenance import read_note_documents

        if commit not in self._modules:
            found: dict[RepoPath, tuple[str, tuple[str, ...]]] = {}
            for document in read_note_documents(read_note(self._repo, PROVENANCE_REF, commit)):
                name, wrote, ids = (document.get(key) for key in ("module", "wrote", "intents"))
                if isinstance(name, str) and isinstance(wrote, list):
                    asked = tuple(map(str, ids)) if isinstance(ids, list) else ()
                    found.update((str(each), (name, asked)) for each in wrote)
            self._modules[commit] = found
        return self._modules[commit].get(path, ("", ()))

    def _intents(self, source: Oid) -> dict[str, Intent]:
        """Return the intents of a source's history by id, each in its newest revision."""
        known = self._asked.get(source)
        if known is None:
            known = self._asked[source] = {}
            for _, view in Ledger(self._repo).scan([source]):
                for one in view.intents.values():
                    if one.id not in known or one.revision > known[one.id].revision:
                        known[one.id] = one
        return known
