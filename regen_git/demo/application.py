"""Make the demonstration's repository: the commits of ``history/``, with their prompts in the ledger.

Each file there is one commit: a head in YAML, then files as a reply has them. Names and dates are fixed, so
that the commits have the same ids everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from regen_git.domain.ids import IntentId
from regen_git.domain.intent import Agent, Binding, Intent, LineRange, Prompt, PromptClass
from regen_git.errors import RegenError
from regen_git.git.refs import update_ref
from regen_git.git.repository import Repository, git_environment
from regen_git.git.trailers import add
from regen_git.git.trees import diff, edit, walk
from regen_git.ledger.store import Ledger
from regen_git.process import run
from regen_git.replay.compose import compose, text_of
from regen_git.replay.facts import INTENT
from regen_git.replay.reply import parse_reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.git.objects import ObjectStore
    from regen_git.ledger.codec import Record

__all__ = ["BRANCH", "Told", "make_application", "read_history"]

BRANCH = "refs/heads/main"

_FOLDER = Path(__file__).parent / "history"
_AGENT = Agent("demo-agent", model="recorded/older-model")


@dataclass(frozen=True, slots=True)
class Told:
    """One commit as its file tells it. ``when`` is as git has it: seconds and zone; ``files`` is a reply."""

    subject: str
    author: str
    when: str
    files: str
    body: str = ""
    intent: IntentId | None = None
    kind: PromptClass | None = None
    prompt: str = ""
    hand: Mapping[RepoPath, tuple[LineRange, ...]] = field(default_factory=lambda: MappingProxyType({}))
    tag: str = ""


def read_history() -> list[Told]:
    """Return the commits that the package tells of, oldest first."""
    return [_read(path.read_text("utf-8")) for path in sorted(_FOLDER.glob("*.md"))]


def _read(text: str) -> Told:
    import yaml

    _, head, files = text.split("---\n", 2)
    keys: dict[str, Any] = yaml.safe_load(head)
    hand = {
        path: tuple(LineRange(*map(int, lines.split("-"))) for lines in ranges)
        for path, ranges in keys.get("hand", {}).items()
    }
    return Told(
        subject=keys["subject"],
        author=keys["author"],
        when=keys["at"],
        files=files,
        body=keys.get("body", "").strip(),
        intent=IntentId(keys["intent"]) if "intent" in keys else None,
        kind=cast("PromptClass | None", keys.get("class")),
        prompt=keys.get("prompt", "").strip().replace("\n", " "),
        hand=hand,
        tag=keys.get("tag", ""),
    )


def make_application(folder: Path) -> Repository:
    """Make the repository in a folder, with its branch checked out. Raises ``RegenError``."""
    repo = _init(folder)
    store = repo.objects
    tree, parent = store.write("tree", b""), None
    records: dict[Oid, list[Record]] = {}
    tags: dict[str, Oid] = {}
    for told in read_history():
        before, tree = tree, _tree(store, tree, told)
        parent = _commit(store, tree, parent, told)
        if told.intent is not None:
            records[parent] = _records(store, before, tree, told)
        if told.tag:
            tags[told.tag] = parent
    store.flush()
    update_ref(repo, BRANCH, parent, None, "regen demo: the application")
    for name, commit in tags.items():
        update_ref(repo, f"refs/tags/{name}", commit, None)
    repo.git("reset", "--quiet", "--hard")
    Ledger(repo).append(records, "regen: the prompts of the demonstration")
    return repo


def _init(folder: Path) -> Repository:
    folder.mkdir(parents=True, exist_ok=True)
    # The user's templates, default branch and hash must not make other commits than everybody else's.
    argv = ["git", "init", "--quiet", "--template=", "--initial-branch=main", "--object-format=sha1"]
    done = run(argv, cwd=folder, env=git_environment())
    if done.status != 0:
        said = done.stderr.decode("utf-8", "replace").strip()
        raise RegenError(f"cannot make a repository in '{folder}': {said}")
    repo = Repository.open(folder)
    settings = {
        "user.name": "Nora Lind",
        "user.email": "nora@example.org",
        "commit.gpgSign": "false",
        "core.autocrlf": "false",
        "core.hooksPath": str(repo.git_dir / "hooks"),
    }
    for name, value in settings.items():
        repo.set_config(name, value)
    return repo


def _tree(store: ObjectStore, tree: Oid, told: Told) -> Oid:
    """Return the tree after a commit. Raises ``ValueError`` for a file of the package that is broken."""
    texts = {path: text_of(store.blob(leaf.oid)) for path, leaf in walk(store, tree)}
    reply = parse_reply(told.files, current=texts)
    wanted = {file.path for file in reply.files} | {change.path for change in reply.replacements}
    made = compose(store, tree, tree, reply, frozenset(wanted))
    problems = [*(problem.message for problem in reply.problems), *made.problems]
    if problems:
        raise ValueError(f"'{told.subject}': {problems[0]}")
    return edit(store, tree, made.edits)


def _commit(store: ObjectStore, tree: Oid, parent: Oid | None, told: Told) -> Oid:
    who = f"{told.author} {told.when}"
    lines = [f"tree {tree}", *([f"parent {parent}"] if parent else []), f"author {who}", f"committer {who}"]
    message = "\n\n".join(part for part in (told.subject, told.body) if part) + "\n"
    data = message.encode()
    if told.intent is not None:
        data = add(data, [(INTENT, told.intent)])
    return store.write("commit", "\n".join(lines).encode() + b"\n\n" + data)


def _records(store: ObjectStore, before: Oid, tree: Oid, told: Told) -> list[Record]:
    """Return what ``git regen record`` and the hooks would have written of this commit."""
    if told.intent is None:
        return []
    seconds = int(told.when.split()[0]) - 600
    at = datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    wrote = tuple(change.path for change in diff(store, before, tree))
    return [
        Intent(
            told.intent,
            (Prompt(told.prompt, at, told.kind),),
            "captured",
            author=told.author,
            agent=_AGENT,
        ),
        Binding(told.intent, wrote, hand=dict(told.hand), base=before, result=tree),
    ]
