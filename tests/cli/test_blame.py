"""``git regen blame``: each line with its prompt or person, as a user sees it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from support.builder import RepoBuilder
from support.histories import History

from regen_git.domain.intent import LineRange

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

TEXT = "one\ntwo\nthree\nfour\n"


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_line_shows_the_intent_or_the_person_in_the_place_of_the_author(
    repo: RepoBuilder, capsys: pytest.CaptureFixture[str]
) -> None:
    history = History(repo)
    asked = history.asked("Write it.", {"a.txt": TEXT}, hand={"a.txt": (LineRange(2, 2),)}, wrote=("a.txt",))
    mine = history.by_hand("Mine", {"a.txt": TEXT.replace("three", "THREE")})
    repo.write({"a.txt": TEXT.replace("three", "THREE").replace("four", "4")})

    assert history.regen("blame", "a.txt") == 0

    name = repo.git("log", "-1", "--format=%an")
    width = max(len(name), len("not committed yet"))
    assert capsys.readouterr().out.splitlines() == [
        f"{asked[:8]} ({'00000000'.ljust(width)} 1) one",
        f"{asked[:8]} ({name.ljust(width)} 2) two",
        f"{mine[:8]} ({name.ljust(width)} 3) THREE",
        f"00000000 ({'not committed yet'.ljust(width)} 4) 4",
    ]


def test_windows_and_revisions_are_taken_as_git_blame_takes_them(
    repo: RepoBuilder, capsys: pytest.CaptureFixture[str]
) -> None:
    history = History(repo)
    history.asked("Write it.", {"a.txt": TEXT})
    history.by_hand("Mine", {"a.txt": "zero\n" + TEXT})

    assert history.regen("blame", "HEAD~1", "a.txt", "-L", "2,+2", "--json") == 0
    assert [(one["line"], one["text"], one["by"]) for one in lines(capsys)] == [
        (2, "two", "prompt"),
        (3, "three", "prompt"),
    ]
    assert history.regen("blame", "a.txt", "HEAD~1", "-L", "/three/,/four/", "--json") == 0
    assert [one["line"] for one in lines(capsys)] == [3, 4]


def test_an_agent_without_a_prompt_is_no_person(
    repo: RepoBuilder, capsys: pytest.CaptureFixture[str]
) -> None:
    history = History(repo)
    history.by_hand("Add it\n\nCo-Authored-By: Claude <noreply@anthropic.com>", {"a.txt": "one\n"})

    assert history.regen("blame", "a.txt") == 0
    assert "(no prompt 1) one" in capsys.readouterr().out
    assert history.regen("blame", "a.txt", "--json") == 0
    (line,) = lines(capsys)
    assert (line["by"], line["intents"]) == ("agent", [])
    assert "claude took part" in line["reason"]


def test_several_intents_of_a_commit_are_counted(
    repo: RepoBuilder, capsys: pytest.CaptureFixture[str]
) -> None:
    history = History(repo)
    history.asked("Write it.", {"a.txt": "one\n"})
    assert history.regen("record", "And be quick.", "--commit", "HEAD") == 0
    capsys.readouterr()

    assert history.regen("blame", "a.txt", "--json") == 0

    (line,) = lines(capsys)
    assert len(line["intents"]) == 2
    assert history.regen("blame", "a.txt") == 0
    assert f"({line['intents'][-1][:8]}+1 1) one" in capsys.readouterr().out


def test_what_is_not_there_is_said_with_a_way_out(
    repo: RepoBuilder, capsys: pytest.CaptureFixture[str]
) -> None:
    history = History(repo)
    history.by_hand("Start", {"a.txt": "one\n"})

    for words in (("b.txt",), ("a.txt", "nowhere"), ("a.txt", "-L", "7,9")):
        assert history.regen("blame", *words) == 3
        told = capsys.readouterr().err
        assert told.startswith(
            "error: cannot tell about 'a.txt'" if words[0] == "a.txt" else "error: cannot tell"
        )
        assert "hint: " in told
    assert history.regen("blame", "a.txt", "--", "--output=x") == 2


def test_control_characters_and_broken_bytes_do_not_reach_the_terminal(
    repo: RepoBuilder, capsys: pytest.CaptureFixture[str]
) -> None:
    history = History(repo)
    history.by_hand("Start", {"a.txt": b"\x1b[31mred\n\xff\xfe bytes\n"})

    assert history.regen("blame", "a.txt") == 0

    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\\x1b[31mred" in out
    assert "bytes" in out


def test_a_bare_repository_blames_its_newest_commit(
    repo: RepoBuilder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    history = History(repo)
    history.asked("Write it.", {"a.txt": "one\n"})
    repo.git("clone", "-q", "--mirror", str(repo.path), str(tmp_path / "bare"))

    assert History(RepoBuilder(tmp_path / "bare")).regen("blame", "a.txt", "--json") == 0

    (line,) = lines(capsys)
    assert line["intents"] == [f"{1:016x}"]
