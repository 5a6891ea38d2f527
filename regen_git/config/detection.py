"""Propose a ``.regen/config.yaml`` by looking at what the project already uses. Nothing is run."""

from __future__ import annotations

import json
import posixpath
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from regen_git.domain.ids import RepoPath

    Read = Callable[[RepoPath], "bytes | None"]

__all__ = ["detect"]

_HEAD = """\
# What git regen may change, and how a rebuilt tree is judged.
# Nothing here runs before you say yes once: git regen trust
"""
_NPM_PLACEHOLDER = "no test specified"
_DEV_REQUIREMENTS = (
    "requirements-dev.txt",
    "requirements-test.txt",
    "requirements_dev.txt",
    "dev-requirements.txt",
)
_FUNCTION_TEST = re.compile(
    rb"^(?:(?:async )?def test_|class Test\w*(?:\(\s*(?:object\s*)?\))?:)", re.MULTILINE
)
"""What pytest takes for a test and unittest does not."""

_SAMPLE = 20
"""How many test files are read to tell who runs them."""

_TEST_DIRS = ("tests", "test", "spec", "__tests__")
_MIGRATIONS = re.compile(r"((?:^|.*/)(?:migrations|db/migrate|alembic/versions))/(?:[^/]+/)?[^/]+$")


@dataclass(frozen=True, slots=True)
class _Found:
    """A check; ``tool`` is the Python package that it cannot do without."""

    name: str
    run: str
    junit: bool = False
    tool: str | None = None


def detect(paths: Collection[RepoPath], read: Read) -> str:
    """Return the text of a commented configuration for these files.

    ``paths`` are all files of the tree; ``read`` returns one file's bytes, ``None`` if it is not there.
    Where no test command is recognised the text says so, and declares none.
    """
    files = set(paths)
    checks = [
        *_python(files, read),
        *_node(files, read),
        *_compiled(files),
        *_other(files),
    ]
    if not any(check.name.startswith("tests") for check in checks):
        checks += _make(files, read)
    return "".join(
        [_HEAD, _paths_block(files), _setup_block(files, read, checks), _checks_block(_named(checks))]
    )


def _text(read: Read, path: RepoPath) -> str:
    return (read(path) or b"").decode("utf-8", "replace")


def _python(files: set[RepoPath], read: Read) -> list[_Found]:
    project = _text(read, "pyproject.toml") if "pyproject.toml" in files else ""
    setup_cfg = _text(read, "setup.cfg") if "setup.cfg" in files else ""
    tests = [p for p in files if p.endswith(".py") and _is_python_test(p)]
    sample = [read(p) or b"" for p in sorted(tests)[:_SAMPLE]]
    uses_pytest = (
        bool(files & {"pytest.ini", "conftest.py"})
        or "pytest" in project
        or "[tool:pytest]" in setup_cfg
        or any(p.endswith("/conftest.py") for p in files)
        or any(b"pytest" in text or _FUNCTION_TEST.search(text) for text in sample)
    )
    found: list[_Found] = []
    if uses_pytest:
        run = "python3 -m pytest -q --junitxml=$REGEN_JUNIT"
        found.append(_Found("tests", run, junit=True, tool="pytest"))
    elif any(b"unittest" in text or b"TestCase" in text for text in sample):
        found.append(_Found("tests", "python3 -m unittest discover"))
    elif "tox.ini" in files:
        found.append(_Found("tests", "tox", tool="tox"))
    source = "src" if any(p.startswith("src/") for p in files) else "."
    if "[tool.mypy]" in project or "[mypy]" in setup_cfg or files & {"mypy.ini", ".mypy.ini"}:
        configured = re.search(r"^\s*(?:packages|files)\s*=", project + setup_cfg, re.MULTILINE)
        found.append(_Found("types", "mypy" if configured else f"mypy {source}", tool="mypy"))
    if "[tool.pyright]" in project or "pyrightconfig.json" in files:
        found.append(_Found("types", "pyright", tool="pyright"))
    return found


def _is_python_test(path: RepoPath) -> bool:
    name = posixpath.basename(path)
    return name.startswith("test_") or name.endswith("_test.py")


