"""What is set is in the file."""

import pathlib
import tempfile

from shell import run


def later(first: list[str], *, then: list[str]) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "kv.txt")
        run(first, path)
        return run(then, path)


def test_a_second_run_knows_it() -> None:  # needs: set file
    assert later(["set a 1"], then=["get a"]) == ["1"]


def test_a_record_is_a_line() -> None:  # needs: set file
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "kv.txt")
        run(["set a 1", "set b 2"], path)
        assert path.read_text("utf-8").splitlines()[-2:] == ["a=1", "b=2"]


def test_odd_characters_survive() -> None:  # needs: set file escape
    assert later(["set a=b c\\d=e"], then=["get a=b"]) == ["c\\d=e"]


def test_comments_are_no_records() -> None:  # needs: keys file comment
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "kv.txt")
        path.write_text("#x=1\na=2\n", "utf-8")
        assert run(["keys"], path) == ["a"]
