"""docs/model-faults.md speaks of every fault that the tests play, and of no other."""

from __future__ import annotations

import re
from pathlib import Path

from support.faults import ELISIONS, FAULTS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "model-faults.md").read_text("utf-8")
ENDINGS = {"done": "done", "stuck": "stuck", "stopped": "stops"}


def rows() -> dict[str, list[str]]:
    """Return the cells of the table's rows, by the fault's name."""
    table = PAGE.split("\n## The table\n")[1].split("\n## ")[0]
    lines = [line for line in table.splitlines() if line.startswith("| ")][1:]
    cells = [re.split(r"(?<!\\\\) \| ", line.strip("| ")) for line in lines]
    return {each[0]: each for each in cells}


def test_every_fault_has_a_row_and_every_row_a_fault() -> None:
    assert list(rows()) == list(dict.fromkeys(fault.row for fault in FAULTS))


def test_the_page_says_how_each_fault_ends() -> None:
    told = rows()
    for fault in FAULTS:
        assert told[fault.row][3].startswith(ENDINGS[fault.ending]), fault.name


def test_every_fault_was_seen_in_the_run() -> None:
    assert [name for name, cells in rows().items() if not int(cells[4])] == []


def test_every_form_of_elision_is_listed() -> None:
    assert [line for line in ELISIONS if f"\n    {line}\n" not in PAGE] == []