def _node(files: set[RepoPath], read: Read) -> list[_Found]:
    if "package.json" not in files:
        return []
    try:
        parsed = json.loads(_text(read, "package.json"))
    except (ValueError, RecursionError):
        parsed = None
    scripts = parsed.get("scripts") if isinstance(parsed, dict) else None
    scripts = scripts if isinstance(scripts, dict) else {}
    found: list[_Found] = []
    test = scripts.get("test")
    if isinstance(test, str) and _NPM_PLACEHOLDER not in test:
        if re.match(r"(?:npx )?vitest\b", test):
            run = "npx vitest run --reporter=default --reporter=junit --outputFile.junit=$REGEN_JUNIT"
            found.append(_Found("tests", run, junit=True))
        else:
            found.append(_Found("tests", f"{_node_runner(files)} test"))
    for name in ("typecheck", "type-check", "types"):
        if isinstance(scripts.get(name), str):
            return [*found, _Found("types", f"{_node_runner(files)} run {name}")]
    if "tsconfig.json" in files:
        found.append(_Found("types", "npx tsc --noEmit"))
    return found


def _node_runner(files: set[RepoPath]) -> str:
    if "pnpm-lock.yaml" in files:
        return "pnpm"
    return "yarn" if "yarn.lock" in files else "npm"


def _compiled(files: set[RepoPath]) -> list[_Found]:
    found: list[_Found] = []
    if "Cargo.toml" in files:
        found.append(_Found("tests", "cargo test --offline"))
    if "go.mod" in files:
        found += [_Found("tests", "go test ./..."), _Found("types", "go vet ./...")]
    if "pom.xml" in files:
        found.append(_Found("tests", "mvn -o -q test"))
    if files & {"build.gradle", "build.gradle.kts"}:
        found.append(_Found("tests", ("./gradlew" if "gradlew" in files else "gradle") + " --offline test"))
    return found


def _other(files: set[RepoPath]) -> list[_Found]:
    if "Gemfile" in files and any(p.startswith("spec/") for p in files):
        return [_Found("tests", "bundle exec rspec")]
    if "mix.exs" in files:
        return [_Found("tests", "mix test")]
    if "composer.json" in files and files & {"phpunit.xml", "phpunit.xml.dist"}:
        return [_Found("tests", "vendor/bin/phpunit --log-junit $REGEN_JUNIT", junit=True)]
    return []


def _make(files: set[RepoPath], read: Read) -> list[_Found]:
    """Return the test target of a Makefile, the last resort: it often only calls what is found above."""
    for name in ("GNUmakefile", "makefile", "Makefile"):
        if name in files and (
            target := re.search(r"^(test|check)\s*:(?!=)", _text(read, name), re.MULTILINE)
        ):
            return [_Found("tests", f"make {target.group(1)}")]
    return []


def _named(checks: list[_Found]) -> list[_Found]:
    """Give checks of one name (a project in two languages) names of their own."""
    seen: dict[str, int] = {}
    out = []
    for check in checks:
        count = seen[check.name] = seen.get(check.name, 0) + 1
        out.append(check if count == 1 else replace(check, name=f"{check.name}-{count}"))
    return out


def _paths_block(files: set[RepoPath]) -> str:
    dirs = [name for name in _TEST_DIRS if any(path.startswith(f"{name}/") for path in files)]
    patterns = [f"{name}/**" for name in dirs]
    patterns += ["**/__tests__/**", "**/*_test.*", "**/test_*.py", "**/*.test.*", "**/*.spec.*"]
    lines = ["paths:", "  # frozen: tests come from history byte for byte; the model sees them", "  tests:"]
    lines += [f"  - {_quoted(pattern)}" for pattern in patterns]
    lines += ["  # frozen and run, but never shown to the model", "  holdout: []"]
    lines += [
        "  # frozen too; lock files, binaries, licences, submodules, symlinks, .git*, .regen/**,",
        "  # conftest.py, pytest.ini and tox.ini already are",
        "  frozen: []",
        "  # existing files are frozen, new ones may only come after the last released one",
    ]
    found = (_MIGRATIONS.match(path) for path in files if not set(path.split("/")) & set(_TEST_DIRS))
    append = sorted({f"{match[1]}/**" for match in found if match})
    lines += ["  append:", *(f"  - {_quoted(p)}" for p in append)] if append else ["  append: []"]
    lines += ["  # people's: changes are carried over, never generated"]
    docs = any(path.startswith("docs/") for path in files)
    lines += ["  human:", f"  - {_quoted('docs/**')}"] if docs else ["  human: []"]
    return "\n".join(lines) + "\n"


