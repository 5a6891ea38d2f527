"""Change a recorded reply behind the program's back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from regen_git.git.refs import read_ref
from regen_git.git.trees import edit, walk
from regen_git.llm import reply_document
from regen_git.llm.replies import REPLIES_REF

if TYPE_CHECKING:
    from support.histories import History

__all__ = ["spoil_reply"]


def spoil_reply(history: History, old: str, new: str) -> None:
    """Replace a text in the recorded reply that holds it, as somebody might who edits the ref."""
    repo = history.repo.opened
    store = repo.objects
    tip = read_ref(repo, REPLIES_REF)
    assert tip is not None
    tree = repo.git("rev-parse", f"{tip}^{{tree}}").decode().strip()
    for path, leaf in walk(store, tree):
        reply = reply_document.decode(store.blob(leaf.oid))
        if old in reply.text:
            blob = store.write(
                "blob", reply_document.encode(replace(reply, text=reply.text.replace(old, new)))
            )
            folder = path.rpartition("/")[0]
            tree = edit(store, tree, {path: None, f"{folder}/{blob}": type(leaf)(leaf.mode, blob)})
    store.flush()
    commit = repo.git("commit-tree", tree, "-m", "spoiled").decode().strip()
    repo.git("update-ref", REPLIES_REF, commit)
