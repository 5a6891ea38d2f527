"""Random histories with everything that real ones have and nobody expects, as values and as raw objects.

A history is drawn as plain values, so that a failing one shrinks; ``write`` makes its objects byte by byte,
also those that no git of today would write, and stores them as one pack.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from hypothesis import strategies as st

from regen_git.config.ownership import is_text
from regen_git.domain.ids import IntentId
from regen_git.domain.intent import Binding, Intent, LineRange, Prompt, PromptClass
from regen_git.ledger.codec import encode
from regen_git.ledger.marks import Mark, encode_mark
from regen_git.ledger.store import Ledger
from support.odd_pieces import (
    CONFIGS,
    CONTENTS,
    FOLDERS,
    HEADERS,
    IDENTS,
    MESSAGES,
    NAMES,
    OTHER_MODES,
    PROMPTS,
    SUBMODULES,
    TARGETS,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from regen_git.git.objects import ObjectStore
    from regen_git.git.repository import Repository
    from regen_git.ledger.marks import Maker
    from regen_git.replay.plan import Include

__all__ = ["EMPTY_FOLDER", "Asked", "OddCommit", "OddHistory", "Thing", "joined", "odd_histories", "write"]

Parts: TypeAlias = "tuple[bytes, ...]"
Files: TypeAlias = "dict[Parts, Thing]"


@dataclass(frozen=True)
class Thing:
    """What stands at a path: a mode as the tree has it, and contents; for a submodule, a commit's id."""

    mode: bytes
    data: bytes


EMPTY_FOLDER = Thing(b"40000", b"")


@dataclass(frozen=True)
class Asked:
    """What is recorded on a commit. ``wrote`` and ``hand`` are indices into its changed paths."""

    prompts: tuple[str, ...] = ()
    kind: PromptClass | None = None
    wrote: tuple[int, ...] = ()
    hand: tuple[tuple[int, LineRange], ...] = ()
    again: bool = False
    mark: Maker | None = None


@dataclass(frozen=True)
class OddCommit:
    """One commit. ``parents`` count back from it: 0 is the commit before. ``start`` is what it begins from.

    ``start``: ``ours``, ``theirs``, ``union`` of all parents, or ``nothing``. ``moves`` rename paths first,
    ``edits`` then set or (``None``) take out paths. ``padded`` writes folders as old tools did, ``040000``.
    """

    parents: tuple[int, ...] = ()
    start: str = "ours"
    moves: tuple[tuple[int, Parts], ...] = ()
    edits: tuple[tuple[Parts, Thing | None], ...] = ()
    author: bytes = IDENTS[0]
    committer: bytes = IDENTS[0]
    headers: tuple[bytes, ...] = ()
    message: bytes = b"Change\n"
    padded: bool = False
    asked: Asked | None = None
    trailer: bool = True


@dataclass(frozen=True)
class OddHistory:
    """Commits, oldest first; all tips are joined by the last one's ancestry. Options of the replay beside."""

    commits: tuple[OddCommit, ...]
    include: Include = "recorded"
    grouped: bool = True
    config: bytes | None = None
    base: int | None = None


def names() -> st.SearchStrategy[bytes]:
    """Return names of one path part: mostly from a small pool, so that they meet."""
    wild = st.binary(min_size=1, max_size=6).filter(lambda name: b"/" not in name and b"\0" not in name)
    return st.one_of(*[st.sampled_from(NAMES)] * 6, wild)


def paths() -> st.SearchStrategy[Parts]:
    """Return paths; a name that is a file in one commit may be a folder in another."""
    alone = names().map(lambda name: (name,))
    return st.one_of(alone, alone, st.tuples(st.sampled_from(FOLDERS), names()), st.tuples(names(), names()),
                     st.tuples(st.sampled_from(FOLDERS), st.sampled_from(FOLDERS), names()))  # fmt: skip


def contents() -> st.SearchStrategy[bytes]:
    """Return what files hold: odd pieces, alone or one after another, text and bytes."""
    texts = [piece for piece in CONTENTS if is_text(piece)]
    piece = st.sampled_from(CONTENTS)
    text = st.sampled_from(texts)
    return st.one_of(
        *[text] * 8,
        piece,
        st.lists(text, min_size=2, max_size=3).map(b"".join),
        st.lists(piece, min_size=2, max_size=3).map(b"".join),
        st.text(max_size=20).map(lambda text: text.encode("utf-8", "replace")),
        st.binary(max_size=20),
    )


def things() -> st.SearchStrategy[Thing]:
    """Return what can stand at a path."""
    mode = st.sampled_from([b"100644"] * 8 + [b"100755"] * 2 + OTHER_MODES)
    file = st.builds(Thing, mode, contents())
    return st.one_of(
        *[file] * 14,
        st.sampled_from(TARGETS).map(lambda target: Thing(b"120000", target)),
        st.sampled_from(SUBMODULES).map(lambda oid: Thing(b"160000", oid)),
        st.just(EMPTY_FOLDER),
    )


