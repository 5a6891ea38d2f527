"""Make the risk report of a replay: over a plan of steps, or over a spec and the tree it would replace.

Asks no model, runs nothing and writes nothing; only the tip's tree is read.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from regen_git.config.ownership import is_text
from regen_git.git.commits import read_commit
from regen_git.git.history import read_span
from regen_git.git.trees import lookup
from regen_git.replay.compose import text_of
from regen_git.replay.facts import read_facts
from regen_git.replay.folded.planning import FoldedPrepared
from regen_git.replay.people.authorship import people_in
from regen_git.replay.plan import Kind
from regen_git.replay.risk.coverage import Coverage, read_coverage
from regen_git.replay.risk.hidden import find_hidden
from regen_git.replay.risk.material import Material, read_material
from regen_git.replay.risk.people import find_people
from regen_git.replay.risk.rules import judge
from regen_git.replay.risk.silent import Silent, find_silent, silent_in_plan, silent_in_range
from regen_git.replay.risk.state import find_state
from regen_git.replay.risk.strength import find_untested, unfrozen_tests
from regen_git.replay.risk.values import KINDS, Finding, Measures, Risk
from regen_git.spec.pages import for_model, read_pages

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from regen_git.config import Ownership, Settings
    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.git.repository import Repository
    from regen_git.replay.facts import CommitFacts
    from regen_git.replay.people.authorship import Hunk
    from regen_git.replay.prepare import Prepared

__all__ = ["assess"]

_BLAME_S = 0.6  # seconds that may go into asking who wrote which line
_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class _Subject:
    """What is judged.

    ``asked`` are the words that a model is told, ``suspects`` the files people may be in; ``hunks`` what they
    wrote, where that is known already.
    """

    repo: Repository
    tip: Oid
    settings: Settings
    ownership: Ownership
    generated: frozenset[RepoPath]
    asked: tuple[str, ...]
    silent: tuple[Silent, ...]
    commits: int
    suspects: frozenset[RepoPath]
    is_from_spec: bool
    hunks: Mapping[RepoPath, tuple[Hunk, ...]] | None = None


def assess(prepared: Prepared) -> Risk:
    """Return the report of a replay: of history, chained or anchored, or of the spec, folded or oneshot."""
    if isinstance(prepared, FoldedPrepared):
        return _assess_spec(prepared)
    repo, tip = prepared.repo, prepared.options.tip
    pages = read_pages(repo.objects, read_commit(repo.objects, tip).tree)
    steps = [step for step in prepared.plan.steps if step.kind is Kind.REGENERATED]
    generated = frozenset(path for step in steps for path in step.wrote)
    silent, commits = silent_in_plan(prepared.facts, prepared.plan)
    asked = [word for step in steps for word in _words(prepared.facts[step.index])]
    asked += _shown_before(prepared)
    asked += [for_model(page) for page in pages]
    return _report(
        _Subject(
            repo,
            tip,
            prepared.settings,
            prepared.ownership,
            generated,
            tuple(asked),
            tuple(silent),
            commits,
            _suspects(repo, prepared.facts, generated),
            is_from_spec=False,
        )
    )


def _assess_spec(prepared: FoldedPrepared) -> Risk:
    """Judge the modules that run: what stays as it is loses nothing."""
    repo, tip = prepared.repo, prepared.tip.id
    running = [unit for unit in prepared.units if unit.why]
    paths = frozenset(path for unit in running for path in unit.module.files)
    facts = read_facts(repo, read_span(repo, tip), prepared.ownership) if paths else []
    silent, commits = silent_in_range(facts, paths)
    return _report(
        _Subject(
            repo,
            tip,
            prepared.settings,
            prepared.ownership,
            paths,
            tuple(for_model(page) for page in read_pages(repo.objects, prepared.tip.tree)),
            tuple(silent),
            commits,
            paths & prepared.hunks.keys(),
            is_from_spec=True,
            hunks=prepared.hunks,
        )
    )


def _words(facts: CommitFacts) -> Iterator[str]:
    """Yield what a request for this commit tells in people's words."""
    for intent in facts.intents:
        for prompt in intent.prompts:
            yield prompt.text
            if prompt.answers:
                yield prompt.answers
        if intent.approved:
            yield intent.approved


