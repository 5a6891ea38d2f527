"""lefthook: writes scripts for the hooks that its configuration names, and moves others' away.

What it owns gets an entry in ``lefthook-local.yml``, which is private and merged over the team's file; it
counts at once. Hooks that it does not own are scripts, as without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from regen_git.capture.install import CHAINED, is_ours
from regen_git.capture.managers.lines import (
    BEGIN,
    END,
    appended,
    block,
    calls,
    change,
    place_scripts,
    state_of_call,
    without_ours,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from regen_git.capture.install import HookState
    from regen_git.git.repository import Repository

__all__ = ["LOCAL", "entries", "install", "is_in_charge", "owned", "state"]

LOCAL = "lefthook-local.yml"
_SIGN = b"call_lefthook"
_NAMES = ("lefthook", ".lefthook", ".config/lefthook")
_ENDINGS = ("yml", "yaml", "toml", "json", "jsonc")
_ARGUMENTS = {
    # lefthook leaves '{2}' as it stands when git gave one argument; no source is called so.
    "prepare-commit-msg": '"{1}" "{2}"',
    "commit-msg": '"{1}"',
    "post-merge": '"{1}"',
    "post-rewrite": '"{1}"',
    "pre-push": '"{1}" "{2}"',
}
_READ_STDIN = ("post-rewrite", "pre-push")


def _configurations(top: Path, suffix: str = "") -> list[Path]:
    paths = [top / f"{name}{suffix}.{ending}" for name in _NAMES for ending in _ENDINGS]
    return [path for path in paths if path.is_file()]


def is_in_charge(top: Path, hooks: Path) -> bool:
    """Return whether lefthook is configured here and has installed at least one hook."""
    return bool(_configurations(top)) and any(
        _is_lefthooks(path) for path in hooks.glob("*") if not path.name.endswith(".sample")
    )


def _is_lefthooks(path: Path) -> bool:
    try:
        return path.is_file() and _SIGN in path.read_bytes()
    except OSError:
        return False


def owned(hooks: Path, events: Sequence[str]) -> list[str]:
    """Return the hooks that lefthook has written, also where an older init put ours in front of it."""
    return [
        event for event in events if _is_lefthooks(hooks / event) or _is_lefthooks(hooks / (event + CHAINED))
    ]


def entries(events: Sequence[str]) -> list[str]:
    """Return the lines that lefthook's configuration needs, as YAML."""
    lines: list[str] = []
    for event in events:
        command = calls(event, _ARGUMENTS.get(event, ""))
        lines += [f"{event}:", "  commands:", "    git-regen:", f"      run: '{command}'"]
        if event in _READ_STDIN:
            lines.append("      use_stdin: true")
    return lines


def install(repo: Repository, top: Path, hooks: Path, events: Sequence[str]) -> list[str]:
    """Have lefthook run ours for the hooks it owns; return what was done, or what is to be added by hand."""
    for event in events:
        _release(hooks / event)
    place_scripts(repo, events)
    if all(state(repo, top, event) != "missing" for event in events) and not _is_stale(top, events):
        return []
    path = top / LOCAL
    before = path.read_text("utf-8", "surrogateescape") if path.exists() else ""
    after = _with_entries(before, events)
    others = [one for one in _configurations(top, "-local") if one != path]
    if after is None or others:
        where = others[0] if others else path
        return [f"lefthook runs {', '.join(events)}; add to '{where}' what follows:", *entries(events)]
    done = [f"lefthook runs {', '.join(events)} of ours ('{path}')"]
    change(repo, path, after)
    if repo.git_status("check-ignore", "--quiet", LOCAL, ok=(0, 1, 128))[0] == 1 and not _is_tracked(repo):
        exclude = repo.common_dir / "info" / "exclude"
        text = exclude.read_text("utf-8", "surrogateescape") if exclude.exists() else ""
        change(repo, exclude, appended(text, block([f"/{LOCAL}"])))
    return done


def _release(target: Path) -> None:
    """Give lefthook its hook back where ours stands in front of it."""
    chained = target.with_name(target.name + CHAINED)
    aside = target.with_name(target.name + ".old")
    if is_ours(target) and _is_lefthooks(chained):
        chained.replace(target)
    elif is_ours(aside):
        # It has moved ours away by itself; what was before ours is an older copy, or takes that place.
        if _is_lefthooks(chained):
            chained.unlink()
            aside.unlink()
        elif chained.exists():
            chained.replace(aside)
        else:
            aside.unlink()


def _is_tracked(repo: Repository) -> bool:
    return bool(repo.git("ls-files", "--", LOCAL).strip())


def _is_stale(top: Path, events: Sequence[str]) -> bool:
    """Return whether our block in the private file names other hooks than it should."""
    path = top / LOCAL
    text = path.read_text("utf-8", "replace") if path.exists() else ""
    return BEGIN in text and text[text.index(BEGIN) :].partition(END)[0].split("\n")[1:-1] != entries(events)


def _with_entries(text: str, events: Sequence[str]) -> str | None:
    """Return the private file with our entries, or ``None`` where that is not safe."""
    import yaml

    rest = without_ours(text)
    text = text if rest is None else rest
    after = appended(text, block(entries(events)))
    try:
        was: Any = yaml.safe_load(text) or {}
        now: Any = yaml.safe_load(after)
        ours: Any = yaml.safe_load("\n".join(entries(events)))
    except yaml.YAMLError:
        return None
    if not isinstance(was, dict) or any(event in was for event in events):
        return None
    return after if now == {**was, **ours} else None


def state(repo: Repository, top: Path, event: str) -> HookState:
    """Return whether lefthook runs ours for a hook that it owns."""
    return state_of_call(repo, event, [*_configurations(top, "-local"), *_configurations(top)])
