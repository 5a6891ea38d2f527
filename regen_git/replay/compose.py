"""Put a model's edits into a tree, with the modes, endings and final newlines that history gives them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from regen_git.git.trees import EXECUTABLE, REGULAR, Leaf, lookup
from regen_git.replay.reply.edits import NoMatchError, replace_once

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.git.objects import ObjectStore
    from regen_git.replay.reply.values import FileEdit, ParsedReply, Replacement

__all__ = ["Composed", "Shape", "compose", "shape_of", "text_of"]

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Shape:
    """How a text file is laid down: its mode, its line ending, and whether the last line has one.

    ``ending`` is ``None`` for a file that mixes endings: its text is taken as the reply has it. ``bom`` says
    that it begins with a byte order mark, which models drop or add unseen.
    """

    mode: int = REGULAR
    ending: bytes | None = b"\n"
    final_newline: bool = True
    bom: bool = False


@dataclass(frozen=True, slots=True)
class Composed:
    """What a reply makes of a tree: leaves to set, paths to take out, replacements that found no place."""

    edits: Mapping[RepoPath, Leaf | None]
    problems: tuple[str, ...] = field(default=())


def shape_of(mode: int, data: bytes) -> Shape:
    """Return how these bytes are laid down."""
    crlf = data.count(b"\r\n")
    lone = data.count(b"\r") != crlf
    plain = data.count(b"\n") - crlf
    ending: bytes | None = b"\n"
    if crlf and not plain and not lone:
        ending = b"\r\n"
    elif crlf or lone:
        ending = None
    return Shape(mode, ending, data.endswith(b"\n") or not data, data.startswith(_BOM))


def text_of(data: bytes) -> str:
    """Return a file as a model sees it: UTF-8, with line feeds only where all its endings are alike."""
    text = data.decode("utf-8")
    return text.replace("\r\n", "\n") if shape_of(REGULAR, data).ending == b"\r\n" else text


def compose(
    store: ObjectStore, base: Oid, original: Oid, reply: ParsedReply, wanted: frozenset[RepoPath]
) -> Composed:
    """Return the edits of ``base`` that a reply asks for; what it says of paths not ``wanted`` is left out.

    The original commit's file decides mode, endings and final newline where it has the path; else the file
    as it is; else the defaults.
    """
    edits: dict[RepoPath, Leaf | None] = {
        edit.path: _leaf(store, base, original, edit) for edit in reply.files if edit.path in wanted
    }
    edits.update((gone.path, None) for gone in reply.deletions if gone.path in wanted)
    texts, problems = _replaced(store, base, [r for r in reply.replacements if r.path in wanted])
    for path, text in texts.items():
        edits[path] = _lay_down(store, _shape(store, base, original, path), text)
    return Composed(edits, problems)


def _replaced(
    store: ObjectStore, base: Oid, replacements: Sequence[Replacement]
) -> tuple[dict[RepoPath, str], tuple[str, ...]]:
    """Return the texts after these replacements, and why some found no place."""
    texts: dict[RepoPath, str] = {}
    problems: list[str] = []
    for change in replacements:
        leaf = lookup(store, base, change.path)
        if leaf is None:
            problems.append(f"{change.path}: there is no such file to search in")
            continue
        text = texts.setdefault(change.path, _ended(text_of(store.blob(leaf.oid))))
        try:
            texts[change.path] = replace_once(text, change.search, change.replace)
        except NoMatchError as error:
            problems.append(f"{change.path}: {error}")
    return texts, tuple(problems)


def _ended(text: str) -> str:
    return text if text.endswith("\n") or not text else text + "\n"


def _leaf(store: ObjectStore, base: Oid, original: Oid, edit: FileEdit) -> Leaf:
    shape = _shape(store, base, original, edit.path)
    return _lay_down(store, shape, edit.text, final_newline=edit.final_newline, executable=edit.executable)


def _lay_down(
    store: ObjectStore,
    shape: Shape,
    text: str,
    *,
    final_newline: bool | None = None,
    executable: bool | None = None,
) -> Leaf:
    final = shape.final_newline if final_newline is None else final_newline
    if final_newline is not False and not final:
        text = text.removesuffix("\n")
    data = text.encode("utf-8", "surrogateescape")
    if shape.bom and data and not data.startswith(_BOM):
        data = _BOM + data
    elif not shape.bom:
        data = data.removeprefix(_BOM)
    if shape.ending == b"\r\n" and b"\r" not in data:
        data = data.replace(b"\n", b"\r\n")
    mode = shape.mode
    if executable is not None:
        mode = EXECUTABLE if executable else REGULAR
    return Leaf(mode, store.write("blob", data))


def _shape(store: ObjectStore, base: Oid, original: Oid, path: RepoPath) -> Shape:
    leaf = lookup(store, original, path) or lookup(store, base, path)
    if leaf is None or leaf.mode not in (REGULAR, EXECUTABLE):
        return Shape()
    return shape_of(leaf.mode, store.blob(leaf.oid))
