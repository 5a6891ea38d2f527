"""Read and write the pages of the spec: Markdown that people edit, of which no byte of theirs is lost.

Every list item is a statement, nested ones are its conditions. What else stands on a page stays where it is.
Source: docs/spec.md.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from regen_git.errors import SpecError
from regen_git.git.trees import EXECUTABLE, REGULAR, TREE, find_entry, read_tree
from regen_git.spec.front import Front, is_requirements, read_front, write_front
from regen_git.spec.items import is_item, parse_items
from regen_git.spec.markup import Fence, hide_sources, open_mark, show_sources, take_sources
from regen_git.spec.values import SPEC_FOLDER, LeftOut, Page, Source, Statement, Written

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from regen_git.domain.ids import Oid
    from regen_git.git.objects import ObjectStore
    from regen_git.spec.items import Item

__all__ = [
    "LONGEST_PAGE",
    "for_model",
    "parse_page",
    "read_pages",
    "render_left_out",
    "render_page",
    "render_statement",
    "statement_of",
]

LONGEST_PAGE = 1 << 20
"""Bytes that a page may have."""

_LEFT_OUT = "\n## Left out\n\n"
_COMMENT = re.compile(r"^[ \t]*<!--.*?(?:-->[ \t]*\n?|\Z)", re.DOTALL | re.MULTILINE)
_CONFLICT = re.compile(r"^(?:<<<<<<<|>>>>>>>)(?: |$)", re.MULTILINE)
_REASON = re.compile(r"([^:\n]{0,120}):[ \t]+")
_MARKER = re.compile(r"([ \t]*)(?:([-*+])|(\d+)([.)]))[ \t]*")


def parse_page(name: str, text: str) -> Page:
    """Read a page. Raises `SpecError`, with file and line, for one that cannot be meant so."""
    source = f"{SPEC_FOLDER}/{name}.md"
    if len(text) > LONGEST_PAGE or len(text.encode("utf-8", "surrogatepass")) > LONGEST_PAGE:
        raise SpecError(f"page is longer than {LONGEST_PAGE // 1024} KiB ({source})", hint="split it")
    conflict = _CONFLICT.search(text)
    if conflict is not None:
        line = text.count("\n", 0, conflict.start()) + 1
        raise SpecError(
            f"a conflict is not resolved ({source}:{line})",
            hint="keep what is right and take the lines with <<<<<<<, ======= and >>>>>>> out",
        )
    newline = "\n"
    if "\r\n" in text and text.count("\r\n") == text.count("\n"):
        newline, text = "\r\n", text.replace("\r\n", "\n")
    head, items, end = parse_items(text, source)
    front = read_front(head, name, source)
    return Page(
        name=name,
        title=front.title,
        paths=front.paths,
        needs=front.needs,
        prose=front.prose,
        statements=_nest([item for item in items if not item.is_left_out]),
        left_out=tuple(_left_out(item) for item in items if item.is_left_out),
        late=sum(item.is_late and not item.depth for item in items),
        end=end,
        head=head,
        newline=newline,
    )


def _nest(items: Sequence[Item]) -> tuple[Statement, ...]:
    """Make trees of items in the order of the page."""
    # From the last to the first: the children of an item are complete when it is met.
    waiting: list[list[Statement]] = [[]]
    for item in reversed(items):
        while len(waiting) < item.depth + 2:
            waiting.append([])
        children = tuple(reversed(waiting.pop(item.depth + 1)))
        text, sources = take_sources(item.text)
        read = Written(item.raw, (text, sources, ""))
        waiting[item.depth].append(Statement(text, sources, children, item.before, read))
        del waiting[item.depth + 1 :]
    return tuple(reversed(waiting[0]))


def _left_out(item: Item) -> LeftOut:
    text, sources = take_sources(item.text)
    found = _REASON.match(text)
    before = "" if item.before == _LEFT_OUT else item.before
    reason, rest = (found[1].strip(), text[found.end() :]) if found else ("", text)
    says = rest.strip(), sources, reason
    return LeftOut(*says, before, Written(item.raw, says))


def statement_of(text: str, sources: Sequence[Source] = ()) -> Statement:
    """Return this Markdown as one statement; lists in it become its conditions.

    What no page can hold as it stands is made so that it reads the same: line ends, an open code block.
    """
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").replace("\r", "\n").strip().split("\n")]
    if "```" not in text and "~~~" not in text and not any(map(is_item, lines[1:])):
        return Statement("\n".join(lines), tuple(sources))
    whole = _own("- ", "\n".join(lines), ())
    _, items, _ = parse_items(whole, "")
    return replace(_closed(_nest(items)[0]), sources=tuple(sources))


def _closed(made: Statement) -> Statement:
    """Close code blocks left open, which would swallow what follows; nothing is as read any more."""
    mark = open_mark(made.text)
    text = f"{made.text}\n{mark}" if mark else made.text
    conditions = tuple(_closed(replace(one, before="")) for one in made.conditions)
    return replace(made, text=text, conditions=conditions, read=None)


def render_page(page: Page) -> str:
    """Return the page as its file; what says what it said when it was read keeps every byte."""
    first = page.statements[: len(page.statements) - page.late]
    parts = [_head(page)]
    parts += _statements(first, "- ")
    for number, one in enumerate(page.left_out):
        parts.append(one.before or ("" if number else _LEFT_OUT))
        parts.append(render_left_out(one))
    parts += _statements(page.statements[len(first) :], "- ")
    parts.append(page.end)
    text = _joined(parts)
    return text if page.newline == "\n" else text.replace("\n", page.newline)


def _head(page: Page) -> str:
    """Return what stands before the first item."""
    front = Front(page.title, page.paths, page.needs, page.prose)
    has_statements = len(page.statements) > page.late
    if page.head is None:
        return write_front(front, has_statements=has_statements)
    if read_front(page.head, page.name, page.name) != front:
        return write_front(front, has_statements=has_statements)
    if has_statements and not page.statements[0].read and not page.statements[0].before:
        lines = page.head.rstrip("\n").split("\n")
        if is_requirements(lines[-1]):
            return page.head.rstrip("\n") + "\n\n"
        if not any(one.read for one in page.statements):
            return page.head.rstrip("\n") + "\n\n## Requirements\n\n"
    return page.head


def _joined(parts: Sequence[str]) -> str:
    """Put the parts together; only the last may lack the end of its line."""
    parts = [part for part in parts if part]
    return "".join(part if part.endswith("\n") else part + "\n" for part in parts[:-1]) + "".join(parts[-1:])


def _statements(statements: Sequence[Statement], marker: str) -> Iterator[str]:
    for one in statements:
        found = _MARKER.match(one.read.lines) if one.read else None
        mine = found[0] if found else marker
        yield one.before
        is_as_read = one.read is not None and one.read.says == (one.text, one.sources, "")
        yield one.read.lines if one.read and is_as_read else _own(mine, one.text, one.sources)
        yield from _statements(one.conditions, " " * len(mine.expandtabs(4)) + "- ")
        marker = _next_marker(mine)


def _next_marker(marker: str) -> str:
    """Return what the next item of this list begins with."""
    found = _MARKER.match(marker)
    if found is None or found[3] is None:
        return marker
    return f"{found[1]}{int(found[3]) + 1}{found[4]} "


def _own(marker: str, text: str, sources: Sequence[Source]) -> str:
    """Return an item's own lines."""
    lines = hide_sources(text).split("\n")
    shown = show_sources(sources)
    if shown:
        fence = Fence()
        is_code = [fence.feed(line) for line in lines][-1]
        if is_code:
            lines.append(shown)
        else:
            lines[-1] = f"{lines[-1]} {shown}" if lines[-1] else shown
    pad = " " * len(marker.expandtabs(4))
    first, *rest = lines
    return (marker + first).rstrip(" ") + "\n" + "".join(f"{pad}{line}\n" if line else "\n" for line in rest)


