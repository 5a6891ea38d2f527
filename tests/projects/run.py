"""Run every test of every checkpoint: plain functions, each on its own. No test runner is needed."""

from __future__ import annotations

import importlib
import os
import pathlib
import sys
import traceback
from xml.sax.saxutils import escape, quoteattr


def outcome(module: str, name: str) -> str:
    """Return what is wrong with a test, as text; nothing where it passes."""
    try:
        getattr(importlib.import_module(module), name)()
    except BaseException:  # noqa: BLE001 - whatever the code under test does is a failure of this test alone
        return traceback.format_exc(limit=-3).replace(f"{pathlib.Path.cwd()}/", "")
    return ""


def found_in(path: pathlib.Path) -> list[str]:
    """Return the tests of a file."""
    return [
        line[4:].partition("(")[0]
        for line in path.read_text("utf-8").splitlines()
        if line.startswith("def test_")
    ]


def main() -> int:
    """Run all, write a report as JUnit, and return the exit status."""
    here = pathlib.Path(__file__).resolve().parent
    sys.path[:0] = [str(here.parent), str(here)]
    files = sorted(here.glob("checkpoint_*.py"))
    found = {f"{path.stem}.{name}": outcome(path.stem, name) for path in files for name in found_in(path)}
    cases = [
        f'<testcase classname="{key.partition(".")[0]}" name="{key.partition(".")[2]}">'
        + (f"<failure message={quoteattr(text.splitlines()[-1])}>{escape(text)}</failure>" if text else "")
        + "</testcase>"
        for key, text in found.items()
    ]
    junit = f"<testsuite>{''.join(cases)}</testsuite>"
    pathlib.Path(os.environ["REGEN_JUNIT"]).write_text(junit, "utf-8")
    for key, text in found.items():
        if text:
            print(f"FAILED {key}\n{text}")  # noqa: T201 - the check's output
    return any(found.values())


if __name__ == "__main__":
    sys.exit(main())
