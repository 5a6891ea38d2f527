"""The commit that a generated spec becomes, and what provenance says of each of its modules.

Source: docs/format.md, "Provenance".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from regen_git import __version__
from regen_git.ledger.yamltext import flow_list, flow_map, scalar
from regen_git.replay.facts import MODEL, SOURCE
from regen_git.replay.provenance import rests_on

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regen_git.domain.ids import Oid
    from regen_git.domain.verdict import Verification
    from regen_git.git.commits import Commit
    from regen_git.replay.folded.agreeing import Agreement
    from regen_git.replay.folded.building import Built
    from regen_git.replay.folded.planning import FoldedPrepared
    from regen_git.replay.options import ReplayOptions

__all__ = ["SPEC", "commit_bytes", "documents"]

SPEC = "Regen-Spec"
"""The trailer that names the tree of the spec a commit was generated from."""


def commit_bytes(tip: Commit, tree: Oid, spec: Oid, options: ReplayOptions, built: Sequence[Built]) -> bytes:
    """Return the commit on top of the source, by who made that and at that time: always the same bytes."""
    made = [each.unit.module.name for each in built if not each.is_kept]
    what = f"module {made[0]}" if len(made) == 1 else f"{len(made)} modules"
    lines = [f"Regenerate {what} from the spec", ""]
    if len(made) > 1:
        lines += [*(f"- {name}" for name in made), ""]
    lines += [f"{SOURCE}: {tip.id}", f"{MODEL}: {options.model}", f"{SPEC}: {spec}"]
    head = [b"tree " + tree.encode(), b"parent " + tip.id.encode()]
    head += [b"author " + _in_utf8(tip, tip.author), b"committer " + _in_utf8(tip, tip.committer)]
    return b"\n".join(head) + b"\n\n" + ("\n".join(lines) + "\n").encode("utf-8", "replace")


def _in_utf8(tip: Commit, value: bytes) -> bytes:
    """Return a header's value as the new commit's encoding has it; what cannot be read stays as it is."""
    encoding = next((named for name, named in tip.headers if name == b"encoding"), None)
    if encoding is None:
        return value
    try:
        return value.decode(encoding.decode("ascii", "replace")).encode("utf-8")
    except (LookupError, ValueError):
        return value


def documents(
    prepared: FoldedPrepared,
    agreement: Agreement,
    built: Sequence[Built],
    tree: Oid,
    verification: Verification | None,
) -> bytes:
    """Return the documents for the note of the commit: one for the interfaces, one for each module."""
    parts: list[str] = []
    if agreement.replies:
        parts += _head(prepared, "interfaces", "interfaces")
        parts += _replies(agreement.replies)
        parts += [f"asked: {flow_list(list(agreement.asked))}", *_end(tree)]
    for each in built:
        parts += _head(prepared, "module", each.unit.module.name)
        parts += _module(prepared, each)
        if each is built[-1] and verification is not None:
            parts += rests_on(verification)
        parts += _end(tree)
    return ("\n".join(parts) + "\n").encode("utf-8", "replace")


def _head(prepared: FoldedPrepared, kind: str, module: str) -> list[str]:
    options = prepared.options
    return [
        "---",
        f"provenance: {scalar(prepared.tip.id)}",
        f"kind: {kind}",
        f"module: {scalar(module)}",
        f"model: {scalar(options.model)}",
        f"mode: {options.mode}",
    ]


def _module(prepared: FoldedPrepared, built: Built) -> list[str]:
    module = built.unit.module
    last = prepared.last.modules.get(module.name)
    request, replies, inputs = built.request, built.replies, built.inputs or built.unit.inputs
    lines: list[str] = []
    if built.is_kept and last is not None:
        request, replies, inputs = last.request, last.replies, last.inputs
        lines.append(f"kept: {scalar(prepared.last.commit)}")
    if request:
        lines += [f"request: {scalar(request)}", f"attempts: {built.attempts}"]
    if replies:
        lines += _replies(replies)
    if built.resolved:
        lines.append(f"resolved: {scalar(built.resolved)}")
    lines.append(f"intents: {flow_list(list(module.intents))}")
    lines.append(f"wrote: {flow_list(list(built.files))}")
    lines.append("inputs: " + flow_map([(kind, f'"{digest}"') for kind, digest in inputs.items()]))
    if built.ignored:
        lines.append(f"ignored: {flow_list(list(built.ignored))}")
    return lines


def _replies(replies: Sequence[str]) -> list[str]:
    return ["replies:", *(f"- {scalar(reply)}" for reply in replies)]


def _end(tree: Oid) -> list[str]:
    return [f"tree: {scalar(tree)}", f"tool: {scalar('git-regen ' + __version__)}", "format: 1"]
