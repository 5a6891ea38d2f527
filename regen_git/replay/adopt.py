"""Take a rebuilt tree, or a rebuilt history, into the current branch: all together or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from regen_git.errors import ReplayError
from regen_git.git.commits import read_commit
from regen_git.git.notes import scan_notes
from regen_git.git.refs import read_ref, update_ref
from regen_git.git.trees import diff, edit, lookup
from regen_git.ledger.store import INTENTS_REF, Ledger
from regen_git.replay.facts import ADOPTS, MODEL, SOURCE
from regen_git.replay.moving import Move, find_unfinished, move
from regen_git.replay.people.carry import Carried, How, carry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.git.repository import Repository
    from regen_git.replay.report import Report

__all__ = ["Adopted", "adopt_history", "adopt_tree"]


@dataclass(frozen=True, slots=True)
class Adopted:
    """What the branch is now. ``undo`` is the one command that takes it back."""

    branch: str
    old: Oid
    new: Oid
    undo: str
    carried: tuple[Carried, ...] = ()


def adopt_tree(repo: Repository, report: Report, paths: Sequence[RepoPath]) -> Adopted:
    """Add one commit with the rebuilt tree, or these paths of it, on top of the current branch.

    Commits made after the range are carried onto the rebuilt tree first. Raises ``ReplayError`` when that
    needs a model or a person, and when files in the working tree are in the way.
    """
    done = find_unfinished(repo)
    if done is not None and done.message == f"regen adopt: {report.options.name}":
        return Adopted(done.branch, done.old, done.new, done.undo)
    branch, head = _current(repo)
    store = repo.objects
    tip = report.tip or ""
    rebuilt = read_commit(store, tip).tree
    now = read_commit(store, head).tree
    tree, carried = _with_later_work(repo, report, rebuilt, head)
    if paths:
        tree = _only(repo, now, tree, paths)
    if tree == now:
        raise ReplayError("there is nothing to adopt", hint="the branch has this tree already")
    message = _message(report)
    repo.objects.flush()
    made = repo.git("commit-tree", tree, "-p", head, "-F", "-", stdin=message.encode("utf-8", "replace"))
    new = made.decode("ascii").strip()
    undo = f"git revert --no-edit {new[:12]}"
    move(repo, Move(branch, head, new, undo, f"regen adopt: {report.options.name}"))
    return Adopted(branch, head, new, undo, tuple(carried))


def adopt_history(repo: Repository, report: Report, *, published: bool) -> Adopted:
    """Move the current branch to the rebuilt history, with a backup of where it was.

    Raises ``ReplayError`` when the branch has commits the replay does not know, and, unless ``published``,
    when a remote has the commits that would be left behind.
    """
    done = find_unfinished(repo)
    options = report.options
    if options.is_from_spec:
        raise ReplayError(
            f"replay '{options.name}' was generated from the spec: it has no history of its own",
            hint=f"adopt its tree with 'git regen adopt {options.name}'",
        )
    if done is not None and done.message == f"regen adopt --history: {options.name}":
        return Adopted(done.branch, done.old, done.new, done.undo)
    branch, head = _current(repo)
    tip = report.tip or ""
    if head != options.tip:
        raise ReplayError(
            f"'{branch.removeprefix('refs/heads/')}' has moved since the replay",
            hint=f"append its new commits with 'git regen replay --resume {options.name}'",
        )
    if head == tip:
        raise ReplayError("there is nothing to adopt", hint="the rebuilt history is this history")
    if not published:
        _refuse_published(repo, report)
    _copy_intents(repo, report)
    short = branch.removeprefix("refs/heads/")
    backup = _free_backup(repo, short)
    update_ref(repo, backup, head, None, f"regen adopt: {options.name}")
    undo = f"git reset --keep {backup}"
    move(repo, Move(branch, head, tip, undo, f"regen adopt --history: {options.name}"))
    return Adopted(branch, head, tip, undo)


def _current(repo: Repository) -> tuple[str, Oid]:
    """Return the ref to move and where it is. Raises ``ReplayError`` where there is none to move."""
    if repo.worktree is None:
        raise ReplayError(
            "there are no files here: no branch is checked out", hint="adopt in a working tree of the branch"
        )
    status, out = repo.git_status("symbolic-ref", "--quiet", "HEAD", ok=(0, 1))
    branch = out.decode("utf-8", "surrogateescape").strip() if status == 0 else "HEAD"
    head = read_ref(repo, "HEAD")
    if head is None:
        raise ReplayError("this branch has no commit yet", hint="check out the branch that shall take it")
    listed = repo.git("worktree", "list", "--porcelain").decode("utf-8", "surrogateescape")
    if branch != "HEAD" and listed.splitlines().count(f"branch {branch}") > 1:
        raise ReplayError(f"'{branch}' is checked out in another worktree, too", hint="leave it there first")
    return branch, head


def _with_later_work(repo: Repository, report: Report, rebuilt: Oid, head: Oid) -> tuple[Oid, list[Carried]]:
    """Carry what the branch got after the replay's range onto the rebuilt tree."""
    source = report.options.tip
    if head == source:
        return rebuilt, []
    if repo.git_status("merge-base", "--is-ancestor", source, head, ok=(0, 1))[0] != 0:
        raise ReplayError(
            "the current branch does not contain the range that was replayed",
            hint="check out the branch that the range came from",
        )
    store = repo.objects
    before, after = read_commit(store, source).tree, read_commit(store, head).tree
    carried = [
        carry(store, c.path, base=c.old, theirs=c.new, ours=lookup(store, rebuilt, c.path))
        for c in diff(store, before, after)
    ]
    waiting = [each for each in carried if each.how not in (How.EXACT, How.SYMBOL)]
    if waiting:
        raise ReplayError(
            f"commits made since the replay do not fit: {waiting[0].path}: {waiting[0].why}",
            hint=f"append them with 'git regen replay --resume {report.options.name}'",
        )
    return edit(store, rebuilt, {each.path: each.leaf for each in carried}), carried