def _setup_block(files: set[RepoPath], read: Read, checks: list[_Found]) -> str:
    run = _setup(files, read, [check.tool for check in checks if check.tool])
    note = "# run once per set of dependency manifests, with network, on the original commit\n"
    return note + (f"setup: {_quoted(run)}\n" if run else "# setup: pip install -e .\n")


def _setup(files: set[RepoPath], read: Read, tools: list[str]) -> str:
    """Return what installs the project's dependencies, and the tools of its checks where those do not."""
    steps = []
    brought = ""
    if files & {"pyproject.toml", "setup.py"}:
        project = _text(read, "pyproject.toml") if "pyproject.toml" in files else ""
        extras = [name for name in ("test", "tests", "testing", "dev") if _extra(project, name) is not None]
        steps.append(f"pip install -e '.[{extras[0]}]'" if extras else "pip install -e .")
        brought = (_extra(project, extras[0]) or "") if extras else ""
    elif "requirements.txt" in files:
        steps.append("pip install -r requirements.txt")
        brought = _text(read, "requirements.txt")
    more = [name for name in _DEV_REQUIREMENTS if name in files]
    steps += [f"pip install -r {name}" for name in more]
    brought += "".join("\n" + _text(read, name) for name in more)
    missing = [tool for tool in tools if not _requires(brought, tool)]
    if missing:
        steps.append(f"pip install {' '.join(missing)}")
    if "package.json" in files:
        locked = {"npm": "npm ci" if "package-lock.json" in files else "npm install"}
        locked |= {"pnpm": "pnpm install --frozen-lockfile", "yarn": "yarn install --immutable"}
        steps.append(locked[_node_runner(files)])
    if "Cargo.toml" in files:
        steps.append("cargo fetch")
    if "go.mod" in files:
        steps.append("go mod download")
    if "Gemfile" in files:
        steps.append("bundle install")
    return " && ".join(steps)


def _requires(requirements: str, tool: str) -> bool:
    """Return whether one of these requirements, each on a line or in quotes, is the tool itself."""
    found = re.search(rf"(?:^|[\"'])[ \t]*{tool}(?![\w.-])", requirements, re.MULTILINE | re.IGNORECASE)
    return found is not None


def _extra(project: str, name: str) -> str | None:
    """Return what ``pyproject.toml`` lists under this extra, as it stands there; ``None`` if it has none."""
    table = re.search(
        r"^\[project\.optional-dependencies\]\s*$(.*?)(?=^\[|\Z)", project, re.MULTILINE | re.DOTALL
    )
    found = table and re.search(
        rf"^{name}\s*=(.*?)(?=^[\w.-]+\s*=|\Z)", table.group(1), re.MULTILINE | re.DOTALL
    )
    return found.group(1) if found else None


def _checks_block(checks: list[_Found]) -> str:
    if not checks:
        return (
            "# No test command was recognised. Without checks a verdict is never 'pass'.\n"
            "# checks:\n# - {name: tests, run: ./run-tests, timeout: 600}\n"
        )
    lines = ["# each runs with sh -c in a scratch copy of the tree; exit 0 passes, 125 skips", "checks:"]
    for check in checks:
        lines += [f"- name: {check.name}", f"  run: {_quoted(check.run)}"]
        lines += ["  junit: true"] if check.junit else []
        lines += ["  timeout: 600"]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """Return this as a YAML scalar that is text for certain."""
    plain = re.fullmatch(r"[A-Za-z./][\w ./=&$-]*", text) is not None and not text.endswith(" ")
    return text if plain else json.dumps(text, ensure_ascii=False)
