"""What the modules of a spec are made of, read from the source: files, people's lines, tests, surface."""

from __future__ import annotations

import json
import re
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from regen_git.config import LONGEST_TEXT, Kind, Ownership
from regen_git.config.ownership import is_text
from regen_git.domain.digests import sha256
from regen_git.git.trees import EXECUTABLE, REGULAR, Leaf, walk
from regen_git.replay.compose import text_of
from regen_git.replay.context import Surroundings
from regen_git.replay.folded.asking import RULES_DIGEST, Asked
from regen_git.replay.folded.last import read_last
from regen_git.replay.folded.mentions import Mentions
from regen_git.replay.folded.modules import PROJECT, WHOLE, Module, as_one, make_modules
from regen_git.replay.imports import imported_paths
from regen_git.replay.people.authorship import people_in
from regen_git.replay.people.regions import kept_regions
from regen_git.replay.reply.paths import path_problem
from regen_git.replay.request import Shown
from regen_git.spec.pages import for_model
from regen_git.verify.surface import bare_name, interface, public_surface

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from regen_git.domain.ids import RepoPath
    from regen_git.git.commits import Commit
    from regen_git.git.repository import Repository
    from regen_git.replay.options import ReplayOptions
    from regen_git.replay.people.authorship import Hunk
    from regen_git.spec.values import Page

__all__ = ["AFRESH", "CHANGED", "SourceTree", "digest_of", "tests_digest"]

_WORD = re.compile(rb"[A-Za-z_][A-Za-z0-9_]{2,}")


CHANGED = {
    "model": "the model or its parameters changed",
    "rules": "this version of git-regen asks in other words",
    "spec": "its page of the spec changed",
    "project": "the page of the whole project, or its conventions, changed",
    "tests": "frozen tests or migrations that it is shown changed",
    "people": "lines by people in its files changed",
    "interface": "its agreed interface changed",
    "needs": "the public surface of a module it needs changed",
}
"""What to say where an input of this kind is another one than last time."""

AFRESH = "asked afresh"
"""How the reason begins of a module that a person wants asked again, whatever its inputs."""


