from __future__ import annotations

import ast
import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regen_git.replay.people.symbol_units import parse_scope, sub_scope
from regen_git.replay.people.symbols import SymbolMerge, merge_symbols

BASE = '''\
"""Client."""

from __future__ import annotations

import os
import sys

LIMIT = 3


def fetch(url):
    return os.open(url, LIMIT)


class Client:
    """A client."""

    retries = 2

    def get(self, url):
        return fetch(url)

    def close(self):
        pass


def main():
    print(sys.argv)
'''

# The same code, written anew: order, formatting, quotes and one body differ.
OURS = """\
'''Client.'''
from __future__ import annotations
import sys, os

def main():
    print(sys.argv)

class Client:
    '''A client.'''

    retries = 2

    def close(self):
        self.closed = True

    def get(self,
            url):
        return fetch(url)

LIMIT = 3
def fetch(url):
    return os.open(url,
                   LIMIT)
"""


def merged(theirs: str, *, base: str = BASE, ours: str = OURS) -> SymbolMerge:
    result = merge_symbols("a.py", base, ours, theirs)
    assert result is not None
    return result


def names(text: str | None) -> dict[str, str]:
    assert text is not None
    return {unit.key: ast.unparse(unit.node) for unit in parse_scope(text).units}


def test_no_change_leaves_our_text_as_it_is() -> None:
    assert merged(BASE) == SymbolMerge(OURS)


def test_a_changed_function_replaces_the_reformatted_one() -> None:
    result = merged(BASE.replace("os.open(url, LIMIT)", "os.open(url, LIMIT, 0o600)  # private"))
    assert result.applied == ("fetch",)
    assert result.failed == result.gone == ()
    assert result.text is not None
    assert "return os.open(url, LIMIT, 0o600)  # private\n" in result.text
    assert result.text.startswith(OURS[: OURS.index("def fetch")])


def test_a_changed_method_is_found_inside_its_class() -> None:
    result = merged(BASE.replace("return fetch(url)", "return fetch(url.strip())"))
    assert result.applied == ("Client.get",)
    assert "self.closed = True" in (result.text or "")
    assert "fetch(url.strip())" in (result.text or "")


def test_assignments_comments_and_class_heads_are_symbols_too() -> None:
    theirs = BASE.replace("LIMIT = 3", "# measured\nLIMIT = 5").replace(
        "class Client:", "class Client(Base):"
    )
    result = merged(theirs)
    assert set(result.applied) == {"LIMIT", "Client"}
    assert "\n# measured\nLIMIT = 5\n" in (result.text or "")
    assert "class Client(Base):" in (result.text or "")


def test_a_new_function_stands_after_its_nearest_sibling() -> None:
    theirs = BASE.replace("class Client:", "def late(url):\n    return url\n\n\nclass Client:").replace(
        "    def close", "    def put(self):\n        return 1\n\n    def close"
    )
    result = merged(theirs)
    assert set(result.applied) == {"late", "Client.put"}
    keys = list(names(result.text))
    assert keys.index("late") == keys.index("fetch") + 1
    assert "    def put(self):\n        return 1\n" in (result.text or "")


def test_a_removed_function_is_taken_out_only_where_it_is_unchanged() -> None:
    result = merged(BASE.replace("\n\ndef main():\n    print(sys.argv)\n", ""))
    assert "main" in result.applied
    assert "main" not in names(result.text)
    result = merged(BASE.replace("\n    def close(self):\n        pass\n", ""))
    assert result.failed == ("Client.close",)
    assert "self.closed" in (result.text or "")


def test_a_symbol_that_no_longer_exists_is_gone() -> None:
    result = merged(
        BASE.replace("print(sys.argv)", "print(sys.path)"), ours=OURS.replace("def main", "def run")
    )
    assert result.gone == ("main",)
    assert result.text == OURS.replace("def main", "def run")


def test_both_sides_of_one_function_merge_line_by_line_or_fail() -> None:
    base = "def f():\n    a = 1\n    b = 2\n    c = 3\n    return a\n"
    ours = "x = 1\n\n\n" + base.replace("a = 1", "a = 10")
    assert merged(base.replace("return a", "return c"), base=base, ours=ours).text == ours.replace(
        "return a", "return c"
    )
    result = merged(base.replace("a = 1", "a = 11"), base=base, ours=ours)
    assert (result.failed, result.text) == (("f",), ours)


def test_imports_are_united() -> None:
    theirs = BASE.replace("import os\n", "import json\nimport os\nfrom typing import Any, Protocol\n")
    result = merged(theirs, ours="from typing import Any\n" + OURS.split("\n", 2)[2])
    assert result.failed == ()
    assert "import json\n" in (result.text or "")
    assert "from typing import Protocol\n" in (result.text or "")


