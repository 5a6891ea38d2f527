"""What ``init`` changes beside the hooks, written down so that it can be undone to the byte."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from regen_git.capture import managers
from regen_git.capture.install import arm
from regen_git.capture.managers.configured import forget
from regen_git.capture.managers.lines import take_lines_out
from regen_git.capture.place import place_of
from regen_git.capture.preferences import read_preferences
from regen_git.capture.reflog import forward, size
from regen_git.capture.telling.files import take_out_of
from regen_git.capture.undo import forget as forget_file
from regen_git.capture.undo import read_bytes, read_changes, recorded, restore

if TYPE_CHECKING:
    from regen_git.capture.undo import Changed
    from regen_git.git.repository import Repository

__all__ = ["fetch_ledger_of", "set_up", "take_out", "wanted_refspec"]

REWRITE_REF = "refs/notes/regen*"
"""Which notes follow a commit that is amended or rebased."""

PRE_PUSH = "regen.prePush"
"""Whether every push shares the ledger."""

_OURS = ("pending", "seen", "hooks", "marks", "marks.taken", "marks.next", "armed", "command", "git-regen")
_OURS_TOO = (
    "preferences.json",
    "undo.json",
    "flush.lock",
    "inbox.lock",
    "log",
    "tips",
    "sync.lock",
    "published.json",
    "met",
    "fired",
)


_PROPOSAL = "/.regen/config.yaml"
"""What ``init`` proposes and people make their own."""


def wanted_refspec(remote: str) -> str:
    """Return what to fetch of a remote's ledger. The glob keeps a fetch whole where there is none yet."""
    return f"+refs/notes/regen*:refs/notes/remotes/{remote}/regen*"


def set_up(repo: Repository, *, hooks: bool = True, pre_push: bool = False) -> list[str]:
    """Install hooks, refspecs and note copying; return what was done, a line each.

    With ``pre_push`` also the hook that shares the ledger with every push; it stays until all is taken out.
    """
    done: list[str] = []
    with recorded(repo, repo.common_dir / "config"):
        if pre_push and hooks and repo.config(PRE_PUSH) != "true":
            repo.set_config(PRE_PUSH, "true")
            done.append("a push shares the ledger too, where you have agreed to publish it")
        if hooks:
            done += managers.install(repo)
        names = repo.git("remote").decode("utf-8", "replace").split()
        new = [name for name in names if _add_refspec(repo, name)]
        done += [f"'git fetch {name}' also fetches its ledger" for name in new]
        if REWRITE_REF not in repo.config_all("notes.rewriteRef"):
            repo.set_config("notes.rewriteRef", REWRITE_REF, add=True)
            done.append("notes follow amended and rebased commits")
    place = place_of(repo)
    read_preferences(place)
    if not Path(place.data, "seen", place.key).exists():
        forward(place, place.key, size(place, place.key))
    arm(repo)
    return done


def fetch_ledger_of(repo: Repository, remote: str) -> bool:
    """Let every fetch from a remote bring its ledger; return whether that is new."""
    with recorded(repo, repo.common_dir / "config"):
        return _add_refspec(repo, remote)


def _add_refspec(repo: Repository, remote: str) -> bool:
    if wanted_refspec(remote) in repo.config_all(f"remote.{remote}.fetch"):
        return False
    repo.set_config(f"remote.{remote}.fetch", wanted_refspec(remote), add=True)
    return True


def take_out(repo: Repository) -> list[str]:
    """Undo everything but what was captured and is in no commit yet; return what was done, a line each."""
    done: list[str] = []
    changed = read_changes(repo)
    managers.remove(repo)
    done.append("hooks are out")
    for change in reversed(changed):
        path = Path(change.path)
        try:
            done.append(_undone(repo, path, change))
            forget_file(repo, path)
        except OSError as error:
            reason = error.strerror or error
            done.append(f"'{path}' cannot be read or written ({reason}): look at it by hand")
    if not changed:
        _unset(repo)
    # What could not be undone now can be later, as long as it is written down.
    _clean(repo, kept=("undo.json",) if read_changes(repo) else ())
    return done


def _undone(repo: Repository, path: Path, change: Changed) -> str:
    """Undo one change of a file and say how. Raises ``OSError``."""
    present = read_bytes(path)
    if change.path.endswith(_PROPOSAL) and _is_taken_over(repo, path, present, change):
        return f"'{path}' stays: it is yours"
    if present == change.after:
        restore(change)
    elif path.name == "config":
        _unset(repo)
    elif present is not None and not _without_ours(path, change):
        return f"'{path}' cannot be understood: take the lines with 'git-regen capture' out by hand"
    return f"'{path}' is as it was"


def _is_taken_over(repo: Repository, path: Path, present: bytes | None, change: Changed) -> bool:
    """Return whether somebody has edited the proposed configuration, or given it to git."""
    if present is None:
        return False
    return present != change.after or bool(
        repo.git("-C", str(path.parent), "ls-files", "--", path.name, ok=(0, 128))
    )


def _without_ours(path: Path, change: Changed) -> bool:
    """Take what is ours out of a file that others have changed; false if it cannot be understood."""
    return take_lines_out(path, change.made) or take_out_of(path, change.made)


def _unset(repo: Repository) -> None:
    """Take our settings out of a configuration that others have changed meanwhile."""
    own = str(repo.data_dir / "hooks")
    if repo.config("core.hooksPath") == own:
        repo.git("config", "--local", "--unset", "core.hooksPath", ok=(0, 5))
    forget(repo)
    repo.git("config", "--local", "--fixed-value", "--unset-all", "notes.rewriteRef", REWRITE_REF, ok=(0, 5))
    repo.git("config", "--local", "--unset-all", PRE_PUSH, ok=(0, 5))
    for remote in repo.git("remote").decode("utf-8", "replace").split():
        spec = wanted_refspec(remote)
        repo.git(
            "config", "--local", "--fixed-value", "--unset-all", f"remote.{remote}.fetch", spec, ok=(0, 5)
        )


def _clean(repo: Repository, kept: tuple[str, ...]) -> None:
    """Remove our own files but those; the inbox goes only when nothing waits in it."""
    from regen_git.capture.inbox import Inbox

    data = repo.data_dir
    waits = any(entry.kind in ("prompt", "plan", "record") for entry in Inbox(str(data)).read())
    for name in (*_OURS, *_OURS_TOO, *([] if waits else ["inbox.jsonl"])):
        path = data / name
        if name in kept:
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        data.rmdir()
