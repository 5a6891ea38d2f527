"""Plan the generation of a spec: its modules, what each request holds, and why each module must run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from regen_git.config import Ownership
from regen_git.domain.ids import IntentId
from regen_git.domain.intent import Binding, LineRange
from regen_git.errors import ReplayError, UsageError
from regen_git.git.commits import read_commit
from regen_git.git.trees import edit
from regen_git.llm.client import prompt_estimate
from regen_git.replay.facts import CommitFacts, Source
from regen_git.replay.folded.asking import Asked, module_request
from regen_git.replay.folded.last import Last
from regen_git.replay.folded.modules import PROJECT, Module, Territory
from regen_git.replay.folded.source import SourceTree
from regen_git.replay.plan import Kind as StepKind
from regen_git.replay.plan import Plan, Step
from regen_git.replay.prepare import Prepared
from regen_git.spec.pages import for_model, read_pages

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from regen_git.config import Settings
    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.git.commits import Commit
    from regen_git.git.objects import ObjectStore
    from regen_git.git.repository import Repository
    from regen_git.replay.options import ReplayOptions
    from regen_git.replay.people.authorship import Hunk
    from regen_git.spec.values import Page

__all__ = ["INTERFACES_STEP", "FoldedPrepared", "Unit", "prepare_folded"]

INTERFACES_STEP = "interfaces"
"""What the step of the interface pass is called, where modules have names."""

_NOBODY = IntentId("0" * 16)


@dataclass(frozen=True, slots=True)
class Unit:
    """One module, planned. ``asked`` lacks only what other modules come to.

    ``inputs`` are digests, by kind, of all that is known beforehand of what the module rests on; ``why``
    says what must be made anew, empty where the module stays as it is. ``free`` are public names that
    nothing else uses. ``own`` is the tree of all that is no module's, and this module's files as the source
    has them; ``by_people`` are files of the module that people alone wrote, which stay.
    """

    module: Module
    asked: Asked
    inputs: Mapping[str, str]
    why: tuple[str, ...]
    free: frozenset[str]
    own: Oid
    by_people: tuple[RepoPath, ...] = ()


@dataclass
class FoldedPrepared(Prepared):
    """A generation that is planned and has asked nothing yet. ``base`` holds all that is no module's."""

    units: tuple[Unit, ...] = ()
    tip: Commit = field(kw_only=True)
    base: Oid = ""
    territory: Territory = field(kw_only=True)
    last: Last = field(default_factory=Last)
    source: SourceTree = field(kw_only=True)

    @property
    def hunks(self) -> Mapping[RepoPath, tuple[Hunk, ...]]:
        """What people wrote into the files of modules, by path."""
        return self.source.hunks

    @property
    def has_interfaces(self) -> bool:
        """Whether the modules agree on interfaces first: one module alone has nobody to agree with."""
        return len(self.units) > 1

    def index_of(self, position: int) -> int:
        """Return the index of the step of the unit at this position."""
        return position + int(self.has_interfaces)


def prepare_folded(repo: Repository, options: ReplayOptions, settings: Settings) -> FoldedPrepared:
    """Read the spec at the source and plan. Raises ``ReplayError`` where there is none, or it cannot fit."""
    store = repo.objects
    tip = read_commit(store, options.tip)
    pages = read_pages(store, tip.tree)
    if not any(page.name != PROJECT for page in pages):
        raise ReplayError(
            f"there is no spec at '{tip.id[:12]}'",
            hint="'git regen fold' writes one from the recorded prompts, 'git regen init --spec' a first "
            "page; commit it, then try again",
        )
    _refuse_empty(pages)
    source = SourceTree(repo, tip, Ownership(settings.paths), pages, options)
    modules = source.modules()
    if options.since is not None:
        _check_since(options.since, modules)
    base = edit(store, tip.tree, dict.fromkeys(path for module in modules for path in module.files))
    units = tuple(_unit(store, source, module, base) for module in modules)
    prepared = FoldedPrepared(
        repo,
        options,
        settings,
        [],
        Plan((), 0),
        source.ownership,
        units,
        tip=tip,
        base=base,
        territory=Territory(modules, source.leaves, source.is_added_to),
        last=source.last,
        source=source,
    )
    _plan_steps(prepared, Source(store, source.ownership))
    if options.mode == "oneshot":
        _refuse_too_long(prepared)
    return prepared


