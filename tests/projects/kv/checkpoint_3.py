"""More commands, and a version."""

import pathlib
import tempfile

from shell import run


def test_what_is_deleted_is_gone() -> None:  # needs: set keys delete
    assert run(["set a 1", "delete a", "keys"], None) == ["1"]


def test_what_is_not_there_is_not_deleted() -> None:  # needs: delete
    assert run(["delete a"], None) == ["0"]


def test_keys_by_prefix() -> None:  # needs: set keys prefix
    assert run(["set apple 1", "set pear 2", "set snap 3", "keys ap"], None) == ["apple"]


def test_the_file_says_its_version() -> None:  # needs: set file version
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "kv.txt")
        run(["set a 1"], path)
        assert path.read_text("utf-8").startswith("kv 1\n")
        assert run(["get a"], path) == ["1"]


def test_another_version_is_refused() -> None:  # needs: file version
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "kv.txt")
        path.write_text("kv 2\na=1\n", "utf-8")
        assert run([""], path) == ["unknown version"]


def test_unknown_commands_are_named() -> None:  # needs: unknown
    assert run(["leap high"], None) == ["unknown command: leap"]
