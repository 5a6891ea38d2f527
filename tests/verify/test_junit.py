from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regen_git.domain.verdict import Outcome
from regen_git.verify import junit
from regen_git.verify.junit import ReportError, parse_report, read_report

if TYPE_CHECKING:
    from pathlib import Path

REPORT = b"""<?xml version="1.0" encoding="utf-8"?>
<testsuites><testsuite name="outer"><testsuite name="inner">
<testcase classname="a.B" name="one" time="0.1"/>
<testcase classname="a.B" name="two"><failure message="no">text</failure></testcase>
</testsuite>
<testcase classname="a.B" name="three"><skipped/></testcase>
<testcase name="four"><error/></testcase>
<testcase classname="a" name="p"/><testcase classname="a" name="p"><failure/></testcase>
</testsuite></testsuites>"""


def test_each_test_has_its_outcome_by_id_and_the_worst_one_where_an_id_repeats() -> None:
    assert parse_report(REPORT) == {
        "a.B::one": Outcome.PASSED,
        "a.B::two": Outcome.FAILED,
        "a.B::three": Outcome.SKIPPED,
        "four": Outcome.FAILED,
        "a::p": Outcome.FAILED,
    }


def test_a_report_whose_root_is_one_suite_is_read() -> None:
    data = b'<testsuite name="x"><testcase name="t"/></testsuite>'
    assert parse_report(data) == {"t": Outcome.PASSED}


def test_suites_may_be_nested_as_deep_as_anybody_likes() -> None:
    depth = 5_000
    data = b"<testsuite>" * depth + b'<testcase name="t"/>' + b"</testsuite>" * depth
    assert parse_report(data) == {"t": Outcome.PASSED}


BOMB = b"""<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>
<testsuite name="x"><testcase name="&b;"/></testsuite>"""


@pytest.mark.parametrize(
    "data",
    [
        BOMB,
        b'<?xml version="1.0"?>' + BOMB,
        BOMB.decode().encode("utf-16"),
        b'<?xml version="1.0" encoding="utf-7"?><testsuite/>\xff',
        b'<testsuite><testcase name="a"',
        b"",
        b"<html/>",
        b"<a>" * 50_000,
    ],
)
def test_a_hostile_or_broken_report_is_refused(data: bytes) -> None:
    with pytest.raises(ReportError):
        parse_report(data)


def test_a_report_over_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(junit, "LIMIT_BYTES", 100)
    (tmp_path / "r.xml").write_bytes(REPORT)
    with pytest.raises(ReportError, match="larger"):
        read_report(tmp_path / "r.xml")


def test_no_file_and_a_link_are_no_report(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(REPORT)
    (tmp_path / "link").symlink_to("real")
    assert read_report(tmp_path / "none") is None
    assert read_report(tmp_path / "link") is None


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=80) | st.text(alphabet='<>/="testcaseui nm&;', max_size=80).map(str.encode))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    with contextlib.suppress(ReportError):
        parse_report(data)