def _ranges() -> st.SearchStrategy[LineRange]:
    pairs = st.tuples(st.integers(1, 6), st.integers(-1, 5))
    return pairs.map(lambda pair: LineRange(pair[0], pair[0] + pair[1]))


def _asked() -> st.SearchStrategy[Asked | None]:
    kinds = st.sampled_from([None, "feature", "correction", "answer", "operation", "noise"])
    recorded = st.builds(
        Asked,
        prompts=st.lists(st.sampled_from(PROMPTS), min_size=1, max_size=2).map(tuple),
        kind=kinds,
        wrote=st.one_of(st.just(()), st.lists(st.integers(0, 5), max_size=3).map(tuple)),
        hand=st.one_of(
            st.just(()), st.lists(st.tuples(st.integers(0, 3), _ranges()), min_size=1, max_size=2).map(tuple)
        ),
        again=st.booleans(),
    )
    marked = st.sampled_from(["agent", "human"]).map(lambda mark: Asked(mark=mark))
    return st.one_of(*[recorded] * 6, st.none(), st.none(), marked)


_PATHS = paths()
_EDITS = st.one_of(*[things()] * 7, st.none())
_ASKED = _asked()
_IDENTS = st.sampled_from(IDENTS)
_STARTS = st.sampled_from(["ours", "ours", "union", "theirs", "nothing"])


@st.composite
def _commit(draw: st.DrawFn, index: int) -> OddCommit:
    most = min(index, 6)
    parents: tuple[int, ...] = (0,) if index else ()
    kind = draw(st.integers(0, 9))
    if kind >= 8 and index:
        parents = tuple(draw(st.lists(st.integers(0, most - 1), min_size=2, max_size=4)))
    elif kind == 7 and index:
        parents = (draw(st.integers(0, most - 1)),)
    elif kind == 6 and index > 2:
        parents = ()
    is_plain = draw(st.booleans())
    ident = st.just(IDENTS[0]) if is_plain else _IDENTS
    return OddCommit(
        parents=parents,
        start=draw(_STARTS) if len(parents) > 1 else "ours",
        moves=tuple(draw(st.lists(st.tuples(st.integers(0, 9), _PATHS), max_size=1))),
        edits=tuple(draw(st.lists(st.tuples(_PATHS, _EDITS), min_size=kind % 5 != 4, max_size=6))),
        author=draw(ident),
        committer=draw(ident),
        headers=() if is_plain else tuple(draw(st.lists(st.sampled_from(HEADERS), max_size=2))),
        message=draw(st.sampled_from(MESSAGES)),
        padded=draw(st.integers(0, 9)) == 9,
        asked=draw(_ASKED),
        trailer=draw(st.booleans()),
    )


@st.composite
def odd_histories(draw: st.DrawFn, most: int = 9) -> OddHistory:
    """Draw a history of up to this many commits, which the last one joins where it has several tips."""
    number = draw(st.integers(1, most))
    commits = tuple(draw(_commit(index)) for index in range(number))
    return OddHistory(
        commits,
        include=draw(st.sampled_from(["recorded", "all", "message"])),
        grouped=draw(st.booleans()),
        config=draw(st.sampled_from(CONFIGS)),
        base=draw(st.one_of(st.none(), st.none(), st.integers(0, number - 1))),
    )


def joined(histories: Sequence[OddHistory]) -> OddHistory:
    """Return one history that holds all of these side by side, under one merge: many are tried at once."""
    if len(histories) == 1:
        return histories[0]
    commits: list[OddCommit] = []
    tips: list[int] = []
    for history in histories:
        commits += history.commits
        tips.append(len(commits) - 1)
    last = OddCommit(tuple(len(commits) - 1 - tip for tip in tips), message=b"Join\n")
    first = histories[0]
    return OddHistory((*commits, last), first.include, first.grouped, first.config, first.base)


@dataclass(frozen=True)
class Written:
    """A history as objects: commits in the order drawn, the last is the tip; ``objects`` are all of them."""

    commits: tuple[str, ...]
    objects: frozenset[str]

    @property
    def tip(self) -> str:
        """The last commit."""
        return self.commits[-1]


@dataclass(frozen=True)
class _Noting:
    """Writes into a store, and keeps in mind what it wrote."""

    store: ObjectStore
    made: set[str] = field(default_factory=set)

    def write(self, kind: str, data: bytes) -> str:
        oid = self.store.write(kind, data)
        self.made.add(oid)
        return oid


