from __future__ import annotations

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from regen_git.config import Settings, read_settings
from regen_git.domain.verdict import Outcome, Verdict
from regen_git.verify.runner import Verifier

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.builder import RepoBuilder

REPORTING = r"""
emit() { printf '<testcase classname="t" name="%s">%s</testcase>' "$1" "$2"; }
{ printf '<testsuite name="s">'
  for t in tests/*; do
    if sh "$t"; then emit "$t" ''; else emit "$t" '<failure/>'; status=1; fi
  done
  printf '</testsuite>'; } > "$REGEN_JUNIT"
exit ${status:-0}
"""


def settings_for(*checks: dict[str, object], **more: object) -> Settings:
    data = json.dumps({"checks": list(checks), "paths": {"tests": ["tests/**"]}, **more})
    return read_settings(b"regen.sandbox\noff\0", data.encode(), {})


REPORTED = settings_for({"name": "tests", "run": REPORTING, "junit": True})


def shell(command: str, **more: object) -> Settings:
    return settings_for({"name": "check", "run": command, **more})


@contextmanager
def verifier(repo: RepoBuilder, settings: Settings, *, trusted: bool = True) -> Iterator[Verifier]:
    with (
        ThreadPoolExecutor(2) as executor,
        Verifier(repo.opened, settings, trusted=trusted, executor=executor) as made,
    ):
        yield made


def tree_of(repo: RepoBuilder, rev: str = "HEAD") -> str:
    return repo.git("rev-parse", f"{rev}^{{tree}}")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log"
    path.touch()
    return path


@pytest.mark.parametrize(
    ("command", "verdict", "reason"),
    [
        ("true", Verdict.PASS, ""),
        ("exit 1", Verdict.FAIL, "fails"),
        ("exit 125", Verdict.INDETERMINATE, "skipped"),
        ("exit 126", Verdict.INDETERMINATE, "not executable"),
        ("no-such-command-here", Verdict.INDETERMINATE, "not found"),
        ("kill -9 $$", Verdict.FAIL, "signal 9"),
        ("exit 143", Verdict.FAIL, "signal 15"),
    ],
)
def test_the_exit_status_is_read_as_git_bisect_reads_it(
    repo: RepoBuilder, command: str, verdict: Verdict, reason: str
) -> None:
    repo.commit("one", {"a": "1\n"})
    with verifier(repo, shell(command)) as made:
        found = made.verify_tree(tree_of(repo))
    assert found.verdict is verdict
    assert reason in "".join(found.reasons)


def test_a_check_over_its_time_is_ended_with_all_it_started_and_not_remembered(
    repo: RepoBuilder, log: Path
) -> None:
    repo.commit("one", {"a": "1\n"})
    command = f"echo run >> {log}; (sleep 0.5; echo late >> {log}) & sleep 3"
    for _ in range(2):
        with verifier(repo, shell(command, timeout=0.3)) as made:
            found = made.verify_tree(tree_of(repo))
        assert (found.verdict, found.checks[0].exit_status) == (Verdict.FAIL, None)
        assert "did not end within 0.3 s" in found.reasons[0]
    time.sleep(0.4)
    assert log.read_text() == "run\nrun\n"


def test_nothing_runs_without_trust(repo: RepoBuilder, log: Path) -> None:
    repo.commit("one", {"a": "1\n"})
    settings = settings_for({"name": "c", "run": f"echo run >> {log}"}, setup=f"echo setup >> {log}")
    with verifier(repo, settings, trusted=False) as made:
        found = made.verify_tree(tree_of(repo), tree_of(repo))
    assert (found.verdict, found.checks) == (Verdict.INDETERMINATE, ())
    assert found.reasons == ("configuration is not trusted: git regen trust",)
    assert log.read_text() == ""


def test_no_checks_is_indeterminate_and_never_a_pass(repo: RepoBuilder) -> None:
    repo.commit("one", {"a": "1\n"})
    with verifier(repo, Settings()) as made:
        found = made.verify_tree(tree_of(repo), tree_of(repo))
    assert found.verdict is Verdict.INDETERMINATE
    assert all(not gate.problems for gate in found.gates)


