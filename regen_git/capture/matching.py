"""Which prompts belong to which commit: pure, from the inbox's entries to groups of turns.

A turn is a prompt and what the agent did on it. A group is what becomes one intent: turns without edits up to
and with the first turn that has some. The group's id is that of its first prompt, known since it was typed,
so that a hook only has to name it.

Every capture reads all this, so it is made of what costs nothing to import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from regen_git.capture.clock import seconds

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from regen_git.capture.inbox import Entry
    from regen_git.domain.ids import RepoPath

__all__ = [
    "YOUNG",
    "Chosen",
    "Group",
    "Session",
    "Turn",
    "choose",
    "edits_of",
    "is_young",
    "overdue",
    "read_sessions",
]

_FOUND_LATER = ("bound", "done", "typed")

YOUNG = 3
"""Seconds in which a commit's own hooks may still be at work."""


class Turn:
    """One prompt with what followed. ``edits`` has the last edit of each (worktree, path)."""

    __slots__ = ("bound", "done", "edits", "ended", "key", "last_at", "prompts")

    def __init__(self, key: str) -> None:
        self.key = key
        self.prompts: list[Entry] = []
        self.edits: dict[tuple[str, RepoPath], Entry] = {}
        self.done: dict[tuple[str, RepoPath], int] = {}
        self.bound = ""
        self.ended = False
        self.last_at = ""

    def left(self, worktree: str) -> list[RepoPath]:
        """Return the paths edited in this worktree that still have something to commit."""
        return [p for (w, p), e in self.edits.items() if w == worktree and self.done.get((w, p), 0) < e.n]

    @property
    def worktrees(self) -> set[str]:
        """Where something is left to commit."""
        return {w for (w, p), e in self.edits.items() if self.done.get((w, p), 0) < e.n}


class Group(NamedTuple):
    """Turns of one session that make one intent. ``id`` is empty while no prompt is known for the edits."""

    id: str
    agent: str
    session: str
    turns: list[Turn]

    @property
    def prompts(self) -> list[Entry]:
        """What was typed or accepted, in order."""
        return [prompt for turn in self.turns for prompt in turn.prompts]

    @property
    def is_bound(self) -> bool:
        """Whether a commit has this intent already."""
        return self.turns[-1].bound != ""

    @property
    def has_edits(self) -> bool:
        """Whether any edit is known, committed or not."""
        return any(turn.edits for turn in self.turns)

    def left(self, worktree: str) -> list[RepoPath]:
        """Return the paths that still have something to commit, without repetitions."""
        return list(dict.fromkeys(path for turn in self.turns for path in turn.left(worktree)))


class Session:
    """One session of one agent, as far as its entries are in the inbox."""

    __slots__ = (
        "agent",
        "gone",
        "last_at",
        "last_n",
        "model",
        "name",
        "reports_edits",
        "transcript",
        "turns",
        "version",
        "worktree",
        "wrote",
    )

    def __init__(self, agent: str, name: str) -> None:
        self.agent = agent
        self.name = name
        self.turns: list[Turn] = []
        self.worktree = ""
        self.model = ""
        self.version = ""
        self.transcript = ""
        self.reports_edits = False
        self.wrote = False
        self.gone = False
        self.last_at = ""
        self.last_n = 0

    @property
    def groups(self) -> list[Group]:
        """The session's turns as groups, oldest first."""
        found: list[Group] = []
        open_turns: list[Turn] = []
        for turn in self.turns:
            if turn.bound and found and found[-1].id == turn.bound and not open_turns:
                found[-1].turns.append(turn)
                continue
            if turn.bound and not open_turns:
                found.append(Group(turn.bound, self.agent, self.name, [turn]))
                continue
            open_turns.append(turn)
            if turn.edits or turn.bound:
                found.append(self._group(open_turns))
                open_turns = []
        if open_turns:
            found.append(self._group(open_turns))
        return found

    def _group(self, turns: list[Turn]) -> Group:
        first = next((p.id for turn in turns for p in turn.prompts if p.id), "")
        return Group(turns[-1].bound or first, self.agent, self.name, list(turns))


class Chosen(NamedTuple):
    """What belongs to one commit: groups of turns, and intents that somebody recorded by hand."""

    groups: tuple[Group, ...]
    records: tuple[Entry, ...]


def read_sessions(entries: Iterable[Entry], upto: int | None = None) -> list[Session]:
    """Return the sessions in order of appearance; with ``upto``, as they were when entry ``upto`` was last.

    What was found out later about older entries (``bound``, ``done``, ``typed``) counts all the same.
    """
    found: dict[tuple[str, str], Session] = {}
    turns: dict[tuple[str, str, str], Turn] = {}
    for entry in entries:
        late = upto is not None and entry.n > upto
        if not entry.session or entry.kind == "commit" or (late and entry.kind not in _FOUND_LATER):
            continue
        name = (entry.agent, entry.session)
        session = found.setdefault(name, Session(entry.agent, entry.session))
        if entry.kind == "bound":
            for key in entry.turns:
                if (*name, key) in turns:
                    turns[(*name, key)].bound = entry.id
        elif entry.kind == "done":
            if (*name, entry.turn) in turns:
                turns[(*name, entry.turn)].done[entry.worktree, entry.path] = int(entry.key or entry.n)
        else:
            _follow(session, entry, turns)
    return list(found.values())


