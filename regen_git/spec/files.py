"""The pages of the spec in the working tree: read and written, never through a symbolic link."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from regen_git.errors import SpecError
from regen_git.spec.memory import Memory, read_memory, write_memory
from regen_git.spec.pages import LONGEST_PAGE, decode_page, parse_page, render_page
from regen_git.spec.values import SPEC_FOLDER

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from regen_git.git.repository import Repository
    from regen_git.spec.values import Page

__all__ = ["folder_of", "read_folder", "write_folder"]

_MEMORY = ".folded"
_LONGEST_MEMORY = 16 << 20


def folder_of(repo: Repository) -> Path:
    """Return where the pages lie. Raises `SpecError` without a working tree, or for a link elsewhere."""
    if repo.worktree is None:
        raise SpecError("the spec lies in the working tree, and this repository has none", hint="use a clone")
    folder = repo.worktree
    for part in SPEC_FOLDER.split("/"):
        folder /= part
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise SpecError(f"'{SPEC_FOLDER}' is no folder of this tree", hint=f"look at '{folder}'")
    return folder


def read_folder(repo: Repository) -> tuple[list[Page], Memory]:
    """Return the pages of the working tree by name, and what the last fold wrote. Raises `SpecError`."""
    folder = folder_of(repo)
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if entry.name.endswith(".md"))
    except FileNotFoundError:
        return [], Memory()
    pages: list[Page] = []
    for file in names:
        name = file.removesuffix(".md")
        data = _read(folder / file, LONGEST_PAGE)
        pages.append(parse_page(name, decode_page(name, data)))
    kept = _read(folder / _MEMORY, _LONGEST_MEMORY) if (folder / _MEMORY).exists() else b""
    return pages, read_memory((kept or b"").decode("utf-8", "replace"))


def _read(path: Path, most: int) -> bytes | None:
    """Return a file's bytes, ``None`` for one that is longer."""
    _refuse_odd(path)
    with path.open("rb") as file:
        data = file.read(most + 1)
    return data if len(data) <= most else None


def _refuse_odd(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        raise SpecError(f"'{SPEC_FOLDER}/{path.name}' is no file", hint="pages are plain files")


def write_folder(
    repo: Repository, before: Sequence[Page], after: Sequence[Page], memory: Memory
) -> list[str]:
    """Write the pages that differ, and what the fold must remember; return the paths of the pages written."""
    folder = folder_of(repo)
    old = {page.name: page for page in before}
    written: list[str] = []
    folder.mkdir(parents=True, exist_ok=True)
    for page in after:
        was = old.get(page.name)
        if page is was:
            continue
        text = render_page(page)
        if was is None or render_page(was) != text:
            _write(folder / f"{page.name}.md", text)
            written.append(f"{SPEC_FOLDER}/{page.name}.md")
    if memory.asked or memory.wrote:
        _write(folder / _MEMORY, write_memory(memory))
    return written


def _write(path: Path, text: str) -> None:
    _refuse_odd(path)
    new = path.with_name(f"{path.name}.new")
    _refuse_odd(new)
    # Half a character, as JSON can hold, has no place in a file.
    new.write_bytes(text.encode("utf-8", "replace"))
    new.replace(path)
