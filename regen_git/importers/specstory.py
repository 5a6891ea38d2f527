"""Take the prompts that SpecStory has written down as Markdown in ``.specstory/history``.

Source: the files that SpecStory's programs write, Markdown v1, v2.0 and v2.1. A file names no commit, and
its paths may be those of another machine.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from regen_git.agents import NAMES, load
from regen_git.agents.claude_texts import plan_in
from regen_git.agents.transcripts import Session, Turn, Typed, question_in
from regen_git.importers.harness import typed_in
from regen_git.importers.history import Counts
from regen_git.importers.known import seconds_of
from regen_git.importers.matching import Found, inside
from regen_git.importers.sessions import UNREADABLE, import_found, without_repeats, worktrees
from regen_git.importers.storymarks import done_in, read_story

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from regen_git.git.repository import Repository
    from regen_git.importers.history import Past
    from regen_git.importers.storymarks import Said

__all__ = ["history_files", "import_specstory", "read_history"]

FOLDER = ".specstory/history"

_AGENTS = {
    "claude code": "claude",
    "codex": "codex",
    "codex cli": "codex",
    "copilot cli": "copilot",
    "copilot ide": "vscode",
    "cursor": "cursor",
    "cursor cli": "cursor",
    "cursor ide": "cursor",
    "droid cli": "droid",
    "factory droid cli": "droid",
    "gemini cli": "gemini",
    "github copilot": "vscode",
    "opencode": "opencode",
    "pi": "pi",
    "qwen code": "qwen",
    "vscode": "vscode",
    "windsurf": "windsurf",
}
_SKILL = 'data-tool-name="Skill"'
_SKILL_S = 10
"""Seconds in which an agent is given the text of a skill that it asked for."""


def import_specstory(
    repo: Repository,
    span: str = "HEAD",
    *,
    files: Sequence[Path] | None = None,
    max_count: int | None = None,
    dry_run: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> Counts:
    """Write an intent for each recorded session and commit that belong together; all in one batch.

    ``files`` are the files to read instead of all. The same import again adds nothing, and neither does one
    of the transcripts that were written down. Raises ``RegenError`` for a range that names nothing.
    """
    tops = worktrees(repo)
    counts = Counts()
    files = history_files(repo, tops) if files is None else files
    found: list[Found] = []
    for number, path in enumerate(files, 1):
        try:
            text = path.read_text("utf-8-sig", "replace") if path.is_file() else None
        except OSError:
            text = None
        if text is None:
            counts.skip(UNREADABLE)
            continue
        session = read_history(text, path)
        if session is not None:
            found.append(session)
        if on_progress is not None:
            on_progress(number, len(files))
    return import_found(
        repo,
        without_repeats(found),
        span,
        counts=counts,
        tops=tops,
        source="SpecStory's history",
        at_home=lambda sessions, past: _at_home(sessions, past, tops),
        max_count=max_count,
        dry_run=dry_run,
    )


def history_files(repo: Repository, tops: Sequence[str]) -> list[Path]:
    """Return the files of SpecStory's history in these working trees, tracked or not, sorted."""
    folders = {Path(top) / FOLDER for top in tops}
    if repo.worktree is not None:
        tracked = repo.git("ls-files", "-z", "--", f":(glob)**/{FOLDER}/*.md").decode(
            "utf-8", "surrogateescape"
        )
        folders.update((repo.worktree / name).parent for name in tracked.split("\0") if name)
    return sorted({path for folder in folders if folder.is_dir() for path in folder.glob("*.md")})


def read_history(text: str, path: Path) -> Found | None:
    """Read one file; ``None`` when there is no prompt in it. Paths in it count from the project's folder."""
    story = read_story(text, path.stem)
    folder = str(path.parent.parent.parent)
    provider = story.provider.lower()
    agent = _AGENTS.get(provider) or re.sub(r"[^a-z0-9]+", "-", provider).strip("-") or "unknown"
    turns = _Turns(agent, story.session, story.started, folder)
    before: Said | None = None
    for said in story.said:
        if said.is_user and not said.is_side:
            if not _is_expansion(said, before):
                turns.begin(said)
        else:
            turns.go_on(said)
        before = said
    if not turns.done:
        return None
    return Found(agent, Session(story.session, folder, None, story.started, tuple(turns.done)))


