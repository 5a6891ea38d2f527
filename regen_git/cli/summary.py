"""The short help and the list of commands: plain text, so that showing it loads nothing."""

from __future__ import annotations

__all__ = ["COMMANDS", "SUMMARY"]

COMMANDS: dict[str, dict[str, str]] = {
    "Start": {
        "demo": "see the whole line on a small application, in a temporary folder",
        "init": "set up hooks and notes in this repository",
        "deinit": "take all of that out again",
        "doctor": "say what is set up, what fires and what failed",
        "agents": "say which agents report prompts, and when; add and remove them",
        "trust": "allow this repository's checks to run",
    },
    "Record": {
        "record": "record a prompt for the next commit, or for one that exists",
        "status": "show what is waiting, which hooks are in place, and the coverage",
        "classify": "say of recorded prompts what they are for, by rules or by a model",
        "mark": "say that commits were made by a person, or by an agent",
        "import": "take intents from commit messages, agents' sessions and other tools",
    },
    "Change": {
        "edit": "word a prompt differently, as its next revision",
        "supersede": "ask for something else in the place of an intent",
        "fold": "write what is asked now as pages that people edit",
        "retract": "take an intent back; it stays in the ledger, without force",
    },
    "Read": {
        "log": "list commits with their prompts",
        "show": "show everything known about one commit",
        "blame": "show each line of a file with its prompt or person",
        "why": "say which prompt or person a line comes from",
        "diff": "show what was asked between two revisions",
        "describe": "name the version of all that is asked in a revision",
        "export": "write the ledger as JSON, Markdown or Agent Trace",
    },
    "Share": {
        "sync": "exchange the ledger with a remote; asks before it publishes",
        "repair": "give commits back the notes that a squash or a rewrite has cost them",
        "purge": "take a leaked secret out of all notes, replies and files that hold it",
        "check": "for continuous integration: has every commit the intents it names",
    },
    "Rebuild": {
        "try": "regenerate one commit and compare old with new",
        "plan": "show the steps of a replay and what it may cost",
        "replay": "rebuild a range of history from its prompts",
        "resolve": "help a step that is stuck",
        "compare": "compare a rebuilt branch with its source",
        "verify": "run the checks on a revision",
        "adopt": "take a rebuilt tree, or history, into the current branch",
    },
}
"""Every command that people type, by group, with what it does in one line."""

HIDDEN = ("capture", "hook")
"""Commands that programs call."""


def _summary() -> str:
    lines = [
        "git regen: keep the prompts beside the commits they made, and rebuild the code from them",
        "",
        "usage: git regen <command> [<options>]",
    ]
    for group, commands in COMMANDS.items():
        lines += ["", group]
        lines += [f"  {name:<9} {text}" for name, text in commands.items()]
    lines += ["", "'git regen <command> -h' explains a command; 'git regen --help' opens the manual."]
    return "\n".join(lines) + "\n"


SUMMARY = _summary()
