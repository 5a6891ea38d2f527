"""An empty repository, and a model that writes the word counter of the documents from its specification."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from support.builder import RepoBuilder

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["answer", "nothing"]


def nothing(path: Path) -> RepoBuilder:
    """Make the repository that forward examples begin with: nothing in it."""
    return RepoBuilder.init(path)


def answer(body: dict[str, Any]) -> str:
    """Answer as a model would that does what the page says, and nothing that it does not say."""
    asked = "\n".join(str(message["content"]) for message in body["messages"])
    lines = ["def count(text):", "    return len(text.split())"]
    if "TypeError" in asked:
        lines[1:1] = ["    if not isinstance(text, str):", '        raise TypeError("no text")']
    text = "\n".join(lines)
    return f"FILE counter.py\n```python\n{text}\n```\n"
