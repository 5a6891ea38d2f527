"""A model's text is laid down as the path's own history lays it down."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from regen_git.git.trees import REGULAR, Leaf, edit, lookup
from regen_git.replay.compose import compose
from regen_git.replay.reply import parse_reply

if TYPE_CHECKING:
    from support.builder import RepoBuilder

BOM = b"\xef\xbb\xbf"


@pytest.mark.parametrize(
    ("before", "reply", "after"),
    [
        (BOM + b"one\n", "two", BOM + b"two\n"),
        (BOM + b"one\n", "\ufefftwo", BOM + b"two\n"),
        (BOM + b"one\r\n", "two", BOM + b"two\r\n"),
        (b"one\n", "\ufefftwo", b"two\n"),
        (None, "\ufefftwo", b"two\n"),
        (BOM, "", b""),
        (b"one", "two", b"two"),
        (b"one\r\n", "two", b"two\r\n"),
    ],
)
def test_a_file_keeps_its_mark_its_endings_and_its_last_newline(
    repo: RepoBuilder, before: bytes | None, reply: str, after: bytes
) -> None:
    store = repo.opened.objects
    start = {"a.txt": Leaf(REGULAR, store.write("blob", before))} if before is not None else {}
    tree = edit(store, None, {"keep": Leaf(REGULAR, store.write("blob", b"")), **start})
    body = f"{reply}\n" if reply else ""
    parsed = parse_reply(f"FILE a.txt\n```\n{body}```\n", current={})
    assert not parsed.problems

    made = compose(store, tree, tree, parsed, frozenset({"a.txt"}))

    leaf = lookup(store, edit(store, tree, made.edits), "a.txt")
    assert leaf is not None
    assert store.blob(leaf.oid) == after
