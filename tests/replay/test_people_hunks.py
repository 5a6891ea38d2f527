"""Every hunk that a person wrote is somewhere after a rebuild, and the report says where."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.builder import RepoBuilder
from support.histories import History
from support.model_server import ModelServer

from regen_git.domain.intent import LineRange
from regen_git.git.commits import read_commit
from regen_git.git.trees import REGULAR, Leaf, diff
from regen_git.replay.people.carry import How, carry
from regen_git.replay.people.textmerge import hunks
from regen_git.replay.report import read_report

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FIRST = """\
import json


def load(path):
    return json.load(open(path))


def save(path, data):
    json.dump(data, open(path, "w"))


def count(data):
    n = 0
    for _ in data:
        n += 1
    return n
"""
COUNT = "    n = 0\n    for _ in data:\n        n += 1\n    return n\n"
# Two hunks: one in load, one at the end.
MENDED = FIRST.replace("json.load(open(path))", "json.loads(open(path, encoding='utf-8').read())") + (
    "\n\ndef clear(path):\n    save(path, [])\n"
)
SECOND = MENDED + "\n\ndef names(data):\n    return sorted(data)\n"
LAST = SECOND.replace(
    "    n = 0\n    for _ in data:\n        n += 1\n    return n\n", "    return len(data)\n"
)


@pytest.fixture
def openai(monkeypatch: pytest.MonkeyPatch) -> Callable[[ModelServer], None]:
    """Return a function that points the program at a scripted server."""

    def point(server: ModelServer) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "unused")
        monkeypatch.setenv("OPENAI_API_BASE", server.url)

    return point


def last(body: Mapping[str, Any]) -> str:
    text: str = body["messages"][-1]["content"]
    return text


def whole(path: str, text: str) -> str:
    return f"FILE {path}\n````\n{text}````\n"


def result(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    return found


def shown(body: Mapping[str, Any]) -> str:
    """Return the file that a request to carry a change shows last."""
    text = last(body).partition("The new version of ")[2]
    found = re.search(r"^(`{3,})\n(.*?)^\1$", text, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[2]


def edited_by_hand(repo: RepoBuilder) -> tuple[History, str, str]:
    """Return a history whose generated file people edited in its middle and at its end."""
    history = History(repo)
    history.asked("Write load, save and count.", {"store.py": FIRST})
    middle = history.by_hand("Read as UTF-8; clear", {"store.py": MENDED})
    history.asked("Add names.", {"store.py": SECOND})
    end = history.by_hand("Count by len", {"store.py": LAST})
    return history, middle, end


def fates(told: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    return [(one["commit"], one["new"], one["how"]) for one in told["hunks_by_people"]]


def test_hunks_stand_as_they_were_where_the_model_wrote_other_lines_anew(
    repo: RepoBuilder, capsys: pytest.CaptureFixture[str], openai: Callable[[ModelServer], None]
) -> None:
    history, middle, end = edited_by_hand(repo)

    def answer(body: Mapping[str, Any]) -> str:
        is_second = "Add names." in last(body)
        return whole("store.py", '"""Data."""\n\n' + (SECOND if is_second else FIRST))

    with ModelServer(answer) as server:
        openai(server)
        assert history.regen("replay", "--model", "openai/gpt-5", "--json") == 0

    told = result(capsys)
    assert fates(told) == [(middle, "5-5", "exact"), (middle, "17-20", "exact"), (end, "13-13", "exact")]
    assert told["hunks"] == {"exact": 3}
    assert "return len(data)" in repo.git("show", "regen/gpt-5:store.py")


def test_only_the_hunks_that_conflict_climb_the_ladder(
    repo: RepoBuilder, capsys: pytest.CaptureFixture[str], openai: Callable[[ModelServer], None]
) -> None:
    history, middle, end = edited_by_hand(repo)
    # The model's own count is another one, and its load comes after its save.
    imports, load, save, count = FIRST.split("\n\n\n")
    moved = f"{imports}\n\n\n{save}\n\n\n{load}\n\n\n{count}"
    anew = moved.replace(COUNT, "    return sum(1 for _ in data)\n")
    asked: list[str] = []

    def answer(body: Mapping[str, Any]) -> str:
        asked.append(last(body))
        if last(body).startswith("Carry "):
            return whole("store.py", shown(body).replace("sum(1 for _ in data)", "len(data)"))
        is_second = "Add names." in last(body)
        if not is_second:
            return whole("store.py", anew)
        kept = anew.replace("json.load(open(path))", "json.loads(open(path, encoding='utf-8').read())")
        return whole("store.py", kept + SECOND[SECOND.index("\n\ndef clear") :])

    with ModelServer(answer) as server:
        openai(server)
        assert history.regen("replay", "--model", "openai/gpt-5", "--json") == 0

    told = result(capsys)
    assert fates(told) == [
        (middle, "5-5", "by symbol"),
        (middle, "17-20", "by symbol"),
        (end, "13-13", "by model"),
    ]
    carried = [text for text in asked if text.startswith("Carry ")]
    assert len(carried) == 1
    made = repo.git("show", "regen/gpt-5:store.py")
    assert "encoding='utf-8'" in made
    assert "return len(data)" in made
    assert history.regen("replay", "--model", "openai/gpt-5", "--locked", "--force", "--json") == 0
    again = result(capsys)
    assert (again["tip"], again["hunks_by_people"]) == (told["tip"], told["hunks_by_people"])


def test_the_model_is_asked_for_the_open_hunks_alone_and_may_not_undo_the_others(
    repo: RepoBuilder, capsys: pytest.CaptureFixture[str], openai: Callable[[ModelServer], None]
) -> None:
    history = History(repo)
    start = "".join(f"line {n}\n" for n in range(20))
    history.asked("Write lines.", {"a.txt": start})
    history.by_hand(
        "Mine", {"a.txt": start.replace("line 3\n", "MINE 3\n").replace("line 15\n", "MINE 15\n")}
    )
    anew = start.replace("line 15\n", "other 15\n")
    asked: list[str] = []

    def answer(body: Mapping[str, Any]) -> str:
        asked.append(last(body))
        if last(body).startswith("Carry "):
            return whole("a.txt", anew.replace("other 15", "MINE 15"))
        return whole("a.txt", anew)

    with ModelServer(answer) as server:
        openai(server)
        assert history.regen("replay", "--model", "openai/gpt-5", "--json") == 1
        told = result(capsys)
        assert history.regen("resolve", "gpt-5", "--drop") == 0
        assert history.regen("replay", "--resume", "gpt-5", "--json") == 0
        dropped = result(capsys)

    assert "+MINE 15" in asked[1]
    assert "+MINE 3" not in asked[1]
    assert "MINE 3" in shown({"messages": [{"content": asked[1]}]})
    assert "leaves out lines 4-4, which were in place" in told["stuck"]["why"][0]
    assert [one["how"] for one in dropped["hunks_by_people"]] == ["exact", "no longer applicable"]
    assert "a person confirmed it" in dropped["hunks_by_people"][1]["why"]
    made = repo.git("show", "regen/gpt-5:a.txt")
    assert "MINE 3" in made
    assert "other 15" in made


def test_a_stuck_hunk_leaves_the_others_in_place_and_says_which_lines_want_a_person(
    repo: RepoBuilder, capsys: pytest.CaptureFixture[str], openai: Callable[[ModelServer], None]
) -> None:
    history = History(repo)
    history.asked("Write load, save and count.", {"store.py": FIRST})
    history.by_hand("Mine", {"store.py": LAST.replace(SECOND[len(MENDED) :], "")})
    anew = FIRST.replace("        n += 1\n", "        n = n + 1\n").replace("    n = 0\n", "    n = int()\n")

    def answer(body: Mapping[str, Any]) -> str:
        is_carry = last(body).startswith("Carry ")
        return whole("store.py", shown(body) + "# I would not\n" if is_carry else anew)

    with ModelServer(answer) as server:
        openai(server)
        assert history.regen("replay", "--model", "openai/gpt-5", "--json") == 1

    stuck = result(capsys)["stuck"]
    (why,) = stuck["why"]
    assert why.startswith("store.py: needs a person: lines 13-17: it conflicts with the rebuilt code; ")
    assert why.endswith("nothing of the change is in the answer")
    best = repo.git("show", f"{stuck['best']}:store.py")
    assert "encoding='utf-8'" in best
    assert "n = n + 1" in best


def test_what_a_later_step_wrote_over_is_told(
    repo: RepoBuilder, capsys: pytest.CaptureFixture[str], openai: Callable[[ModelServer], None]
) -> None:
    history, middle, _ = edited_by_hand(repo)

    def answer(body: Mapping[str, Any]) -> str:
        if "Add names." not in last(body):
            return whole("store.py", FIRST)
        without = SECOND.replace("json.loads(open(path, encoding='utf-8').read())", "json.load(open(path))")
        return whole("store.py", without)

    with ModelServer(answer) as server:
        openai(server)
        assert history.regen("replay", "--model", "openai/gpt-5") == 0

    out = capsys.readouterr().out
    lost = f"{middle[:12]} store.py:5-5: needs a person: a later step wrote the file anew without it"
    assert lost in out
    report = read_report(repo.opened, "gpt-5").to_json(None)
    assert fates(report)[0] == (middle, "5-5", "needs a person")
    assert report["hunks"] == {"needs a person": 1, "exact": 2}
    assert history.regen("compare", "gpt-5") == 0
    assert lost in capsys.readouterr().out


def test_a_person_s_lines_from_before_the_replay_s_first_step_are_missed_too(
    repo: RepoBuilder, capsys: pytest.CaptureFixture[str], openai: Callable[[ModelServer], None]
) -> None:
    history = History(repo)
    mine = history.by_hand("Start", {"store.py": "# Ten at most.\n_MOST = 10\n\n\n"})
    history.asked(
        "Write load.", {"store.py": "# Ten at most.\n_MOST = 10\n\n\ndef load():\n    return _MOST\n"}
    )

    with ModelServer(lambda _body: whole("store.py", "def load():\n    return 10\n")) as server:
        openai(server)
        assert history.regen("replay", "--model", "openai/gpt-5", "--json") == 0

    (lost,) = result(capsys)["hunks_by_people"]
    assert (lost["commit"], lost["path"], lost["how"]) == (mine, "store.py", "needs a person")
    assert "of the source's tip" in lost["why"]


def test_lines_and_regions_inside_an_agent_s_commit_are_told(
    repo: RepoBuilder, capsys: pytest.CaptureFixture[str], openai: Callable[[ModelServer], None]
) -> None:
    history = History(repo)
    text = (
        "LIMIT = 10\n\n\ndef take(n):\n    n = min(n, LIMIT)\n    return list(range(n))\n\n\n"
        "# regen: keep\nTABLE = [1, 2,\n         3, 5]\n# regen: end\n"
    )
    made = history.asked(
        "Write take.",
        {"take.py": text, "mine.txt": "mine\n"},
        hand={"take.py": (LineRange(5, 5),)},
        wrote=("take.py",),
    )
    anew = text.replace("    n = min(n, LIMIT)\n", "").replace(
        "def take(n):\n", 'def take(n):\n    """Take."""\n'
    )

    with ModelServer(lambda _body: whole("take.py", anew)) as server:
        openai(server)
        assert history.regen("replay", "--model", "openai/gpt-5", "--json") == 0

    told = result(capsys)
    assert [(one["path"], one["new"], one["how"], one["why"]) for one in told["hunks_by_people"]] == [
        ("mine.txt", "1-1", "exact", ""),
        ("take.py", "5-5", "exact", "mended inside an agent's commit"),
        ("take.py", "9-12", "exact", "a kept region"),
    ]
    assert {one["commit"] for one in told["hunks_by_people"]} == {made}

    for args in ((), ("--locked",)):
        assert history.regen("replay", "--model", "openai/gpt-5", "--json", *args) == 0
        assert result(capsys)["hunks_by_people"] == told["hunks_by_people"]


def test_lines_only_taken_out_inside_an_agent_s_commit_are_not_called_kept(
    repo: RepoBuilder, capsys: pytest.CaptureFixture[str], openai: Callable[[ModelServer], None]
) -> None:
    history = History(repo)
    history.asked("Write it.", {"a.txt": "one\ntwo\n"}, hand={"a.txt": (LineRange(2, 1),)}, wrote=("a.txt",))

    with ModelServer(lambda _body: whole("a.txt", "one\nspam\ntwo\n")) as server:
        openai(server)
        assert history.regen("replay", "--model", "openai/gpt-5", "--json") == 0

    (hunk,) = result(capsys)["hunks_by_people"]
    assert (hunk["new"], hunk["how"]) == ("2-1", "no longer applicable")
    assert "nobody recorded which" in hunk["why"]


def test_a_journal_of_an_older_version_is_read(
    repo: RepoBuilder, capsys: pytest.CaptureFixture[str], openai: Callable[[ModelServer], None]
) -> None:
    history, middle, end = edited_by_hand(repo)

    def answer(body: Mapping[str, Any]) -> str:
        return whole("store.py", "# New.\n" + (SECOND if "Add names." in last(body) else FIRST))

    with ModelServer(answer) as server:
        openai(server)
        assert history.regen("replay", "--model", "openai/gpt-5", "--json") == 0
    result(capsys)
    journal = repo.opened.data_dir / "replays" / "gpt-5" / "journal.jsonl"
    lines = [json.loads(line) for line in journal.read_text("utf-8").splitlines()]
    for line in lines:
        line.pop("overwritten", None)
        if "carried" in line:
            line["carried"] = [entry[:4] for entry in line["carried"]]
    journal.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")

    found = read_report(repo.opened, "gpt-5").hunks

    assert Counter((hunk.commit, hunk.how, hunk.new) for hunk in found) == {
        (middle, "exact", ""): 2,
        (end, "exact", ""): 1,
    }


ROWS = st.lists(st.sampled_from(["a", "b", "c", "d", "e", "f"]), max_size=12)


@settings(max_examples=60, deadline=None)
@given(base=ROWS, theirs=ROWS, ours=ROWS)
def test_every_hunk_of_a_change_is_counted_once_and_stands_where_it_is_said_to(
    tmp_path_factory: pytest.TempPathFactory, base: list[str], theirs: list[str], ours: list[str]
) -> None:
    folder = tmp_path_factory.getbasetemp() / "carrying"
    repo = RepoBuilder(folder) if folder.exists() else RepoBuilder.init(folder)
    store = repo.opened.objects
    data = ["".join(f"{row}\n" for row in rows).encode() for rows in (base, theirs, ours)]
    sides = [Leaf(REGULAR, store.write("blob", each)) for each in data]

    done = carry(store, "a.txt", base=sides[0], theirs=sides[1], ours=sides[2])

    changes = hunks(data[0], data[1])
    assert done.hunks == max(1, len(changes))
    assert done.leaf is not None
    made = store.blob(done.leaf.oid)
    if changes:
        assert [(part.new.first, part.new.last) for part in done.parts if part.new is not None] == [
            (hunk.new_start, hunk.new_start + hunk.new_lines - 1) for hunk in changes
        ]
    rows = data[1].splitlines(keepends=True)
    for part in done.parts:
        if part.how is How.EXACT and part.new is not None:
            assert b"".join(rows[part.new.first - 1 : part.new.last]) in made
    if all(part.how is How.PERSON for part in done.parts):
        assert made == data[2]


EDITS = st.lists(
    st.tuples(
        st.sampled_from(["asked", "by hand"]),
        st.lists(
            st.tuples(st.integers(0, 30), st.sampled_from(["add", "cut", "set"])), min_size=1, max_size=4
        ),
    ),
    min_size=2,
    max_size=6,
)


def edited(rows: list[str], edits: list[tuple[int, str]], mark: str) -> list[str]:
    rows = list(rows)
    for number, (place, how) in enumerate(edits):
        at = place % (len(rows) + 1)
        if how == "add" or at == len(rows):
            rows.insert(at, f"{mark}{number} new")
        elif how == "cut":
            del rows[at]
        else:
            rows[at] = f"{mark}{number} set"
    return rows


def text_of(rows: list[str]) -> str:
    return "".join(f"{row}\n" for row in rows)


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=EDITS, spoiled=st.sets(st.integers(0, 30), max_size=6))
def test_as_many_hunks_are_told_as_people_wrote(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    steps: list[tuple[str, list[tuple[int, str]]]],
    spoiled: set[int],
) -> None:
    repo = RepoBuilder.init(tmp_path_factory.mktemp("counted") / "repo")
    history = History(repo)
    rows = [f"row {n}" for n in range(24)]
    versions = {history.asked("Start.", {"a.txt": text_of(rows)}): rows}
    for number, (kind, edits) in enumerate(steps):
        rows = edited(rows, edits, f"{'h' if kind == 'by hand' else 'p'}{number}.")
        commit = (
            history.by_hand(f"Hand {number}", {"a.txt": text_of(rows)})
            if kind == "by hand"
            else history.asked(f"Ask {number}", {"a.txt": text_of(rows)})
        )
        versions[commit] = rows

    def answer(body: Mapping[str, Any]) -> str:
        if last(body).startswith("Carry "):
            brought = re.findall(r"^\+(?!\+\+ )(.*)$", last(body), re.MULTILINE)
            return whole("a.txt", shown(body) + "carried\n" + text_of(brought))
        intent = re.search(r"^Intent (\w+)", last(body), re.MULTILINE)
        assert intent is not None
        source = versions[history.by_intent[intent[1]]]
        return whole("a.txt", text_of([f"{row}!" if n in spoiled else row for n, row in enumerate(source)]))

    with ModelServer(answer) as server:
        monkeypatch.setenv("OPENAI_API_KEY", "unused")
        monkeypatch.setenv("OPENAI_API_BASE", server.url)
        status = history.regen("replay", "--model", "openai/gpt-5", "--force", "--json")
    told = result(capsys)
    assert status in (0, 1), told

    store = repo.opened.objects
    done = {
        step["source"]
        for step in read_report(repo.opened, "gpt-5").steps.values()
        if step["kind"] == "carried"
    }
    expected: Counter[str] = Counter()
    for commit in done:
        made = read_commit(store, commit)
        for change in diff(store, read_commit(store, made.parents[0]).tree, made.tree):
            old = store.blob(change.old.oid) if change.old else b""
            new = store.blob(change.new.oid) if change.new else b""
            expected[commit] += max(1, len(hunks(old, new)))
    assert Counter(one["commit"] for one in told["hunks_by_people"]) == expected
    assert sum(told["hunks"].values()) == sum(expected.values())
    if status == 0:
        assert len(done) == sum(kind == "by hand" for kind, _ in steps)
