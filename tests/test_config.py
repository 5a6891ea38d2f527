from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from regen_git.config import Check, Kind, Ownership, PathRules, Settings, detect, load_settings, read_settings
from regen_git.errors import ConfigError

if TYPE_CHECKING:
    from support.builder import RepoBuilder

FULL = b"""\
paths:
  tests: [tests/**]
  holdout: [tests/holdout/**]
  frozen: [fixtures/**]
  append: [migrations/**]
  human: docs/**
setup: pip install -e .
checks:
- {name: tests, run: pytest -q --junitxml=$REGEN_JUNIT, junit: true, timeout: 60}
- {name: types, run: mypy src}
state:
  make: ./make.sh
  check: ./check.sh
"""


def read(data: bytes, listing: bytes = b"", **environ: str) -> Settings:
    return read_settings(listing, data, environ)


def test_a_full_file_is_read_into_one_value() -> None:
    found = read(FULL)
    assert found.paths == PathRules(
        ("tests/**",), ("tests/holdout/**",), ("fixtures/**",), ("migrations/**",), ("docs/**",)
    )
    assert found.checks == (
        Check("tests", "pytest -q --junitxml=$REGEN_JUNIT", junit=True, timeout_s=60.0),
        Check("types", "mypy src"),
    )
    assert found.state is not None
    assert [what for what, _ in found.commands] == [
        "setup", "check tests", "check types", "state make", "state check",
    ]  # fmt: skip
    assert found.warnings == ()


@pytest.mark.parametrize("data", [b"", b"\n# only words\n", b"---\n"])
def test_an_empty_file_sets_nothing(data: bytes) -> None:
    assert read(data) == Settings()


def test_unknown_keys_warn_with_their_line_and_break_nothing() -> None:
    found = read(b"checks:\n- name: a\n  run: b\n  retries: 3\nmodel: gpt\n")
    assert found.warnings == (
        "unknown key 'checks[1].retries' (.regen/config.yaml, line 4)",
        "unknown key 'model' (.regen/config.yaml, line 5)",
    )
    assert found.user.model is None


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"setup: 5\n", "'setup' must be text.*line 1"),
        (b"\nsetup: [a]\n", "'setup' must be text.*line 2"),
        (b"checks: yes\n", "'checks' must be a list"),
        (b"checks:\n- run: a\n", r"'checks\[1\]' needs 'name'"),
        (b"checks:\n- name: a\n", r"'checks\[1\]' needs 'run'"),
        (b"checks:\n- {name: a, run: b}\n- {name: a, run: c}\n", "another check"),
        (b"checks:\n- {name: a, run: b, timeout: soon}\n", r"'checks\[1\].timeout' must be a number"),
        (b"checks:\n- {name: a, run: b, timeout: .nan}\n", "must be a number"),
        (b"checks:\n- {name: a, run: b, junit: 1}\n", "must be true or false"),
        (b"paths:\n  tests: [1]\n", r"'paths.tests\[1\]' must be text"),
        (b"paths: [tests]\n", "'paths' must be a mapping"),
        (b"paths: {tests: [a]}\npaths: {}\n", "'paths' is there twice.*line 2"),
        (b"state: {make: a}\n", "'state' needs 'check'"),
        (b"a: &x 1\nb: *x\n", "aliases are not read.*line 2"),
        (b"a: [\n", "cannot read.*line"),
        (b"- a\n", "must hold keys and values"),
        (b"setup: \xff\n", "not UTF-8"),
        (b"a: " + b"[" * 100_000, "nested too deeply|cannot read"),
        (b"#" * (256 * 1024 + 1), "larger than 256 KiB"),
        (b"setup: !!python/object/apply:os.system [true]\n", "'setup' must be text"),
    ],
)
def test_what_cannot_be_meant_is_named_with_its_line(data: bytes, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        read(data)


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=60) | st.text(alphabet="apths:[]{}-&*!\n \t'\"#|>?%", max_size=60).map(str.encode))
def test_no_file_breaks_the_reader(data: bytes) -> None:
    with contextlib.suppress(ConfigError):
        read(data)