def test_the_first_import_stands_after_the_docstring() -> None:
    result = merged(
        '"""D."""\n\nimport os\n\nx = 1\n', base='"""D."""\n\nx = 1\n', ours='"""D."""\n\nx = 1\n'
    )
    assert result.text == '"""D."""\n\nimport os\n\nx = 1\n'


def test_a_removed_import_goes_unless_our_code_needs_it() -> None:
    base = "import os\nimport sys\n\nx = 1\n"
    theirs = "import os\n\nx = 1\n"
    assert merged(theirs, base=base, ours="import sys, os\n\nx = 1\n").text == "import os\n\nx = 1\n"
    result = merged(theirs, base=base, ours="import sys, os\n\nx = sys\n")
    assert result.gone == ("import sys",)
    assert result.text == "import sys, os\n\nx = sys\n"


def test_imports_for_types_are_merged_inside_their_block() -> None:
    base = "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    import a\n\nx = 1\n"
    ours = base.replace("import a", "import a\n    import o")
    result = merged(base.replace("import a", "import a\n    import t"), base=base, ours=ours)
    assert "    import a\n    import o\n    import t\n" in (result.text or "")


def test_properties_and_overloads_keep_apart() -> None:
    getter = "class A:\n    @property\n    def x(self):\n        return 1\n"
    base = f"{getter}\n    @x.setter\n    def x(self, v):\n        pass\n"
    result = merged(
        base.replace("pass", "self.v = v"), base=base, ours=base.replace("return 1", "return (2)")
    )
    assert result.text == base.replace("pass", "self.v = v").replace("return 1", "return (2)")


def test_reordered_symbols_are_reported() -> None:
    base = "def f():\n    pass\n\n\ndef g():\n    pass\n"
    assert merged("def g():\n    pass\n\n\ndef f():\n    pass\n", base=base, ours=base).failed == ("order",)


def test_a_comment_alone_is_carried() -> None:
    base = "def f():\n    return 1\n"
    result = merged("def f():\n    return 1  # why\n", base=base, ours="x = 1\n\n\n" + base)
    assert result.text == "x = 1\n\n\ndef f():\n    return 1  # why\n"


def test_carriage_returns_of_our_version_are_kept() -> None:
    base = "x = 1\ny = 2\n"
    assert (
        merged("x = 1\ny = 3\n", base=base, ours="z = 0\r\nx = 1\r\ny = 2\r\n").text
        == "z = 0\r\nx = 1\r\ny = 3\r\n"
    )


def test_other_languages_and_broken_files_are_left_to_others() -> None:
    assert merge_symbols("a.js", "", "", "x") is None
    assert merged("def", base="x = 1\n", ours="x = 1\n").text is None


@pytest.mark.parametrize(
    "text",
    [
        BASE,
        OURS,
        "",
        "\n\n# only a comment\n",
        "a = 1; b = 2\nc = 3",
        "class A: pass\n",
        "class A(\n    B,\n): x = 1\n",
        'x = """\nclass B:\n"""\n\n\n@d\n# c\n@e\nclass C:\n    # lead\n\n    # more\n    x = 1\n',
        "class C:\n    x = 1\n    # tail\n\n\n# lead\n\ny = 1\n",
    ],
)
def test_units_join_to_the_source_again(text: str) -> None:
    scope = parse_scope(text)
    assert "\n".join(scope.lines()) == text
    for unit in scope.units:
        inner = sub_scope(unit)
        assert inner is None or inner.lines() == unit.lines


NAMES = st.lists(st.sampled_from("abcdef"), unique=True, max_size=6)


def _module(order: list[str], bodies: dict[str, int]) -> str:
    return "\n\n".join(f"def {n}(x):\n    return {bodies[n]}\n" for n in order)


@settings(deadline=None, max_examples=100)
@given(NAMES, st.data())
def test_disjoint_changes_of_shuffled_functions_always_merge(order: list[str], data: st.DataObject) -> None:
    start = dict.fromkeys(order, 0)
    mine = {n: data.draw(st.sampled_from([0, 1])) for n in order}
    theirs = {n: 0 if mine[n] else data.draw(st.sampled_from([0, 2])) for n in order}
    shuffled = data.draw(st.permutations(order))
    result = merged(_module(order, theirs), base=_module(order, start), ours=_module(shuffled, mine))
    assert (result.failed, result.gone) == ((), ())
    assert result.text == _module(shuffled, {n: mine[n] or theirs[n] for n in order})
    assert textwrap.dedent(result.text) == result.text
