"""Agents' settings files: our entries come and go, and nothing else changes by a byte."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from regen_git.agents import Settings
from regen_git.capture.fired import last_fired, note_fired
from regen_git.capture.telling.entries import command_of, told, with_entries, without_entries
from regen_git.capture.telling.jsonc import parse

EVENTS = {"SessionStart": None, "PostToolUse": "Edit|Write", "Stop": None}
CLAUDE = Settings("claude", ".x/settings.json", ".x/settings.json", EVENTS)
SHAPES = [
    CLAUDE,
    Settings("copilot", ".github/hooks/x.json", "", {"sessionStart": None, "postToolUse": None}),
    Settings("cursor", ".cursor/hooks.json", ".cursor/hooks.json", {"stop": None, "afterFileEdit": None}),
    Settings("windsurf", ".windsurf/hooks.json", "", {"pre_user_prompt": None, "post_write_code": None}),
]

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(['//"', "/* no */", "git regen", "é\U0001f600", "\\", "http://x/*"]),
)
FOREIGN = st.fixed_dictionaries(
    {"matcher": st.text(max_size=4), "hooks": st.just([{"type": "command", "command": "say hello"}])}
)
NAMES = st.one_of(st.text(max_size=6), st.sampled_from(["model", "env", "version", "permissions"]))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=8,
)
HOOKS = st.dictionaries(
    st.sampled_from([*EVENTS, "sessionStart", "stop", "pre_user_prompt", "Other"]),
    st.lists(FOREIGN, min_size=1, max_size=2),
    min_size=1,
    max_size=3,
)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Return a settings file as people keep it: any layout, comments and trailing commas."""
    data = draw(st.dictionaries(NAMES.filter(lambda name: name != "hooks"), VALUES, min_size=1, max_size=4))
    if draw(st.booleans()):
        at = draw(st.integers(0, len(data)))
        items = list(data.items())
        data = dict([*items[:at], ("hooks", draw(HOOKS)), *items[at:]])
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    blanks = ["", " ", newline, newline + "  ", newline + "\t", ' // it\'s "a" note' + newline, "/* , } */"]
    styles = [[""], [newline + "    "], blanks]
    blank = st.sampled_from(draw(st.sampled_from(styles)))
    trailing = draw(st.booleans())

    def shown(value: Any) -> str:
        if isinstance(value, dict):
            parts = [f"{json.dumps(k)}{draw(blank)}:{draw(blank)}{shown(v)}" for k, v in value.items()]
            return "{" + listed(parts) + "}"
        if isinstance(value, list):
            return "[" + listed([shown(one) for one in value]) + "]"
        return json.dumps(value, ensure_ascii=draw(st.booleans()))

    def listed(parts: list[str]) -> str:
        text = ",".join(f"{draw(blank)}{part}{draw(blank)}" for part in parts)
        return text + ("," if parts and trailing else "") + draw(blank)

    mark = draw(st.sampled_from(["", "\ufeff"]))
    return mark + draw(blank) + shown(data) + draw(blank) + draw(st.sampled_from(["", newline]))


def without(value: Any) -> Any:
    """Return a parsed file without our entries: what an agent would read of the others'."""
    found = json.loads(json.dumps(value))
    hooks = found.get("hooks", {})
    for event in list(hooks):
        hooks[event] = [entry for entry in hooks[event] if "git-regen capture" not in json.dumps(entry)]
        if not hooks[event]:
            del hooks[event]
    if not hooks:
        found.pop("hooks", None)
    return found


@settings(max_examples=200)
@given(text=documents(), shape=st.sampled_from(SHAPES))
def test_entries_come_and_go_without_changing_a_byte(text: str, shape: Settings) -> None:
    before = parse(text).plain()
    assume(before != {"version": 1})
    after = with_entries(text, "claude", shape)
    assert told(after, shape).state == "all"
    assert with_entries(after, "claude", shape) == after
    assert without(parse(after).plain()) == before
    assert list(without(parse(after).plain())) == list(before)
    assert without_entries(after) == text
    assert without_entries(text) == text


