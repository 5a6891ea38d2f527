from __future__ import annotations

import ast
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regen_git.verify.surface import interface, public_surface, surface_changes

CODE = '''\
"""HTTP client.

Long story.
"""
import os
from typing import Any

LIMIT: int = 3
_secret = 1
TABLE = {
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa": 1,
    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb": 2,
}


async def fetch(url, /, retries=3, *more, timeout: float = 1.0, **rest) -> bytes:
    """Fetch a page.

    In detail.
    """
    return b""


class Client(Base, metaclass=Meta):
    """A client."""

    retries = 2

    def __init__(self, url):
        self.url = url
        self._open = False

    @property
    def name(self) -> str:
        return ""

    def get(self, *, path): return path

    def _hide(self): ...


def _private(): ...
'''

SCRIPT = """\
import a, { b } from "./x";
// export const no = 1
/* export const no2 */
export const A = 1, B = { x: [1, 2] }, C = `t ${ { a: 1 }.a + `n${1}` } export const z`;
export default class Foo {}
export function f<T>(a: number, b?: string, c = { x: 1 }, ...rest: any[]): void { return /}"/.test(a) }
export async function* g({ x, y }: P) {}
export interface I {
  a: number;
  b(x: string): void;
}
export type T =
  | "a"
  | "b";
export { x, y as z, type Q, default as w } from './y';
export * from './all'; export * as ns from "./ns";
export const { p, q: r, s: { t } } = obj;
export abstract class K extends L { export = 1 }
export enum E { A, B }
const s = "export const hidden = 1";
const half = 4 / 2; const other = half / 2;
"""


def surface(path: str, text: str) -> set[str]:
    found = public_surface(path, text)
    assert found is not None
    return set(found)


def test_python_names_are_those_that_others_may_use() -> None:
    assert surface("src/app/http.py", CODE) == {
        "app.http.LIMIT",
        "app.http.TABLE",
        "app.http.fetch(url, /, retries=…, *more, timeout=…, **rest)",
        "app.http.Client",
        "app.http.Client.retries",
        "app.http.Client.url",
        "app.http.Client.__init__(self, url)",
        "app.http.Client.name",
        "app.http.Client.get(self, *, path)",
    }


def test_a_list_of_exports_decides() -> None:
    text = "from .x import y\n__all__ = ['y', '_z']\n__all__ += ['w']\ndef _z(): ...\ndef v(): ...\n"
    assert surface("a.py", text) == {"a.y", "a._z()", "a.w"}


def test_a_package_offers_what_it_takes_from_its_modules() -> None:
    text = "import os\nfrom .x import y, _z\n"
    assert surface("pkg/__init__.py", text) == {"pkg.y"}
    assert surface("pkg/a.py", text) == set()


def test_nothing_is_imported_or_run_and_broken_files_have_no_surface() -> None:
    assert surface("a.py", "import nowhere_at_all\nraise SystemExit\n") == set()
    assert "nowhere_at_all" not in sys.modules
    assert public_surface("a.py", "def") is None
    assert public_surface("a.py", "\0") is None
    assert public_surface("a.rs", "pub fn x() {}") is None


def test_removed_and_changed_names_are_told_and_new_ones_are_not() -> None:
    old = frozenset({"a.f(x)", "a.g()", "a.C"})
    assert surface_changes(old, frozenset({"a.f(x, y)", "a.C", "a.new"})) == ["a.f(x) → a.f(x, y)", "a.g()"]
    assert surface_changes(old, old) == []


def test_script_exports_are_found_outside_comments_and_strings() -> None:
    assert surface("a.ts", SCRIPT) == {
        "const A",
        "const B",
        "const C",
        "default",
        "function f(a, b?, c?, ...rest)",
        "function g(…)",
        "interface I",
        "type T",
        "x",
        "z",
        "Q",
        "w",
        "* from ./all",
        "ns",
        "const p",
        "const r",
        "const t",
        "class K",
        "enum E",
    }


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("module.exports = {a, b: 1, c() { return 1 }, ...d};", {"a", "b", "c", "d"}),
        ("module.exports = make();", {"default"}),
        ("exports.a = 1;\nmodule.exports.b = 2;\nif (exports.c === 1) {}", {"a", "b"}),
        ("function f() {\n  export_ = 1\n}\nx.export\n", set()),
        ("const j = <div>don't</div>;\nexport const a = 1;", {"const a"}),
        ("export default function () {}", {"default"}),
        ("export const f = (a) => {\n  const b = 1, c = 2;\n}\nexport let g", {"const f", "let g"}),
        ('import("./x");\nexport { "a b" }', {"b"}),
        ("", set()),
    ],
)
def test_script_exports_of_other_forms(text: str, names: set[str]) -> None:
    assert surface("a.js", text) == names


@pytest.mark.parametrize("text", ["export const a = {", "/* export", "`${", "}", "export function f("])
def test_a_script_that_does_not_end_has_no_surface(text: str) -> None:
    assert public_surface("a.js", text) is None


@settings(deadline=None, max_examples=200)
@given(
    st.lists(
        st.sampled_from(
            [
                "export ",
                "const a",
                "{",
                "}",
                "(",
                ")",
                "=",
                "`",
                "${",
                "/",
                "'",
                '"',
                "\n",
                "*",
                ",",
                ";",
                "module.exports",
            ]
        )
        | st.text(max_size=3),
        max_size=25,
    ).map("".join)
)
def test_no_script_breaks_the_reader(text: str) -> None:
    found = public_surface("a.ts", text)
    assert found is None or all(found)
    assert isinstance(interface("a.ts", text), str)


def test_a_python_interface_has_no_bodies_and_is_python() -> None:
    text = interface("a.py", CODE)
    ast.parse(text)
    assert text == (
        '"""HTTP client."""\n'
        "import os\n"
        "from typing import Any\n"
        "LIMIT: int = 3\n"
        "_secret = 1\n"
        "TABLE = ...\n"
        "async def fetch(url, /, retries=3, *more, timeout: float=1.0, **rest) -> bytes:\n"
        '    """Fetch a page."""\n'
        "class Client(Base, metaclass=Meta):\n"
        '    """A client."""\n'
        "    retries = 2\n"
        "    def __init__(self, url): ...\n"
        "    @property\n"
        "    def name(self) -> str: ...\n"
        "    def get(self, *, path): ...\n"
        "    def _hide(self): ...\n"
        "def _private(): ...\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        "class A: pass\n",
        "if x:\n    print()\n",
        "try:\n    import a\nexcept E:\n    a = 1\n",
        '"""a\\\\"""\n',
        "def f():\n  '''\"\"\"'''\n",
        "'a \"b\"'\n",
    ],
)
def test_an_interface_is_always_python(text: str) -> None:
    ast.parse(interface("a.py", text))


def test_a_script_interface_has_first_lines_and_whole_shapes() -> None:
    text = interface("a.ts", SCRIPT)
    assert 'import a, { b } from "./x"\n' in text
    assert "export function f<T>(a: number, b?: string, c = { x: 1 }, ...rest: any[]): void\n" in text
    assert "export interface I { a: number; b(x: string): void; }\n" in text
    assert 'export type T = | "a" | "b"\n' in text
    assert "return" not in text


def test_files_without_an_interface_have_an_empty_one() -> None:
    assert interface("a.py", "def") == ""
    assert interface("a.rs", "fn x() {}") == ""
    assert interface("a.js", "{") == ""
