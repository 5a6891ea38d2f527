"""The small repository that the documents' examples begin with, and a model that answers for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from support.builder import RepoBuilder

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["answer", "shop"]

FIRST = """\
def total(prices):
    return sum(prices)
"""
SECOND = """\
def total(prices, discount=0):
    return sum(prices) * (100 - discount) / 100
"""
TEST = """\
import unittest

from shop.price import total


class PriceTest(unittest.TestCase):
    def test_prices_add_up(self):
        self.assertEqual(total([1, 2]), 3)
"""


def shop(path: Path) -> RepoBuilder:
    """Build the repository that the examples begin with."""
    repo = RepoBuilder.init(path)
    first = {
        "shop/__init__.py": "",
        "shop/price.py": FIRST,
        "tests/__init__.py": "",
        "tests/test_price.py": TEST,
    }
    asked = "Write a function total(prices) that adds up prices, with a test"
    repo.commit(f"Add up prices\n\nPrompt: {asked}", first)
    repo.commit("Take a discount\n\nPrompt: total() takes a discount in percent", {"shop/price.py": SECOND})
    repo.commit("Say what this is", {"README.md": "# Shop\n"})
    return repo


def answer(body: dict[str, Any]) -> str:
    """Answer as a model would that does what is asked in its own words."""
    asked = body["messages"][-1]["content"]
    lines = ["def total(prices):", "    return sum(price for price in prices)"]
    if "takes a discount" in asked or "def total(prices, discount" in asked:
        lines = ["def total(prices, discount=0):", "    return sum(prices) * (1 - discount / 100)"]
    if "Refuse a discount" in asked:
        refusal = ["    if discount > 100:", '        raise ValueError("a discount is at most 100 percent")']
        lines[1:1] = refusal
    text = "\n".join(lines)
    made = f"FILE shop/price.py\n```python\n{text}\n```\n"
    return made + (
        "FILE shop/__init__.py\n```\n```\n" if "do not exist yet: shop/__init__.py" in asked else ""
    )
