from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regen_git.process import Completed, fields, stream

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator


def python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


def drained(found: Generator[bytes, None, Completed]) -> tuple[bytes, Completed]:
    """Read a stream to its end and return what came, and how the command ended."""
    ended: list[Completed] = []

    def kept() -> Iterator[bytes]:
        ended.append((yield from found))

    return b"".join(kept()), ended[0]


def test_a_stream_gives_all_that_a_command_prints_and_how_it_ended() -> None:
    program = "import sys; sys.stdout.write('x' * 300_000); sys.stderr.write('why'); sys.exit(3)"
    got, done = drained(stream(python(program)))
    assert (len(got), done.status, done.stderr) == (300_000, 3, b"why")


def test_a_stream_comes_before_the_command_has_ended() -> None:
    found = stream(python("import time; print('first', flush=True); time.sleep(60)"))
    begun = time.monotonic()
    assert next(found) == b"first\n"
    found.close()
    assert time.monotonic() - begun < 50


def test_whoever_stops_reading_ends_the_command() -> None:
    found = stream(python("import os; print(os.getpid(), flush=True)\nwhile True: print('more')"))
    first = next(found)
    found.close()
    with pytest.raises(ProcessLookupError):
        os.kill(int(first.split()[0]), signal.SIGCONT)


def test_much_input_and_much_talk_do_not_stop_a_stream() -> None:
    program = "import sys; sys.stderr.write('e' * 500_000); sys.stdout.write(str(len(sys.stdin.read())))"
    got, done = drained(stream(python(program), stdin=b"i" * 500_000))
    assert (got, done.status) == (b"500000", 0)
    assert done.stderr == b"e" * len(done.stderr)
    assert len(done.stderr) < 500_000


def test_input_that_nobody_reads_is_no_failure() -> None:
    assert drained(stream(python("pass"), stdin=b"i" * 500_000)) == (
        b"",
        Completed(tuple(python("pass")), 0, b"", b""),
    )


@given(st.lists(st.binary(max_size=6), max_size=8), st.integers(1, 5))
def test_fields_are_what_stands_between_the_nuls_wherever_the_pieces_are_cut(
    parts: list[bytes], cut: int
) -> None:
    whole = b"\0".join(parts)
    pieces = [whole[at : at + cut] for at in range(0, len(whole), cut)]
    expected = whole.split(b"\0")
    if not expected[-1]:
        expected.pop()
    assert list(fields(pieces, 100)) == expected


def test_of_a_long_field_only_the_beginning_is_kept() -> None:
    pieces = [b"a", b"\0", *[b"b" * 10] * 1000, b"b\0c"]
    first, second, third = fields(pieces, 50)
    assert (first, third) == (b"a", b"c")
    assert 50 < len(second) < 80