def test_the_digest_follows_what_would_run_or_be_sent_and_nothing_else() -> None:
    base = read(FULL)
    assert read(b"# words\n" + FULL).digest == base.digest
    assert read(FULL, b"regen.model\nx\0").digest == base.digest
    for data in (
        FULL.replace(b"mypy src", b"mypy ."),
        FULL.replace(b"tests/holdout", b"tests/held"),
        FULL.replace(b"-e .", b"."),
        FULL.replace(b"./make.sh", b"./m.sh"),
    ):
        assert read(data).digest != base.digest


def test_users_settings_come_from_git_and_the_environment() -> None:
    listing = (
        b"regen.model\nopenai/a\0regen.model\nopenai/b\0regen.trailers\0regen.context\nno\0"
        b"regen.publish\nalways\0regen.budget\n2.5\0regen.memory\n2g\0regen.provider.X.url\nhttp://x\n/y\0"
    )
    user = read(b"", listing).user
    assert (user.model, user.trailers, user.context, user.publish) == ("openai/b", True, False, "always")
    assert (user.budget_usd, user.memory_bytes) == (2.5, 2 * 1024**3)
    assert user.get("Provider.x.URL") == "http://x\n/y"
    assert read(b"", listing, REGEN_MODEL="other").user.model == "other"


@pytest.mark.parametrize(
    "listing",
    [b"regen.publish\nmaybe\0", b"regen.trailers\n7\0", b"regen.budget\n-1\0", b"regen.memory\nx\0"],
)
def test_a_word_git_config_cannot_have_here_is_an_error(listing: bytes) -> None:
    with pytest.raises(ConfigError, match="git config regen"):
        read(b"", listing)


def test_without_a_file_no_tests_are_frozen_and_somebody_is_told(repo: RepoBuilder) -> None:
    found = load_settings(repo.opened)
    assert found.paths.tests == ()
    assert "no tests are frozen" in found.warnings[0]


def test_settings_are_loaded_from_the_working_tree(repo: RepoBuilder) -> None:
    repo.write({".regen/config.yaml": "checks:\n- {name: a, run: 'true'}\n"})
    repo.git("config", "regen.policy", "require")
    found = load_settings(repo.opened)
    assert (found.checks[0].run, found.user.policy) == ("true", "require")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("src/a.py", Kind.MODEL),
        ("tests/a.py", Kind.TEST),
        ("pkg/a_test.go", Kind.TEST),
        ("web/__tests__/a.ts", Kind.TEST),
        ("web/a.spec.ts", Kind.TEST),
        ("pkg/test_a.py", Kind.TEST),
        ("uv.lock", Kind.FROZEN),
        ("sub/package-lock.json", Kind.FROZEN),
        ("LICENSE.txt", Kind.FROZEN),
        (".github/workflows/a.yml", Kind.FROZEN),
        (".regen/config.yaml", Kind.FROZEN),
        ("a/conftest.py", Kind.FROZEN),
        ("latest.py", Kind.MODEL),
    ],
)
def test_without_configuration_names_decide_whose_a_path_is(path: str, kind: Kind) -> None:
    assert Ownership(PathRules()).classify(path, 0o100644, lambda: b"text\n") is kind


