"""What code holds that others may rely on, and what counts as a mention of it."""

from __future__ import annotations

import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regen_git.replay.risk.hidden import find_hidden, known_in
from regen_git.replay.risk.material import Material
from regen_git.replay.risk.mentions import compact, mentioned_in
from regen_git.replay.risk.values import SourceFile


def holds(path: str, text: str) -> set[tuple[str, str]]:
    found = known_in(SourceFile(path, "0" * 40, textwrap.dedent(text)))
    assert found is not None
    return {(one.what, one.name) for one in found}


def hidden(path: str, text: str, *asked: str, tests: str = "") -> set[str]:
    material = Material(
        "0" * 40,
        generated=[SourceFile(path, "0" * 40, textwrap.dedent(text))],
        tests=[SourceFile("tests/test_it.py", "1" * 40, tests)] if tests else [],
        paths=[path],
    )
    found = find_hidden(material, asked, is_surface_kept=False)
    return {str(one.symbol) for one in found.findings}


@pytest.mark.parametrize(
    "written",
    ["max_retries", "maxRetries", "MaxRetries", "--max-retries", "MAX_RETRIES", "max retries", "MAXRETRIES"],
)
def test_a_name_is_mentioned_however_its_words_are_joined(written: str) -> None:
    assert mentioned_in([f"please add {written}, thanks"], {compact("max_retries")}) == {"maxretries"}


@pytest.mark.parametrize("written", ["maxretriesx", "max retry", "remax retries", "retries max"])
def test_part_of_a_word_is_no_mention(written: str) -> None:
    assert mentioned_in([written], {compact("max_retries")}) == set()


names = st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,8}(?:[_-][A-Za-z0-9]{1,8}){0,4}", fullmatch=True)


@settings(deadline=None, max_examples=200)
@given(name=names, before=st.text(max_size=40), after=st.text(max_size=40))
def test_a_name_that_stands_in_a_text_is_always_found(name: str, before: str, after: str) -> None:
    for written in (name, name.upper(), name.lower(), f"--{name}"):
        assert mentioned_in([f"{before} {written} {after}"], {compact(name)}) == {compact(name)}


@settings(deadline=None, max_examples=60)
@given(name=st.from_regex(r"[a-z]{1,8}(?:_[a-z0-9]{1,8}){0,3}", fullmatch=True), noise=st.text(max_size=60))
def test_what_a_prompt_names_is_never_told_as_hidden(name: str, noise: str) -> None:
    code = (
        f"import json, os\n"
        f"{name.upper()}_K = 4711\n"
        f"def f_{name}(x): return os.environ['{name.upper()}_V'], json.loads(x)['{name}_k']\n"
    )
    asked = f"{noise} {name}_k and f_{name} with {name}_v {noise}"
    assert not hidden("app.py", code, asked)


def test_python_tells_flags_settings_environment_files_tables_and_numbers() -> None:
    found = holds(
        "app.py",
        '''
        """A module that mentions --nothing and notes.db in its docstring."""
        import argparse, json, os, re, sqlite3, struct, sys
        from functools import lru_cache

        MAX_RETRIES = 5
        _LIMIT = 256 * 1024
        TOKEN = re.compile(r"[a-z]{16}")
        HOME = "https://api.shop.test/v2"
        KINDS = frozenset({"a", "b", "c"})

        def parse(argv, timeout=30):
            parser = argparse.ArgumentParser()
            parser.add_argument("-v", "--verbose-mode")
            return parser

        def load(config):
            if os.environ.get("SHOP_HOME") or os.getenv("PATH"):
                sys.exit(4)
            with open("basket.json") as file:
                data = json.load(file)
            base = sqlite3.connect("shop.db")
            base.execute("CREATE TABLE items (title TEXT, price INTEGER)")
            return config["colour"], data["currency"], struct.pack("<IH", 1, 2), f"user:{data}"
        ''',
    )
    assert {
        ("flag", "--verbose-mode"),
        ("environment variable", "SHOP_HOME"),
        ("setting", "colour"),
        ("data key", "currency"),
        ("file", "basket.json"),
        ("file", "shop.db"),
        ("table", "items"),
        ("column", "title"),
        ("column", "price"),
        ("binary format", "'<IH'"),
        ("storage key", "user:…"),
        ("exit status", "4"),
        ("constant", "MAX_RETRIES = 5"),
        ("constant", "_LIMIT = 256 * 1024"),
        ("constant", "parse(timeout=30)"),
        ("pattern", "TOKEN = [a-z]{16}"),
        ("URL", "https://api.shop.test/v2"),
        ("table of constants", "KINDS, 3 entries"),
        ("function", "parse"),
    } <= found
    assert ("file", "notes.db") not in found
    assert ("environment variable", "PATH") not in found


