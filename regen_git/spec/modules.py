"""Tell which files belong together as one page of the spec, and which page an intent belongs to.

A small project has a page for each source file, a larger one for each folder of few files. Tests, frozen
files and people's are no modules, nor is what describes the whole project, such as ``package.json``.
Documents and data belong to the page whose intents wrote them. The pages that exist decide first, so that
names and borders stay.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from functools import cache
from itertools import combinations
from typing import TYPE_CHECKING

from regen_git.config import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pathspec import GitIgnoreSpec

    from regen_git.domain.ids import RepoPath
    from regen_git.spec.values import Page

__all__ = ["PROJECT", "Modules"]

PROJECT = "project"
"""The page for what speaks of every module."""

_SMALL = 12  # source files up to which each has a page of its own
_FOLDER = 8  # source files that a folder with one page may have
_FEW_GROUPS = 40  # groups of files up to which it is looked at what is written together
_MOST_ACROSS = 3  # one intent in so many may be of several groups
_DOCUMENTS = (".md", ".mdx", ".rst", ".txt", ".adoc")
_DATA = (
    *(".json", ".jsonc", ".toml", ".yaml", ".yml", ".ini", ".cfg", ".conf", ".lock", ".csv", ".svg", ".env"),
    *(".properties", ".gradle", ".cmake"),
)
_PROJECT_FILES = re.compile(
    r"(?:makefile|dockerfile|justfile|procfile|rakefile|gemfile|go\.mod|package\.json|[jt]sconfig.*\.json"
    r"|pyproject\.toml|setup\.(?:cfg|py)|requirements.*\.txt|cargo\.toml|pom\.xml|build\.gradle.*|cmakelists\.txt"
    r"|deno\.jsonc?|composer\.json|mix\.exs|noxfile\.py|.+\.(?:config|setup)\.[cm]?[jt]sx?|\..*)\Z"
)
_ENTRY = frozenset({"index", "__init__", "mod", "lib", "__main__"})


class Modules:
    """Answers which page a footprint belongs to, and which files a new page has."""

    def __init__(
        self, kinds: Mapping[RepoPath, Kind], pages: Sequence[Page], footprints: Iterable[Sequence[RepoPath]]
    ) -> None:
        """``kinds`` are whose the files are that exist, ``pages`` those of the spec as it is."""
        self._kinds = kinds
        self._pages = [(page.name, _matcher(page.paths)) for page in pages if page.paths]
        # A page that names the very file comes first, and spares the others' patterns.
        self._named = {path: page.name for page in reversed(pages) for path in page.paths}
        self._without_paths = [page.name for page in pages if not page.paths and page.name != PROJECT]
        self._taken = {page.name.casefold() for page in pages} | {PROJECT}
        self._of: dict[RepoPath, str] = {}
        self.paths: dict[str, list[RepoPath]] = {}
        """The patterns of each new page."""
        mine = [path for path, kind in sorted(kinds.items()) if kind is Kind.MODEL]
        footprints = list(footprints)
        sources = [path for path in mine if _is_source(path) and self._existing(path) is None]
        for files in _joined(_places(sources), footprints):
            self._place(files)
        self._of.update(
            (path, name)
            for path in mine
            if (name := self._existing(path)) is not None and path not in self._of
        )
        self._place_support([path for path in mine if not _is_source(path)], footprints)

    def page_for(self, wrote: Iterable[RepoPath]) -> str | None:
        """Return the page of what wrote these files; ``None`` where no model may write any of them."""
        mine = [path for path in wrote if self._kinds.get(path) is Kind.MODEL]
        sources = [path for path in mine if _is_source(path)]
        if not mine:
            return None
        names = {self._of.get(path, PROJECT) for path in sources or mine}
        if len(names) > 1 and not sources:
            names.discard(PROJECT)  # what describes the project changes along with much else
        return names.pop() if len(names) == 1 else PROJECT

    def _place(self, files: Sequence[RepoPath], name: str = "") -> None:
        """Give files to the page that has them, or to a new one."""
        new: list[RepoPath] = []
        for path in files:
            found = self._existing(path)
            if found is None:
                new.append(path)
            else:
                self._of[path] = found
        if not new:
            return
        wanted = name or _name(new)
        found = self._free(wanted) or self._unique(wanted, new)
        self._of.update(dict.fromkeys(new, found))
        if found not in self._without_paths:
            self.paths.setdefault(found, []).extend(map(_pattern, new))

    def _existing(self, path: RepoPath) -> str | None:
        named = self._named.get(_pattern(path))
        return named or next((name for name, matches in self._pages if matches(path)), None)

    def _free(self, wanted: str) -> str | None:
        """Return a page without files that can take these: one of that name, or the only page there is."""
        for name in self._without_paths:
            if name.casefold() == wanted.casefold():
                return name
        return self._without_paths[0] if len(self._without_paths) == 1 and not self._pages else None

    def _unique(self, wanted: str, files: Sequence[RepoPath]) -> str:
        """Return a name that no page has, more of the path in it where that is needed."""
        folders = files[0].split("/")[:-1]
        names = [wanted]
        names += [_safe("-".join([*folders[-depth:], wanted])) for depth in range(1, len(folders) + 1)]
        names += [f"{wanted}-{number}" for number in range(2, len(self._taken) + 3)]
        found = next(name for name in names if name.casefold() not in self._taken)
        self._taken.add(found.casefold())
        return found

    def _place_support(self, support: Sequence[RepoPath], footprints: Iterable[Sequence[RepoPath]]) -> None:
        """Give what supports the code to the one page whose intents wrote it; the rest has its own."""
        writers: dict[RepoPath, set[str]] = defaultdict(set)
        waiting = set(support)
        for wrote in footprints:
            names = {self._of[path] for path in wrote if path in self._of}
            for path in wrote:
                if path in waiting and names:
                    writers[path].add(names.copy().pop() if len(names) == 1 else PROJECT)
        apart: list[RepoPath] = []
        for path in support:
            found = self._existing(path)
            names = writers[path]
            is_of_project = _PROJECT_FILES.match(path.rpartition("/")[2].lower()) is not None
            if found is not None:
                self._of[path] = found
            elif len(names) == 1 and PROJECT not in names and not is_of_project:
                (name,) = names
                self._of[path] = name
                if name in self.paths:
                    self.paths[name].append(_pattern(path))
            elif path.lower().endswith(_DOCUMENTS) and not is_of_project:
                apart.append(path)
        self._place(apart, "docs")


def _is_source(path: RepoPath) -> bool:
    name = path.rpartition("/")[2].lower()
    return not name.endswith((*_DOCUMENTS, *_DATA)) and _PROJECT_FILES.match(name) is None


def _places(sources: Sequence[RepoPath]) -> list[list[RepoPath]]:
    """Return source files in groups: by folder where there are many of them, else by stem."""
    below: dict[str, int] = defaultdict(int)
    for path in sources:
        parts = path.split("/")
        for depth in range(1, len(parts)):
            below["/".join(parts[:depth])] += 1
    groups: dict[tuple[str, str], list[RepoPath]] = defaultdict(list)
    for path in sources:
        folders = path.split("/")[:-1]
        heads = ("/".join(folders[:depth]) for depth in range(1, len(folders) + 1))
        small = None if len(sources) <= _SMALL else next((h for h in heads if below[h] <= _FOLDER), None)
        # Where the program's files are is no module of its own.
        key = (small, "") if small is not None else ("/".join(folders), _stem(path))
        groups[key].append(path)
    return [groups[key] for key in sorted(groups)]


def _joined(groups: list[list[RepoPath]], footprints: Iterable[Sequence[RepoPath]]) -> list[list[RepoPath]]:
    """Join the groups that are written together, until most intents are of one group alone.

    In a small program nearly every wish touches the command line and the place where data is kept: its parts
    are one module. What was never written by itself joins what it was written with.
    """
    if len(groups) > _FEW_GROUPS:
        return groups
    at = {path: number for number, files in enumerate(groups) for path in files}
    touched = Counter(frozenset(at[path] for path in wrote if path in at) for wrote in footprints)
    touched.pop(frozenset(), None)
    made = dict(enumerate(groups))
    while (pair := _next_pair(made, touched)) is not None:
        one, other = pair
        made[one] = sorted([*made[one], *made.pop(other)])
        again: Counter[frozenset[int]] = Counter()
        for numbers, times in touched.items():
            again[frozenset(one if number == other else number for number in numbers)] += times
        touched = again
    return [made[number] for number in sorted(made)]


def _next_pair(
    made: Mapping[int, Sequence[RepoPath]], touched: Mapping[frozenset[int], int]
) -> tuple[int, int] | None:
    """Return the two groups to join next, ``None`` where it is enough."""
    across: Counter[tuple[int, int]] = Counter()
    for numbers, times in touched.items():
        for one, other in combinations(sorted(numbers), 2):
            if len(made[one]) + len(made[other]) <= _FOLDER:
                across[one, other] += times
    many = sum(times for numbers, times in touched.items() if len(numbers) > 1)
    if many * _MOST_ACROSS <= sum(touched.values()):
        alone = {number for numbers in touched if len(numbers) == 1 for number in numbers}
        across = Counter({pair: times for pair, times in across.items() if not alone.issuperset(pair)})
    return max(across, key=lambda pair: (across[pair], -pair[0], -pair[1])) if across else None


def _stem(path: RepoPath) -> str:
    """Return a file's name up to its first dot: what a source and its header, or its styles, share."""
    return path.rpartition("/")[2].partition(".")[0]