class SourceTree:
    """Reads what modules are made of from one tree."""

    def __init__(
        self,
        repo: Repository,
        tip: Commit,
        ownership: Ownership,
        pages: Sequence[Page],
        options: ReplayOptions,
    ) -> None:
        self.repo = repo
        self.store = repo.objects
        self.tip = tip
        self.ownership = ownership
        self.options = options
        self.pages = pages
        self.last = read_last(repo, tip.id)
        self.surroundings = Surroundings(self.store, ownership)
        self.leaves = dict(walk(self.store, tip.tree))
        self.hunks: dict[RepoPath, tuple[Hunk, ...]] = {}
        self.by_people: dict[str, tuple[RepoPath, ...]] = {}
        self.left: dict[RepoPath, str] = {}
        self._imports: dict[RepoPath, list[RepoPath]] = {}
        self._named: tuple[frozenset[RepoPath], set[RepoPath]] = (frozenset(), set())
        self._claimed: frozenset[RepoPath] = frozenset()
        self._words: frozenset[bytes] = frozenset()

    def modules(self) -> tuple[Module, ...]:
        """Return the modules, with the files that a model may write; those that people alone wrote stay."""
        files = [path for path, leaf in self.leaves.items() if self._is_model_s(path, leaf)]
        known = self._known()
        found = make_modules(self.pages, files, known=known, imports=self._imported)
        claimed = [path for module in found for path in module.files]
        self.hunks = {path: some for path, some in people_in(self.repo, self.tip.id, claimed).items() if some}
        theirs = {path for path in claimed if self._is_people_s(path)}
        if theirs:
            for module in found:
                mine = tuple(path for path in module.files if path in theirs)
                if mine:
                    self.by_people[module.name] = mine
            kept = [path for path in files if path not in theirs]
            found = make_modules(self.pages, kept, known=known, imports=self._imported)
        if self.options.mode == "oneshot":
            found = (as_one(found),)
        self._claimed = frozenset(path for module in found for path in module.files)
        named = {page.name for page in self.pages}
        written = ((path, name) for name, made in self.last.modules.items() for path in made.wrote)
        self.left = {
            path: name
            for path, name in written
            if name not in named and path in self.leaves and path not in self._claimed
        }
        self._words = self._used_words()
        return found

    def _known(self) -> dict[str, set[RepoPath]]:
        """Return the files that each page's last generation wrote; those of all together are one page's."""
        known = {name: set(made.wrote) for name, made in self.last.modules.items()}
        free = [page.name for page in self.pages if page.name != PROJECT and not page.paths]
        if WHOLE in known and free and (len(free) == 1 or self.options.mode == "oneshot"):
            known.setdefault(free[0], set()).update(known.pop(WHOLE))
        return known

    def material(self, module: Module) -> tuple[Asked, frozenset[str]]:
        """Return what a module's request holds before other modules are there, and names that may go."""
        surface, free = self._surface(module)
        asked = Asked(
            pages={page.name: for_model(page) for page in module.pages},
            project=self._project,
            intents=module.intents,
            files={module.name: module.files},
            patterns={module.name: module.patterns},
            surface=surface,
            tests=self.tests_about(module.name, module.files, self._claimed),
            migrations=self._migrations,
            hand=self._hand(module),
            conventions=self._conventions,
            built=self._imported_by(module),
        )
        return asked, free

    def _imported_by(self, module: Module) -> tuple[Shown, ...]:
        """Return what stays as it is and is imported by the module's files, by heads and signatures."""
        found = {path for file in module.files for path in self._imported(file)}
        stays = sorted(path for path in found if path not in self._claimed)
        shown = ((path, interface(path, self._text(self.leaves[path]))) for path in stays)
        return tuple(Shown(path, heads) for path, heads in shown if heads)

    def _imported(self, path: RepoPath) -> list[RepoPath]:
        """Return the files that one imports; each is read once."""
        if path not in self._imports:
            text = self._text(self.leaves[path])
            self._imports[path] = imported_paths(path, text, self.leaves.__contains__)
        return self._imports[path]

    def is_added_to(self, path: RepoPath) -> bool:
        """Return whether existing files stay at such a path, and new ones may join them."""
        return self.ownership.classify(path, REGULAR) is Kind.APPEND

    def _is_model_s(self, path: RepoPath, leaf: Leaf) -> bool:
        if leaf.mode not in (REGULAR, EXECUTABLE) or path_problem(path) is not None:
            return False
        data = lambda: self.store.short_blob(leaf.oid, LONGEST_TEXT)  # noqa: E731 - read only when names leave it open
        return self.ownership.classify(path, leaf.mode, data) is Kind.MODEL

    def _is_people_s(self, path: RepoPath) -> bool:
        """Return whether every line of a file is a person's; an empty file is nobody's."""
        total = len(self._text(self.leaves[path]).splitlines())
        return 0 < total <= sum(len(hunk.lines) for hunk in self.hunks.get(path, ()))

    def _text(self, leaf: Leaf) -> str:
        data = self.store.blob(leaf.oid)
        return text_of(data) if is_text(data) else ""

    def _used_words(self) -> frozenset[bytes]:
        """Return every word of the files that no module makes anew: names among them must stay."""
        words: set[bytes] = set()
        for path, leaf in self.leaves.items():
            if path in self._claimed or leaf.mode not in (REGULAR, EXECUTABLE) or path.startswith(".regen/"):
                continue
            data = self.store.short_blob(leaf.oid, LONGEST_TEXT)
            if data is not None and is_text(data):
                words.update(_WORD.findall(data))
        return frozenset(words)

    def _surface(self, module: Module) -> tuple[dict[RepoPath, tuple[str, ...]], frozenset[str]]:
        """Return the public names by path that others use, and all that nobody does."""
        used: dict[RepoPath, tuple[str, ...]] = {}
        free: set[str] = set()
        for path in module.files:
            names = public_surface(path, self._text(self.leaves[path])) or frozenset()
            kept = {n for n in names if bare_name(n).rpartition(".")[2].encode() in self._words}
            free |= {bare_name(name) for name in names - kept}
            if kept:
                used[path] = tuple(sorted(kept))
        return used, frozenset(free)

    def tests_about(
        self, name: str, files: Collection[RepoPath], claimed: frozenset[RepoPath]
    ) -> tuple[Shown, ...]:
        """Return the tests about a module, then those about no file of any; ``claimed`` are all of these."""
        if self._named[0] != claimed:
            self._named = frozenset(claimed), self.mentions.of_any(claimed)
        about = self.mentions.of_any([*files, f"{name}.md"])
        others = self._named[1]
        mine = [test for test in self._tests if test.path in about]
        general = [test for test in self._tests if test.path not in about and test.path not in others]
        return (*mine, *general)

    @cached_property
    def _tests(self) -> list[Shown]:
        found = self.surroundings.test_files(self.tip.tree)
        return [Shown(path, text) for path, leaf in found if (text := self._text(leaf))]

    @cached_property
    def mentions(self) -> Mentions:
        """Which of the tests that may be shown speak of which files."""
        return Mentions({test.path: test.text or "" for test in self._tests})

    @cached_property
    def _project(self) -> str:
        return next((for_model(page) for page in self.pages if page.name == PROJECT), "")

    @cached_property
    def _conventions(self) -> tuple[Shown, ...]:
        return self.surroundings.conventions(self.tip.tree)

    @cached_property
    def _migrations(self) -> tuple[Shown, ...]:
        found = [
            (path, leaf)
            for path, leaf in self.leaves.items()
            if self.ownership.classify(path, leaf.mode) is Kind.APPEND and leaf.mode in (REGULAR, EXECUTABLE)
        ]
        return tuple(Shown(path, text) for path, leaf in found if (text := self._text(leaf)))

    def _hand(self, module: Module) -> dict[RepoPath, tuple[str, ...]]:
        """Return what people hold in this module's files: their lines, and kept regions."""
        found: dict[RepoPath, tuple[str, ...]] = {}
        for path in module.files:
            theirs = [hunk.lines for hunk in self.hunks.get(path, ()) if hunk.lines]
            blocks = ["".join(line + "\n" for line in lines) for lines in theirs]
            regions = [region.text for region in kept_regions(self._text(self.leaves[path]))]
            kept = [block for block in blocks if not any(block in region for region in regions)]
            if regions or kept:
                found[path] = (*regions, *kept)
        return found

    def inputs(self, asked: Asked) -> dict[str, str]:
        """Return digests of all that the request holds before other modules are there, by kind.

        Which of its names other code uses is none of them: a module that stays keeps every name it has.
        """
        conventions = [(shown.path, shown.text) for shown in asked.conventions]
        return {
            "model": digest_of([self.options.model, self.options.parameters]),
            "rules": RULES_DIGEST,
            "spec": digest_of([asked.pages, asked.patterns]),
            "project": digest_of([asked.project, conventions]),
            "tests": tests_digest(asked.tests, asked.migrations),
            "people": digest_of(list(asked.hand.items())),
        }

    def why(self, module: Module, inputs: Mapping[str, str]) -> tuple[str, ...]:
        """Return why a module must be made anew; nothing where it can stay as it is."""
        if not self.options.goes_by_changes:
            return ("everything is made anew",)
        since = self.options.since
        if since is not None and any(intent.startswith(since.lower()) for intent in module.intents):
            return (f"{AFRESH} from {since} on",)
        last = self.last.modules.get(module.name)
        if last is None:
            return ("was never generated",)
        gone = [path for path in last.wrote if path not in self.leaves]
        if gone:
            return (f"{gone[0]} is gone",)
        return tuple(CHANGED[kind] for kind in inputs if last.inputs.get(kind) != inputs[kind])


def tests_digest(*shown: Sequence[Shown]) -> str:
    """Return the digest of frozen files that a request shows."""
    return digest_of([(each.path, _digest_of_text(each.text or "")) for some in shown for each in some])


@lru_cache(maxsize=4096)
def _digest_of_text(text: str) -> str:
    """Return the digest of a file; the same ones are shown to many modules."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def digest_of(value: object) -> str:
    """Return a short digest of plain values, the same in every process."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), sort_keys=False)
    return sha256(text.encode("ascii")).hexdigest()[:16]
