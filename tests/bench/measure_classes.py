"""How well the rules of ``regen_git/agents/classes.py`` classify prompts that real people typed.

Run: python tests/bench/measure_classes.py [--half development|held-out] [--wrong] [--ledger REPO] FOLDER

FOLDER has copies of the public repositories named in ``tests/data/prompt_labels.tsv``, each as
``owner+name/repo``, ``owner+name``, ``owner/name`` or ``name``, with all refs (``git clone --mirror``); those
that are absent are skipped, and said so. The texts are not ours to keep: the labels know them by the SHA-256
of their UTF-8. ``--ledger`` counts the texts in a repository's intents that no person typed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from regen_git.agents.classes import classify, guess  # noqa: E402 - found beside this file, not installed
from regen_git.agents.transcripts import question_in  # noqa: E402
from regen_git.domain.intent import PROMPT_CLASSES  # noqa: E402
from regen_git.git.repository import Repository  # noqa: E402
from regen_git.importers.messages import read_message  # noqa: E402
from regen_git.ledger.store import Ledger  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

LABELS = ROOT / "tests" / "data" / "prompt_labels.tsv"
MACHINE = "machine"
UNCLEAR = "unclear"
_ROLE = re.compile(r"^_\*\*((?:User|Agent|Assistant|Tool)[^*\n]*)\*\*_$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Label:
    """One line of the labels; ``where`` is a path, a commit, or a commit and a key of its note.

    The first ``draw`` took every source as it is; the second left out git-ai's notes of Claude's sessions,
    of which nine in ten messages of the "user" are tool results.
    """

    repository: str
    where: str
    ordinal: int
    sha256: str
    label: str
    draw: int

    @property
    def is_held_out(self) -> bool:
        """Whether the rules were made without this prompt: those whose digest is odd."""
        return int(self.sha256[-1], 16) % 2 == 1


@dataclass(frozen=True, slots=True)
class Found:
    """A prompt as its source keeps it, with what the agent had said before where the source tells."""

    text: str
    before: str = ""


def labels() -> list[Label]:
    """Return the labelled set."""
    _, *lines = LABELS.read_text(encoding="ascii").splitlines()
    rows = (line.split("\t") for line in lines)
    return [
        Label(repository, where, int(ordinal), sha, label, int(draw))
        for repository, where, ordinal, sha, label, draw in rows
    ]


def _git(repo: Path, *args: str, given: bytes = b"") -> bytes:
    done = subprocess.run(["git", "-C", str(repo), *args], input=given, capture_output=True, check=True)
    return done.stdout


def _blobs(repo: Path, ids: list[str]) -> Iterator[bytes]:
    raw = _git(repo, "cat-file", "--batch", given="".join(f"{one}\n" for one in ids).encode("ascii"))
    at = 0
    for _ in ids:
        end = raw.index(b"\n", at)
        size = int(raw[at:end].split()[2])
        yield raw[end + 1 : end + 1 + size]
        at = end + size + 2


def entire(repo: Path) -> Iterator[Found]:
    """Yield the prompts that Entire's checkpoints hold."""
    listed = _git(repo, "ls-tree", "-r", "entire/checkpoints/v1").decode("utf-8", "replace").splitlines()
    ids = [line.split()[2] for line in listed if line.endswith("/prompt.txt")]
    for raw in _blobs(repo, ids):
        for text in raw.decode("utf-8", "replace").split("\n\n---\n\n"):
            yield Found(text)


def messages(repo: Path) -> Iterator[Found]:
    """Yield the prompts that commit messages quote."""
    raw = _git(repo, "log", "--format=%an <%ae>%x00%cn <%ce>%x00%B%x01", "HEAD").decode("utf-8", "replace")
    for one in raw.split("\x01"):
        author, _, rest = one.lstrip("\n").partition("\0")
        committer, _, message = rest.partition("\0")
        for text in read_message(message, author, committer).prompts:
            yield Found(text)


def git_ai(repo: Path) -> Iterator[Found]:
    """Yield the prompts of old git-ai notes, which still hold messages."""
    listed = _git(repo, "notes", "--ref=ai", "list").decode("ascii").splitlines()
    for raw in _blobs(repo, [line.split()[0] for line in listed]):
        _, mark, tail = f"\n{raw.decode('utf-8', 'replace')}".partition("\n---\n")
        if not mark or '"messages"' not in tail:
            continue
        for prompt in (json.loads(tail).get("prompts") or {}).values():
            before = ""
            for message in prompt.get("messages") or ():
                if message.get("type") == "user":
                    yield Found(message.get("text") or "", before)
                    before = ""
                elif message.get("type") == "assistant":
                    before = message.get("text") or ""


def specstory(repo: Path) -> Iterator[Found]:
    """Yield the prompts of SpecStory's histories."""
    listed = _git(repo, "ls-tree", "-r", "HEAD").decode("utf-8", "replace").splitlines()
    ids = [line.split()[2] for line in listed if ".specstory/history/" in line and line.endswith(".md")]
    for raw in _blobs(repo, ids):
        parts = _ROLE.split(raw.decode("utf-8", "replace"))
        before = ""
        for role, said in zip(parts[1::2], parts[2::2], strict=True):
            text = re.sub(r"\n---\s*\Z", "", said.strip("\n")).strip("\n")
            if role.startswith("User"):
                yield Found(text, before)
            before = "" if role.startswith("User") else text


