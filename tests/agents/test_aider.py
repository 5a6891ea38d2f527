"""aider's history files, as aider writes them and as they stand while it commits."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regen_git.agents.aider import read, read_session, session_files
from regen_git.agents.aider_history import parse_chat

if TYPE_CHECKING:
    from regen_git.agents import AgentEvent
    from regen_git.agents.transcripts import Session

RECORDED = Path(__file__).resolve().parents[2].parent / "shared" / "agent-fixtures" / "aider"
WITH_RECORDINGS = pytest.mark.skipif(not RECORDED.is_dir(), reason="the recordings lie beside the checkout")


class History:
    """Writes aider's two files in the way aider does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.chat = ""
        self.input = ""
        self.count = 0
        self.minute = 0

    def start(self, at: str = "") -> None:
        self.minute += 1
        self.chat += f"\n# aider chat started at {at or self._now()}\n\n"
        self.told("Aider v0.86.2", "Model: m-x with diff edit format")

    def typed(self, text: str, *, entered: bool = True) -> None:
        """A block of headings; the whole of it loses white space at its end, then gets two blanks."""
        lines = text.splitlines() or ["<blank>"]
        self.chat += ("\n#### " + "  \n#### ".join(lines)).rstrip() + "  \n"
        if entered:
            self.entered(text)

    def entered(self, text: str) -> None:
        rows = "".join(f"+{line}\n" for line in text.split("\n"))
        self.count += 1
        self.input += f"\n# {self._now()}.{self.count:06}\n{rows}"

    def said(self, text: str) -> None:
        self.chat += f"\n{text.strip()}\n\n"

    def told(self, *lines: str) -> None:
        self.chat += "".join(f"> {line.strip()}  \n" for line in lines)

    def edited(self, path: str = "a.py", commit: str = "") -> None:
        self.told(f"Applied edit to {path}", *([f"Commit {commit} feat: it"] if commit else []))

    def write(self) -> Path:
        (self.folder / ".aider.chat.history.md").write_text(self.chat, "utf-8")
        (self.folder / ".aider.input.history").write_text(self.input, "utf-8")
        return self.folder

    def sessions(self) -> list[Session]:
        found = [read_session(path) for path in session_files([str(self.write())], {})]
        return [session for session in found if session is not None]

    def committing(self) -> list[AgentEvent]:
        return read({"regen": 1, "event": "commit", "cwd": str(self.write())}, {})

    def _now(self) -> str:
        return f"2026-01-02 03:{self.minute:02}:00"


def texts(sessions: list[Session]) -> list[str]:
    return [turn.prompts[0].text for session in sessions for turn in session.turns]


@pytest.fixture
def history(tmp_path: Path) -> History:
    found = History(tmp_path)
    found.start()
    return found


@WITH_RECORDINGS
def test_the_recorded_runs_hold_exactly_what_was_typed() -> None:
    folder = RECORDED / "headless"
    sessions = [read_session(path) for path in session_files([str(folder)], {})]
    turns = [turn for session in sessions if session for turn in session.turns]
    assert len(sessions) == 3
    assert [turn.prompts[0].text for turn in turns] == [
        "Create hello.py that prints a greeting",
        "Now make the greeting take a name argument",
        "Write a haiku about naïve cafés — 日本語\non two lines",
    ]
    assert [turn.edits for turn in turns] == [(f"{folder}/hello.py",)] * 2 + [()]
    assert [turn.commits for turn in turns] == [("a5a796d",), ("f551721",), ()]
    assert {turn.model for turn in turns} == {"openai/fake-model"}
    assert turns[1].at == "2026-11-22T14:44:17Z"


@WITH_RECORDINGS
def test_the_recorded_session_holds_exactly_what_was_typed_and_not_undone() -> None:
    (path,) = session_files([str(RECORDED / "interactive")], {})
    session = read_session(path)
    assert session is not None
    assert (session.id, session.version, session.started) == (
        "2026-11-22T14:44:25",
        "0.86.2",
        "2026-11-22T14:44:25Z",
    )
    assert texts([session]) == [
        "Create hello.py that prints a greeting",
        "/ask Write a haiku about the script",
        "Write a haiku in this form:\nfirst line; second line",
        "Write a haiku after clear",
    ]