def _check_since(since: str, modules: Sequence[Module]) -> None:
    """Raise ``UsageError`` unless statements of the spec rest on one intent of this beginning."""
    known = {intent for module in modules for intent in module.intents}
    found = sorted(intent for intent in known if intent.startswith(since.lower()))
    if len(found) > 1:
        raise UsageError(f"'{since}' could be {len(found)} intents", hint="give more of the id")
    if not found:
        raise UsageError(
            f"no statement of the spec rests on '{since}'",
            hint="the pages of '.regen/spec' name intents in brackets; edit a page, and say '--changed'",
        )


def _refuse_empty(pages: Sequence[Page]) -> None:
    """Refuse a page that has a title and nothing else: a model would be paid for a guess.

    One with ``paths`` is a module all the same: what it must do is on the pages that need it.
    """
    for page in pages:
        lines = [line.strip() for line in for_model(page).splitlines()]
        says_something = any(line and not line.startswith("#") for line in lines)
        if page.name != PROJECT and not page.paths and not says_something:
            raise ReplayError(
                f"page '{page.name}' of the spec asks for nothing yet",
                hint=f"write in '.regen/spec/{page.name}.md' what is wanted and commit it; files of a page "
                "that is removed stay as they are",
            )


def _unit(store: ObjectStore, source: SourceTree, module: Module, base: Oid) -> Unit:
    asked, free = source.material(module)
    inputs = source.inputs(asked)
    own = edit(store, base, {path: source.leaves[path] for path in module.files})
    by_people = source.by_people.get(module.name, ())
    return Unit(module, asked, inputs, source.why(module, inputs), free, own, by_people)


def _plan_steps(prepared: FoldedPrepared, source: Source) -> None:
    """Give every module a step and the facts that judging it needs."""
    steps: list[Step] = []
    tip = prepared.tip
    if prepared.has_interfaces:
        prepared.facts.append(
            CommitFacts(source, tip.id, tip.tree, (tip.id,), INTERFACES_STEP, tip.tree, (), ())
        )
        steps.append(Step(0, tip.id, INTERFACES_STEP, StepKind.REGENERATED))
    position = {unit.module.name: prepared.index_of(i) for i, unit in enumerate(prepared.units)}
    for unit in prepared.units:
        module = unit.module
        index = position[module.name]
        kind = StepKind.REGENERATED if unit.why else StepKind.SKIPPED
        needs = tuple(sorted(position[name] for name in module.needs))
        before = (0, *needs) if prepared.has_interfaces else needs
        steps.append(
            Step(
                index,
                tip.id,
                f"module {module.name}",
                kind,
                intents=module.intents,
                wrote=module.files,
                touched=module.files,
                depends_on=before,
            )
        )
        hand = {
            path: tuple(LineRange(h.first, h.last) for h in prepared.hunks.get(path, ()) if h.lines)
            for path in module.files
        }
        binding = Binding(_NOBODY, hand={path: ranges for path, ranges in hand.items() if ranges})
        prepared.facts.append(
            CommitFacts(
                source,
                tip.id,
                unit.own,
                (tip.id,),
                f"module {module.name}",
                prepared.base,
                module.files,
                bindings=(binding,),
            )
        )
    prepared.plan = Plan(tuple(steps), _waves(steps), {})


def _waves(steps: Sequence[Step]) -> int:
    depth: list[int] = []
    for step in steps:
        asks = step.kind is StepKind.REGENERATED
        depth.append(max((depth[index] for index in step.depends_on), default=0) + asks)
    return max(depth, default=0)


def _refuse_too_long(prepared: FoldedPrepared) -> None:
    """Refuse a spec in one request that cannot fit."""
    options = prepared.options
    unit = prepared.units[0]
    request = module_request(
        unit.asked, unit.module.name, model=options.model, parameters=options.parameters, sample=0, room=0
    )
    tokens = prompt_estimate(request)
    if tokens > options.context_tokens:
        raise ReplayError(
            f"the spec needs about {tokens:,} tokens in one request; {options.context_tokens:,} are allowed",
            hint="generate it module by module with '--mode folded', or allow more with --context-tokens",
        )
