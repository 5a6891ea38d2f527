"""Hidden knowledge: what generated code holds that no prompt, test, document or other kept file mentions.

A regeneration is free to change or drop exactly this. Names that only other generated code uses are left out:
both sides are written anew together.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from regen_git.replay.risk.material import is_python, is_script
from regen_git.replay.risk.mentions import compact, mentioned_in
from regen_git.replay.risk.other_names import in_other
from regen_git.replay.risk.python_names import in_python
from regen_git.replay.risk.script_names import in_script
from regen_git.replay.risk.values import Finding, Known, SourceFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from regen_git.domain.ids import RepoPath
    from regen_git.replay.risk.material import Material

__all__ = ["Hidden", "find_hidden", "known_in"]

_IDENTIFIER = re.compile(r"[A-Za-z_$][\w$]*")
_FRONT = re.compile(
    r"(?:^|/)(?:lib\.rs|mod\.ts)$|^(?:(?:packages|libs|crates)/[^/]+/)?(?:src/|lib/)?index\.[cm]?[jt]sx?$"
)
_ALL = re.compile(r"^__all__\s*(?::[^=\n]*)?\+?=\s*[\[(]([^\])]*)", re.MULTILINE)
_EXPORTED = re.compile(r"\b(?:import|export|__all__|pub use|pub mod)\b[^;\n({\[]*(?:[({\[][^)}\]]{0,4000})?")
_METHODS_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Hidden:
    """The findings, and how much there was to know: ``known`` counts all, ``unread`` are broken files."""

    findings: tuple[Finding, ...]
    known: int
    hidden: int
    held: int
    unread: tuple[RepoPath, ...]


@lru_cache(maxsize=2048)
def known_in(file: SourceFile) -> tuple[Known, ...] | None:
    """Return what a file holds that others may rely on; ``None`` when it cannot be read."""
    if is_python(file.path):
        found = in_python(file.text)
    elif is_script(file.path):
        found = in_script(file.text)
    else:
        found = in_other(file.path, file.text)
    if found is None:
        return None
    # A field of a declared type says more than the same key where it is used.
    fields = {one.name.rpartition(".")[2] for one in found if one.what in ("field", "setting")}
    return tuple(one for one in found if one.what != "data key" or one.name not in fields)


def find_hidden(material: Material, asked: Sequence[str], *, is_surface_kept: bool) -> Hidden:
    """Return what nothing mentions.

    ``asked`` are the texts of prompts or of the spec. ``is_surface_kept``: each step is judged by a gate that
    fails when a public name goes, and the request names them.
    """
    holdings: dict[SourceFile, tuple[Known, ...]] = {}
    unread: list[RepoPath] = []
    for file in material.generated:
        found = known_in(file)
        if found is None:
            unread.append(file.path)
        else:
            holdings[file] = found
    used = _uses(material.generated)
    front = _front(material)
    relied = [
        (file, one)
        for file, found in holdings.items()
        for one in found
        if not one.is_name or _is_for_others(one, file, used, front)
    ]
    others = [*(file.text for file in (*material.tests, *material.kept)), *material.paths]
    said = mentioned_in(
        [*asked, *others], {compact(text) for _, one in relied for text in one.texts}
    ) | mentioned_in(asked, {number for _, one in relied for number in one.numbers})
    lost = [(file, one) for file, one in relied if not _is_mentioned(one, said)]
    findings = _findings(lost, is_surface_kept=is_surface_kept)
    held = sum(one.is_held for one in findings)
    return Hidden(tuple(findings), len(relied), len(findings) - held, held, tuple(unread))


def _is_mentioned(one: Known, said: set[str]) -> bool:
    # A name of signs alone cannot be found as a word; it is not told as lost either.
    words = [compact(text) for text in one.texts]
    return not any(words) or any(word in said for word in (*words, *one.numbers))


def _uses(files: Iterable[SourceFile]) -> dict[str, dict[RepoPath, int]]:
    """Return how often each generated file names an identifier."""
    used: dict[str, dict[RepoPath, int]] = defaultdict(dict)
    for file in files:
        for word, count in Counter(_IDENTIFIER.findall(file.text)).items():
            used[word][file.path] = count
    return used


def _front(material: Material) -> set[str]:
    """Return the names that packages hand on: what callers outside the repository import."""
    existing = set(material.paths)
    return {
        word
        for file in material.generated
        if _FRONT.search(file.path) or _is_outermost(file.path, existing)
        for exported in _EXPORTED.findall(file.text)
        for word in _IDENTIFIER.findall(exported)
    }


def _is_outermost(path: RepoPath, existing: set[RepoPath]) -> bool:
    """Whether a path is the front of a Python package that is in no other package."""
    folder, _, name = path.rpartition("/")
    outer = folder.rpartition("/")[0]
    return name == "__init__.py" and f"{outer}/__init__.py".lstrip("/") not in existing


def _is_for_others(
    one: Known, file: SourceFile, used: dict[str, dict[RepoPath, int]], front: set[str]
) -> bool:
    """Whether a name is for callers whom nobody writes anew: one that is handed on, or used nowhere.

    A Python name that its own module uses is taken for a helper, unless ``__all__`` says otherwise.
    """
    name = one.name.rpartition(".")[2]
    if name in front:
        return True
    if used[name].keys() - {file.path}:
        return False
    if is_script(file.path) and one.what != "method":
        return True
    return used[name].get(file.path, 0) <= 1 or name in _handed_on(file)


@lru_cache(maxsize=2048)
def _handed_on(file: SourceFile) -> frozenset[str]:
    """Return the names in ``__all__``."""
    return frozenset(word for found in _ALL.findall(file.text) for word in _IDENTIFIER.findall(found))


def _findings(lost: Sequence[tuple[SourceFile, Known]], *, is_surface_kept: bool) -> list[Finding]:
    """Make a finding of each, once a name; the methods of a class that is lost itself are told with it."""
    classes = {(file.path, one.name) for file, one in lost if one.what == "class"}
    methods: dict[tuple[RepoPath, str], list[str]] = defaultdict(list)
    rest = []
    for file, one in lost:
        owner, _, name = one.name.rpartition(".")
        if one.what == "method" and (file.path, owner) in classes:
            methods[file.path, owner].append(name)
        else:
            rest.append((file, one))
    seen: set[tuple[str, str]] = set()
    findings = []
    for file, one in sorted(rest, key=lambda item: (item[0].path, item[1].line, item[1].name)):
        if one.what != "constant" and not one.is_name:
            if (one.what, one.name) in seen:
                continue
            seen.add((one.what, one.name))
        is_held = is_surface_kept and one.is_name and (is_python(file.path) or is_script(file.path))
        findings.append(_finding(file, one, methods.get((file.path, one.name), []), is_held=is_held))
    return findings


def _finding(file: SourceFile, one: Known, methods: list[str], *, is_held: bool) -> Finding:
    inside = ""
    if methods:
        more = f" and {len(methods) - _METHODS_SHOWN} more" if len(methods) > _METHODS_SHOWN else ""
        inside = f", with {', '.join(methods[:_METHODS_SHOWN])}{more}"
    why = f"{one.what} '{one.name}'{inside}: no prompt, test or document that stays mentions it"
    if is_held:
        why += "; the gate of the public surface keeps it"
        what_next = "nothing, unless callers rely on more than its name and parameters"
    else:
        what_next = "name it in a prompt, the spec or a frozen test, or put 'regen: keep' around it"
    return Finding("hidden", why, what_next, file.path, one.line, None, one.name, one.what, is_held)
