"""What ``init`` changes beside the hooks, written down so that it can be undone to the byte."""

from __future__ import annotations

import base64
import contextlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from regen_git.agents import claude as claude_hooks
from regen_git.capture.install import arm, install_hooks, remove_hooks
from regen_git.capture.place import place_of
from regen_git.capture.preferences import read_preferences
from regen_git.capture.reflog import forward, size
from regen_git.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from regen_git.git.repository import Repository

__all__ = [
    "ClaudeScope",
    "claude_settings",
    "fetch_ledger_of",
    "install_claude",
    "set_up",
    "take_out",
    "wanted_refspec",
]

ClaudeScope = Literal["project", "user", "none"]

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
)


@dataclass(frozen=True, slots=True)
class _Changed:
    """A file before and after; ``before`` is ``None`` when it did not exist."""

    path: str
    before: bytes | None
    after: bytes


def wanted_refspec(remote: str) -> str:
    """Return what to fetch of a remote's ledger. The glob keeps a fetch whole where there is none yet."""
    return f"+refs/notes/regen*:refs/notes/remotes/{remote}/regen*"


def set_up(repo: Repository, *, hooks: bool = True, pre_push: bool = False) -> list[str]:
    """Install hooks, refspecs and note copying; return what was done, a line each.

    With ``pre_push`` also the hook that shares the ledger with every push; it stays until all is taken out.
    """
    done: list[str] = []
    with _recorded(repo, repo.common_dir / "config"):
        if pre_push and hooks and repo.config(PRE_PUSH) != "true":
            repo.set_config(PRE_PUSH, "true")
            done.append("a push shares the ledger too, where you have agreed to publish it")
        if hooks:
            done.append(f"hooks in '{install_hooks(repo)}'")
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
    with _recorded(repo, repo.common_dir / "config"):
        return _add_refspec(repo, remote)


def _add_refspec(repo: Repository, remote: str) -> bool:
    if wanted_refspec(remote) in repo.config_all(f"remote.{remote}.fetch"):
        return False
    repo.set_config(f"remote.{remote}.fetch", wanted_refspec(remote), add=True)
    return True


def claude_settings(repo: Repository, scope: ClaudeScope) -> Path | None:
    """Return the settings file of Claude Code for a scope."""
    if scope == "user":
        import os

        base = os.environ.get("CLAUDE_CONFIG_DIR")
        return (Path(base) if base else Path.home() / ".claude") / "settings.json"
    if scope == "project" and repo.worktree is not None:
        return repo.worktree / ".claude" / "settings.json"
    return None


def install_claude(repo: Repository, scope: ClaudeScope) -> Path | None:
    """Add our entries to Claude Code's settings; return the file, or ``None`` when there is nothing to do.

    Raises ``ConfigError`` when the file cannot be understood; it is left as it is.
    """
    path = claude_settings(repo, scope)
    if path is None:
        return None
    before = path.read_text("utf-8") if path.exists() else ""
    try:
        after = claude_hooks.with_hooks(before)
    except ValueError as error:
        raise ConfigError(
            f"cannot add hooks to '{path}': {error}", hint="mend the file, or run init with '--claude none'"
        ) from error
    if after == before or claude_hooks.has_hooks(before):
        return None
    with _recorded(repo, path):
        _replace(path, after.encode())
    return path


def take_out(repo: Repository) -> list[str]:
    """Undo everything but what was captured and is in no commit yet; return what was done, a line each."""
    done: list[str] = []
    changed = _read_record(repo)
    remove_hooks(repo)
    done.append("hooks are out")
    for change in reversed(changed):
        path = Path(change.path)
        present = path.read_bytes() if path.exists() else None
        if present == change.after:
            _restore(path, change.before)
        elif present is not None and path.name == "config":
            _unset(repo)
        elif present is not None:
            _replace(path, claude_hooks.without_hooks(present.decode("utf-8")).encode())
        done.append(f"'{path}' is as it was")
    if not changed:
        _unset(repo)
    _clean(repo)
    return done


def _restore(path: Path, before: bytes | None) -> None:
    if before is not None:
        path.write_bytes(before)
        return
    path.unlink()
    with contextlib.suppress(OSError):
        path.parent.rmdir()


def _unset(repo: Repository) -> None:
    """Take our settings out of a configuration that others have changed meanwhile."""
    own = str(repo.data_dir / "hooks")
    if repo.config("core.hooksPath") == own:
        repo.git("config", "--local", "--unset", "core.hooksPath", ok=(0, 5))
    repo.git("config", "--local", "--fixed-value", "--unset-all", "notes.rewriteRef", REWRITE_REF, ok=(0, 5))
    repo.git("config", "--local", "--unset-all", PRE_PUSH, ok=(0, 5))
    for remote in repo.git("remote").decode("utf-8", "replace").split():
        spec = wanted_refspec(remote)
        repo.git(
            "config", "--local", "--fixed-value", "--unset-all", f"remote.{remote}.fetch", spec, ok=(0, 5)
        )


def _clean(repo: Repository) -> None:
    """Remove our own files; the inbox goes only when nothing waits in it."""
    from regen_git.capture.inbox import Inbox

    data = repo.data_dir
    waits = any(entry.kind in ("prompt", "plan", "record") for entry in Inbox(str(data)).read())
    for name in (*_OURS, *_OURS_TOO, *([] if waits else ["inbox.jsonl"])):
        path = data / name
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        data.rmdir()


def _replace(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(path.name + ".new")
    scratch.write_bytes(data)
    if path.exists():
        scratch.chmod(path.stat().st_mode & 0o777)
    scratch.replace(path)


@contextlib.contextmanager
def _recorded(repo: Repository, path: Path) -> Iterator[None]:
    """Write down how a file changes in the body; the first 'before' of a file counts, the last 'after'."""
    before = path.read_bytes() if path.exists() else None
    try:
        yield
    finally:
        after = path.read_bytes() if path.exists() else b""
        if after != (before or b""):
            known = _read_record(repo)
            first = next((c for c in known if c.path == str(path) and c.after == before), None)
            rest = [c for c in known if c.path != str(path)]
            _write_record(repo, [*rest, _Changed(str(path), first.before if first else before, after)])


def _record_path(repo: Repository) -> Path:
    return repo.data_dir / "undo.json"


def _read_record(repo: Repository) -> list[_Changed]:
    try:
        data = json.loads(_record_path(repo).read_text("ascii"))
    except (OSError, ValueError):
        return []
    return [
        _Changed(
            item["path"],
            None if item["before"] is None else base64.b64decode(item["before"]),
            base64.b64decode(item["after"]),
        )
        for item in data
    ]


def _write_record(repo: Repository, changes: Sequence[_Changed]) -> None:
    def shown(data: bytes | None) -> str | None:
        return None if data is None else base64.b64encode(data).decode("ascii")

    items = [{"path": c.path, "before": shown(c.before), "after": shown(c.after)} for c in changes]
    repo.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    _record_path(repo).write_text(json.dumps(items), "ascii")
