"""Put the hooks in place, and take them out again without a trace.

A hook that was there before is renamed to ``<hook>.before-regen`` and runs first. Where ``core.hooksPath``
leads out of the repository, nothing is written there: a folder of our own stands in, whose hooks call those
outside.
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from regen_git.errors import RegenError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regen_git.git.repository import Repository

__all__ = [
    "CHAINED",
    "HOOKS",
    "HookState",
    "arm",
    "hook_source",
    "hook_states",
    "hooks_folder",
    "install_hooks",
    "remove_hooks",
    "render",
    "wanted_hooks",
    "write_command",
]

HOOKS = (
    "pre-commit",
    "prepare-commit-msg",
    "commit-msg",
    "post-commit",
    "post-merge",
    "post-rewrite",
    "pre-push",
)
"""Every hook there is; ``wanted_hooks`` says which a repository gets."""

CHAINED = ".before-regen"
"""What a hook that was there before is called while ours stands in its place."""

HookState = Literal["installed", "outdated", "missing", "foreign"]

_SIGN = "# git regen: "
_SHIM = """\
#!/bin/sh
# git regen: calls the hook that core.hooksPath named before 'git regen init'.
hook={path}
[ -x "$hook" ] || exit 0
exec "$hook" "$@"
"""


@dataclass(frozen=True, slots=True)
class HooksFolder:
    """Where git looks for hooks. ``outside`` is the folder beyond the repository that ours stands in for."""

    path: Path
    outside: Path | None


def hook_source(name: str) -> Path:
    """Return the file of one hook: inside an installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "_hooks", package.parent / "hooks"):
        if (folder / name).is_file():
            return folder / name
    raise RegenError(
        f"cannot find the hook '{name}'", hint="the installation is broken; install git regen again"
    )


def render(name: str) -> str:
    """Return the text of a hook as it is installed."""
    return hook_source(name).read_text("utf-8")


def hooks_folder(repo: Repository) -> HooksFolder:
    """Return where hooks are to be installed. Nothing is made."""
    own = repo.data_dir / "hooks"
    set_path = repo.config("core.hooksPath")
    if not set_path:
        return HooksFolder(repo.common_dir / "hooks", None)
    base = repo.worktree or repo.git_dir
    path = (base / Path(set_path).expanduser()).resolve()
    if path == own.resolve():
        pointer = own / ".outside"
        return HooksFolder(own, Path(os.fsdecode(pointer.read_bytes())) if pointer.exists() else None)
    inside = [repo.common_dir.resolve(), *([repo.worktree.resolve()] if repo.worktree else [])]
    if any(path.is_relative_to(folder) for folder in inside):
        return HooksFolder(path, None)
    return HooksFolder(own, path)


def wanted_hooks(repo: Repository) -> tuple[str, ...]:
    """Return the hooks this repository needs.

    Every hook costs each commit a process, so ``pre-commit`` is there only where ``regen.policy`` is
    ``require``: elsewhere ``post-commit`` says what it would say. ``pre-push`` is there where
    ``regen.prePush`` is true.
    """
    unwanted = {
        "pre-commit": repo.config("regen.policy") != "require",
        "pre-push": (repo.config("regen.prePush") or "").lower() not in ("true", "yes", "on", "1"),
    }
    return tuple(name for name in HOOKS if not unwanted.get(name))


def install_hooks(repo: Repository) -> Path:
    """Install every hook, chain what is there, and return the folder. Doing it again changes nothing."""
    where = hooks_folder(repo)
    where.path.mkdir(parents=True, exist_ok=True)
    if where.outside is not None:
        _stand_in(where.path, where.outside, wanted_hooks(repo))
        repo.set_config("core.hooksPath", str(where.path))
    for name in wanted_hooks(repo):
        target = where.path / name
        if target.is_symlink() or (target.exists() and not _is_ours(target)):
            chained = where.path / (name + CHAINED)
            if chained.exists():
                raise RegenError(
                    f"'{target}' was replaced by another program, and '{chained.name}' is there too",
                    hint=f"keep the one you want as '{chained.name}', remove '{name}', and run init again",
                )
            target.rename(chained)
        _write_script(target, render(name))
    write_command(repo)
    return where.path


def _stand_in(own: Path, outside: Path, wanted: Sequence[str]) -> None:
    """Fill our own folder so that the hooks outside still run: behind ours, or in their own names."""
    (own / ".outside").write_bytes(os.fsencode(outside))
    there = {p.name for p in outside.glob("*") if p.is_file() and os.access(p, os.X_OK) and "." not in p.name}
    for name in there | set(wanted):
        shim = _SHIM.format(path=_quoted(str(outside / name)))
        _write_script(own / (name + CHAINED if name in wanted else name), shim)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _write_script(path: Path, text: str) -> None:
    scratch = path.with_name(path.name + ".new")
    # Paths in it are as the system has them, UTF-8 or not.
    scratch.write_bytes(text.encode("utf-8", "surrogateescape"))
    scratch.chmod(0o755)
    scratch.replace(path)


def _is_ours(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return _SIGN.encode() in file.read(400)
    except OSError:
        return False


def remove_hooks(repo: Repository) -> None:
    """Take our hooks out and give the others their names back."""
    where = hooks_folder(repo)
    own = repo.data_dir / "hooks"
    if where.path != own:
        for name in HOOKS:
            target, chained = where.path / name, where.path / (name + CHAINED)
            if _is_ours(target):
                target.unlink()
            if chained.exists() and not target.exists():
                chained.rename(target)
    shutil.rmtree(own, ignore_errors=True)
    for folder in [repo.common_dir, *repo.common_dir.glob("worktrees/*")]:
        for name in ("regen-prepared", "regen-message"):
            (folder / name).unlink(missing_ok=True)


def hook_states(repo: Repository) -> dict[str, HookState]:
    """Return, by hook, whether ours is in place, older than this program, absent, or somebody else's."""
    folder = hooks_folder(repo).path
    return {name: _state(folder / name, name) for name in wanted_hooks(repo)}


def _state(path: Path, name: str) -> HookState:
    if not path.exists():
        return "missing"
    if not _is_ours(path):
        return "foreign"
    return "installed" if path.read_text("utf-8", "replace") == render(name) else "outdated"


def write_command(repo: Repository) -> None:
    """Remember how to call this program, for hooks that run where it is not on the PATH."""
    found = shutil.which("git-regen") or (sys.argv[0] if Path(sys.argv[0]).name == "git-regen" else None)
    repo.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = repo.data_dir / "command"
    if found:
        path.write_bytes(os.fsencode(Path(found).absolute()) + b"\n")
        return
    # Run as a module: a script of our own stands in for the one that an installation makes.
    script = repo.data_dir / "git-regen"
    # Isolated, so that nothing in the working tree where the hook runs can be imported.
    parent = str(Path(__file__).resolve().parent.parent.parent)
    code = f"import sys; sys.path.insert(0, {parent!r}); from regen_git.cli.main import main; main()"
    _write_script(script, f'#!/bin/sh\nexec {_quoted(sys.executable)} -I -c {_quoted(code)} "$@"\n')
    path.write_bytes(os.fsencode(script) + b"\n")


def arm(repo: Repository) -> None:
    """Tell the hooks whether there is a ledger to look after when history is rewritten or pulled."""
    refs = repo.git(
        "for-each-ref", "--count=1", "refs/notes/regen", "refs/notes/private/regen", "refs/notes/remotes"
    )
    if refs.strip() and repo.data_dir.is_dir():
        (repo.data_dir / "armed").touch()
