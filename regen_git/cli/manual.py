"""Open the manual page that comes with the package."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

__all__ = ["manual_page", "open_manual"]


def manual_page() -> Path | None:
    """Return the manual page's file: beside the interpreter when installed, in ``docs`` in a checkout."""
    name = "git-regen.1"
    here = Path(__file__).resolve().parents[2]
    for place in (Path(sys.prefix) / "share" / "man" / "man1", here / "docs" / "man"):
        if (place / name).is_file():
            return place / name
    return None


def open_manual() -> int:
    """Show the manual page with ``man`` where there is one and a person looks; else as text."""
    page = manual_page()
    if page is None:
        from regen_git.cli.summary import SUMMARY

        sys.stdout.write(SUMMARY)
        return 0
    if sys.stdout.isatty() and shutil.which("man"):
        return subprocess.run(["man", str(page)], check=False).returncode
    sys.stdout.write(_plain(page.read_text("utf-8")))
    return 0


def _plain(roff: str) -> str:
    """Return a page of simple roff (headings, paragraphs, bold, indented text) as plain text."""
    lines: list[str] = []
    for line in roff.splitlines():
        if line.startswith(('.\\"', ".TH")) or line in (".nf", ".fi", ".RS", ".RE"):
            continue
        if line.startswith((".SH ", ".SS ")):
            lines += ["", line[4:].strip('"')]
        elif line.startswith((".PP", ".TP", ".P")):
            lines.append("")
        elif line.startswith((".B ", ".I ")):
            lines.append("  " + line[3:])
        else:
            lines.append("  " + line)
    text = "\n".join(lines)
    for mark, plain in (("\\fB", ""), ("\\fI", ""), ("\\fR", ""), ("\\-", "-"), ("\\(aq", "'"), ("\\&", "")):
        text = text.replace(mark, plain)
    return text.strip() + "\n"