@settings(max_examples=100)
@given(value=VALUES, indent=st.sampled_from([None, 1, "\t"]))
def test_what_is_plain_json_is_read_as_json(value: Any, indent: int | str | None) -> None:
    text = json.dumps(value, indent=indent)
    assert parse(text).plain() == json.loads(text)


@settings(max_examples=300)
@given(text=st.text(alphabet='{}[]",:/*\\\n \r1ea\ufeff', max_size=20))
def test_what_cannot_be_read_is_said_and_nothing_else_goes_wrong(text: str) -> None:
    try:
        root = parse(text)
    except ValueError as error:
        assert re.match(r"line \d+, column \d+: ", str(error))  # noqa: PT017 - most texts cannot be read
        return
    assert text[root.start : root.end] == text.strip("\ufeff \r\n") or "/" in text


def test_a_file_of_ours_alone_leaves_nothing_behind() -> None:
    for shape in SHAPES:
        after = with_entries("", "x", shape)
        assert after.endswith("}\n")
        assert without_entries(after) == ""
        assert with_entries(after, "x", shape) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"a": 1}', '{"a": 1, "hooks": {"E": [{"command": C, "show_output": false}]}}'),
        (
            '{\n\t"a": 1 // one\n}\n',
            (
                '{\n\t"a": 1, // one\n\t"hooks": {\n\t\t"E": [\n\t\t\t{\n\t\t\t\t"command": C,\n'
                '\t\t\t\t"show_output": false\n\t\t\t}\n\t\t]\n\t}\n}\n'
            ),
        ),
        (
            '{\n  "hooks": {\n    "E": [\n      {"command": "x"},\n    ],\n  }, // end\n}',
            (
                '{\n  "hooks": {\n    "E": [\n      {"command": "x"},\n      {\n        "command": C,\n'
                '        "show_output": false\n      },\n    ],\n  }, // end\n}'
            ),
        ),
        (
            '{\r\n  "hooks": {\r\n    // none yet\r\n  }\r\n}\r\n',
            (
                '{\r\n  "hooks": {\r\n    // none yet\r\n    "E": [\r\n      {\r\n        "command": C,\r\n'
                '        "show_output": false\r\n      }\r\n    ]\r\n  }\r\n}\r\n'
            ),
        ),
        ("{/* c */}", '{/* c */ "hooks": {"E": [{"command": C, "show_output": false}]}}'),
    ],
)
def test_entries_are_laid_out_like_what_stands_around_them(before: str, after: str) -> None:
    shape = Settings("windsurf", "", "", {"E": None})
    wanted = after.replace("C", json.dumps(command_of("w")))
    assert with_entries(before, "w", shape) == wanted
    assert without_entries(wanted) == before


def test_what_others_added_after_us_stays() -> None:
    data = json.loads(with_entries('{"model": "x"}', "x", CLAUDE))
    data["hooks"]["Stop"][0]["hooks"].insert(0, {"type": "command", "command": "say done"})
    data["hooks"]["Stop"].append({"hooks": [{"type": "command", "command": "beep"}]})
    data["hooks"]["Other"] = []
    data["later"] = True
    left = json.loads(without_entries(json.dumps(data, indent=1)))
    others = [{"type": "command", "command": "say done"}], [{"type": "command", "command": "beep"}]
    assert left == {
        "model": "x",
        "hooks": {"Stop": [{"hooks": hooks} for hooks in others], "Other": []},
        "later": True,
    }


def test_comments_among_our_entries_stay() -> None:
    text = with_entries('{\n  "a": 1\n}\n', "x", CLAUDE)
    text = text.replace('"Stop": [', '"Stop": [ // why not\n').replace("1,\n", "1, // one\n")
    left = without_entries(text)
    assert "// why not" in left
    assert "// one" in left
    assert "git regen" not in left
    assert parse(left).plain() == {"a": 1, "hooks": {"Stop": []}}


