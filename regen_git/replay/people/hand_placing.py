"""Put lines that a person mended back into regenerated text, where one place is clearly theirs.

The place is sought inside the same Python symbol first, then in the whole file, between the lines that stood
before and after. Where more than one place fits, or much generated text would have to give way, nothing is
done: the caller asks the model, then a person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from regen_git.replay.people.regions import missing_hand_lines
from regen_git.replay.people.symbol_units import symbol_spans
from regen_git.replay.people.symbols import merge_symbols
from regen_git.replay.people.textmerge import hunks, is_binary, merge_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regen_git.domain.ids import RepoPath
    from regen_git.domain.intent import LineRange

__all__ = ["place_hand_lines"]

_CONTEXT = (3, 2, 1)  # lines on each side; the longest that is found once decides
_MANY_PLACES = 20
_Span = tuple[int, int]
_NOT_PYTHON = (SyntaxError, ValueError, RecursionError, MemoryError)


def place_hand_lines(
    base: bytes | None,
    original_result: bytes,
    ranges: Sequence[LineRange],
    regenerated: bytes,
    *,
    path: RepoPath = "",
) -> bytes | None:
    """Return the regenerated text with all hand-mended lines in it, or ``None`` where that is not safe.

    ``base`` is the file as it was just before the person mended it, if known; it is used only when it differs
    from ``original_result`` in nothing but these ranges. ``path`` says whether it is Python.
    """
    if not missing_hand_lines(original_result, ranges, regenerated):
        return regenerated
    if is_binary(original_result) or is_binary(regenerated):
        return None
    if base is not None and _only_hand_changes(base, original_result, ranges):
        for candidate in _merges(base, original_result, regenerated, path):
            if _is_good(candidate, original_result, ranges, regenerated, path):
                return candidate
    text = regenerated
    for part in missing_hand_lines(original_result, ranges, regenerated):
        placed = _place(original_result, part, text, path)
        if placed is None:
            return None
        text = placed
    return text if _is_good(text, original_result, ranges, regenerated, path) else None


def _only_hand_changes(base: bytes, result: bytes, ranges: Sequence[LineRange]) -> bool:
    return all(
        any(
            part.first <= hunk.new_start
            and hunk.new_start + hunk.new_lines - 1 <= max(part.last, part.first - 1)
            for part in ranges
        )
        for hunk in hunks(base, result)
    )


def _merges(base: bytes, result: bytes, regenerated: bytes, path: RepoPath) -> list[bytes]:
    merged = []
    outcome = merge_text(base, regenerated, result)
    if outcome.clean:
        merged.append(outcome.data)
    by_symbol = merge_symbols(path, _text(base), _text(regenerated), _text(result))
    if by_symbol is not None and by_symbol.text is not None and not by_symbol.failed and not by_symbol.gone:
        merged.append(by_symbol.text.encode("utf-8", "surrogateescape"))
    return merged


def _is_good(
    candidate: bytes, result: bytes, ranges: Sequence[LineRange], regenerated: bytes, path: RepoPath
) -> bool:
    """Return whether all hand lines are there, and Python is still Python."""
    if missing_hand_lines(result, ranges, candidate):
        return False
    return _spans(regenerated, path) is None or _spans(candidate, path) is not None


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _spans(data: bytes, path: RepoPath) -> dict[str, _Span] | None:
    if not path.endswith((".py", ".pyi")):
        return None
    try:
        return symbol_spans(_text(data))
    except _NOT_PYTHON:
        return None


def _place(result: bytes, part: LineRange, text: bytes, path: RepoPath) -> bytes | None:
    """Place one block: as a whole symbol, else inside the innermost common symbol, else in the file."""
    old, new = result.split(b"\n"), text.split(b"\n")
    block = _trimmed(old, (part.first - 1, min(part.last, len(old))))
    old_spans, new_spans = _spans(result, path), _spans(text, path)
    windows: list[tuple[_Span, _Span]] = [((0, len(old)), (0, len(new)))]
    if old_spans is not None and new_spans is not None:
        inside = [name for name, span in old_spans.items() if span[0] <= block[0] and block[1] <= span[1]]
        exact = next(
            (name for name in inside if _trimmed(old, old_spans[name]) == _trimmed(old, block)), None
        )
        if exact is not None:
            return _whole_symbol(result, block, text, path, new_spans.get(exact))
        # Inside a symbol the file's other lines prove nothing: the same words stand in many functions.
        common = [(old_spans[name], new_spans[name]) for name in inside if name in new_spans]
        if inside and len(common) < len(inside):
            return None
        windows = [common[-1]] if common else windows
    for old_window, new_window in windows:
        place = _between(old, block, old_window, new, new_window)
        if place is not None:
            start, end, lines = place
            return b"\n".join([*new[:start], *lines, *new[end:]])
    return None


def _whole_symbol(
    result: bytes, block: _Span, text: bytes, path: RepoPath, span: _Span | None
) -> bytes | None:
    """Put a whole symbol in the place of its namesake, or after its nearest sibling."""
    old, new = result.split(b"\n"), text.split(b"\n")
    if span is not None:
        start, end = _trimmed(old, block)
        return b"\n".join([*new[: span[0]], *old[start:end], *new[span[1] :]])
    without = b"\n".join([*old[: block[0]], *old[block[1] :]])
    merged = merge_symbols(path, _text(without), _text(text), _text(result))
    if merged is None or merged.text is None or merged.failed or merged.gone:
        return None
    return merged.text.encode("utf-8", "surrogateescape")


def _trimmed(lines: list[bytes], span: _Span) -> _Span:
    """Return the span without empty lines at its ends."""
    start, end = span
    while start < end and not lines[start].strip():
        start += 1
    while end > start and not lines[end - 1].strip():
        end -= 1
    return start, end


def _between(
    old: list[bytes], block: _Span, old_window: _Span, new: list[bytes], new_window: _Span
) -> tuple[int, int, list[bytes]] | None:
    """Return the lines of ``new`` that give way, and the block as it stands there."""
    above = [i for i in range(old_window[0], block[0]) if old[i].strip()]
    below = [i for i in range(block[1], old_window[1]) if old[i].strip()]
    if not above and not below:
        return None
    rows = [i for i in range(*new_window) if new[i].strip()]
    starts = _anchors(old, above, new, rows, from_end=True) if above else [new_window[0] - 1]
    ends = _anchors(old, below, new, rows, from_end=False) if below else [new_window[1]]
    most = block[1] - block[0] + 1  # generated lines that may give way
    pairs = [
        (start, end)
        for start in starts
        for end in ends
        if start < end and sum(1 for i in range(start + 1, end) if new[i].strip()) <= most
    ]
    if len(pairs) != 1:
        return None
    start, end = pairs[0]
    gap = _trimmed(new, (start + 1, end))
    partner = (above[-1], start) if above else (below[0], end)
    lines = _moved(old[block[0] : block[1]], old[partner[0]], new[partner[1]])
    return None if lines is None else (*gap, lines)


def _anchors(
    old: list[bytes], near: list[int], new: list[bytes], rows: list[int], *, from_end: bool
) -> list[int]:
    """Return the lines of ``new`` that may be the block's direct neighbour, by the longest context found.

    More than a few places are as good as none.
    """
    words = [new[i].strip() for i in rows]
    for size in _CONTEXT:
        wanted = [old[i].strip() for i in (near[-size:] if from_end else near[:size])]
        if len(wanted) < size:
            continue
        places = [i for i in range(len(words) - size + 1) if words[i : i + size] == wanted]
        if places:
            shift = size - 1 if from_end else 0
            return [rows[i + shift] for i in places] if len(places) <= _MANY_PLACES else []
    return []


def _moved(lines: list[bytes], old_partner: bytes, new_partner: bytes) -> list[bytes] | None:
    """Return the lines with their neighbour's new indentation and line ending."""
    was, now = _indent(old_partner), _indent(new_partner)
    carriage = new_partner.endswith(b"\r")
    moved: list[bytes] = []
    for line in lines:
        bare = line.removesuffix(b"\r")
        if was != now and bare.strip():
            if not bare.startswith(was):
                return None
            bare = now + bare.removeprefix(was)
        moved.append(bare + b"\r" if carriage else bare)
    return moved


def _indent(line: bytes) -> bytes:
    return line[: len(line) - len(line.lstrip(b" \t"))]
