"""Programming languages: what a path's ending says, and what a fence is marked with."""

from __future__ import annotations

from functools import lru_cache
from pathlib import PurePosixPath

__all__ = ["language_of", "other_language"]

# Name, endings, and other marks on fences. Languages that share files or are mixed up in marks are one.
_LANGUAGES = (
    ("python", "py pyi", "python3 py2 py3 pycon"),
    ("go", "go", "golang"),
    ("rust", "rs", ""),
    ("java", "java", ""),
    ("kotlin", "kt kts", ""),
    ("scala", "scala sc", ""),
    ("swift", "swift", ""),
    ("c", "c h cc cpp cxx hh hpp hxx ino m mm", "c++ objc objective-c objectivec arduino cuda"),
    ("c#", "cs", "csharp dotnet"),
    ("f#", "fs fsx", "fsharp"),
    ("javascript", "js mjs cjs jsx ts tsx mts cts vue svelte astro", "typescript node javascriptreact"),
    ("ruby", "rb rake", "ruby2 ruby3"),
    ("php", "php", ""),
    ("perl", "pl pm", ""),
    ("lua", "lua", ""),
    ("haskell", "hs lhs", ""),
    ("elixir", "ex exs heex", ""),
    ("erlang", "erl hrl", ""),
    ("clojure", "clj cljs cljc edn", ""),
    ("ocaml", "ml mli", ""),
    ("dart", "dart", ""),
    ("julia", "jl", ""),
    ("zig", "zig", ""),
    ("nim", "nim", ""),
)
_BY_ENDING = {ending: name for name, endings, _ in _LANGUAGES for ending in endings.split()}
_BY_MARK = {
    mark: name for name, endings, marks in _LANGUAGES for mark in (name, *endings.split(), *marks.split())
}


@lru_cache(maxsize=65_536)
def language_of(path: str) -> str | None:
    """Return the programming language that a path's ending says; ``None`` for any other file."""
    return _BY_ENDING.get(PurePosixPath(path).suffix[1:].lower())


def other_language(path: str, info: str) -> str | None:
    """Return the language a fence is marked with where the path's ending says another; else ``None``."""
    words = info.replace("{", " ").replace("}", " ").split()
    marked = _BY_MARK.get(words[0].lower().lstrip(".")) if words else None
    written = language_of(path)
    return marked if marked is not None and written is not None and marked != written else None
