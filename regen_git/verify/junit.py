"""Read the report a test runner wrote. It comes from generated code: nothing in it is believed blindly."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from regen_git.domain.verdict import Outcome

if TYPE_CHECKING:
    from pathlib import Path

    from junitparser import TestCase

__all__ = ["ReportError", "parse_report", "read_report"]

LIMIT_BYTES = 64 * 1024 * 1024
_MAX_TESTS = 500_000
_DECLARATION = re.compile(rb"\A\s*<\?xml[^>]*\?>")
_FORBIDDEN = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_ORDER = {Outcome.PASSED: 0, Outcome.SKIPPED: 1, Outcome.FAILED: 2}


class ReportError(ValueError):
    """The report cannot be read; ``str()`` says why in a few words."""


def read_report(path: Path) -> dict[str, Outcome] | None:
    """Return the outcomes in this file by test id; ``None`` if there is no file. Raises `ReportError`."""
    try:
        if path.is_symlink() or not path.is_file():
            return None
        with path.open("rb") as file:
            data = file.read(LIMIT_BYTES + 1)
    except OSError as error:
        raise ReportError(f"the report cannot be read: {error.strerror}") from error
    return parse_report(data)


def parse_report(data: bytes) -> dict[str, Outcome]:
    """Return test id to outcome. An id that is there more than once has its worst outcome.

    Document types and entities are refused, since a few bytes of them can mean gigabytes; the declared
    encoding is taken off, so that bytes mean to the parser what they meant here. Raises `ReportError`.
    """
    if len(data) > LIMIT_BYTES:
        raise ReportError(f"the report is larger than {LIMIT_BYTES // 1024**2} MiB")
    data = _DECLARATION.sub(b"", data.removeprefix(b"\xef\xbb\xbf"))
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ReportError("the report is not UTF-8") from error
    if _FORBIDDEN.search(data):
        raise ReportError("the report declares a document type or entities")
    return _outcomes(data.lstrip())


def _outcomes(data: bytes) -> dict[str, Outcome]:
    from xml.etree.ElementTree import ParseError

    from junitparser import JUnitXml, JUnitXmlError, TestCase, TestSuite

    found: dict[str, Outcome] = {}
    try:
        # Suites are walked one level at a time: iterating over one would go down by recursion.
        waiting: list[Any] = [JUnitXml.fromstring(data)]
        while waiting:
            node = waiting.pop()
            waiting += node.iterchildren(TestSuite)
            for case in node.iterchildren(TestCase):
                _add(found, case)
                if len(found) > _MAX_TESTS:
                    raise ReportError(f"the report names more than {_MAX_TESTS} tests")
    except (ParseError, JUnitXmlError) as error:
        raise ReportError(f"the report is not JUnit XML: {error}") from error
    return found


def _add(found: dict[str, Outcome], case: TestCase) -> None:
    name = "::".join(str(part) for part in (case.classname, case.name) if part)
    outcome = _outcome(case)
    before = found.get(name, Outcome.PASSED)
    found[name] = max(before, outcome, key=_ORDER.__getitem__)


def _outcome(case: TestCase) -> Outcome:
    from junitparser import Error, Failure, Skipped

    kinds = {type(result) for result in cast("list[object]", case.result)}
    if kinds & {Error, Failure}:
        return Outcome.FAILED
    return Outcome.SKIPPED if Skipped in kinds else Outcome.PASSED
