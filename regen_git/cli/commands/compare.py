"""``git regen compare``: a rebuilt branch beside its source."""

from __future__ import annotations

import concurrent.futures
from typing import TYPE_CHECKING, Any

import click

from regen_git.cli.console import Console, safe
from regen_git.cli.context import json_option, open_repository

if TYPE_CHECKING:
    from regen_git.domain.ids import Oid
    from regen_git.domain.verdict import Verification
    from regen_git.git.repository import Repository
    from regen_git.verify.compare import Comparison, Difference

__all__ = ["command", "compare_trees_verified", "print_comparison"]

_MANY = 8


@click.command("compare")
@click.argument("name")
@click.option("--diff", "with_diff", is_flag=True, help="Show the whole difference.")
@json_option
def command(name: str, *, with_diff: bool, as_json: bool) -> int:
    r"""Compare a rebuilt branch with its source: tests, public names, size, complexity, dependencies, cost.

    Tests are compared where the configuration is trusted; results that are known are not run again.

    \b
    git regen compare gpt-5
    """
    from regen_git.cli.replaying import money, print_hunks, require_ended
    from regen_git.git.commits import read_commit
    from regen_git.replay.report import read_report

    console = Console(json=as_json)
    repo = open_repository()
    report = read_report(repo, name)
    require_ended(report)
    old = read_commit(repo.objects, report.options.tip).tree
    new = read_commit(repo.objects, report.tip or "").tree
    comparison = compare_trees_verified(repo, old, new)
    by_people = [hunk._asdict() for hunk in report.hunks]
    about = {"cost_usd": report.cost_usd, "tokens": report.tokens, "hunks_by_people": by_people}
    console.emit({**comparison.to_json(), **about})
    console.out(f"old: {report.options.tip[:12]}   new: {(report.tip or '')[:12]} (regen/{name})")
    print_comparison(console, comparison)
    console.out(f"{'cost':<14}{money(report.cost_usd)}, {report.tokens:,} tokens")
    console.out(f"{'verdict':<14}{report.verdict}")
    print_hunks(console, report)
    console.out()
    args = ["diff", "--stat" if not with_diff else "--patch", "--no-ext-diff", "--no-color", old, new]
    console.out(safe(repo.git(*args).decode("utf-8", "replace")).rstrip("\n") or "no file differs")
    return 0


def compare_trees_verified(repo: Repository, old: Oid, new: Oid) -> Comparison:
    """Compare two trees, with tests where checks may run."""
    from regen_git.cli.replaying import load_for_replay
    from regen_git.verify.compare import compare_trees
    from regen_git.verify.runner import Verifier
    from regen_git.verify.surface import public_surface
    from regen_git.verify.trust import Trust

    settings = load_for_replay(repo)
    verified: tuple[Verification, Verification] | None = None
    if settings.checks and Trust(repo).is_trusted(settings.digest):
        with (
            concurrent.futures.ThreadPoolExecutor(max_workers=1) as executor,
            Verifier(repo, settings, trusted=True, executor=executor) as verifier,
        ):
            verified = verifier.verify_tree(old), verifier.verify_tree(new, old)
    return compare_trees(repo.objects, old, new, public_surface=public_surface, verified=verified)


def print_comparison(console: Console, comparison: Comparison) -> None:
    """Print old against new, a line a subject; names where they changed."""
    before, after = comparison.old_size, comparison.new_size
    rows: list[tuple[str, Any, Any]] = [
        ("files", before.files, after.files),
        ("lines", before.lines, after.lines),
        ("bytes", before.bytes, after.bytes),
        ("branches", before.complexity, after.complexity),
    ]
    for title, old, new in rows:
        change = f" ({new - old:+,})" if new != old else ""
        console.out(f"{title:<14}{old:,} -> {new:,}{change}")
    _print_names(console, "public names", comparison.surface)
    _print_names(console, "dependencies", comparison.dependencies)
    if comparison.tests is None:
        console.out(f"{'tests':<14}not compared: no check ran that names its tests (see 'git regen trust')")
    else:
        _print_names(console, "tests passing", comparison.tests)


def _print_names(console: Console, title: str, difference: Difference) -> None:
    gained, lost = difference.gained, difference.lost
    console.out(f"{title:<14}{difference.same} the same, {len(gained)} gained, {len(lost)} lost")
    for mark, names in (("+", gained), ("-", lost)):
        for name in names[:_MANY]:
            console.out(f"    {mark} {safe(name)}")
        if len(names) > _MANY:
            console.out(f"    {mark} and {len(names) - _MANY} more")
