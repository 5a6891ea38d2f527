"""Walk a YAML document by its nodes, so that every complaint names a key and a line."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from regen_git.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from yaml.nodes import Node

__all__ = ["Entry", "Keys", "parse"]

_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class Entry:
    """One value: where it stands (``checks[2].run``), in which file, and its node."""

    name: str
    source: str
    node: Node

    @property
    def kind(self) -> str:
        """Return ``scalar``, ``sequence`` or ``mapping``."""
        return _kind(self.node)

    def error(self, what: str) -> ConfigError:
        """Return the failure that says what is wrong with this value."""
        line = self.node.start_mark.line + 1
        return ConfigError(f"'{self.name}' {what} ({self.source}, line {line})")

    def keys(self, warnings: list[str]) -> Keys:
        """Return the keys of this mapping. Raises `ConfigError` if it is none, or names a key twice."""
        found: dict[str, Entry] = {}
        if self.kind != "mapping":
            raise self.error("must be a mapping of keys to values")
        for key, value in self.node.value:
            if _kind(key) != "scalar":
                raise self.error("has a key that is not a word")
            name = self._below(key.value)
            if key.value in found:
                raise Entry(name, self.source, key).error("is there twice")
            found[key.value] = Entry(name, self.source, value)
        return Keys(found, self, warnings)

    def _below(self, key: str) -> str:
        return f"{self.name}.{key}" if self.name else key

    def items(self) -> Iterator[Entry]:
        """Yield the items of this list. Raises `ConfigError` if it is none."""
        if self.kind != "sequence":
            raise self.error("must be a list")
        for index, node in enumerate(self.node.value, 1):
            yield Entry(f"{self.name}[{index}]", self.source, node)

    def texts(self) -> tuple[str, ...]:
        """Return a list of texts; one text alone is a list of one."""
        if self.kind == "scalar":
            return (self.text(),)
        return tuple(item.text() for item in self.items())

    def text(self) -> str:
        """Return this text, without space around it."""
        if self.kind != "scalar" or self.node.tag != f"{_TAG}str":
            raise self.error("must be text; put it in quotes if it is")
        if "\0" in self.node.value:
            raise self.error("holds a NUL")
        return str(self.node.value).strip()

    @property
    def is_null(self) -> bool:
        """Return whether nothing stands behind the colon."""
        return bool(self.kind == "scalar" and self.node.tag == f"{_TAG}null")


@dataclass(slots=True)
class Keys:
    """The keys of a mapping, taken one by one; what nobody took is unknown."""

    entries: dict[str, Entry]
    parent: Entry
    warnings: list[str]
    taken: set[str] = field(default_factory=set)

    def take(self, name: str) -> Entry | None:
        """Return the value of this key; ``None`` if it is not there or empty."""
        self.taken.add(name)
        entry = self.entries.get(name)
        return None if entry is None or entry.is_null else entry

    def text(self, name: str) -> str | None:
        """Return the text under this key, or ``None``."""
        entry = self.take(name)
        return None if entry is None else entry.text()

    def flag(self, name: str) -> bool | None:
        """Return the boolean under this key, or ``None``."""
        entry = self.take(name)
        if entry is None:
            return None
        if entry.kind != "scalar" or entry.node.tag != f"{_TAG}bool":
            raise entry.error("must be true or false")
        return str(entry.node.value).lower() in {"true", "yes", "on"}

    def number(self, name: str) -> float | None:
        """Return the number above zero under this key, or ``None``."""
        entry = self.take(name)
        if entry is None:
            return None
        try:
            value = float(entry.node.value) if entry.kind == "scalar" else math.nan
        except ValueError:
            value = math.nan
        if not 0 < value < math.inf:
            raise entry.error("must be a number above zero")
        return value

    def finish(self) -> None:
        """Warn of the keys that nobody took."""
        for key, entry in self.entries.items():
            if key not in self.taken:
                line = entry.node.start_mark.line + 1
                self.warnings.append(f"unknown key '{entry.name}' ({entry.source}, line {line})")


def _kind(node: Node) -> str:
    return str(cast("Any", node).id)  # each class of node has one; the type stubs leave it out


def parse(text: str, source: str) -> Entry | None:
    """Return the one document in this text, ``None`` if it holds nothing.

    Aliases are refused: with them a small file can mean a huge one. Raises `ConfigError`.
    """
    import yaml

    class Loader(yaml.SafeLoader):
        def compose_node(self, parent: Node | None, index: int) -> Node | None:
            if self.check_event(yaml.AliasEvent):
                line = cast("Any", self).peek_event().start_mark.line + 1
                raise ConfigError(f"aliases are not read ({source}, line {line})", hint="write the value out")
            return super().compose_node(parent, index)

    try:
        loader = Loader(text)
        node = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}" if mark else ""
        raise ConfigError(
            f"cannot read '{source}' as YAML: {error.problem or error.context}{where}"
        ) from error
    except yaml.YAMLError as error:
        first = str(error).splitlines()[0]
        raise ConfigError(f"cannot read '{source}' as YAML: {first}") from error
    except RecursionError as error:
        raise ConfigError(f"'{source}' is nested too deeply") from error
    if node is None or (_kind(node) == "scalar" and node.tag == f"{_TAG}null"):
        return None
    entry = Entry("", source, node)
    if _kind(node) != "mapping":
        raise ConfigError(f"'{source}' must hold keys and values, not one {_kind(node)}")
    return entry