def _only(repo: Repository, now: Oid, tree: Oid, paths: Sequence[RepoPath]) -> Oid:
    """Return the present tree with these paths, files or folders, as the rebuilt one has them."""
    store = repo.objects
    wanted = [path.rstrip("/") for path in paths]
    changes = [
        change
        for change in diff(store, now, tree)
        if any(change.path == path or change.path.startswith(path + "/") for path in wanted)
    ]
    if not changes:
        raise ReplayError(
            f"nothing differs at '{paths[0]}'", hint="paths are relative to the top of the tree"
        )
    return edit(store, now, {change.path: change.new for change in changes})


def _message(report: Report) -> str:
    options = report.options
    counts = ", ".join(f"{n} {kind}" for kind, n in report.counts.items() if n)
    lines = [
        f"Adopt regen/{options.name}, rebuilt with {options.model}",
        "",
        f"{counts}. Verdict: {report.verdict}.",
        *[f"- {reason}" for reason in (report.verification or {}).get("reasons", [])[:20]],
        "",
        f"{ADOPTS}: {report.tip}",
        f"{SOURCE}: {options.tip}",
        f"{MODEL}: {options.model}",
        f"Regen-Verdict: {report.verdict}",
    ]
    return "\n".join(lines) + "\n"


def _refuse_published(repo: Repository, report: Report) -> None:
    """Refuse to leave behind commits that a remote has."""
    first = next((s["source"] for _, s in sorted(report.steps.items()) if s["source"] != s["commit"]), None)
    if first is None:
        return
    out = repo.git("for-each-ref", "--contains", first, "--format=%(refname:short)", "refs/remotes")
    remotes = out.decode("utf-8", "replace").split()
    if remotes:
        raise ReplayError(
            f"'{remotes[0]}' has the commits that would be left behind",
            hint="adopt the tree instead, without --history; or say --published and push with force",
        )


def _copy_intents(repo: Repository, report: Report) -> None:
    """Put the documents of each source commit onto the commit rebuilt from it."""
    new_of = {s["source"]: s["commit"] for s in report.steps.values() if s["source"] != s["commit"]}
    notes = {
        new_of[oid]: note
        for oid, note in scan_notes(repo, INTENTS_REF, [report.options.tip])
        if oid in new_of and note
    }
    if notes:
        Ledger(repo).append_raw(notes, f"regen: intents of {report.options.name}")


def _free_backup(repo: Repository, short: str) -> str:
    for number in range(1, 10_000):
        name = f"refs/regen/backup/{short}/{number}"
        if read_ref(repo, name) is None:
            return name
    raise ReplayError("there are too many backups", hint="delete some of 'refs/regen/backup'")
