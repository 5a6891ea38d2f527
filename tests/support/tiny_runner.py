"""Run the test functions below ``tests/`` and write JUnit XML: what pytest does, in a fiftieth of its time.

To be run as a program, in the folder of a project that a test made; knows no fixtures and no classes.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

if TYPE_CHECKING:
    from types import ModuleType


def main() -> int:
    """Run everything; return 1 where a test failed."""
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(Path.cwd()))
    cases: list[str] = []
    failed = 0
    for path in sorted(Path("tests").rglob("test_*.py")):
        name = ".".join(path.with_suffix("").parts)
        for test, problem in _outcomes(path, name):
            failed += bool(problem)
            failure = f"<failure message={quoteattr(problem)}/>" if problem else ""
            cases.append(f"<testcase classname={quoteattr(name)} name={quoteattr(test)}>{failure}</testcase>")
            if problem:
                sys.stdout.write(f"FAILED {path}::{test}\n{problem}\n")
    Path(os.environ["REGEN_JUNIT"]).write_text(f"<testsuite>{''.join(cases)}</testsuite>", "utf-8")
    return 1 if failed else 0


def _outcomes(path: Path, name: str) -> list[tuple[str, str]]:
    """Return each test of a file with what went wrong; one that cannot be imported counts as one."""
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        return [(name, "it cannot be loaded")]
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception:  # noqa: BLE001 - whatever a test file does is its outcome
        return [(name, traceback.format_exc())]
    return [(test, _problem(module, test)) for test in vars(module) if test.startswith("test_")]


def _problem(module: ModuleType, test: str) -> str:
    try:
        getattr(module, test)()
    except Exception:  # noqa: BLE001 - whatever a test does is its outcome
        return traceback.format_exc()
    return ""


if __name__ == "__main__":
    sys.exit(main())