def test_a_check_sees_a_clean_environment_and_an_empty_home(
    repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.commit("one", {"a": "1\n"})
    for name in ("OPENAI_API_KEY", "GITHUB_TOKEN", "MY_SECRET", "AWS_PROFILE", "GIT_PAGER", "DB_PASSWORD"):
        monkeypatch.setenv(name, "leak")
    monkeypatch.setenv("ORDINARY", "kept")
    with verifier(repo, shell('env; ls -A "$HOME"; exit 1')) as made:
        output = made.verify_tree(tree_of(repo)).checks[0].output
    assert "leak" not in output
    assert {"ORDINARY=kept", "PYTHONHASHSEED=0", "PYTHONDONTWRITEBYTECODE=1"} <= set(output.splitlines())
    assert "HOME=<scratch>/home" in output
    assert ".gitconfig" not in output


def test_git_in_a_check_does_not_find_a_repository(repo: RepoBuilder) -> None:
    repo.commit("one", {"a": "1\n"})
    with verifier(repo, shell("! git rev-parse --git-dir")) as made:
        assert made.verify_tree(tree_of(repo)).verdict is Verdict.PASS


def test_each_check_starts_from_the_tree_whatever_the_one_before_left(repo: RepoBuilder) -> None:
    repo.commit("one", {"a": "1\n"})
    settings = settings_for(
        {"name": "dirty", "run": "echo 2 > a; mkdir -p x/y; touch x/y/z"},
        {"name": "clean", "run": "test $(cat a) = 1 && test ! -e x"},
    )
    with verifier(repo, settings) as made:
        assert made.verify_tree(tree_of(repo)).verdict is Verdict.PASS


def test_a_lost_test_fails_and_one_that_failed_before_does_not_block(repo: RepoBuilder) -> None:
    files = {"tests/a": "test -e one", "tests/b": "false"}
    repo.commit("original", {**files, "one": "1\n"})
    repo.commit("same", {"two": "2\n"})
    repo.commit("worse", {"one": None})
    with verifier(repo, REPORTED) as made:
        same = made.verify_tree(tree_of(repo, "HEAD~"), tree_of(repo, "HEAD~2"))
        worse = made.verify_tree(tree_of(repo), tree_of(repo, "HEAD~2"))
    assert same.verdict is Verdict.PASS
    assert same.checks[0].tests == {"t::tests/a": Outcome.PASSED, "t::tests/b": Outcome.FAILED}
    assert "does not block" in same.reasons[0]
    assert (worse.verdict, worse.ratchet.lost) == (Verdict.FAIL, ("t::tests/a",))


def test_results_are_remembered_by_tree_command_and_environment(repo: RepoBuilder, log: Path) -> None:
    repo.commit("original", {"a": "1\n"})
    repo.commit("next", {"a": "2\n"})
    old, new = tree_of(repo, "HEAD~"), tree_of(repo)
    command = f"cat a >> {log}"
    for _ in range(2):
        with verifier(repo, shell(command)) as made:
            assert made.verify_tree(new, old).verdict is Verdict.PASS
    assert log.read_text() == "1\n1\n2\n"
    with verifier(repo, shell(command + " ")) as made:
        made.verify_tree(new, old)
    assert log.read_text() == "1\n1\n2\n"
    with verifier(repo, shell(command + "; true")) as made:
        made.verify_tree(new, old)
    assert log.read_text() == "1\n1\n2\n1\n1\n2\n"


def test_a_test_lost_once_is_run_again_before_it_counts(repo: RepoBuilder, tmp_path: Path) -> None:
    flaky = f"test -e broken || exit 0; test -e {tmp_path}/seen || {{ touch {tmp_path}/seen; exit 1; }}"
    repo.commit("original", {"tests/a": flaky})
    repo.commit("next", {"broken": ""})
    with verifier(repo, REPORTED) as made:
        found = made.verify_tree(tree_of(repo), tree_of(repo, "HEAD~"))
    assert (found.verdict, found.ratchet.unstable) == (Verdict.PASS, ("t::tests/a",))


def test_a_changed_frozen_file_fails_even_where_all_checks_pass(repo: RepoBuilder) -> None:
    repo.commit("original", {"tests/a": "true", "a": ""})
    repo.commit("next", {"tests/a": "exit 0"})
    with verifier(repo, REPORTED) as made:
        found = made.verify_tree(tree_of(repo), tree_of(repo, "HEAD~"))
    assert found.verdict is Verdict.FAIL
    assert found.frozen == ("tests/a",)
    assert "tests/a: differs, and is test" in found.reasons[0]


def test_setup_runs_once_for_each_set_of_manifests_and_its_tools_come_first(
    repo: RepoBuilder, log: Path
) -> None:
    setup = (
        f'echo setup >> {log}; mkdir -p "$REGEN_ENV/bin" made; cp requirements.txt made/;'
        ' printf "#!/bin/sh\\ncat a" > "$REGEN_ENV/bin/tool"; chmod +x "$REGEN_ENV/bin/tool"'
    )
    settings = settings_for({"name": "c", "run": "tool && test -e made/requirements.txt"}, setup=setup)
    repo.commit("original", {"a": "1\n", "requirements.txt": "x\n"})
    repo.commit("code", {"a": "2\n"})
    repo.commit("dependencies", {"requirements.txt": "y\n"})
    for _ in range(2):
        with verifier(repo, settings) as made:
            assert made.verify_tree(tree_of(repo, "HEAD~"), tree_of(repo, "HEAD~2")).verdict is Verdict.PASS
    assert log.read_text() == "setup\n"
    with verifier(repo, settings) as made:
        assert made.verify_tree(tree_of(repo), tree_of(repo)).verdict is Verdict.PASS
    assert log.read_text() == "setup\nsetup\n"


def test_what_setup_installs_in_place_follows_the_tree_that_is_judged(repo: RepoBuilder) -> None:
    setup = 'mkdir -p "$REGEN_ENV/bin" && ln -s "$PWD/tool" "$REGEN_ENV/bin/tool"'
    repo.commit("original", {"tool": "#!/bin/sh\nexit 0\n"})
    (repo.path / "tool").chmod(0o755)
    repo.commit("executable")
    repo.commit("broken", {"tool": "#!/bin/sh\nexit 1\n"})
    with verifier(repo, settings_for({"name": "c", "run": "tool"}, setup=setup)) as made:
        found = made.verify_tree(tree_of(repo), tree_of(repo, "HEAD~"))
    assert found.verdict is Verdict.FAIL


def test_a_setup_that_fails_is_said_and_not_tried_again(repo: RepoBuilder, log: Path) -> None:
    settings = settings_for({"name": "c", "run": "true"}, setup=f"echo try >> {log}; echo why; exit 4")
    repo.commit("one", {"a": "1\n"})
    with verifier(repo, settings) as made:
        found = [made.verify_tree(tree_of(repo)) for _ in range(2)]
    assert {one.verdict for one in found} == {Verdict.INDETERMINATE}
    assert found[0].reasons == ("c: is indeterminate: setup failed with exit status 4: why",)
    assert log.read_text() == "try\n"


def test_the_users_installed_copy_does_not_hide_the_tree(
    repo: RepoBuilder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "installed"
    installed.mkdir()
    (installed / "app.py").write_text("good = True\n")
    monkeypatch.setenv("PYTHONPATH", str(installed))
    repo.commit("one", {"src/app.py": "good = False\n"})
    with verifier(repo, shell("python3 -S -c 'import app; assert app.good'")) as made:
        assert made.verify_tree(tree_of(repo)).verdict is Verdict.FAIL


def test_state_is_made_by_the_released_tree_and_checked_by_the_new_one(repo: RepoBuilder) -> None:
    state = {
        "make": 'cat version > "$REGEN_STATE/v"',
        "check": 'test "$(cat $REGEN_STATE/v) $(cat version)" = "1 2"',
    }
    repo.commit("released", {"version": "1\n"})
    repo.commit("next", {"version": "2\n"})
    old, new = tree_of(repo, "HEAD~"), tree_of(repo)
    with verifier(repo, settings_for(state=state)) as made:
        found = made.verify_tree(new, new, released=old)
        assert made.verify_tree(old, old, released=old).verdict is Verdict.FAIL
    assert (found.verdict, found.checks[0].name) == (Verdict.PASS, "state")


def test_verifications_run_side_by_side_on_trees_not_yet_on_disk(repo: RepoBuilder) -> None:
    repo.commit("one", {"a": "1\n"})
    opened = repo.opened
    with (
        ThreadPoolExecutor(2) as executor,
        Verifier(opened, shell("test $(cat a) -lt 3"), trusted=True, executor=executor) as made,
    ):
        trees = []
        for number in range(5):
            blob = opened.objects.write("blob", b"%d\n" % number)
            trees.append(opened.objects.write("tree", b"100644 a\0" + bytes.fromhex(blob)))
        futures = [made.submit(tree) for tree in trees]
        verdicts = [future.result().verdict for future in futures]
    assert verdicts == [Verdict.PASS] * 3 + [Verdict.FAIL] * 2


def test_a_check_can_be_limited_in_memory(repo: RepoBuilder) -> None:
    repo.commit("one", {"a": "1\n"})
    data = b"checks: [{name: c, run: \"python3 -S -c 'bytearray(400000000)'\"}]"
    listing = b"regen.sandbox\noff\0regen.memory\n%s\0"
    with verifier(repo, read_settings(listing % b"200m", data, {})) as made:
        assert made.verify_tree(tree_of(repo)).verdict is Verdict.FAIL
    with verifier(repo, read_settings(listing % b"8g", b"%s # more" % data, {})) as made:
        repo.commit("two", {"a": "2\n"})
        assert made.verify_tree(tree_of(repo)).verdict is Verdict.PASS


def test_nothing_stays_behind_in_the_temporary_folder(
    repo: RepoBuilder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", os.fspath(scratch))
    repo.commit("one", {"a": "1\n", ".gitattributes": "* text=auto\n"})
    with verifier(repo, shell("touch x")) as made:
        made.verify_tree(tree_of(repo))
    del made
    assert list(scratch.iterdir()) == []