def test_typescript_tells_options_members_endpoints_parameters_and_defaults() -> None:
    found = holds(
        "src/provider.ts",
        """
        import { x } from './helper.json';
        // a comment about --nothing and '/not/an/endpoint'
        export interface ProviderOptions { accessTokenTTL?: number; clientIdPrefix: string }
        export interface Grant {
          id: string;
          /** when */
          expiresAt: number;
        }
        export class Provider {
          constructor(private options: ProviderOptions) {}
          async revokeAll(id: string): Promise<void> {
            const codeLifetime = 10 * 60;
            await this.env.GRANTS_KV.put(`grant:${id}`, JSON.stringify({ token_type: 'bearer' }));
            if (url.pathname === '/oauth/token') return params.get('code_verifier');
            return this.options.accessTokenTTL ?? 3600;
          }
        }
        program.option('-p, --port-number <n>', 'port');
        """,
    )
    assert {
        ("setting", "ProviderOptions.accessTokenTTL"),
        ("setting", "ProviderOptions.clientIdPrefix"),
        ("field", "Grant.id"),
        ("field", "Grant.expiresAt"),
        ("class", "Provider"),
        ("method", "Provider.revokeAll"),
        ("constant", "codeLifetime = 10 * 60"),
        ("constant", "accessTokenTTL = 3600"),
        ("environment variable", "GRANTS_KV"),
        ("storage key", "grant:…"),
        ("data key", "token_type"),
        ("endpoint", "/oauth/token"),
        ("parameter", "code_verifier"),
        ("flag", "--port-number"),
    } <= found
    assert not [one for one in found if "not" in one[1] or "helper" in one[1]]


def test_other_languages_are_read_by_patterns() -> None:
    go = 'package main\nconst Limit = 77\nfunc Serve() { os.Getenv("SHOP_PORT"); flag.Int("depth", 1, "") }\n'
    assert {
        ("name", "Serve"),
        ("constant", "Limit = 77"),
        ("environment variable", "SHOP_PORT"),
        ("flag", "--depth"),
    } <= holds("main.go", go)
    assert ("flag", "--dry-run") in holds("run.sh", "case $1 in\n  --dry-run) dry=1 ;;\nesac\n")


def test_a_helper_that_only_its_own_module_uses_is_not_told() -> None:
    code = "def helper():\n    return 1\n\n\ndef offered():\n    return helper()\n"
    assert hidden("app.py", code) == {"offered"}


def test_a_helper_that_all_names_is_told() -> None:
    code = "__all__ = ['helper']\n\n\ndef helper():\n    return 1\n\n\nprint(helper())\n"
    assert hidden("app.py", code) == {"helper"}


def test_a_test_that_uses_a_name_keeps_it() -> None:
    code = "def offered():\n    return 1\n"
    assert hidden("app.py", code, tests="from app import offered\n") == set()


def test_a_small_number_is_mentioned_where_it_was_asked_for_in_words() -> None:
    code = "ATTEMPTS = 5\n"
    assert hidden("app.py", code) == {"ATTEMPTS = 5"}
    assert hidden("app.py", code, "try five times at most") == set()
    assert hidden("app.py", code, tests="x = 5\n") == {"ATTEMPTS = 5"}


def test_a_large_number_is_mentioned_also_with_its_groups() -> None:
    assert hidden("app.py", "LONGEST = 60_000\n", "at most 60,000 tokens") == set()


def test_methods_are_told_with_their_class() -> None:
    code = "class Shop:\n    def open(self): ...\n    def close(self): ...\n"
    material = Material("0" * 40, generated=[SourceFile("shop.py", "0" * 40, code)], paths=["shop.py"])
    found = find_hidden(material, ["Something else"], is_surface_kept=True)
    # The path says 'shop', which is a mention; its methods stand for themselves.
    assert [one.symbol for one in found.findings] == ["Shop.open", "Shop.close"]
    assert all(one.is_held for one in found.findings)
    assert found.hidden == 0


@pytest.mark.parametrize(
    "text", ["def (", "x = " + "(" * 5000, "x = " + "1+" * 5000 + "1", "\0", "a$" * 50_000, "\n" * 100_000]
)
@pytest.mark.parametrize("path", ["a.py", "a.ts", "a.go", "a.java"])
def test_odd_source_is_read_or_told_as_unreadable(path: str, text: str) -> None:
    found = known_in(SourceFile(path, "0" * 40, text))
    assert found is None or isinstance(found, tuple)
