"""How a rebuilt commit came to be, as a document in a note on it. Source: docs/format.md, "Provenance"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from regen_git import __version__
from regen_git.git.notes import note_blobs, read_note, scan_notes
from regen_git.git.refs import read_ref
from regen_git.ledger.codec import split
from regen_git.ledger.store import PROVENANCE_REF
from regen_git.ledger.yamlread import load
from regen_git.ledger.yamltext import block, flow_list, flow_map, scalar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from regen_git.domain.ids import Oid
    from regen_git.domain.verdict import Verification
    from regen_git.git.repository import Repository
    from regen_git.replay.plan import Step
    from regen_git.replay.workbench import Made

__all__ = [
    "Provenance",
    "encode",
    "read_note_documents",
    "recorded_anywhere",
    "recorded_on",
    "recorded_on_commit",
    "request_line",
    "verdict_document",
]


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a locked replay follows: the replies, or the tree where a person resolved the step."""

    source: Oid
    model: str
    request: str
    replies: tuple[str, ...]
    resolved: str
    tree: Oid
    verdict: str
    raw: dict[str, Any]


def encode(step: Step, made: Made, *, model: str, mode: str) -> bytes:
    """Write the document for one rebuilt commit. Holds no time: the same replies give the same bytes."""
    lines = ["---", f"provenance: {scalar(step.commit)}", f"kind: {step.kind.value}"]
    if made.request or made.resolved:
        lines += [f"model: {scalar(model)}", f"mode: {mode}"]
    if made.request:
        lines += [request_line(made).decode("ascii"), f"attempts: {made.attempts}"]
    lines += _made_from(made)
    if made.replies:
        lines += ["replies:", *(f"- {scalar(reply)}" for reply in made.replies)]
    if made.resolved:
        lines.append(f"resolved: {scalar(made.resolved)}")
    if made.carried:
        lines.append("carried:")
        lines += [
            "- " + flow_map([("path", _flow(c.path)), ("how", c.how.value), ("hunks", str(c.hunks))])
            for c in made.carried
        ]
    if made.ignored:
        lines.append(f"ignored: {flow_list(list(made.ignored))}")
    if step.members:
        lines.append(f"group: {flow_list([str(index) for index in step.members])}")
    lines.append(f"tree: {scalar(made.tree)}")
    if made.verification is not None:
        lines += rests_on(made.verification)
    lines += [f"tool: {scalar('git-regen ' + __version__)}", "format: 1"]
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def request_line(made: Made) -> bytes:
    """Return the line of a step's document that names its first request; empty if nothing was asked."""
    return f"request: {scalar(made.request)}".encode("ascii") if made.request else b""


def _made_from(made: Made) -> list[str]:
    """Say what the step's request was made from: what a later replay compares its own with."""
    lines = [f"sample: {made.sample}"] if made.sample else []
    if made.asked:
        lines.append(f"asked: {flow_list(list(made.asked))}")
    if made.inputs:
        lines.append("inputs: " + flow_map([(kind, _flow(digest)) for kind, digest in made.inputs]))
    return lines


def verdict_document(commit: Oid, verification: Verification) -> bytes:
    """Write the document that says what a later ``verify`` found."""
    lines = ["---", f"verified: {scalar(commit)}", f"tree: {scalar(verification.tree)}"]
    lines += [*rests_on(verification), f"tool: {scalar('git-regen ' + __version__)}", "format: 1"]
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def rests_on(verification: Verification) -> list[str]:
    """Say the verdict and all that it rests on: checks, tests, frozen files, what was lost or is unknown."""
    lines = [f"verdict: {verification.verdict.value}", "checks:" if verification.checks else "checks: []"]
    for check in verification.checks:
        counts: dict[str, int] = {}
        for outcome in check.tests.values():
            counts[outcome.value] = counts.get(outcome.value, 0) + 1
        pairs = [("name", _flow(check.name)), ("verdict", check.verdict.value)]
        lines.append("- " + flow_map([*pairs, *((k, str(n)) for k, n in sorted(counts.items()))]))
    lines.append(f"lost: {flow_list(list(verification.ratchet.lost))}")
    lines.append(f"unstable: {flow_list(list(verification.ratchet.unstable))}")
    lines.append(f"frozen: {len(verification.frozen)}")
    if verification.reasons:
        lines += ["reasons:", *(f"- {block(reason, 2)}" for reason in verification.reasons)]
    return lines


def _flow(text: str) -> str:
    return flow_list([text])[1:-1]


def read_note_documents(note: bytes) -> list[dict[str, Any]]:
    """Return the readable documents of a provenance note, oldest first."""
    found = []
    for raw in split(note):
        try:
            data = load(raw)
        except ValueError:
            continue
        if isinstance(data, dict):
            found.append(data)
    return found


def recorded_on(repo: Repository, revs: Sequence[str]) -> Iterator[tuple[Oid, Provenance]]:
    """Yield (rebuilt commit, provenance) for these revisions, newest first."""
    for oid, note in scan_notes(repo, PROVENANCE_REF, revs):
        for data in read_note_documents(note):
            if "provenance" in data:
                yield oid, _provenance(data)


def recorded_on_commit(repo: Repository, commit: Oid) -> Iterator[Provenance]:
    """Yield every provenance of one commit: one that was made from a spec has one for each module."""
    for data in read_note_documents(read_note(repo, PROVENANCE_REF, commit)):
        if "provenance" in data:
            yield _provenance(data)


def recorded_anywhere(repo: Repository) -> Iterator[Provenance]:
    """Yield every provenance that the ledger holds, whether or not its commit is reachable here."""
    for _, blob in note_blobs(repo, read_ref(repo, PROVENANCE_REF)).values():
        for data in read_note_documents(repo.objects.blob(blob)):
            if "provenance" in data:
                yield _provenance(data)


def _provenance(data: dict[str, Any]) -> Provenance:
    replies = data.get("replies")
    return Provenance(
        source=str(data["provenance"]),
        model=str(data.get("model", "")),
        request=str(data.get("request", "")),
        replies=tuple(str(reply) for reply in replies) if isinstance(replies, list) else (),
        resolved=str(data.get("resolved", "")),
        tree=str(data.get("tree", "")),
        verdict=str(data.get("verdict", "")),
        raw=data,
    )
