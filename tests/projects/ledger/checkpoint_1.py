"""Entries."""

import pathlib
import tempfile

from cli import main


def after(*commands: str) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "journal.txt")
        return [line for words in commands for line in main(words.split(), path)]


def test_an_entry_is_a_line_with_tabs() -> None:  # needs: add
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "journal.txt")
        main(["add", "2026-01-02", "food", "12.50"], path)
        main(["add", "2026-01-03", "rent", "700"], path)
        assert path.read_text("utf-8") == "2026-01-02\tfood\t12.50\n2026-01-03\trent\t700\n"


def test_entries_add_up() -> None:  # needs: add balance
    printed = after(
        "add 2026-01-02 food 12.50", "add 2026-01-03 food 1.25", "add 2026-01-03 rent 7", "balance food"
    )
    assert [float(line) for line in printed] == [13.75]


def test_a_sum_has_two_decimals() -> None:  # needs: add balance decimals
    assert after("add 2026-01-02 food 12.5", "balance food") == ["12.50"]
