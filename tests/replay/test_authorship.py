"""What people wrote in a tree, by blame and ledger; on rebuilt and adopted commits, too."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.builder import RepoBuilder
from support.histories import History
from support.model_server import ModelServer

from regen_git.config import Ownership, load_settings
from regen_git.domain.ids import IntentId
from regen_git.domain.intent import LineRange
from regen_git.git.history import read_span
from regen_git.ledger.store import PROVENANCE_REF, Ledger
from regen_git.replay.facts import read_facts
from regen_git.replay.people import authorship
from regen_git.replay.people.authorship import Hunk, hunk_fates, people_in
from regen_git.replay.people.overwritten import generated

if TYPE_CHECKING:
    from collections.abc import Mapping


APP = (
    "import os\n\n\ndef load(name):\n    return open(name).read()\n\n\n"
    "def save(name, text):\n    open(name, 'w').write(text)\n"
)
FIXED = APP.replace(
    "    return open(name).read()", "    with open(name) as file:\n        return file.read()"
)


def tip(repo: RepoBuilder) -> str:
    return repo.git("rev-parse", "HEAD")


def whole(path: str, text: str) -> str:
    return f"FILE {path}\n```python\n{text}```\n"


def result(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    return found


def test_lines_of_people_s_commits_are_theirs_and_prompted_ones_are_not(repo: RepoBuilder) -> None:
    history = History(repo)
    history.asked("Write load and save.", {"app.py": APP})
    fix = history.by_hand("Close the file", {"app.py": FIXED})
    history.asked("Add a list.", {"app.py": FIXED + "\n\ndef ls():\n    return os.listdir()\n"})

    found = people_in(repo.opened, tip(repo), ["app.py"])

    (hunk,) = found["app.py"]
    assert (hunk.commit, hunk.first, hunk.last) == (fix, 5, 6)
    assert hunk.lines == ("    with open(name) as file:", "        return file.read()")
    assert "@" in hunk.author


def test_lines_mended_inside_an_agent_s_commit_are_the_person_s(repo: RepoBuilder) -> None:
    history = History(repo)
    history.asked("Write it.", {"app.py": APP}, hand={"app.py": (LineRange(4, 5),)}, wrote=("app.py",))

    (hunk,) = people_in(repo.opened, tip(repo), ["app.py"])["app.py"]

    assert (hunk.first, hunk.last) == (4, 5)


def test_a_file_that_no_prompt_of_the_commit_wrote_is_a_person_s(repo: RepoBuilder) -> None:
    history = History(repo)
    history.asked("Write it.", {"app.py": APP, "notes.txt": "mine\n"}, wrote=("app.py",))

    found = people_in(repo.opened, tip(repo), ["app.py", "notes.txt"])

    assert list(found) == ["notes.txt"]


def test_an_agent_s_commit_without_a_prompt_is_nobody_s_handwork(repo: RepoBuilder) -> None:
    repo.commit("Add it\n\nCo-Authored-By: Claude <noreply@anthropic.com>", {"app.py": APP})

    assert people_in(repo.opened, tip(repo), ["app.py"]) == {}


def test_a_mark_corrects_who_wrote_the_lines(repo: RepoBuilder) -> None:
    history = History(repo)
    history.asked("Write it.", {"app.py": APP})
    assert history.regen("mark", "human", "HEAD") == 0

    (hunk,) = people_in(repo.opened, tip(repo), ["app.py"])["app.py"]

    assert len(hunk.lines) == APP.count("\n")


def test_what_a_person_only_took_out_of_generated_code_is_a_hunk_without_lines(repo: RepoBuilder) -> None:
    history = History(repo)
    history.asked("Write it.", {"app.py": APP, "extra.py": "X = 1\n"})
    cut = history.by_hand("No save", {"app.py": APP[: APP.index("\n\ndef save")], "extra.py": None})
    history.asked("Add a list.", {"app.py": "import re\n" + APP[: APP.index("\n\ndef save")]})

    found = people_in(repo.opened, tip(repo), ["app.py", "extra.py"])

    (hunk,) = found["app.py"]
    assert (hunk.commit, hunk.lines, hunk.first, hunk.last) == (cut, (), 7, 6)
    assert "def save(name, text):" in hunk.removed
    (gone,) = found["extra.py"]
    assert (gone.commit, gone.removed, gone.first) == (cut, ("X = 1",), 0)


def test_what_a_person_took_out_and_somebody_wrote_again_is_no_deletion(repo: RepoBuilder) -> None:
    history = History(repo)
    history.asked("Write it.", {"app.py": APP})
    history.by_hand("No save", {"app.py": APP[: APP.index("\n\ndef save")]})
    history.asked("But we need it.", {"app.py": APP})

    assert people_in(repo.opened, tip(repo), ["app.py"]) == {}


def test_what_people_took_out_of_people_s_code_is_no_hunk(repo: RepoBuilder) -> None:
    history = History(repo)
    history.by_hand("Start", {"app.py": APP})
    history.by_hand("No save", {"app.py": APP[: APP.index("\n\ndef save")]})

    assert all(hunk.lines for hunk in people_in(repo.opened, tip(repo), ["app.py"])["app.py"])


def rebuilt(repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch) -> History:
    """Return a history and its rebuilt branch, whose generated code differs and keeps the person's fix."""
    history = History(repo)
    history.asked("Write load and save.", {"app.py": APP})
    history.by_hand("Close the file", {"app.py": FIXED})
    history.asked("Add a list.", {"app.py": FIXED + "\n\ndef ls():\n    return os.listdir()\n"})

    def answer(body: Mapping[str, Any]) -> str:
        if "Add a list." in body["messages"][-1]["content"].split("Write load")[0]:
            return whole(
                "app.py", '"""Files."""\n\n' + FIXED + "\n\ndef ls():\n    return sorted(os.listdir())\n"
            )
        return whole("app.py", '"""Files."""\n\n' + APP)

    with ModelServer(answer) as server:
        monkeypatch.setenv("OPENAI_API_KEY", "unused")
        monkeypatch.setenv("OPENAI_API_BASE", server.url)
        assert history.regen("replay", "--model", "openai/gpt-5") == 0
    return history