@WITH_RECORDINGS
@pytest.mark.parametrize("mode", ["headless", "interactive"])
def test_a_recorded_commit_gets_the_prompt_and_the_edit_that_led_to_it(mode: str, tmp_path: Path) -> None:
    shutil.copy(RECORDED / mode / ".aider.input.history", tmp_path)
    whole = (RECORDED / mode / ".aider.chat.history.md").read_text("utf-8")
    found = []
    for line in re.finditer(r"^> Commit ", whole, re.MULTILINE):
        (tmp_path / ".aider.chat.history.md").write_text(whole[: line.start()], "utf-8")
        found += read({"regen": 1, "event": "commit", "cwd": str(tmp_path)}, {})
    assert [(event.kind, event.text or event.path) for event in found] == [
        ("prompt", "Create hello.py that prints a greeting"),
        ("edit", f"{tmp_path}/hello.py"),
        ("prompt", "Now make the greeting take a name argument"),
        ("edit", f"{tmp_path}/hello.py"),
    ]


def test_a_prompt_has_the_same_key_at_each_commit_and_in_the_history(history: History) -> None:
    history.typed("Add a retry")
    history.edited("a.py")
    first = history.committing()
    history.told("Commit 1234567 feat: it")
    history.edited("b.py")  # after the linter
    second = history.committing()
    (session,) = history.sessions()
    assert {event.turn for event in (*first, *second)} == {session.turns[0].key}
    assert [event.path for event in (*first, *second) if event.path] == [
        f"{history.folder}/a.py",
        f"{history.folder}/b.py",
    ]
    assert {event.session for event in (*first, *second)} == {session.id}
    assert {event.at for event in (*first, *second) if event.kind == "prompt"} == {"2026-01-02T03:01:00Z"}


def test_questions_since_the_last_commit_come_along_and_those_before_do_not(history: History) -> None:
    history.typed("Add a retry")
    history.edited("a.py", "1234567")
    history.typed("What is a retry?")
    history.typed("Make it exponential")
    history.edited("a.py")
    history.typed("/commit")
    prompts = [event.text for event in history.committing() if event.kind == "prompt"]
    assert prompts == ["What is a retry?", "Make it exponential"]


def test_a_commit_of_what_the_person_changed_comes_from_no_prompt(history: History) -> None:
    history.typed("Add a retry")
    history.told("Committing a.py before applying edits.")
    assert history.committing() == []
    history.told("Commit 1234567 chore: by hand")
    history.edited("a.py", "89abcde")
    assert history.sessions()[0].turns[0].commits == ("89abcde",)


def test_no_commit_and_no_history_give_no_events(tmp_path: Path) -> None:
    assert read({"regen": 1, "event": "commit", "cwd": str(tmp_path)}, {}) == []
    assert read({"event": "edit", "cwd": str(tmp_path)}, {}) == []
    assert read({"event": [], "cwd": 3}, {}) == []
    assert session_files([str(tmp_path)], {}) == []


@pytest.mark.parametrize(
    "command", ["/add a.py", "!git log", "/run make", "/undo", "/tokens", "<blank>", "/ask"]
)
def test_commands_are_no_prompts(history: History, command: str) -> None:
    history.typed("Add a retry")
    history.typed(command)
    history.told("Done.")
    assert texts(history.sessions()) == ["Add a retry"]


def test_a_command_on_which_files_are_written_is_a_prompt(history: History) -> None:
    history.typed("/test pytest")
    history.told("Attempt to fix test errors? (Y)es/(N)o [Yes]: y")
    history.entered("y")
    history.edited("a.py", "1234567")
    history.typed("/lint")
    assert texts(history.sessions()) == ["/test pytest"]


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("command", ["/ask", "/as", "/code"])
def test_a_question_is_written_twice_and_asked_once(history: History, command: str, *, known: bool) -> None:
    history.typed(f"{command} What is it?\nIn short")
    history.typed("What is it?\nIn short", entered=False)
    history.said("A retry.")
    history.typed("What is it?\nIn short")
    if not known:
        history.input = ""
    assert texts(history.sessions()) == [f"{command} What is it?\nIn short", "What is it?\nIn short"]


@pytest.mark.parametrize("tag", ["", "eof"])
def test_a_prompt_in_braces_is_one_prompt(history: History, tag: str) -> None:
    history.typed("First")
    history.entered("{")  # given up
    for line in ("{" + tag, "Two", "lines", tag + "}"):
        history.entered(line)
    history.typed("Two\nlines", entered=False)
    history.typed("Last")
    assert texts(history.sessions()) == ["First", "Two\nlines", "Last"]


