from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

from regen_git.cli.progress import counting

if TYPE_CHECKING:
    import pytest


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_is_shown_on_a_terminal_and_gone_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with counting("transcripts") as tell:
        assert tell is not None
        tell(3, 7)
    shown = terminal.getvalue()
    assert "3/7" in shown
    assert "transcripts" in shown
    # What was drawn last is wiped.
    assert shown.endswith(("\x1b[2K", "\x1b[?25h", "\r"))


def test_no_bar_where_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    with counting("x", is_quiet=True) as tell:
        assert tell is None
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with counting("x") as tell:
        assert tell is None
