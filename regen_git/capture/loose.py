"""Write one blob into the object database as git does, without git. Source: gitformat-loose(5)."""

from __future__ import annotations

import contextlib
import os
import re
import zlib
from typing import TYPE_CHECKING

from regen_git.domain.digests import sha1, sha256

if TYPE_CHECKING:
    from regen_git.domain.ids import Oid

__all__ = ["LIMIT", "blob_id", "hash_name", "keep_blob"]

LIMIT = 1 << 20
"""Bytes above which a file's content is not kept, only its id."""


def hash_name(common_dir: str) -> str:
    """Return ``sha1`` or ``sha256``: what the repository's configuration says its objects are named by."""
    try:
        with open(common_dir + "/config", encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - an agent waits
            text = file.read().lower()
    except OSError:
        return "sha1"
    # 'compatObjectFormat' names the other one.
    return "sha256" if re.search(r"(?:^|\])\s*objectformat\s*=\s*\"?sha256", text, re.MULTILINE) else "sha1"


def blob_id(data: bytes, name: str) -> Oid:
    """Return the id that git gives this content."""
    digest = (sha256 if name == "sha256" else sha1)(b"blob %d\0" % len(data))
    digest.update(data)
    return digest.hexdigest()


def keep_blob(common_dir: str, data: bytes, name: str) -> Oid:
    """Store the content as a loose object unless it is there already, and return its id.

    Where it cannot be stored the id alone must do: which lines a person mended is then unknown.
    """
    oid = blob_id(data, name)
    folder = f"{common_dir}/objects/{oid[:2]}"
    path = f"{folder}/{oid[2:]}"
    if len(data) > LIMIT or os.path.exists(path):  # noqa: PTH110 - an agent waits
        return oid
    scratch = f"{folder}/tmp_obj_regen{os.getpid()}"  # noqa: S108 - git's own name for it, beside the object
    packed = zlib.compress(b"blob %d\0" % len(data) + data, 1)
    with contextlib.suppress(OSError):
        os.makedirs(folder, exist_ok=True)  # noqa: PTH103 - an agent waits
        with contextlib.suppress(FileNotFoundError):
            # Of a process that was killed and had our number.
            os.unlink(scratch)  # noqa: PTH108 - an agent waits
        _write_to(scratch, packed)
        os.replace(scratch, path)  # noqa: PTH105 - an agent waits
    return oid


def _write_to(scratch: str, data: bytes) -> None:
    handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(scratch)  # noqa: PTH108 - an agent waits
        raise