def test_what_was_undone_goes_with_its_prompt(history: History) -> None:
    history.typed("Add a retry")
    history.edited("a.py", "1234567")
    history.typed("Make it red")
    history.edited("b.py", "89abcde")
    history.typed("/undo")
    history.told("Removed: 89abcde feat: it")
    history.typed("Make it blue")
    history.edited("c.py")
    assert texts(history.sessions()) == ["Add a retry", "Make it blue"]
    assert [event.text for event in history.committing() if event.kind == "prompt"] == ["Make it blue"]


def test_an_answer_may_hold_headings_and_lines_that_look_like_a_prompt(history: History) -> None:
    history.typed("Write the changelog")
    history.said("#### Change\n\n#### With two blanks  \n\ntext\n#### No blank line before  ")
    history.typed("Shorter")
    assert texts(history.sessions()) == ["Write the changelog", "Shorter"]


def test_a_prompt_from_a_file_counts_though_it_was_not_entered(tmp_path: Path) -> None:
    history = History(tmp_path)
    history.start()
    history.typed("Typed before")
    history.start()
    history.typed("From a file\nof two lines", entered=False)
    history.entered("y")
    assert texts(history.sessions()) == ["Typed before", "From a file\nof two lines"]


def test_every_chat_is_a_session_of_its_own(tmp_path: Path) -> None:
    history = History(tmp_path)
    for text in ("One", "Two", "Three"):
        history.start()
        history.typed(text)
        history.said("x" * 300_000)
        history.edited(f"{text}.py", "1234567")
    sessions = history.sessions()
    assert texts(sessions) == ["One", "Two", "Three"]
    assert [session.turns[0].edits for session in sessions] == [
        (f"{tmp_path}/{text}.py",) for text in ("One", "Two", "Three")
    ]
    assert len({session.id for session in sessions}) == 3


def test_a_long_chat_is_read_from_its_beginning(history: History) -> None:
    history.typed("Add a retry")
    history.said("x\n" * 400_000)
    history.edited("a.py")
    assert [event.text for event in history.committing()] == ["Add a retry", ""]


def test_histories_elsewhere_are_found_by_their_variables(tmp_path: Path) -> None:
    history = History(tmp_path)
    history.start()
    history.typed("Add a retry")
    history.edited("a.py")
    history.write()
    (tmp_path / ".aider.chat.history.md").rename(tmp_path / "chat.md")
    (tmp_path / ".aider.input.history").rename(tmp_path / "input")
    env = {"AIDER_CHAT_HISTORY_FILE": "chat.md", "AIDER_INPUT_HISTORY_FILE": str(tmp_path / "input")}
    events = read({"regen": 1, "event": "commit", "cwd": str(tmp_path)}, env)
    assert [event.kind for event in events] == ["prompt", "edit"]
    assert session_files([str(tmp_path)], env) == [f"{tmp_path}/chat.md#1"]


PROMPT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(
    lambda text: text.strip() and not text.lstrip().startswith(("/", "!", "<blank>"))
)
ANSWER = st.lists(
    st.sampled_from(["Text.", "#### Change", "> quoted", "```python", "x = 1", "", "- item  "]), max_size=6
).map("\n".join)


@given(st.lists(st.tuples(PROMPT, ANSWER, st.booleans()), max_size=6))
@settings(max_examples=200)
def test_parsing_a_written_history_gives_back_the_prompts(turns: list[tuple[str, str, bool]]) -> None:
    history = History(Path())
    history.start()
    for place, (text, answer, committed) in enumerate(turns):
        history.typed(text)
        history.said(answer)
        history.told("Tokens: 1.9k sent, 25 received.")
        if committed:
            history.edited(f"{place}.py", f"{place:07}")
    chat = parse_chat(history.chat)
    assert chat is not None
    # aider splits lines where Python does, and cuts white space at the end.
    assert [ask.text for ask in chat.asks] == [
        "\n".join(text.splitlines()).rstrip().strip("\n") for text, _, _ in turns
    ]
    assert [ask.commits for ask in chat.asks] == [
        (f"{place:07}",) if committed else () for place, (_, _, committed) in enumerate(turns)
    ]
    assert chat.pending == ()


@given(st.text())
def test_any_text_is_read_without_raising(text: str) -> None:
    assert parse_chat(text) is None or text.lstrip().startswith("#")
    parse_chat("\n# aider chat started at 2026-01-02 03:04:05\n" + text)
