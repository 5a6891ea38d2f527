"""Read the bytes of ``git config`` and of ``.regen/config.yaml``; say which key and line is wrong."""

from __future__ import annotations

import os
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar, cast

from regen_git.config.settings import (
    DEFAULT_TIMEOUT_S,
    Check,
    Flush,
    PathRules,
    Policy,
    Publish,
    Sandboxing,
    Settings,
    State,
    User,
)
from regen_git.config.yaml_nodes import Keys, parse
from regen_git.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from regen_git.config.yaml_nodes import Entry
    from regen_git.git.repository import Repository

__all__ = ["CONFIG_PATH", "GIT_CONFIG_ARGS", "load_settings", "read_settings", "read_user"]

CONFIG_PATH = ".regen/config.yaml"
GIT_CONFIG_ARGS = ("config", "-z", "--get-regexp", r"^regen\.")
_LIMIT = 256 * 1024
_NO_FILE = f"there is no '{CONFIG_PATH}': no tests are frozen, no checks run; 'git regen init' proposes one"
_NO_MATCH = 1  # git-config(1): "the section or key is invalid", also nothing found
_KILO = 1024
_Word = TypeVar("_Word", bound=str)


def load_settings(repo: Repository, environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings of this repository, once, from its own working tree; a bare one has git's alone.

    ``environ`` is the process's where not given. Raises `ConfigError`.
    """
    listing = repo.git(*GIT_CONFIG_ARGS, ok=(0, _NO_MATCH))
    data = None
    if repo.worktree is not None:
        try:
            with (repo.worktree / CONFIG_PATH).open("rb") as file:
                data = file.read(_LIMIT + 1)
        except (FileNotFoundError, NotADirectoryError):
            data = None
        except OSError as error:
            raise ConfigError(f"cannot read '{CONFIG_PATH}': {error.strerror}") from error
    return read_settings(listing, data, os.environ if environ is None else environ)


def read_settings(git_config: bytes, data: bytes | None, environ: Mapping[str, str]) -> Settings:
    """Turn what git lists, the file's bytes (``None``: there is none) and the environment into settings.

    Without the file no tests are frozen: the defaults are for those who wrote one. ``git_config`` is what
    ``git config -z --get-regexp`` prints. Unknown keys of the file become warnings;
    raises `ConfigError`, naming key and line, where a value cannot be meant.
    """
    user = read_user(git_config, environ)
    if data is None:
        # Nobody said what the oracle is: only what no model can write, or must not, is frozen then.
        return Settings(paths=PathRules(tests=()), user=user, warnings=(_NO_FILE,))
    if len(data) > _LIMIT:
        raise ConfigError(f"'{CONFIG_PATH}' is larger than {_LIMIT // _KILO} KiB")
    try:
        top = parse(data.decode("utf-8-sig"), CONFIG_PATH)
    except UnicodeDecodeError as error:
        raise ConfigError(f"'{CONFIG_PATH}' is not UTF-8") from error
    if top is None:
        return Settings(user=user)
    warnings: list[str] = []
    keys = top.keys(warnings)
    settings = Settings(
        paths=_paths(keys.take("paths"), warnings),
        setup=keys.text("setup") or None,
        checks=_checks(keys.take("checks"), warnings),
        state=_state(keys.take("state"), warnings),
        user=user,
    )
    keys.finish()
    return _with_warnings(settings, warnings)


def _with_warnings(settings: Settings, warnings: list[str]) -> Settings:
    from dataclasses import replace

    return replace(settings, warnings=tuple(warnings))


def _paths(entry: Entry | None, warnings: list[str]) -> PathRules:
    if entry is None:
        return PathRules()
    keys = entry.keys(warnings)
    rules = PathRules(
        tests=_patterns(keys, "tests"),
        holdout=_patterns(keys, "holdout") or (),
        frozen=_patterns(keys, "frozen") or (),
        append=_patterns(keys, "append") or (),
        human=_patterns(keys, "human") or (),
    )
    keys.finish()
    return rules


def _patterns(keys: Keys, name: str) -> tuple[str, ...] | None:
    """Return a list of patterns, or ``None`` where the key is not there. Raises where one has no meaning."""
    entry = keys.take(name)
    if entry is None:
        return None
    from pathspec import GitIgnoreSpec

    patterns = entry.texts()
    try:
        GitIgnoreSpec.from_lines(patterns)
    except ValueError as error:
        raise entry.error(f"has a pattern that means nothing: {error}") from error
    return patterns


def _checks(entry: Entry | None, warnings: list[str]) -> tuple[Check, ...]:
    if entry is None:
        return ()
    found: dict[str, Check] = {}
    for item in entry.items():
        keys = item.keys(warnings)
        name, run = keys.text("name"), keys.text("run")
        if not name or not run:
            raise item.error(f"needs '{'run' if name else 'name'}'")
        if name in found:
            raise item.error(f"has the name '{name}' of another check")
        timeout = keys.number("timeout")
        found[name] = Check(
            name=name,
            run=run,
            junit=keys.flag("junit") or False,
            timeout_s=DEFAULT_TIMEOUT_S if timeout is None else timeout,
        )
        keys.finish()
    return tuple(found.values())


def _state(entry: Entry | None, warnings: list[str]) -> State | None:
    if entry is None:
        return None
    keys = entry.keys(warnings)
    make, check = keys.text("make"), keys.text("check")
    if not make or not check:
        raise entry.error(f"needs '{'check' if make else 'make'}'")
    keys.finish()
    return State(make, check)


def read_user(git_config: bytes, environ: Mapping[str, str]) -> User:
    """Read what ``git config -z --get-regexp`` printed; ``REGEN_MODEL`` wins over ``regen.model``.

    A variable without a value is true, as for git. Raises `ConfigError` for a word that is not one of those
    a variable can have.
    """
    values: dict[str, list[str]] = {}
    for item in git_config.split(b"\0"):
        if not item:
            continue
        name, newline, value = item.decode("utf-8", "surrogateescape").partition("\n")
        section, _, rest = name.partition(".")
        if section.lower() == "regen" and rest:
            values.setdefault(rest.lower(), []).append(value if newline else "true")
    last = {name: found[-1] for name, found in values.items()}
    return User(
        model=environ.get("REGEN_MODEL") or last.get("model") or None,
        api_base=last.get("apibase") or None,
        budget_usd=_amount(last, "budget"),
        publish=_word(last, "publish", cast("tuple[Publish, ...]", ("ask", "never", "always"))),
        policy=_word(last, "policy", cast("tuple[Policy, ...]", ("warn", "off", "require"))),
        flush=_word(last, "flush", cast("tuple[Flush, ...]", ("later", "now"))),
        trailers=_truth(last, "trailers"),
        context=_truth(last, "context"),
        sandbox=_word(last, "sandbox", cast("tuple[Sandboxing, ...]", ("auto", "off"))),
        memory_bytes=_size(last, "memory"),
        timeout_s=_amount(last, "timeout", "it is a number of seconds") or DEFAULT_TIMEOUT_S,
        values=MappingProxyType({name: tuple(found) for name, found in values.items()}),
    )


def _word(values: Mapping[str, str], name: str, words: tuple[_Word, ...]) -> _Word:
    """Return one of these words; the first is meant where nothing is set."""
    value = values.get(name)
    if value is None:
        return words[0]
    for word in words:
        if value.lower() == word:
            return word
    choice = ", ".join(f"'{word}'" for word in words)
    raise ConfigError(f"git config regen.{name} is '{value}'", hint=f"it can be one of {choice}")


def _truth(values: Mapping[str, str], name: str) -> bool:
    """Return a boolean as git reads it; true where nothing is set. Source: git-config(1), "Values"."""
    value = values.get(name, "true").lower()
    if value in {"true", "yes", "on", "1"}:
        return True
    if value in {"false", "no", "off", "0", ""}:
        return False
    raise ConfigError(f"git config regen.{name} is '{value}'", hint="it can be true or false")


def _amount(
    values: Mapping[str, str], name: str, what: str = "it is an amount in US dollars"
) -> float | None:
    value = values.get(name)
    if value is None:
        return None
    try:
        amount = float(value)
    except ValueError:
        amount = -1.0
    if not 0 <= amount < float("inf"):
        raise ConfigError(f"git config regen.{name} is '{value}'", hint=what)
    return amount


def _size(values: Mapping[str, str], name: str) -> int | None:
    """Return bytes; ``k``, ``m`` and ``g`` count in 1024 as git's do."""
    value = values.get(name)
    if value is None:
        return None
    number, unit = (value[:-1], value[-1].lower()) if value[-1:].lower() in {"k", "m", "g"} else (value, "")
    if not (number.isascii() and number.isdigit() and int(number) > 0):
        raise ConfigError(f"git config regen.{name} is '{value}'", hint="it is a size, for instance 4g")
    power: int = " kmg".index(unit or " ")
    return int(number) * int(_KILO**power)