def test_an_entry_that_is_called_for_too_little_is_replaced() -> None:
    old = CLAUDE._replace(events={"PostToolUse": "Edit", "Gone": None})
    text = with_entries('{"a": 1}', "x", old)
    assert told(text, CLAUDE).missing == tuple(EVENTS)
    text = with_entries(text, "x", CLAUDE)
    assert told(text, CLAUDE).state == "all"
    entries = parse(text).plain()["hooks"]["PostToolUse"]
    assert [entry["matcher"] for entry in entries] == ["Edit|Write"]
    assert without_entries(text) == '{"a": 1}'


def test_an_entry_that_is_called_for_everything_is_enough() -> None:
    wide = with_entries("", "x", CLAUDE._replace(events=dict.fromkeys(EVENTS)))
    assert with_entries(wide, "x", CLAUDE) == wide


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ("[]", "not a JSON object"),
        ("{", "line 1, column 2: its end"),
        ('{"a": 1,, "b": 2}', "line 1, column 9: ','"),
        ('{\n  "a": 1\n  "b": 2\n}', "line 3, column 3"),
        ("{'a': 1}", "column 2"),
        ('{"a": 0x10}', "column 7"),
        ('{"a": 01}', "column 7"),
        ('{"a": "x\ny"}', "column 7"),
        ('{"a": 1} {', "column 10"),
        ('{"a": 1 /* no end }', "column 9"),
        ("[" * 5000, "column"),
        ('{"hooks": []}', "'hooks' is not an object"),
        ('{"hooks": {"Stop": {}}}', "'hooks.Stop' is not a list"),
    ],
)
def test_files_that_cannot_be_understood_are_refused(broken: str, reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        with_entries(broken, "x", CLAUDE)


@pytest.mark.parametrize(
    "odd",
    [
        '{"hooks": {"Stop": [1, null, "git regen capture", {"hooks": 3}, {"hooks": [[], {}]}]}}',
        '{"hooks": {"disabled": ["git regen capture"], "enabled": true}}',
        '{"hooks": {}, "hooks": {"Stop": []}, "a": "\\u0000\\ud83d"}',
    ],
)
def test_odd_hooks_of_others_are_no_reason_to_fail(odd: str) -> None:
    after = with_entries(odd, "x", CLAUDE)
    assert told(after, CLAUDE).state == "all"
    assert "git-regen capture --agent" not in without_entries(after)
    assert without_entries(odd) == odd


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_who_lacks_the_program_loses_nothing(shell: str, tmp_path: Path) -> None:
    """The very text of the entry is run, with git but without ``git-regen``, and corrections on."""
    git = shutil.which("git")
    program = shutil.which(shell)
    assert git
    assert program
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").symlink_to(git)
    (Path.home() / ".gitconfig").write_text("[help]\n\tautocorrect = immediate\n")
    done = subprocess.run(
        [program, "-c", command_of("claude")],
        input=b'{"hook_event_name": "Stop"}',
        capture_output=True,
        check=False,
        cwd=tmp_path,
        env={"PATH": str(tmp_path / "bin"), "HOME": str(Path.home())},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert not list(tmp_path.glob("*.git*"))


def test_a_report_leaves_its_time(tmp_path: Path) -> None:
    data = str(tmp_path)
    assert last_fired(data, "claude") is None
    note_fired(data, "claude")
    assert last_fired(data, "claude") == pytest.approx(time.time(), abs=5)
    os.utime(tmp_path / "fired" / "claude", (0, 0))
    note_fired(data, "claude")
    assert last_fired(data, "claude") == pytest.approx(time.time(), abs=5)
    assert last_fired(data, "codex") is None


def test_a_mark_makes_no_folder_where_nothing_is_recorded(tmp_path: Path) -> None:
    note_fired(str(tmp_path / "regen"), "claude")
    assert not (tmp_path / "regen").exists()
