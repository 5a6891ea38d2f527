"""Accounts."""

import pathlib
import tempfile

from cli import main


def after(*commands: str) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "journal.txt")
        return [line for words in commands for line in main(words.split(), path)]


def test_one_month_only() -> None:  # needs: add balance month
    printed = after("add 2026-01-31 food 1.25", "add 2026-02-01 food 2.25", "balance food 2026-02")
    assert [float(line) for line in printed] == [2.25]


def test_what_is_below_counts() -> None:  # needs: add balance below
    printed = after("add 2026-01-02 food:fruit 2.25", "add 2026-01-02 foods 1.25", "balance food")
    assert [float(line) for line in printed] == [2.25]


def test_accounts_once_and_in_order() -> None:  # needs: add accounts
    entries = ["add 2026-01-02 rent 2", "add 2026-01-02 food 2", "add 2026-01-03 rent 2"]
    assert after(*entries, "accounts") == ["food", "rent"]
