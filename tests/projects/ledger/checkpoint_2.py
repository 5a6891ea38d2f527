"""Amounts."""

import pathlib
import tempfile

from cli import main


def after(*commands: str) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "journal.txt")
        return [line for words in commands for line in main(words.split(), path)]


def test_a_comma_is_a_point() -> None:  # needs: add balance comma
    assert float(after("add 2026-01-02 food 1,50", "balance food")[0]) == 1.5


def test_no_number_is_refused() -> None:  # needs: add refuse
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "journal.txt")
        assert main(["add", "2026-01-02", "food", "much"], path) == ["bad amount: much"]
        assert not path.exists()


def test_a_debt_is_in_brackets() -> None:  # needs: add balance decimals brackets
    assert after("add 2026-01-02 food -2", "balance food") == ["(2.00)"]