def _follow(session: Session, entry: Entry, turns: dict[tuple[str, str, str], Turn]) -> None:
    """Take one event of a session into account."""
    session.model = entry.model or session.model
    session.version = entry.version or session.version
    session.worktree = entry.worktree if entry.kind == "prompt" or not session.worktree else session.worktree
    session.last_at = max(session.last_at, entry.at)
    session.last_n = entry.n
    session.transcript = session.transcript if entry.kind == "edit" else entry.path or session.transcript
    if entry.kind == "session":
        session.gone = False
        session.reports_edits = session.reports_edits or entry.label == "edits"
        return
    if entry.kind == "gone":
        session.gone = True
        for past in session.turns:
            past.ended = True
        return
    turn = _turn_of(session, entry, turns)
    if turn is None:
        return
    turn.last_at = max(turn.last_at, entry.at)
    if entry.kind in ("prompt", "plan"):
        if all((p.kind, p.key) != (entry.kind, entry.key) for p in turn.prompts):
            turn.prompts.append(entry)
        session.gone = False
    elif entry.kind == "typed":
        turn.prompts = [_as_typed(p, entry) if p.key == entry.key else p for p in turn.prompts]
    elif entry.kind == "edit":
        turn.edits[entry.worktree, entry.path] = entry
        session.reports_edits = session.wrote = True
    elif entry.kind == "end":
        turn.ended = True


def _as_typed(prompt: Entry, typed: Entry) -> Entry:
    return prompt._replace(text=typed.text, refs=tuple(dict.fromkeys((*prompt.refs, *typed.refs))))


def _turn_of(session: Session, entry: Entry, turns: dict[tuple[str, str, str], Turn]) -> Turn | None:
    key = entry.turn
    if not key:
        return session.turns[-1] if session.turns else None
    name = (session.agent, session.name, key)
    if name not in turns:
        if entry.kind in ("end", "typed"):
            return None
        for earlier in session.turns:
            earlier.ended = True
        turns[name] = Turn(key)
        session.turns.append(turns[name])
    return turns[name]


def choose(
    entries: Sequence[Entry],
    worktree: str,
    staged: Collection[RepoPath],
    *,
    upto: int | None = None,
    session: str = "",
    recent: str = "",
) -> Chosen:
    """Return what belongs to a commit of these paths in this worktree.

    ``session`` is the session whose shell makes the commit, if one does. ``recent`` is the time from which a
    session without known edits still counts; empty: none does. The sh hooks hold the same rule.
    """
    records = tuple(records_waiting(entries, worktree, upto))
    sessions = read_sessions(entries, upto)
    groups: list[Group] = []
    for one in sessions:
        groups += [g for g in one.groups if g.id and any(path in staged for path in g.left(worktree))]
        if session and one.name == session:
            last = one.groups[-1:]
            groups += [g for g in last if g.id and g not in groups and not (g.is_bound and g.turns[-1].ended)]
    if not groups and not records and not session and recent:
        idle = [s for s in sessions if is_idle(s, worktree) and s.last_at >= recent]
        idle.sort(key=lambda s: s.last_n, reverse=True)
        groups += [g for s in idle[:1] for g in s.groups[-1:]]
    return Chosen(tuple(groups), records)


def is_idle(session: Session, worktree: str) -> bool:
    """Return whether a session waits here with prompts of which no edit is known."""
    groups = session.groups
    return (
        not session.reports_edits
        and session.worktree == worktree
        and bool(groups)
        and bool(groups[-1].id)
        and not groups[-1].is_bound
    )


def records_waiting(entries: Iterable[Entry], worktree: str, upto: int | None = None) -> list[Entry]:
    """Return what was recorded by hand for this worktree's next commit, oldest first."""
    bound = {entry.id for entry in entries if entry.kind == "bound"}
    return [
        entry
        for entry in entries
        if entry.kind == "record"
        and entry.worktree == worktree
        and entry.id not in bound
        and not (upto is not None and entry.n > upto)
    ]


def overdue(entries: Sequence[Entry], present: int) -> bool:
    """Return whether a commit that no hook told of may concern what waits; ``present`` in seconds.

    A young commit's own hooks may still be at work.
    """
    waits = any(entry.kind in ("prompt", "plan", "edit", "record") for entry in entries)
    return waits and any(e.kind == "commit" and not is_young(e, present) for e in entries)


def is_young(entry: Entry, present: int) -> bool:
    """Return whether a commit was noticed so lately that its own hooks may still be at work.

    One from the future was noticed before somebody set the clock back, whenever that was.
    """
    return 0 <= present - seconds(entry.at) < YOUNG


def edits_of(entries: Iterable[Entry], worktree: str, upto: int | None = None) -> Mapping[RepoPath, str]:
    """Return, by path, the blob that an agent left last in this worktree."""
    return {
        entry.path: entry.blob
        for entry in entries
        if entry.kind == "edit" and entry.worktree == worktree and not (upto is not None and entry.n > upto)
    }
