"""``git regen verify``: run the declared checks on a commit's tree and hold it against the original."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from regen_git.cli.console import Console, safe
from regen_git.cli.context import json_option, open_repository

if TYPE_CHECKING:
    from regen_git.config import Settings
    from regen_git.domain.ids import Oid
    from regen_git.domain.verdict import CheckResult, Verification
    from regen_git.git.repository import Repository
    from regen_git.verify.gates import Gates

__all__ = ["command"]

_SHOWN = 20
_STATUS = {"pass": 0, "fail": 1, "indeterminate": 3}


@click.command("verify")
@click.argument("rev", default="HEAD")
@click.option("--against", metavar="REV", help="The original; default: what the commit was rebuilt from.")
@click.option("--no-cache", is_flag=True, help="Run everything, also what is known.")
@json_option
def command(*, rev: str, against: str | None, no_cache: bool, as_json: bool) -> int:
    r"""Run the checks on a commit and say whether it is acceptable.

    A rebuilt commit is held against the commit it was rebuilt from: tests that passed there must pass, frozen
    files must be the same byte for byte. Where the settings declare 'state', the data that the last release
    makes must be read as it was: the last tag's, else the original's, else the commit's own. Leaves 0 for
    pass, 1 for fail, and 3 where it cannot be said, for instance because no checks are configured.

    \b
    Examples:
      git regen verify
      git regen verify regen/gpt --against main
    """
    from concurrent.futures import ThreadPoolExecutor

    from regen_git.config import load_settings
    from regen_git.git.commits import read_commit
    from regen_git.git.releases import last_release
    from regen_git.verify.runner import Verifier
    from regen_git.verify.statement import to_json
    from regen_git.verify.trust import Trust

    console = Console(json=as_json)
    repo = open_repository()
    settings = load_settings(repo)
    for line in settings.warnings:
        console.say(f"warning: {safe(line)}")
    commit = repo.resolve(rev)
    original = _original(repo, commit, against)
    tree = read_commit(repo.objects, commit).tree
    basis = read_commit(repo.objects, original).tree if original is not None else None
    asks = settings.state is not None or settings.paths.append
    release = last_release(repo, original or commit) if asks else None
    trusted = Trust(repo).is_trusted(settings.digest)
    with (
        ThreadPoolExecutor(1) as executor,
        Verifier(repo, settings, trusted=trusted, executor=executor, use_cache=not no_cache) as verifier,
    ):
        result = verifier.verify_tree(
            tree,
            basis,
            gates=_gates(settings, release or basis, is_rebuilt=against is None),
            released=(release or basis or tree) if settings.state is not None else None,
        )
    _render(console, result, original)
    console.emit({**to_json(result), "commit": commit, "original": original})
    return _STATUS[result.verdict.value]


def _original(repo: Repository, commit: Oid, against: str | None) -> Oid | None:
    """Return the commit to hold this one against: the one named, else the last ``Regen-Source``."""
    if against is not None:
        return repo.resolve(against)
    from regen_git.git import trailers
    from regen_git.git.commits import read_commit

    pairs = trailers.parse(read_commit(repo.objects, commit).message)
    sources = [value.strip() for key, value in pairs if key.lower() == "regen-source"]
    return repo.resolve(sources[-1]) if sources else None


def _gates(settings: Settings, released: Oid | None, *, is_rebuilt: bool) -> Gates:
    """Return what to hold a tree against its original by.

    A replay leaves names that nobody else used free to change; which, only the replay itself knows. So for a
    rebuilt commit the public surface is not judged again here.
    """
    from regen_git.config import Ownership
    from regen_git.replay.people.regions import kept_regions
    from regen_git.verify.gates import Gates
    from regen_git.verify.surface import public_surface, surface_changes

    return Gates(
        Ownership(settings.paths),
        kept_regions=lambda _, text: [region.text for region in kept_regions(text)],
        public_surface=None if is_rebuilt else public_surface,
        surface_changes=None if is_rebuilt else surface_changes,
        released=released,
    )


def _render(console: Console, result: Verification, original: Oid | None) -> None:
    for check in result.checks:
        console.out(f"{check.verdict.value:<14} {safe(check.name)}  {_counts(check)}")
        if check.verdict.value != "pass" and check.output:
            console.say("\n".join(f"  {safe(line)}" for line in check.output.splitlines()[-_SHOWN:]))
    for gate in result.gates:
        console.out(f"{'fail' if gate.problems else 'holds':<14} gate: {gate.name}")
    for name in result.ratchet.lost[:_SHOWN]:
        console.out(f"lost           {safe(name)}")
    if len(result.ratchet.lost) > _SHOWN:
        console.out(f"               and {len(result.ratchet.lost) - _SHOWN} more")
    for name in result.ratchet.unstable[:_SHOWN]:
        console.out(f"unstable       {safe(name)}")
    for reason in result.reasons[:_SHOWN]:
        console.say(f"note: {safe(reason)}")
    if original is None:
        console.say("note: held against nothing; '--against REV' names an original")
    console.out(f"{result.verdict.value} (tree {result.tree[:12]}, {len(result.frozen)} frozen files)")


def _counts(check: CheckResult) -> str:
    from collections import Counter

    counts = Counter(outcome.value for outcome in check.tests.values())
    told = ", ".join(f"{counts[word]} {word}" for word in ("passed", "failed", "skipped") if counts[word])
    return f"{told + ', ' if told else ''}{check.seconds:.1f} s"