class _Turns:
    """Puts the turns of one session together."""

    def __init__(self, agent: str, session: str, started: str, folder: str) -> None:
        self.done: list[Turn] = []
        self._agent = agent
        self._session = session
        self._last = started
        self._folder = folder
        self._asked = ""
        self._keys: Counter[str] = Counter()

    def begin(self, said: Said) -> None:
        """Begin a turn, if a person typed something."""
        text, plan = _typed(said.text, self._agent)
        asked, self._asked = self._asked, ""
        if not text and not plan:
            return
        # Where a file has no times, a prompt is not older than the one before.
        self._last = said.at or self._last
        # The same words at the same time are the same prompt, wherever they stand in the file.
        unique = "\0".join(("specstory", self._session, said.at, text or plan))
        self._keys[unique] += 1
        key = unique if self._keys[unique] == 1 else f"{unique}\0{self._keys[unique]}"
        typed = (Typed(text, said.at, question_in(asked) if asked else None),) if text else ()
        self.done.append(Turn(key, typed, self._last, self._last, approved=plan or None))

    def go_on(self, said: Said) -> None:
        """Take what the agent, or one that helps it, said and did."""
        if not self.done:
            return
        last, text = self.done[-1], said.text
        done = done_in(text)
        edits = (_absolute(path, self._folder) for path in done.wrote) if done else ()
        self.done[-1] = last._replace(
            ended=max(last.ended, said.at),
            edits=tuple(dict.fromkeys((*last.edits, *edits))),
            commits=tuple(dict.fromkeys((*last.commits, *(done.commits if done else ())))),
            model=last.model or (None if said.is_side else said.model),
        )
        if done is None and not said.is_side:
            self._asked = text or self._asked


def _typed(text: str, agent: str) -> tuple[str, str]:
    """Return what the person typed of a user's text, and the plan in it that the person accepted."""
    plan = plan_in(text)
    if plan is not None:
        return "", plan
    # Not of one agent's sessions only: people carry sessions over to another agent, with all that is in them.
    text = typed_in(text)
    clean = getattr(load(agent), "typed_text", None) if agent in NAMES else None
    return (clean(text) if callable(clean) else text), ""


def _is_expansion(said: Said, before: Said | None) -> bool:
    """Return whether this is what a command or a skill stands for: it follows as if it had been typed."""
    if before is None or before.is_side:
        return False
    if before.is_user:
        return said.at == before.at and before.text.startswith("<command-message>")
    return _SKILL in before.text and 0 <= seconds_of(said.at) - seconds_of(before.at) <= _SKILL_S


def _absolute(path: str, folder: str) -> str:
    clean = path.replace("\\", "/").removeprefix("file://")
    is_whole = clean.startswith("/") or re.match(r"[A-Za-z]:/", clean)
    return clean if is_whole else f"{folder}/{clean.removeprefix('./')}"


def _at_home(found: Sequence[Found], past: Sequence[Past], tops: Sequence[str]) -> list[Found]:
    """Return the sessions with paths of other machines moved here.

    The folder that the project had there is found by what lies in it: paths that history knows.
    """
    known = {path for commit in past for path in commit.changed}
    foreign = {edit for one in found for turn in one.session.turns for edit in turn.edits}
    foreign = {edit for edit in foreign if inside(edit, tops) is None}
    roots: Counter[str] = Counter()
    for edit in foreign:
        # A lone name, as of a README, tells nothing.
        roots.update(root for root, rest in _splits(edit) if rest in known and "/" in rest)
    moved = {edit: here for edit in foreign if (here := _moved(edit, roots, known, tops)) is not None}
    if not moved:
        return list(found)
    return [
        Found(
            agent,
            session._replace(
                turns=tuple(
                    turn._replace(edits=tuple(moved.get(edit, edit) for edit in turn.edits))
                    for turn in session.turns
                )
            ),
        )
        for agent, session in found
    ]


def _moved(edit: str, roots: Counter[str], known: set[str], tops: Sequence[str]) -> str | None:
    fitting = [(roots[root], root, rest) for root, rest in _splits(edit) if root in roots and rest in known]
    if not fitting or not tops:
        return None
    return f"{tops[0]}/{max(fitting)[2]}"


def _splits(path: str) -> Iterable[tuple[str, str]]:
    """Yield a path cut at each of its slashes."""
    at = path.find("/", 1)
    while at > 0:
        yield path[:at], path[at + 1 :]
        at = path.find("/", at + 1)
