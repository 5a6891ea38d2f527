"""Which remote is meant, and where its pushes go."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from regen_git.errors import GitError, RegenError

if TYPE_CHECKING:
    from regen_git.git.repository import Repository

__all__ = ["Remote", "choose_remote", "public_url", "remotes"]

_CREDENTIALS = re.compile(r"^([a-z][a-z0-9+.-]*://)[^/@]*@", re.IGNORECASE)
_WITH_USER = ("ssh://", "git+ssh://", "ssh+git://")


@dataclass(frozen=True, slots=True)
class Remote:
    """A remote by name, where it is fetched from, and everywhere that a push goes, as git rewrites them."""

    name: str
    url: str
    push_urls: tuple[str, ...]

    @property
    def is_split(self) -> bool:
        """Whether pushes go elsewhere, so that what was fetched need not be what is there."""
        return self.push_urls != (self.url,)


def remotes(repo: Repository) -> list[str]:
    """Return the names of all remotes."""
    return os.fsdecode(repo.git("remote")).splitlines()


def choose_remote(repo: Repository, given: str = "") -> Remote:
    """Return the remote that is named, else the branch's upstream, else ``origin``, else the only one.

    Raises ``RegenError`` when there is none, or no way to choose.
    """
    names = remotes(repo)
    if given:
        name = given
    elif not names:
        raise RegenError("there is no remote to share with", hint="'git remote add origin <url>' names one")
    else:
        upstream = _upstream(repo)
        name = next((one for one in (upstream, "origin") if one in names), "")
        if not name and len(names) == 1:
            name = names[0]
        if not name:
            raise RegenError(
                f"which remote is meant: {', '.join(repr(one) for one in names)}?",
                hint=f"name one: 'git regen sync {names[0]}'",
            )
    if name not in names or name.startswith("-"):
        known = ", ".join(names) or "none"
        raise RegenError(f"there is no remote '{name}'", hint=f"remotes here: {known}")
    try:
        url = _urls(repo, name)
        push = _urls(repo, name, "--push", "--all")
    except GitError as error:
        hint = f"'git remote set-url {name} <url>' gives it one"
        raise RegenError(f"remote '{name}' has no address", hint=hint) from error
    return Remote(name, url[0], tuple(push))


def _urls(repo: Repository, name: str, *options: str) -> list[str]:
    urls = os.fsdecode(repo.git("remote", "get-url", *options, name)).splitlines()
    if not urls:
        raise RegenError(f"git names no address for remote '{name}'", hint="see 'git remote -v'")
    return urls


def _upstream(repo: Repository) -> str:
    status, out = repo.git_status("symbolic-ref", "--quiet", "--short", "HEAD", ok=(0, 1, 128))
    branch = os.fsdecode(out).strip()
    return (repo.config(f"branch.{branch}.remote") or "") if status == 0 and branch else ""


def public_url(url: str) -> str:
    """Return an address without credentials: to be shown, and to be remembered."""
    return url if url.lower().startswith(_WITH_USER) else _CREDENTIALS.sub(r"\1", url)