def test_what_no_model_can_write_is_frozen() -> None:
    owner = Ownership(PathRules())
    assert owner.classify("a", 0o120000) is Kind.FROZEN
    assert owner.classify("a", 0o160000) is Kind.FROZEN
    contents = [b"a\0", b"\xff", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"]
    assert [owner.classify("a", 0o100644, iter([data]).__next__) for data in contents] == [Kind.FROZEN] * 3
    assert owner.classify("a", 0o100644, lambda: b"x" * 9000 + b"\0") is Kind.MODEL


def test_written_rules_win_over_defaults_and_held_out_over_everything() -> None:
    rules = read(FULL).paths
    owner = Ownership(replace(rules, frozen=("fixtures/**", "!uv.lock")))
    expected = {
        "tests/holdout/a.bin": Kind.HOLDOUT,
        "tests/a.py": Kind.TEST,
        "src/a_test.py": Kind.MODEL,
        "fixtures/x": Kind.FROZEN,
        "migrations/1.sql": Kind.APPEND,
        "docs/a.md": Kind.HUMAN,
        "uv.lock": Kind.MODEL,
        "yarn.lock": Kind.FROZEN,
    }
    assert {path: owner.classify(path, 0o100644, lambda: b"") for path in expected} == expected
    assert owner.classify(".regen/config.yaml", 0o100644) is Kind.FROZEN


PROJECTS = [
    (
        {
            "pyproject.toml": b"[project]\nname='x'\n[project.optional-dependencies]\ntest = ['pytest']\n"
            b"[tool.mypy]\n",
            "src/x.py": b"",
            "tests/test_x.py": b"import pytest",
        },
        ["python3 -m pytest -q --junitxml=$REGEN_JUNIT", "mypy src"],
        "pip install -e '.[test]' && pip install mypy",
    ),
    (
        {"setup.py": b"", "mypy.ini": b"", "tests/test_x.py": b"import pytest"},
        ["python3 -m pytest -q --junitxml=$REGEN_JUNIT", "mypy ."],
        "pip install -e . && pip install pytest mypy",
    ),
    (
        {
            "requirements.txt": b"requests\n",
            "requirements-dev.txt": b"pytest-cov\nMyPy>=1\npyright\n",
            "mypy.ini": b"",
            "pyrightconfig.json": b"{}",
            "test_x.py": b"async def test_it():\n    pass\n",
        },
        ["python3 -m pytest -q --junitxml=$REGEN_JUNIT", "mypy .", "pyright"],
        "pip install -r requirements.txt && pip install -r requirements-dev.txt && pip install pytest",
    ),
    (
        {"test_x.py": b"from x import f\n\ndef test_f():\n    assert f()\n"},
        ["python3 -m pytest -q --junitxml=$REGEN_JUNIT"],
        "pip install pytest",
    ),
    (
        {"x_test.py": b"class TestF:\n    def test_f(self):\n        pass\n"},
        ["python3 -m pytest -q --junitxml=$REGEN_JUNIT"],
        "pip install pytest",
    ),
    (
        {"test_x.py": b"from base import TestCase\n\nclass TestF(TestCase):\n    def test_f(self): ...\n"},
        ["python3 -m unittest discover"],
        None,
    ),
    ({"test_x.py": b"print('no test')\n", "tox.ini": b""}, ["tox"], "pip install tox"),
    ({"tests/test_x.py": b"import unittest"}, ["python3 -m unittest discover"], None),
    (
        {"package.json": b'{"scripts": {"test": "jest", "typecheck": "tsc"}}', "yarn.lock": b""},
        ["yarn test", "yarn run typecheck"],
        "yarn install --immutable",
    ),
    ({"Cargo.toml": b""}, ["cargo test --offline"], "cargo fetch"),
    ({"go.mod": b""}, ["go test ./...", "go vet ./..."], "go mod download"),
    ({"Makefile": b"all:\n\ntest: all\n\techo\n"}, ["make test"], None),
    ({"package.json": b"{broken"}, [], "npm install"),
    ({"README.md": b""}, [], None),
]


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("migrations/001_a.sql", "migrations/**"),
        ("shop/migrations/0001_initial.py", "shop/migrations/**"),
        ("db/migrate/20240101_a.rb", "db/migrate/**"),
        ("migrations/versions/5a1e_item.py", "migrations/**"),
        ("prisma/migrations/20240101_a/migration.sql", "prisma/migrations/**"),
        ("tests/migrations/test_a.py", None),
    ],
)
def test_the_proposal_knows_where_migrations_lie(path: str, pattern: str | None) -> None:
    files = {path: b""}
    assert read(detect(files, files.get).encode()).paths.append == ((pattern,) if pattern else ())


@pytest.mark.parametrize(("files", "runs", "setup"), PROJECTS)
def test_the_proposal_names_the_commands_of_the_project_and_can_be_read(
    files: dict[str, bytes], runs: list[str], setup: str | None
) -> None:
    text = detect(files, files.get)
    found = read(text.encode())
    assert [check.run for check in found.checks] == runs
    assert found.setup == setup
    assert found.warnings == ()
    assert yaml.safe_load(text)["paths"]["holdout"] == []


@settings(deadline=None, max_examples=40)
@given(
    st.dictionaries(
        st.sampled_from(
            [
                "package.json",
                "pyproject.toml",
                "Makefile",
                "db/migrate/1 '\".rb",
                "tests/x",
                "setup.cfg",
                "docs/a",
            ]
        ),
        st.binary(max_size=40),
    )
)
def test_any_project_gives_a_proposal_that_can_be_read(files: dict[str, bytes]) -> None:
    assert read(detect(files, files.get).encode()).warnings == ()
