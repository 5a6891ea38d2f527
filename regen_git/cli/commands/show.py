"""``git regen show``: everything known about one commit."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import click

from regen_git.cli.console import Console, safe, style
from regen_git.cli.context import json_option, open_up_to_date
from regen_git.cli.missing import tell_missing
from regen_git.cli.pager import paged

if TYPE_CHECKING:
    from regen_git.agents.evidence import Evidence
    from regen_git.domain.intent import Binding, Intent, Prompt
    from regen_git.git.repository import Repository
    from regen_git.importers.reading import Told

__all__ = ["command"]


@click.command("show")
@click.argument("rev", metavar="[REV]", required=False, default="HEAD")
@json_option
def command(rev: str, *, as_json: bool) -> None:
    """Show everything known about one commit: intents, what they wrote, evidence, verdict.

    A commit without a recorded intent is shown with its message as its intent.

    \b
    Examples:
      git regen show
      git regen show v1.0~3 --json
    """  # noqa: D301 - click keeps the lines after this mark as they are
    from regen_git.importers.reading import one

    repo = open_up_to_date()
    told = one(repo, rev)
    console = Console(json=as_json)
    evidence = told.evidence()
    provenance = _provenance(repo, told)
    if console.is_json:
        console.emit(_json(told, evidence, provenance))
    else:
        with paged(repo):
            _print(console, told, evidence, provenance)
    _warn(repo, console, told)


def _provenance(repo: Repository, told: Told) -> str:
    """Return the note that says how a rebuilt commit came to be; empty for any other commit."""
    from regen_git.git.notes import read_note
    from regen_git.ledger.store import PROVENANCE_REF

    return read_note(repo, PROVENANCE_REF, told.commit).decode("utf-8", "replace")


def _json(told: Told, evidence: Evidence, provenance: str) -> dict[str, Any]:
    from regen_git.importers.reading import intent_json, told_json

    bindings = [
        {
            "intent": b.intent,
            "wrote": list(b.wrote),
            "read": list(b.read),
            "hand": None if b.hand is None else {p: [str(r) for r in ranges] for p, ranges in b.hand.items()},
            "base": b.base,
            "result": b.result,
            "checks": dict(b.checks),
        }
        for b in told.note.bindings
    ]
    return {
        **told_json(told),
        "author": told.author,
        "date": told.date,
        "bindings": bindings,
        "evidence": {"maker": evidence.maker, "agent": evidence.agent, "reason": evidence.reason},
        "verdict": _verdict(told),
        "provenance": provenance or None,
        "versions": {
            one: [intent_json(intent, told.binding(intent)) for intent in told.note.versions[one]]
            for one in told.note.conflicts
        },
    }


def _verdict(told: Told) -> str | None:
    verdicts = [b.checks["verdict"] for b in told.note.bindings if "verdict" in b.checks]
    return verdicts[-1] if verdicts else None


def _print(console: Console, told: Told, evidence: Evidence, provenance: str) -> None:
    console.out(style(f"commit {told.commit}", fg="yellow"))
    console.out(f"author   {safe(told.author)}, {safe(told.date)}")
    console.out(f"subject  {safe(told.subject)}")
    if not told.note.intents or told.mark is not None:
        console.out(f"made by  {_made_by(evidence)}")
    if not told.note.intents:
        console.out()
        console.out(style("no recorded intent: the message stands in for it", dim=True))
        console.out(_indented(told.message.strip("\n")))
    for claims in told.note.versions.values():
        for number, intent in enumerate(claims, 1):
            console.out()
            if len(claims) > 1:
                text = f"conflict: version {number} of {len(claims)} of revision {intent.revision}"
                console.out(style(text, fg="red"))
            _print_intent(console, intent, told.binding(intent))
    for one in told.note.unknown:
        console.out()
        console.out(f"intent {one} was bound here; the note does not say what it asked for")
    verdict = _verdict(told)
    if verdict:
        console.out()
        console.out(f"verdict  {safe(verdict)}")
    if provenance:
        console.out()
        console.out("how it was rebuilt")
        console.out(_indented(provenance.strip("\n")))


def _made_by(evidence: Evidence) -> str:
    who = {"agent": safe(evidence.agent or "an agent"), "person": "a person", "none": "nobody says"}[
        evidence.maker
    ]
    return f"{who} ({safe(evidence.reason)})"


def _print_intent(console: Console, intent: Intent, binding: Binding | None) -> None:
    console.out(style(f"intent {intent.id}", fg="cyan") + f", revision {intent.revision}, {intent.origin}")
    if intent.agent is not None:
        agent = intent.agent
        parts = [agent.name, agent.version, agent.model, agent.session and f"session {agent.session}"]
        console.out(f"agent    {safe(', '.join(part for part in parts if part))}")
    if intent.author is not None:
        console.out(f"asked by {safe(intent.author)}")
    if intent.retracted:
        console.out("retracted: it is not asked any more")
    if intent.supersedes:
        console.out(f"replaces {', '.join(intent.supersedes)}")
    for prompt in intent.prompts:
        facts = ", ".join(fact for fact in (prompt.at, prompt.kind or _likely(prompt)) if fact)
        console.out(style(f"prompt{f' ({safe(facts)})' if facts else ''}", bold=True))
        if prompt.answers:
            console.out(_indented(prompt.answers, mark="    | "))
        console.out(_indented(prompt.text))
        if prompt.refs:
            console.out(f"  points at {safe(', '.join(prompt.refs))}")
    if intent.approved:
        console.out(style("approved plan, written by the agent", bold=True))
        console.out(_indented(intent.approved))
    if intent.redacted:
        console.out(f"{intent.redacted} secret{'s' if intent.redacted > 1 else ''} taken out")
    _print_binding(console, binding)


def _likely(prompt: Prompt) -> str:
    """Say what a prompt that nobody classified is likely for; scripts get only what is recorded."""
    from regen_git.agents.classes import guess

    kind = guess(prompt.text, prompt.answers)
    return f"probably {kind}" if kind else ""


def _print_binding(console: Console, binding: Binding | None) -> None:
    if binding is None:
        console.out("wrote    not recorded")
        return
    console.out(f"wrote    {safe(', '.join(binding.wrote)) or 'not recorded: the whole commit counts'}")
    if binding.read:
        console.out(f"read     {safe(', '.join(binding.read))}")
    for path, ranges in (binding.hand or {}).items():
        console.out(f"by hand  {safe(path)}: {', '.join(str(r) for r in ranges)}")


def _indented(text: str, mark: str = "    ") -> str:
    return textwrap.indent(safe(text.rstrip()), mark, lambda _: True)


def _warn(repo: Repository, console: Console, told: Told) -> None:
    for trouble in told.note.troubles:
        console.say(f"warning: {safe(trouble)}")
    for one in told.note.conflicts:
        console.say(f"'git regen edit {one}' shows both versions and settles it")
    if told.note.warnings:
        console.say(
            "'git notes --ref=regen edit <commit>' mends a note by hand; nothing of it is lost until then"
        )
    if told.missing:
        console.say(f"missing: {', '.join(told.missing)}")
    tell_missing(console, repo, bool(told.missing))
