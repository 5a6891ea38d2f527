"""``git regen <TAB>`` in a real bash, with git's own completion where that is installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from regen_git.cli.completion import completion

if TYPE_CHECKING:
    from support.builder import RepoBuilder

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "docs" / "completion" / "git-regen.bash"
GITS_OWN = (
    Path("/usr/share/bash-completion/completions/git"),
    Path("/usr/share/git-core/contrib/completion/git-completion.bash"),
)
_ASK = """\
source "$1"
source "$2"
shift 2
COMP_WORDS=("$@")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
COMP_LINE="$*"
COMP_POINT=${#COMP_LINE}
COMPREPLY=()
__git_wrap__git_main
printf '%s\\n' "${COMPREPLY[@]}"
"""


def test_the_script_is_the_one_that_the_commands_make() -> None:
    assert SCRIPT.read_text("utf-8") == completion(), (
        "python -m regen_git.cli.completion > docs/completion/git-regen.bash"
    )


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (("regen", "rep"), {"replay", "repair"}),
        (("regen", "agents", ""), {"add", "remove"}),
        (("regen", "import", "git"), {"git-ai"}),
        (("regen", "agents", "add", "--"), {"--user", "--project"}),
        (("regen", "replay", "--mod"), {"--model"}),
        (("regen", "log", "side"), {"side"}),
        (("-C", ".", "regen", "sta"), {"status"}),
    ],
)
def test_tab_offers_commands_options_and_branches(
    words: tuple[str, ...], wanted: set[str], repo: RepoBuilder
) -> None:
    own = next((path for path in GITS_OWN if path.exists()), None)
    if own is None or shutil.which("bash") is None:
        pytest.skip("git's completion for bash is not installed")
    repo.commit("Start")
    subprocess.run(["git", "branch", "side"], cwd=repo.path, check=True)
    argv = ["bash", "--norc", "-c", _ASK, "bash", str(own), str(SCRIPT), "git", *words]
    run = subprocess.run(argv, cwd=repo.path, capture_output=True, text=True, check=False)
    offered = {line.strip().removesuffix("=") for line in run.stdout.splitlines()}
    assert wanted <= offered, run.stderr