def _shown_before(prepared: Prepared) -> Iterator[str]:
    """Yield each file as it was before its first regeneration: a request shows that, so it is no secret."""
    store = prepared.repo.objects
    seen: set[RepoPath] = set()
    for step in prepared.plan.steps:
        parent = prepared.facts[step.index].parent_tree
        for path in step.wrote if step.kind is Kind.REGENERATED else ():
            if path in seen:
                continue
            seen.add(path)
            leaf = lookup(store, parent, path) if parent is not None else None
            data = store.short_blob(leaf.oid, 1 << 20) if leaf is not None else None
            if data is not None and is_text(data):
                yield text_of(data)


def _suspects(
    repo: Repository, facts: Sequence[CommitFacts], generated: frozenset[RepoPath]
) -> frozenset[RepoPath]:
    """Return the files in which people can have lines: others need not be blamed."""
    found = {
        path
        for each in facts
        for path in each.touched
        if path in generated and (not each.intents or each.mark == "human")
    }
    found |= {path for each in facts for binding in each.bindings for path in binding.hand or ()}
    base = facts[0].parent_tree if facts else None
    if base is not None:
        found |= {path for path in generated if lookup(repo.objects, base, path) is not None}
    return frozenset(found) & generated


def _report(subject: _Subject) -> Risk:
    repo, settings = subject.repo, subject.settings
    commit = read_commit(repo.objects, subject.tip)
    material = read_material(repo.objects, commit.tree, subject.ownership, subject.generated)
    hidden = find_hidden(material, subject.asked, is_surface_kept=not subject.is_from_spec)
    limits = [*material.limits]
    limits += [f"'{path}' cannot be parsed, so what it holds is not known" for path in hidden.unread]
    coverage = _coverage(subject, material)
    limits += [coverage.problem] if coverage.problem else []
    strength = find_untested(material, coverage)
    state, stores, writes = find_state(
        material.paths, material.generated, subject.ownership, has_contract=settings.state is not None
    )
    people, late = _people(subject, material)
    limits += [late] if late else []
    silent = find_silent(repo, subject.silent, is_from_spec=subject.is_from_spec)
    measures = Measures(
        files=len(material.generated),
        lines=sum(file.text.count("\n") for file in material.generated),
        known=hidden.known,
        hidden=hidden.hidden,
        held=hidden.held,
        commits=subject.commits,
        silent=len(subject.silent),
        checks=len(settings.checks),
        frozen_tests=len(material.tests),
        tests=strength.tests,
        code_files=strength.touched + strength.untested,
        untested=strength.untested,
        people=len(people),
        stores=stores,
        writes=writes,
        has_state=settings.state is not None,
    )
    verdict, reasons = judge(measures, is_from_spec=subject.is_from_spec)
    found = [*_missing(measures, material), *state, *silent, *people, *hidden.findings, *strength.findings]
    found.sort(key=lambda one: KINDS.index(one.kind))
    return Risk(verdict, reasons, tuple(found), measures, strength.evidence, tuple(limits))


def _missing(measures: Measures, material: Material) -> Iterator[Finding]:
    hint = "write them to '.regen/config.yaml'; 'git regen init' proposes some"
    if not measures.checks:
        yield Finding("checks", "no checks are configured: nothing runs the result", hint)
    loose = unfrozen_tests(material.loose_tests)
    if loose is not None:
        yield loose
    elif not measures.frozen_tests:
        yield Finding("tests", "no tests are frozen: nothing holds the result to what it must do", hint)


def _coverage(subject: _Subject, material: Material) -> Coverage:
    """Read a report of the working tree, where it is the tip's and not older than it."""
    top = subject.repo.worktree
    if top is None or not material.generated:
        return Coverage()
    newer_than = read_commit(subject.repo.objects, subject.tip).time
    return read_coverage(top, {file.path for file in material.generated}, newer_than)


def _people(subject: _Subject, material: Material) -> tuple[list[Finding], str]:
    """Ask who wrote which line, for as long as that may take."""
    is_carried = not subject.is_from_spec
    if subject.hunks is not None:
        return find_people(material.generated, subject.hunks, is_carried=is_carried), ""
    files = sorted(
        (file for file in material.generated if file.path in subject.suspects), key=lambda f: f.path
    )
    hunks: dict[RepoPath, tuple[Hunk, ...]] = {}
    begun = time.monotonic()
    for at in range(0, len(files), _AT_ONCE):
        if time.monotonic() - begun > _BLAME_S:
            left = f"{len(files) - at:,} of {len(files):,}"
            rest = f"{left} files were not searched for lines of people: that takes long"
            return find_people(files, hunks, is_carried=is_carried), rest
        hunks |= people_in(subject.repo, subject.tip, [file.path for file in files[at : at + _AT_ONCE]])
    return find_people(files, hunks, is_carried=is_carried), ""
