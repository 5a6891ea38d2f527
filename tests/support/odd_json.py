"""Values that no agent writes, under names that agents use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


def odd_json(names: list[str], values: list[str]) -> SearchStrategy[Any]:
    """Return a strategy for JSON whose objects have these keys and whose texts are often these."""
    leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(values)
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(names), inner, max_size=4)
        ),
        max_leaves=12,
    )
