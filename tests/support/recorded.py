"""The lines of the recordings of real agents, where they lie beside the repository."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

__all__ = ["FIXTURES", "calls", "marks", "odd_values", "transcripts"]

FIXTURES = Path(__file__).resolve().parents[2].parent / "shared" / "agent-fixtures"

odd_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=6,
)
"""Any JSON."""


def calls(agent: str = "*") -> list[tuple[str, dict[str, Any], dict[str, str], str]]:
    """Return every payload handed to a command hook: agent, payload, environment, label of the hook."""
    found = []
    for path in sorted(FIXTURES.glob(f"{agent}/**/hooks.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            row = json.loads(line)
            if "stdin" in row:
                data = json.loads(row["stdin"], strict=False)
                found.append((path.relative_to(FIXTURES).parts[0], data, row["env"], row["argv"][0]))
    return found


def marks(agent: str, mode: str) -> list[str]:
    """Return what the script of a recording did, step by step."""
    lines = (FIXTURES / agent / mode / "hooks.jsonl").read_text("utf-8").splitlines()
    return [row["mark"] for row in map(json.loads, lines) if "mark" in row]


def transcripts(agent: str, mode: str, pattern: str) -> list[str]:
    """Return the paths of a recording's transcripts, sorted."""
    return sorted(map(str, (FIXTURES / agent / mode).glob(pattern)))