def write(repo: Repository, history: OddHistory) -> Written:
    """Make the objects and the notes of a history. Moves no branch."""
    store = _Noting(repo.objects)
    oids: list[str] = []
    trees: list[Files] = []
    notes: dict[str, bytes] = {}
    last_intent: Intent | None = None
    for index, commit in enumerate(history.commits):
        parents = [index - 1 - back for back in commit.parents]
        files = _files(commit, [trees[parent] for parent in parents])
        tree = _tree(store, files, padded=commit.padded)
        before = trees[parents[0]] if parents else {}
        changed = sorted(path for path in files.keys() | before.keys() if files.get(path) != before.get(path))
        intent = _intent(index, commit.asked, last_intent)
        message = commit.message
        if intent is not None and commit.trailer:
            message += b"\n\nRegen-Intent: %s\n" % intent.id.encode()
        raw = _raw(commit, tree, [oids[parent] for parent in parents], message)
        oid = store.write("commit", raw)
        oids.append(oid)
        trees.append(files)
        note = _note(commit.asked, intent, changed, tree)
        if note:
            notes[oid] = note
        last_intent = intent or last_intent
    store.store.flush()
    if notes:
        Ledger(repo).append_raw(notes)
    return Written(tuple(oids), frozenset(store.made))


def _raw(commit: OddCommit, tree: str, parents: list[str], message: bytes) -> bytes:
    lines = [f"tree {tree}".encode(), *(f"parent {parent}".encode() for parent in parents)]
    lines += [b"author " + commit.author, b"committer " + commit.committer, *commit.headers]
    return b"\n".join(lines) + b"\n\n" + message


def _files(commit: OddCommit, parents: list[Files]) -> Files:
    files = _start(commit, parents)
    for number, target in commit.moves:
        if files:
            source = sorted(files)[number % len(files)]
            _put(files, target, files.pop(source))
    for path, thing in commit.edits:
        if thing is None:
            for gone in [known for known in files if known[: len(path)] == path]:
                del files[gone]
        else:
            _put(files, path, thing)
    return files


def _start(commit: OddCommit, parents: list[Files]) -> Files:
    if parents and commit.start in ("ours", "theirs"):
        return dict(parents[0] if commit.start == "ours" else parents[-1])
    files: Files = {}
    if commit.start == "union":
        for parent in parents:
            for path, thing in parent.items():
                _put(files, path, thing)
    return files


def _put(files: Files, path: Parts, thing: Thing) -> None:
    """Set a path: a file above it or folders below it make way."""
    for known in list(files):
        if known[: len(path)] == path or path[: len(known)] == known:
            del files[known]
    files[path] = thing


def _tree(store: _Noting, files: Mapping[Parts, Thing], *, padded: bool) -> str:
    folders: dict[bytes, dict[Parts, Thing]] = {}
    entries: list[tuple[bytes, bytes, bytes, str]] = []
    for path, thing in files.items():
        if len(path) > 1:
            folders.setdefault(path[0], {})[path[1:]] = thing
        elif thing == EMPTY_FOLDER:
            folders.setdefault(path[0], {})
        else:
            is_submodule = thing.mode == b"160000"
            oid = thing.data.decode() if is_submodule else store.write("blob", thing.data)
            entries.append((path[0], thing.mode, path[0], oid))
    for name, inner in folders.items():
        mode = b"040000" if padded else b"40000"
        entries.append((name + b"/", mode, name, _tree(store, inner, padded=padded)))
    entries.sort()
    return store.write(
        "tree", b"".join(b"%s %s\0%s" % (mode, name, bytes.fromhex(oid)) for _, mode, name, oid in entries)
    )


def _intent(index: int, asked: Asked | None, last: Intent | None) -> Intent | None:
    if asked is None or not asked.prompts:
        return None
    if asked.again and last is not None:
        return last
    words = tuple(Prompt(text, kind=asked.kind) for text in asked.prompts)
    return Intent(IntentId(f"{index + 1:016x}"), words, "captured")


def _note(asked: Asked | None, intent: Intent | None, changed: list[Parts], tree: str) -> bytes:
    if asked is None:
        return b""
    if asked.mark is not None:
        return encode_mark(Mark(asked.mark, "2026-01-02T03:04:05Z", "Ada <ada@example.org>"))
    if intent is None:
        return b""
    named = [os.fsdecode(b"/".join(parts)) for parts in changed]
    wrote = tuple(dict.fromkeys(named[number] for number in asked.wrote if number < len(named)))
    hand: dict[str, tuple[LineRange, ...]] = {}
    for number, lines in asked.hand:
        if number < len(named):
            hand[named[number]] = (*hand.get(named[number], ()), lines)
    did = Binding(intent.id, wrote, hand=hand or None, result=tree)
    return encode(intent) + encode(did)
