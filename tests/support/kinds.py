"""Repositories of every kind, and what must not have changed where a command was refused."""

from __future__ import annotations

import hashlib
import os
import subprocess
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.builder import RepoBuilder

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["REFTABLE", "SHA256", "Untouched", "clone", "make"]

SHA256 = "sha256"
REFTABLE = "reftable"


@cache
def _can_reftable() -> bool:
    done = subprocess.run(["git", "init", "-h"], capture_output=True, text=True, check=False)
    return "--[no-]ref-format" in done.stdout + done.stderr or "--ref-format" in done.stdout + done.stderr


def make(path: Path, kind: str) -> RepoBuilder:
    """Make an empty repository of a kind: ``sha1``, ``sha256`` or ``reftable``."""
    if kind == REFTABLE:
        if not _can_reftable():
            pytest.skip("this git cannot keep refs in tables")
        return RepoBuilder.init(path, "--ref-format=reftable")
    return RepoBuilder.init(path, f"--object-format={kind}")


def clone(source: RepoBuilder, path: Path, *args: str) -> RepoBuilder:
    """Clone over git's own protocol, so that depth and filters count."""
    source.git("config", "uploadpack.allowFilter", "true")
    source.git("config", "uploadpack.allowAnySHA1InWant", "true")
    subprocess.run(["git", "clone", "-q", *args, f"file://{source.path}", str(path)], check=True)
    return RepoBuilder(path)


class Untouched:
    """What a repository and its files hold; equal as long as nothing of it changed."""

    def __init__(self, path: Path) -> None:
        self.seen = dict(_contents(path))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Untouched) and self.seen == other.seen

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Untouched({sorted(self.seen)})"


def _contents(path: Path) -> Iterator[tuple[str, str]]:
    """Yield every file and empty folder with a digest: refs, objects, index, working tree and ``regen``."""
    for folder, _, names in os.walk(path):
        yield folder, ""
        for name in names:
            file = Path(folder, name)
            held = os.fsencode(file.readlink()) if file.is_symlink() else file.read_bytes()
            yield str(file), hashlib.sha256(held).hexdigest()
