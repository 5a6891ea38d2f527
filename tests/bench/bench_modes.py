"""Stepwise, folded and in one request: what a rebuild keeps and what it sends, with a scripted model.

Run: python tests/bench/bench_modes.py [PROJECT …] [--slips N]

Each project of tests/projects is built as a history, one commit for each specification, and rebuilt in each
mode by the program itself, over HTTP. The scripted model leaves out each requirement whose text is not in
the request, calls a module wrongly whose interface is not in it, makes a mistake in one of N new pieces of
code (3; 0 for none), and repairs only what a named test needs. So the figures tell what a mode sends, and
whether that is enough for somebody who knows nothing else: scripted; they say nothing about models.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.chains import all_projects
from support.modes import LABEL, Came, Chain

MODES = ("chained", "folded", "oneshot")
HEAD = (
    "project",
    "mode",
    "checkpoints",
    "tests kept",
    "stuck",
    "calls",
    "repairs",
    "tokens in",
    "tokens out",
)
MORE = ("bytes sent", "requirement texts sent")


def seal(home: Path) -> None:
    """Leave the program nothing of this machine but its programs."""
    home.mkdir()
    (home / ".gitconfig").write_text(
        "[init]\n\tdefaultBranch = main\n[user]\n\tname = Ada\n\temail = a@example.org\n"
    )
    os.environ.update(
        HOME=str(home),
        XDG_CONFIG_HOME=str(home / ".config"),
        XDG_DATA_HOME=str(home / ".local"),
        GIT_CONFIG_NOSYSTEM="1",
        LITELLM_LOCAL_MODEL_COST_MAP="True",
    )


def row(chain: Chain, mode: str, came: Came) -> tuple[str, ...]:
    """Return one line of the table."""
    checkpoints = f"{len(came.checkpoints)}/{len(chain.project.checkpoints)}"
    kept = f"{len(came.passed) - len(came.lost)}/{len(came.passed)}"
    steps = came.told["steps"]
    figures = (
        came.calls,
        came.repairs,
        came.prompt_tokens,
        came.completion_tokens,
        came.sent_bytes,
        came.texts,
    )
    stuck = "yes" if steps["stuck"] else "no"
    return (chain.project.name, mode, checkpoints, kept, stuck, *(f"{each:,}" for each in figures))


def show(rows: list[tuple[str, ...]]) -> None:
    """Print the table, in Markdown."""
    widths = [max(len(line[column]) for line in rows) for column in range(len(rows[0]))]
    for number, line in enumerate(rows):
        cells = [
            text.ljust(width) if column < 2 else text.rjust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        ]
        print(f"| {' | '.join(cells)} |", flush=True)
        if number == 0:
            print(
                "|"
                + "|".join("-" * (width + 1) + (":" if i > 1 else "-") for i, width in enumerate(widths))
                + "|"
            )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("projects", nargs="*")
    parser.add_argument("--slips", type=int, default=3)
    typed = parser.parse_args()
    rows: list[tuple[str, ...]] = [(*HEAD, *MORE)]
    with tempfile.TemporaryDirectory() as folder:
        seal(Path(folder, "home"))
        for project in all_projects():
            if typed.projects and project.name not in typed.projects:
                continue
            chain = Chain.build(project, Path(folder, project.name))
            for mode in MODES:
                if mode == "folded":
                    chain.fold()
                rows.append(row(chain, mode, chain.replay(mode, slips=typed.slips)))
    show(rows)
    print(LABEL)


if __name__ == "__main__":
    main()
