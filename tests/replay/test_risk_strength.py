"""Which files tests touch: by a report of what ran, else by what tests name."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from regen_git.replay.risk.coverage import Coverage, read_coverage
from regen_git.replay.risk.material import Material
from regen_git.replay.risk.strength import find_untested
from regen_git.replay.risk.values import SourceFile

if TYPE_CHECKING:
    from pathlib import Path

CODE = "import os\n\n\ndef total(prices):\n    return sum(prices)\n"


def material(*generated: str, tests: str = "", test: str = "tests/test_price.py") -> Material:
    return Material(
        "0" * 40,
        generated=[SourceFile(path, "0" * 40, CODE) for path in generated],
        tests=[SourceFile(test, "1" * 40, tests)] if tests else [],
        paths=[*generated, test],
    )


def untested(found: Material, coverage: Coverage = Coverage()) -> list[str]:  # noqa: B008 - it is frozen
    return [str(one.path) for one in find_untested(found, coverage).findings]


def test_a_file_that_no_test_names_is_told() -> None:
    found = material("shop/price.py", "shop/basket.py", tests="from shop.price import total\n")
    assert untested(found) == ["shop/basket.py"]


def test_what_a_tested_file_imports_counts_as_touched() -> None:
    found = material("shop/price.py", "shop/basket.py", tests="from shop.price import total\n")
    found.generated[0] = SourceFile("shop/price.py", "0" * 40, "from shop.basket import total\n" + CODE)
    assert untested(found) == []


def test_tests_are_counted() -> None:
    found = material("a.py", tests="def test_a():\n    pass\n\n\nasync def test_b():\n    pass\n")
    assert find_untested(found, Coverage()).tests == 2


def test_lines_that_run_at_the_import_test_nothing(tmp_path: Path) -> None:
    (tmp_path / "coverage.xml").write_text(
        '<coverage><class filename="price.py"><lines><line number="1" hits="1"/><line number="4" hits="1"/>'
        '<line number="5" hits="0"/></lines></class></coverage>'
    )
    found = material("shop/price.py", tests="import price\n")
    coverage = read_coverage(tmp_path, {"shop/price.py"}, 0)
    assert coverage.source == "coverage.xml"
    assert untested(found, coverage) == ["shop/price.py"]


@pytest.mark.parametrize("kind", ["xml", "lcov", "lines", "arcs"])
def test_every_form_of_report_says_what_ran(tmp_path: Path, kind: str) -> None:
    if kind == "xml":
        (tmp_path / "coverage.xml").write_text(
            '<class name="p" filename="shop/price.py"><line number="5" hits="3"/>'
        )
    elif kind == "lcov":
        (tmp_path / "lcov.info").write_text("SF:shop/price.py\nDA:1,0\nDA:5,2\nend_of_record\n")
    else:
        with closing(sqlite3.connect(tmp_path / ".coverage")) as base:
            base.execute("CREATE TABLE file (id integer primary key, path text)")
            base.execute("CREATE TABLE line_bits (file_id integer, context_id integer, numbits blob)")
            base.execute(
                "CREATE TABLE arc (file_id integer, context_id integer, fromno integer, tono integer)"
            )
            base.execute("INSERT INTO file VALUES (1, ?)", (f"{tmp_path}/shop/price.py",))
            if kind == "lines":
                base.execute("INSERT INTO line_bits VALUES (1, 1, ?)", (bytes([0b100000]),))
            else:
                base.execute("INSERT INTO arc VALUES (1, 1, -4, 5)")
            base.commit()
    coverage = read_coverage(tmp_path, {"shop/price.py"}, 0)
    assert coverage.lines is not None
    assert 5 in coverage.lines["shop/price.py"]
    assert untested(material("shop/price.py"), coverage) == []


def test_a_report_older_than_the_commit_is_not_used_and_said_so(tmp_path: Path) -> None:
    (tmp_path / "lcov.info").write_text("SF:a.py\nDA:5,2\n")
    coverage = read_coverage(tmp_path, {"a.py"}, 1e11)
    assert coverage.lines is None
    assert "older" in coverage.problem


@pytest.mark.parametrize(
    ("name", "data"),
    [
        (".coverage", b"SQLite format 3\0 and then nothing"),
        (".coverage", b""),
        ("coverage.xml", b'<!DOCTYPE a [<!ENTITY b "c">]><class filename="&b;">\xff'),
        ("coverage.xml", b"<line " * 100_000),
        ("lcov.info", b"SF:a.py\nDA:x,y\nDA:9" + b"9" * 5000 + b"," + b"9" * 5000 + b"\n"),
    ],
)
def test_a_report_that_is_hostile_or_broken_does_no_harm(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    coverage = read_coverage(tmp_path, {"a.py"}, 0)
    assert coverage.lines is None or set(coverage.lines) <= {"a.py"}
    assert coverage.lines is not None or name in coverage.problem


def test_a_database_that_counts_for_ever_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regen_git.replay.risk.coverage._STEPS", 200_000)
    with closing(sqlite3.connect(tmp_path / ".coverage")) as base:
        base.execute(
            "CREATE VIEW file AS WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n) "
            "SELECT id, 'a.py' AS path FROM n WHERE id < 0"
        )
        base.commit()
    assert "interrupted" in read_coverage(tmp_path, {"a.py"}, 0).problem


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("SF:a.py\nDA:5,2\n")
    (tmp_path / "lcov.info").symlink_to("elsewhere")
    assert read_coverage(tmp_path, {"a.py"}, 0) == Coverage()
