"""Taking back and handing out."""

import pathlib
import tempfile

from cli import main


def after(*commands: str) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "journal.txt")
        return [line for words in commands for line in main(words.split(), path)]


def test_the_last_entry_is_taken_back() -> None:  # needs: add accounts undo
    entries = ["add 2026-01-02 rent 2", "add 2026-01-02 food 2"]
    assert after(*entries, "undo", "accounts") == ["food", "rent"]


def test_a_table_of_all_entries() -> None:  # needs: add export
    assert after("add 2026-01-02 food 2", "export") == ["date,account,amount", "2026-01-02,food,2"]


def test_anything_else_is_explained() -> None:  # needs: usage
    assert after("dance") == ["usage: add, balance, accounts, undo or export"]
