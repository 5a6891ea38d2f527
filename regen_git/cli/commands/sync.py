"""``git regen sync``: exchange the ledger with a remote, asking before anything is published."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from regen_git.cli.console import Console, safe
from regen_git.cli.context import json_option, open_repository
from regen_git.errors import RegenError

if TYPE_CHECKING:
    from regen_git.git.repository import Repository
    from regen_git.sharing.publishing import Offer
    from regen_git.sharing.remotes import Remote
    from regen_git.sharing.sync import Asked, Report

__all__ = ["command"]

_HOOK_PATIENCE_S = 60.0
_SHOWN_LOST = 3


@click.command("sync")
@click.argument("remote", required=False, default="")
@click.option("--fetch-only", "--no-push", "fetch_only", is_flag=True, help="Publish nothing.")
@click.option("--replies", is_flag=True, help="Also exchange recorded model replies.")
@click.option("-y", "--yes", is_flag=True, help="Publish without asking, here and from now on.")
@click.option("--dry-run", is_flag=True, help="Say what would be fetched and published; write nothing.")
@click.option("--on-push", default="", hidden=True, metavar="URL", help="For the pre-push hook.")
@json_option
def command(
    remote: str,
    *,
    fetch_only: bool,
    replies: bool,
    yes: bool,
    dry_run: bool,
    on_push: str,
    as_json: bool,
) -> int:
    r"""Fetch the ledger of REMOTE, unite it with ours, and push what is new.

    REMOTE is a name; without one the branch's upstream, else 'origin', else the only one. Before anything is
    published to an address for the first time, it is shown and asked for; 'git config regen.publish
    never|ask|always' decides it for all. Private intents stay here.

    \b
    Examples:
      git regen sync
      git regen sync --dry-run
      git regen sync origin --fetch-only
    """
    from regen_git.sharing.remotes import choose_remote
    from regen_git.sharing.sync import rehearse, sync

    console = Console(json=as_json)
    if on_push:
        _on_push(console, remote, on_push)
        return 0
    from regen_git.cli.late import catch_up

    repo = open_repository()
    chosen = choose_remote(repo, remote)
    if dry_run:
        report, news = rehearse(repo, chosen, replies=replies)
        _show_rehearsal(console, chosen, report, news)
        console.emit({**_facts(report), "dry_run": True, "news": news})
        return 0

    def ask(where: Remote, offered: Offer, has_replies: bool) -> Asked:  # noqa: FBT001 - as sync calls it
        return _ask(console, where, offered, has_replies=has_replies)

    if not fetch_only:
        catch_up(repo, console)
    report = sync(repo, chosen, ask, push=not fetch_only, agreed=yes, replies=replies)
    _show(console, report, fetch_only=fetch_only)
    console.emit({**_facts(report), "dry_run": False})
    if report.failure is not None:
        raise report.failure
    return 0


def _ask(console: Console, remote: Remote, offered: Offer, *, has_replies: bool) -> Asked:
    """Show what would become public and ask; ``None`` where nobody can answer."""
    from regen_git.sharing.remotes import public_url

    if console.is_json or not sys.stdin.isatty():
        return None
    for line in _offer_lines(offered, has_replies=has_replies):
        console.say(line)
    where = ", ".join(f"'{safe(public_url(url))}'" for url in remote.push_urls)
    answer = click.prompt(
        f"publish this to {where}, now and from now on?",
        type=click.Choice(["yes", "no", "never"]),
        default="no",
        err=True,
    )
    return "yes" if answer == "yes" else "never" if answer == "never" else "no"


def _offer_lines(offered: Offer, *, has_replies: bool = False) -> list[str]:
    counts = ((offered.intents, "intent"), (offered.prompts, "prompt"), (offered.documents, "document"))
    lines = [f"would become public: {', '.join(_many(*each) for each in counts)} in all"]
    lines += [f"  by {safe(name)}: {_many(count, 'intent')}" for name, count in offered.people.items()]
    lines += [f"  | {safe(line)}" for line in offered.newest]
    if offered.prompts > len(offered.newest):
        lines.append(f"  and {offered.prompts - len(offered.newest)} more; 'git regen log' shows all")
    if offered.former:
        lines.append(
            f"  with {_many(offered.former, 'document')} that you have taken out: the notes' history has them"
        )
    if has_replies:
        lines.append("  and the recorded replies of models")
    if offered.private:
        lines.append(f"stays here: {_many(offered.private, 'private intent')}")
    return lines


def _many(count: int, what: str) -> str:
    return f"1 {what}" if count == 1 else f"{count:,} {what}s"


def _show(console: Console, report: Report, *, fetch_only: bool) -> None:
    name = safe(report.remote)
    if report.refspec_added:
        console.out(f"'git fetch {name}' also fetches its ledger from now on")
    if report.documents:
        console.out(
            f"from '{name}': {_many(report.intents, 'intent')}, {_many(report.documents, 'document')} in all"
        )
    else:
        console.out(f"from '{name}': nothing new")
    if report.replies_fetched:
        console.out(f"from '{name}': recorded replies")
    if report.copied:
        console.out(f"notes given to {_many(report.copied, 'commit')} that named their intents")
    if report.pushed:
        offered = report.offer
        what = (
            [_many(offered.intents, "intent"), f"{_many(offered.documents, 'document')} in all"]
            if offered
            else []
        )
        tries = f" (at the {report.tries}. try)" if report.tries > 1 else ""
        console.out(f"to '{name}': {', '.join(what)}{tries}")
    elif report.held:
        console.out(f"to '{name}': nothing, {report.held}")
    elif not fetch_only and report.failure is None:
        console.out(f"to '{name}': nothing, it has everything")
    _warn(console, report)


def _warn(console: Console, report: Report) -> None:
    for warning in report.warnings:
        console.say(f"warning: {safe(warning)}")
    if report.lost:
        shown = ", ".join(oid[:12] for oid in report.lost[:_SHOWN_LOST])
        what = (
            "1 commit names an intent"
            if len(report.lost) == 1
            else f"{len(report.lost)} commits name intents"
        )
        more = " …" if len(report.lost) > _SHOWN_LOST else ""
        console.say(f"warning: {what} that nobody here or there knows: {shown}{more}")


def _show_rehearsal(console: Console, remote: Remote, report: Report, news: list[str]) -> None:
    from regen_git.sharing.remotes import public_url

    name = safe(remote.name)
    console.out(f"from '{name}': " + ("something new" if news else "nothing new"))
    for line in _offer_lines(report.offer) if report.offer and not report.offer.is_empty else []:
        console.out(line)
    if report.held:
        console.out(f"to '{name}': nothing, {report.held}")
    elif report.offer is not None and report.offer.is_empty:
        console.out(f"to '{name}': nothing, it has everything")
    else:
        console.out("to " + ", ".join(f"'{safe(public_url(url))}'" for url in remote.push_urls))


def _facts(report: Report) -> dict[str, Any]:
    from regen_git.sharing.remotes import public_url

    offered = report.offer
    return {
        "remote": report.remote,
        "url": public_url(report.url),
        "refspec_added": report.refspec_added,
        "fetched": {
            "intents": report.intents,
            "documents": report.documents,
            "replies": report.replies_fetched,
        },
        "copied": report.copied,
        "lost": report.lost,
        "new_there": None
        if offered is None
        else {
            "intents": offered.intents,
            "prompts": offered.prompts,
            "documents": offered.documents,
            "former": offered.former,
            "people": dict(offered.people),
        },
        "private": offered.private if offered else None,
        "pushed": report.pushed,
        "tries": report.tries,
        "held": report.held,
        "warnings": report.warnings,
        "failure": str(report.failure) if report.failure else "",
    }


def _on_push(console: Console, remote: str, url: str) -> None:
    """Share the ledger beside a push that goes on anyway; one line at most, and no failure."""
    try:
        said = _beside_push(open_repository(), remote, url)
    except (RegenError, OSError) as error:
        said = f"the ledger was not shared: {error}"
    if said:
        console.say(f"regen: {safe(' '.join(said.split()))}")


def _beside_push(repo: Repository, remote: str, url: str) -> str:
    from regen_git.sharing.publishing import agreement
    from regen_git.sharing.remotes import choose_remote, remotes
    from regen_git.sharing.standing import standing
    from regen_git.sharing.sync import sync

    if remote not in remotes(repo):
        # Pushed to an address without a name: there is nowhere to keep what that has.
        return ""
    chosen = choose_remote(repo, remote)
    answer = agreement(repo, {*chosen.push_urls, url})
    if answer == "no":
        return ""
    if answer == "unasked":
        ahead = standing(repo, remote).ahead
        return f"'{remote}' lacks {_many(ahead, 'note')} of the ledger: git regen sync" if ahead else ""
    report = sync(repo, chosen, lambda *_: None, patience_s=_HOOK_PATIENCE_S)
    if report.failure is not None:
        return f"the ledger was not shared: {report.failure}"
    offered = report.offer
    if report.pushed and offered is not None:
        return f"the ledger went to '{remote}' too ({_many(offered.intents, 'intent')})"
    return ""