def test_on_a_rebuilt_branch_a_line_leads_to_its_prompt_or_to_the_person(
    repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    rebuilt(repo, monkeypatch)
    made = repo.git("rev-parse", "regen/gpt-5")
    fix = repo.git("rev-parse", "main~1")

    (hunk,) = people_in(repo.opened, made, ["app.py"])["app.py"]

    assert hunk.commit == fix
    assert hunk.lines == ("    with open(name) as file:", "        return file.read()")


def test_why_and_blame_follow_rebuilt_and_adopted_commits(
    repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    history = rebuilt(repo, monkeypatch)
    repo.git("checkout", "-q", "--detach", "regen/gpt-5")
    shown = (repo.path / "app.py").read_text().splitlines()
    generated = shown.index("    return sorted(os.listdir())") + 1
    by_hand = shown.index("        return file.read()") + 1
    for where in ("rebuilt", "adopted"):
        if where == "adopted":
            repo.git("checkout", "-q", "main")
            assert history.regen("adopt", "gpt-5") == 0
        capsys.readouterr()
        assert history.regen("why", f"app.py:{generated}", "--json") == 0
        told = result(capsys)
        assert (told["by"], told["model"], told["intents"][0]["intent"]) == (
            "prompt",
            "openai/gpt-5",
            f"{2:016x}",
        )
        assert history.regen("why", f"app.py:{by_hand}", "--json") == 0
        assert result(capsys)["by"] == "person"
        assert history.regen("blame", "app.py", "-L", f"{generated},{generated}", "--json") == 0
        line = result(capsys)
        assert (line["by"], line["intents"], line["line"]) == ("prompt", [f"{2:016x}"], generated)
        assert line["text"] == shown[generated - 1]


def test_lines_of_a_commit_made_module_by_module_lead_to_the_module_s_intents(
    repo: RepoBuilder, capsys: pytest.CaptureFixture[str]
) -> None:
    history = History(repo)
    history.asked("Write load and save.", {"app.py": APP})
    history.by_hand("Close the file", {"app.py": FIXED})
    source = tip(repo)
    message = f"Rebuild\n\nRegen-Source: {source}\nRegen-Model: some/model\n"
    made = repo.commit(message, {"app.py": "import sys\n" + FIXED, "new.py": "NEW = 1\n"})
    document = (
        f'---\nprovenance: "{source}"\nkind: folded\nmodule: files\n'
        f'intents: ["{1:016x}"]\nwrote: [app.py, new.py]\nformat: 1\n'
    )
    Ledger(repo.opened, PROVENANCE_REF).append_raw({made: document.encode()})

    assert history.regen("blame", "new.py", "--json") == 0
    line = result(capsys)
    assert (line["by"], line["module"], line["intents"]) == ("prompt", "files", [f"{1:016x}"])
    assert history.regen("why", "new.py:1", "--json") == 0
    assert result(capsys)["intents"][0]["prompts"][0]["text"] == "Write load and save."
    (hunk,) = people_in(repo.opened, made, ["app.py", "new.py"])["app.py"]
    assert len(hunk.lines) == 2


def hunk_of(lines: str, removed: str = "", others: int = 0) -> Hunk:
    return Hunk("a.txt", "0" * 40, 1, 1, tuple(lines.split()), tuple(removed.split()), "A <a@b>", others)


def tree_of(repo: RepoBuilder, text: str) -> str:
    repo.commit("x", {"a.txt": text})
    return repo.git("rev-parse", "HEAD^{tree}")


def test_a_hunk_is_kept_where_its_lines_stand_in_order_near_each_other(repo: RepoBuilder) -> None:
    tree = tree_of(repo, "z\n  one\nnew\n\n  two\n" + "far\n" * 20 + "three\n")
    store = repo.opened.objects

    fates = hunk_fates(
        store,
        [hunk_of("one two"), hunk_of("two one"), hunk_of("one three"), hunk_of("", "gone"), hunk_of("", "z")],
        tree,
    )

    assert [fate.is_kept for fate in fates] == [True, False, False, True, False]
    assert (fates[0].first, fates[0].last) == (2, 5)


def test_equal_hunks_need_a_place_each(repo: RepoBuilder) -> None:
    tree = tree_of(repo, "x\ny\nz\n")

    fates = hunk_fates(repo.opened.objects, [hunk_of("x"), hunk_of("x")], tree)

    assert [fate.is_kept for fate in fates] == [True, False]


def test_each_hunk_of_a_tree_is_kept_in_that_very_tree(repo: RepoBuilder) -> None:
    rows = ["x {", "  b", "}", "}", "y {", "}", "  b", "}"]
    tree = tree_of(repo, "".join(f"{row}\n" for row in rows))
    spans = [(7, 8), (5, 6), (4, 4), (1, 3)]
    hunks = [
        Hunk("a.txt", "0" * 40, first, last, tuple(rows[first - 1 : last]), (), "A <a@b>")
        for first, last in spans
    ]

    fates = hunk_fates(repo.opened.objects, hunks, tree)

    assert [(fate.is_kept, fate.first, fate.last) for fate in fates] == [(True, *span) for span in spans]


def test_a_brace_that_was_taken_out_is_not_the_only_one(repo: RepoBuilder) -> None:
    tree = tree_of(repo, "a {\n}\nb {\n}\n")

    fates = hunk_fates(repo.opened.objects, [hunk_of("", "}", others=2), hunk_of("", "}", others=1)], tree)

    assert [fate.is_kept for fate in fates] == [True, False]


@settings(max_examples=25, deadline=None)
@given(
    lines=st.lists(st.integers(0, 3), min_size=1, max_size=6),
    others=st.lists(st.integers(4, 6), max_size=5),
)
def test_lines_found_among_a_few_others_are_kept(
    tmp_path_factory: pytest.TempPathFactory, lines: list[int], others: list[int]
) -> None:
    from support.builder import RepoBuilder as Builder

    repo = Builder.init(tmp_path_factory.mktemp("fates") / "repo", "-b", "main")
    mixed = [text for pair in zip(lines, [*others, *[9] * len(lines)], strict=False) for text in pair]
    store = repo.opened.objects
    blob = store.write("blob", "".join(f"{n}\n" for n in mixed).encode())
    tree = store.write("tree", b"100644 a.txt\0" + bytes.fromhex(blob))

    assert hunk_fates(store, [hunk_of(" ".join(map(str, lines)))], tree)[0].is_kept


def test_an_intent_that_is_nowhere_does_not_hide_the_module(
    repo: RepoBuilder, capsys: pytest.CaptureFixture[str]
) -> None:
    history = History(repo)
    history.asked("Write it.", {"app.py": APP})
    made = repo.commit(f"Rebuild\n\nRegen-Source: {tip(repo)}\nRegen-Model: m\n", {"new.py": "NEW = 1\n"})
    lost = IntentId("f" * 16)
    document = f'---\nprovenance: "{made}"\nmodule: core\nintents: ["{lost}"]\nwrote: [new.py]\nformat: 1\n'
    Ledger(repo.opened, PROVENANCE_REF).append_raw({made: document.encode()})

    assert history.regen("why", "new.py:1", "--json") == 0

    told = result(capsys)
    assert (told["by"], told["module"]) == ("agent", "core")


def test_a_person_s_lines_are_found_in_a_file_that_an_agent_moved(repo: RepoBuilder) -> None:
    history = History(repo)
    written = history.by_hand("Write it myself", {"old.py": APP})
    history.asked("Rename it.", {"old.py": None, "app.py": APP}, wrote=("app.py", "old.py"))

    (hunk,) = people_in(repo.opened, tip(repo), ["app.py"])["app.py"]

    assert (hunk.commit, len(hunk.lines)) == (written, APP.count("\n"))


def test_a_person_s_lines_in_a_merge_of_agents_branches_are_found(repo: RepoBuilder) -> None:
    history = History(repo)
    history.asked("Write it.", {"app.py": APP})
    base = tip(repo)
    repo.git("checkout", "-q", "-b", "side")
    history.asked("Close the file.", {"app.py": FIXED})
    repo.git("checkout", "-q", "-B", "here", base)
    history.asked("Add a list.", {"other.py": "import os\n"})
    repo.git("merge", "-q", "--no-commit", "--no-ff", "side")
    (repo.path / "app.py").write_text(FIXED + "MINE = 1\n")
    repo.git("commit", "-q", "-a", "-m", "Merge by hand")

    (hunk,) = people_in(repo.opened, tip(repo), ["app.py", "other.py"])["app.py"]

    assert (hunk.commit, hunk.lines) == (tip(repo), ("MINE = 1",))


@pytest.mark.parametrize("option", ["log.showRoot=false", "log.follow=true", "log.diffMerges=separate"])
def test_what_a_user_configures_for_logs_hides_nobody_s_lines(repo: RepoBuilder, option: str) -> None:
    history = History(repo)
    first = history.by_hand("Write it myself", {"app.py": APP})
    history.asked("Close the file.", {"app.py": FIXED})
    repo.git("config", *option.split("="))

    found = people_in(repo.opened, tip(repo), ["app.py"])["app.py"]

    assert {hunk.commit for hunk in found} == {first}


_ONE = st.sampled_from(["person", "agent", "mended", "other file", "takes out", "moves"])


@given(st.lists(_ONE, min_size=1, max_size=6))
@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_looking_at_commits_first_finds_what_blaming_every_file_finds(
    tmp_path_factory: pytest.TempPathFactory, makers: list[str]
) -> None:
    repo = RepoBuilder.init(tmp_path_factory.mktemp("any"))
    history, name, rows = History(repo), "a0.py", ["x = 1", "y = 2"]
    repo.commit("Begin\n\nCo-Authored-By: Claude <noreply@anthropic.com>", {name: "x = 1\ny = 2\n"})
    for number, maker in enumerate(makers):
        at = number % (len(rows) + 1)
        before = name
        if maker == "takes out":
            rows = rows[1:] or ["z = 0"]
        else:
            rows[at:at] = [f"{maker.replace(' ', '_')}_{number} = {number}"]
        if maker == "moves":
            name = f"a{number + 1}.py"
        files = {**({before: None} if before != name else {}), name: "\n".join(rows) + "\n"}
        if maker in ("person", "takes out"):
            history.by_hand("Mine", files)
        elif maker == "mended":
            line = LineRange(at + 1, at + 1)
            history.asked("Do it.", files, hand={name: (line,)}, wrote=(name,))
        else:
            history.asked("Do it.", files, wrote=("else.py",) if maker == "other file" else ())
    opened, end = repo.opened, tip(repo)

    found = people_in(opened, end, [name])
    facts = read_facts(opened, read_span(opened, "HEAD"), Ownership(load_settings(opened).paths))
    assert found == people_in(opened, end, [name], known=generated(opened, facts))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(authorship, "maybe_by_people", lambda _r, _o, touches, _k: {t.path for t in touches})
        assert found == people_in(opened, end, [name])