def render_statement(one: Statement, marker: str) -> str:
    """Return the lines of one statement and its conditions; ``marker`` is its bullet with indentation."""
    return _joined(list(_statements((one,), marker)))


def render_left_out(one: LeftOut) -> str:
    """Return the lines of one entry of what is left out."""
    if one.read is not None and one.read.says == (one.text, one.sources, one.reason):
        return one.read.lines
    reason = f"{one.reason}: " if one.reason or _REASON.match(one.text) else ""
    return _own("- ", reason + one.text, one.sources)


def for_model(page: Page) -> str:
    """Return the page as Markdown for a request: nothing but what it asks for."""
    parts = [f"# {page.title}\n"]
    prose = _COMMENT.sub("", page.prose).strip()
    if prose:
        parts.append(f"\n{prose}\n")
    if page.statements:
        parts.append("\n## Requirements\n\n")
        parts += [_asking(one, 0) for one in page.statements]
    end = _COMMENT.sub("", page.end).strip()
    if end and not page.left_out:
        parts.append(f"\n{end}\n")
    return re.sub(r"\n{3,}", "\n\n", "".join(parts)).rstrip("\n") + "\n"


def _asking(one: Statement, depth: int) -> str:
    marker = "  " * depth + "- "
    before = _COMMENT.sub("", one.before).strip("\n")
    lead = f"\n{before}\n\n" if before.strip() else ""
    return lead + _own(marker, one.text, ()) + "".join(_asking(child, depth + 1) for child in one.conditions)


def read_pages(store: ObjectStore, tree: Oid) -> list[Page]:
    """Return the pages of the spec in this tree, by name; none where it has no spec. Raises `SpecError`."""
    folder: Oid | None = tree
    for part in SPEC_FOLDER.split("/"):
        leaf = find_entry(store, folder, os.fsencode(part)) if folder else None
        folder = leaf.oid if leaf is not None and leaf.mode == TREE else None
    if folder is None:
        return []
    pages: list[Page] = []
    for entry, leaf in read_tree(store, folder).items():
        if entry.endswith(b".md") and leaf.mode in (REGULAR, EXECUTABLE):
            name = os.fsdecode(entry[:-3])
            pages.append(parse_page(name, decode_page(name, store.short_blob(leaf.oid, LONGEST_PAGE))))
    return sorted(pages, key=lambda page: page.name)


def decode_page(name: str, data: bytes | None) -> str:
    """Return a page's text; ``None`` stands for a file that is too long. Raises `SpecError`."""
    source = f"{SPEC_FOLDER}/{name}.md"
    if not name.isprintable() or "/" in name or not name:
        raise SpecError(f"'{source!r}' is no name for a page", hint="use letters, digits and '-'")
    if data is None or len(data) > LONGEST_PAGE:
        raise SpecError(f"page is longer than {LONGEST_PAGE // 1024} KiB ({source})", hint="split it")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SpecError(f"page is not UTF-8 ({source}:{line})") from error