SOURCES = {
    "entireio/cli": entire,
    "git-ai-project/git-ai": git_ai,
    "specstoryai/getspecstory": specstory,
    "simonw/tools": messages,
    "cloudflare/workers-oauth-provider": messages,
}


def _checkout(folder: Path, repository: str) -> Path | None:
    owner, _, name = repository.partition("/")
    places = (f"{owner}+{name}/repo", f"{owner}+{name}", repository, name)
    for place in places:
        for found in (folder / place, folder / f"{place}.git"):
            if (found / "HEAD").exists() or (found / ".git").exists():
                return found
    return None


def texts(folder: Path, wanted: list[Label]) -> dict[str, Found]:
    """Return the texts that the labels name, by digest; one with a question before it where there is one."""
    names = {label.sha256 for label in wanted}
    found: dict[str, Found] = {}
    for repository, read in SOURCES.items():
        repo = _checkout(folder, repository)
        if repo is None:
            print(f"skipped: no copy of {repository} in {folder}", file=sys.stderr)
            continue
        for one in read(repo):
            sha = hashlib.sha256(one.text.encode("utf-8", "surrogatepass")).hexdigest()
            if sha in names and (sha not in found or (one.before and not found[sha].before)):
                found[sha] = one
    return found


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%} ({part}/{whole})" if whole else "-"


def table(judged: list[tuple[str, str | None]]) -> list[str]:
    """Return precision, recall and what is left open, one row a class, as Markdown."""
    lines = ["| class | labelled | precision | recall | left open |", "| --- | ---: | ---: | ---: | ---: |"]
    pairs = Counter(judged)
    row: tuple[str | int, ...]
    for kind in PROMPT_CLASSES:
        labelled = sum(n for (want, _), n in pairs.items() if want == kind)
        given = sum(n for (_, got), n in pairs.items() if got == kind)
        right = pairs[kind, kind]
        row = (kind, labelled, _share(right, given), _share(right, labelled))
        lines.append("| " + " | ".join(map(str, (*row, _share(pairs[kind, None], labelled)))) + " |")
    sure = [(want, got) for want, got in judged if got is not None]
    right = sum(want == got for want, got in sure)
    row = ("all", len(judged), _share(right, len(sure)), _share(right, len(judged)))
    return [*lines, "| " + " | ".join(map(str, (*row, _share(len(judged) - len(sure), len(judged))))) + " |"]


def machine_shares(wanted: list[Label]) -> list[str]:
    """Return how much of what each source calls a prompt nobody typed (first draw), as Markdown."""
    lines = ["| source | prompts read | not typed by a person |", "| --- | ---: | ---: |"]
    for repository in SOURCES:
        mine = [label.label for label in wanted if label.repository == repository and label.draw == 1]
        lines.append(f"| {repository} | {len(mine)} | {_share(mine.count(MACHINE), len(mine))} |")
    return lines


def in_ledger(repository: str, wanted: list[Label]) -> str:
    """Say how many texts that nobody typed, and how many typed ones, are among a repository's prompts."""
    by_sha = {label.sha256: label.label for label in wanted}
    kept = Counter[str]()
    for _, note in Ledger(Repository.open(Path(repository))).scan(["HEAD"]):
        for prompt in (prompt for intent in note.intents.values() for prompt in intent.prompts):
            label = by_sha.get(hashlib.sha256(prompt.text.encode("utf-8", "surrogatepass")).hexdigest())
            kept["none" if label is None else MACHINE if label == MACHINE else "typed"] += 1
    return f"labelled prompts in the ledger of {repository}: {kept['typed']} typed, {kept[MACHINE]} not typed"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--half", choices=("development", "held-out"), default="held-out")
    parser.add_argument("--guess", action="store_true", help="also count what the rules are not sure of")
    parser.add_argument("--wrong", action="store_true", help="show each prompt that is classified wrongly")
    parser.add_argument("--ledger", metavar="REPOSITORY", help="count labelled texts in this ledger")
    given = parser.parse_args()
    wanted = labels()
    if given.ledger:
        print(in_ledger(given.ledger, wanted))
    found = texts(given.folder, wanted)
    mine = [label for label in wanted if label.is_held_out == (given.half == "held-out")]
    judged: list[tuple[str, str | None]] = []
    for label in (one for one in mine if one.label not in (MACHINE, UNCLEAR) and one.sha256 in found):
        prompt = found[label.sha256]
        tell = guess if given.guess else classify
        got = tell(prompt.text, question_in(prompt.before) if prompt.before.strip() else None)
        judged.append((label.label, got))
        if given.wrong and got != label.label:
            print(f"{label.label:>10} {got or '-':>10}  {' '.join(prompt.text.split())[:150]}")
    missing = sum(label.sha256 not in found for label in mine)
    print(f"{given.half} half: {len(judged)} typed prompts judged, {missing} labelled texts not found\n")
    print("\n".join([*table(judged), "", *machine_shares(wanted)]))


if __name__ == "__main__":
    main()
