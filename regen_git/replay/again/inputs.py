"""What a step's request is made from, kind by kind, as short digests that travel with its provenance.

The kinds are the parts of the material that a request is built from, and what is sent with it. So two steps
with equal inputs have the same request, and where one differs its kind says what changed.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TYPE_CHECKING

from regen_git.replay.request import asked_lines, rules_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from regen_git.domain.intent import Intent
    from regen_git.replay.options import ReplayOptions
    from regen_git.replay.request import Material, Shown

__all__ = ["KINDS", "Inputs", "asked_of", "inputs_of", "short"]

Inputs = dict[str, str]
"""Kind of input → digest, without the kinds that a step has nothing of."""

KINDS = (
    "prompt",
    "notes",
    "files",
    "interfaces",
    "tests",
    "migrations",
    "conventions",
    "surface",
    "hand",
    "elsewhere",
    "model",
    "rules",
)
"""All kinds, in the order in which they are written and told."""

_DIGITS = 12


def inputs_of(material: Material, options: ReplayOptions) -> Inputs:
    """Return the digests of all that a request with this material depends on."""
    parameters = sorted((name, repr(value)) for name, value in options.parameters.items())
    parts: dict[str, Iterable[object]] = {
        "prompt": [(intent.id, *asked_lines(intent)) for intent in material.intents],
        "notes": material.notes,
        "files": _files(material.files),
        "interfaces": _files(material.interfaces),
        "tests": _files(material.tests),
        "migrations": _files(material.beside),
        "conventions": _files(material.conventions),
        "surface": _lists(material.surface),
        "hand": _lists(material.hand),
        "elsewhere": material.elsewhere,
        "model": (options.model, options.context_tokens, *parameters),
    }
    found = {kind: short(*map(repr, values)) for kind, values in parts.items() if values}
    return {**found, "rules": _rules()}


def asked_of(intents: Iterable[Intent]) -> tuple[str, ...]:
    """Return the intents with their revisions, as ``<id>@<revision>``."""
    return tuple(f"{intent.id}@{intent.revision}" for intent in intents)


def short(*parts: str) -> str:
    """Return a short digest of some texts: to tell apart what a person changed, never to find a reply by."""
    whole = "\0".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(whole).hexdigest()[:_DIGITS]


@cache
def _rules() -> str:
    return short(rules_text())


def _files(shown: Iterable[Shown]) -> list[tuple[str, str | None]]:
    return [(each.path, each.text) for each in shown]


def _lists(named: Mapping[str, tuple[str, ...]]) -> list[tuple[str, tuple[str, ...]]]:
    return list(named.items())
