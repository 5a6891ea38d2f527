"""Everything that goes over the network: what a remote has, fetching from it, pushing to it.

Git runs with this terminal, so that it can ask for a password. Nothing is ever forced.
"""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from regen_git.errors import RegenError
from regen_git.git.repository import git_environment
from regen_git.process import run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from regen_git.domain.ids import Oid
    from regen_git.git.repository import Repository
    from regen_git.process import Completed
    from regen_git.sharing.remotes import Remote

__all__ = ["SYNCING", "Pushed", "Wire", "forced", "tracking_ref", "words"]

SYNCING = "REGEN_SYNCING"
"""Set for pushes of ours: our own pre-push hook then has nothing to do."""

_GLOBS = ("refs/notes/regen*", "refs/notes/remotes/{remote}/regen*")
_REPLIES = ("refs/regen/replies*", "refs/regen/remotes/{remote}/replies*")
_NEVER = {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "true", "SSH_ASKPASS": "true"}
_MOVED = re.compile(
    r"fetch first|non-fast-forward|needs force|stale info|already exists|\block|failed to update ref|"
    r"incorrect old value|reference already|remote ref updated"
)
_SAID_MOST = 600


@dataclass(frozen=True, slots=True)
class Pushed:
    """How a push ended; both empty: done. ``moved``: why git lost a race for a ref; ``refused``: why not."""

    moved: str = ""
    refused: str = ""


def tracking_ref(remote: str, ref: str) -> str:
    """Return where a ref of a remote is kept here."""
    if ref.startswith("refs/notes/"):
        return f"refs/notes/remotes/{remote}/{ref.removeprefix('refs/notes/')}"
    return f"refs/regen/remotes/{remote}/{ref.removeprefix('refs/regen/')}"


def forced(remote: str, refs: Mapping[str, Oid]) -> str:
    """Return the command that replaces refs of a remote, as long as they are there what is given here."""
    leases = " ".join(f"--force-with-lease={ref}:{oid}" for ref, oid in refs.items())
    return f"git push {leases} {shlex.quote(remote)} {' '.join(refs)}"


def words(done: Completed) -> str:
    """Return what the other side or git said, on one line of bounded length."""
    said = done.stderr.decode("utf-8", "replace")
    lines = [line.strip() for line in re.split(r"[\r\n]+", said)]
    told = [line.removeprefix("remote: ").strip() for line in lines if line.startswith("remote:")]
    told = [line for line in told if line and line != "remote:"]
    faults = [line for line in lines if line.startswith(("fatal:", "error:", "ssh:", "Permission denied"))]
    shown = "; ".join(told or faults or [line for line in lines if line][-3:])
    return shown[:_SAID_MOST] + ("…" if len(shown) > _SAID_MOST else "")


class Wire:
    """The way to one remote. With ``patience_s`` nothing is asked, and it ends after so many seconds."""

    def __init__(self, repo: Repository, remote: Remote, patience_s: float | None = None) -> None:
        self._repo = repo
        self._remote = remote
        self._patience_s = patience_s

    def fetch(self, *, replies: bool = False) -> None:
        """Fetch the remote's notes, and its replies if asked for; where it has none that is fine.

        Raises ``RegenError`` when the remote cannot be reached.
        """
        name = self._remote.name
        pairs = [_GLOBS, *([_REPLIES] if replies else [])]
        specs = [f"+{theirs}:{ours.format(remote=name)}" for theirs, ours in pairs]
        self._fetch(name, specs)

    def fetch_from(self, url: str, refs: Sequence[str]) -> dict[str, Oid]:
        """Fetch refs from where a push goes, and return where they are there; nothing here is named so."""
        there = self.tips(url, refs)
        if there:
            self._fetch(url, list(there))
        return there

    def _fetch(self, source: str, specs: Sequence[str]) -> None:
        options = ["--quiet", "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no"]
        # What a remote has no more is not there to be compared with. It was united with ours before.
        options.append("--prune" if source == self._remote.name else "--no-prune")
        if self._repo.is_partial:
            options.append("--no-filter")
        done = self._talk("fetch", *options, source, *specs)
        if done.status != 0:
            raise self._unreachable("fetch from", done)

    def tips(self, where: str, refs: Sequence[str]) -> dict[str, Oid]:
        """Ask where refs of a remote are now. Raises ``RegenError`` when it cannot be reached."""
        done = self._talk("ls-remote", "--quiet", where, *refs)
        if done.status != 0:
            raise self._unreachable("reach", done)
        found = {}
        for line in done.stdout.splitlines():
            oid, _, name = line.partition(b"\t")
            if os.fsdecode(name) in refs:
                found[os.fsdecode(name)] = oid.decode("ascii")
        return found

    def push(self, moves: Mapping[str, Oid]) -> Pushed:
        """Move refs of the remote, where that is a step forward. Raises ``RegenError`` when out of reach."""
        done = self._talk(
            # A mirror takes no single refs, and that setting is meant for branches.
            *("-c", f"remote.{self._remote.name}.mirror=false"),
            *("push", "--porcelain", "--no-follow-tags", "--recurse-submodules=no"),
            self._remote.name,
            *(f"{oid}:{ref}" for ref, oid in moves.items()),
            env={SYNCING: "1"},
        )
        if done.status == 0:
            return Pushed()
        moved: dict[str, None] = {}
        refused: dict[str, None] = {}
        for line in done.stdout.decode("utf-8", "replace").splitlines():
            flag, _, rest = line.partition("\t")
            if flag == "!":
                why = re.sub(r"^\[[a-z ]*rejected\] ", "", rest.partition("\t")[2]).strip("()")
                (moved if _MOVED.search(why) else refused)[why] = None
        if not moved and not refused:
            raise self._unreachable("push to", done)
        said = words(done)
        return Pushed("; ".join(moved), "; ".join(refused) + (f": {said}" if refused and said else ""))

    def _talk(self, *args: str, env: Mapping[str, str] | None = None) -> Completed:
        repo = self._repo
        own = {"GIT_DIR": str(repo.git_dir), **(env or {})}
        if self._patience_s is not None:
            own.update(_NEVER)
        return run(
            ["git", *args],
            cwd=repo.worktree or repo.git_dir,
            env=git_environment(own),
            timeout_s=self._patience_s,
        )

    def _unreachable(self, what: str, done: Completed) -> RegenError:
        late = f"no answer in {self._patience_s or 0:.0f} s"
        why = words(done) or (late if done.timed_out else "git gave no reason")
        return RegenError(
            f"cannot {what} '{self._remote.name}': {why}",
            hint="nothing here is lost; 'git ls-remote' shows whether the remote answers, then sync again",
        )