def _name(files: Sequence[RepoPath]) -> str:
    """Return what to call a group of files: their stem, or the folder that they share."""
    stems = {_stem(path) for path in files}
    folders = files[0].split("/")[:-1]
    if len(stems) > 1:
        shared = [path.split("/")[:-1] for path in files]
        while any(folder[: len(folders)] != folders for folder in shared):
            folders = folders[:-1]
    elif stems.isdisjoint(_ENTRY) or not folders:
        return _safe(stems.pop())
    return _safe(folders[-1] if folders else "app")


def _safe(name: str) -> str:
    return re.sub(r"[^\w.-]+|[^\x21-\x7e]+", "-", name).strip("-._") or "module"


def _pattern(path: RepoPath) -> RepoPath:
    """Return the pattern that matches this file alone, as ``.gitignore`` has them."""
    escaped = re.sub(r"([\\*?\[!#])", r"\\\1", path)
    if escaped.endswith(" "):
        escaped = f"{escaped[:-1]}\\ "
    return escaped if "/" in path else f"/{escaped}"


def _matcher(paths: Sequence[RepoPath]) -> Callable[[RepoPath], bool]:
    """Return what tells whether a file is among these; most are found by name, and no pattern is read."""

    @cache
    def spec() -> GitIgnoreSpec:
        from pathspec import GitIgnoreSpec

        return GitIgnoreSpec.from_lines(paths)

    return lambda path: spec().match_file(path)
