"""Hosting sites as they merge: commits made in a bare repository, where no hook and no note of ours is.

Texts are the sites' defaults, as their documentation gives them:

- GitHub, squash, two commits or more: title and number of the pull request; as the body every message behind
  ``* ``, oldest first (``COMMIT_OR_PR_TITLE`` with ``COMMIT_MESSAGES``, the default; ``PR_TITLE`` names the
  first part "pull request title and commit details"). Co-authors follow a line of nine dashes. One commit:
  its own subject with the number, and its own body.
- GitHub, squash with "pull request title and description" (``PR_BODY``), or with the title only (``BLANK``).
- GitHub, rebase: the same messages and authors, GitHub as the committer.
- GitLab, squash: the template ``%{title}``, nothing else, on the fork; then a merge commit by the template
  ``Merge branch '%{source_branch}' into '%{target_branch}'``, title, ``See merge request %{reference}``.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Server:
    """A bare repository that merges branches into ``main``."""

    path: Path
    name: str = "GitHub"
    address: str = "noreply@github.com"

    @classmethod
    def init(cls, path: Path) -> Server:
        subprocess.run(["git", "init", "-q", "--bare", str(path)], check=True)
        return cls(path)

    def git(self, *args: str, stdin: str | None = None) -> str:
        env = {**os.environ, "GIT_COMMITTER_NAME": self.name, "GIT_COMMITTER_EMAIL": self.address}
        done = subprocess.run(
            ["git", *args],
            cwd=self.path,
            env=env,
            input=(stdin or "").encode(),
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, (args, done.stderr.decode())
        return done.stdout.decode().strip()

    def commits(self, branch: str) -> list[str]:
        """The branch's own commits, oldest first."""
        return self.git("rev-list", "--reverse", f"main..{branch}").split()

    def message(self, commit: str) -> str:
        return self.git("log", "-1", "--format=%B", commit)

    def github_text(self, branch: str, title: str, number: int = 7, *, by: str = "") -> str:
        """Return what GitHub proposes for a squash."""
        commits = self.commits(branch)
        if len(commits) == 1:
            subject, _, body = self.message(commits[0]).partition("\n")
            return f"{subject} (#{number})\n{body}"
        listed = "\n\n".join(f"* {self.message(commit)}" for commit in commits)
        authors = f"\n\n---------\n\nCo-authored-by: {by}" if by else ""
        return f"{title} (#{number})\n\n{listed}{authors}\n"

    def squash(self, branch: str, text: str) -> str:
        """Merge a branch as one commit on top of ``main``."""
        tree = self.git("merge-tree", "--write-tree", "main", branch).split()[0]
        return self._advance(self.git("commit-tree", tree, "-p", "main", "-F", "-", stdin=text))

    def rebase(self, branch: str) -> str:
        """Put a branch's commits on top of ``main`` one by one, as they are but for the committer."""
        scratch = self.path.with_name(f"{self.path.name}-scratch")
        self.git("clone", "-q", "--branch=main", str(self.path), str(scratch))
        self.git("-C", str(scratch), "cherry-pick", *self.commits(branch))
        self.git("-C", str(scratch), "push", "-q", "origin", "main")
        return self.git("rev-parse", "main")

    def gitlab(self, branch: str, title: str, text: str = "") -> str:
        """Squash a branch on its fork, then merge that into ``main``; return the squashed commit."""
        base = self.git("merge-base", "main", branch)
        squashed = self.git(
            "commit-tree", f"{branch}^{{tree}}", "-p", base, "-F", "-", stdin=text or f"{title}\n"
        )
        tree = self.git("merge-tree", "--write-tree", "main", squashed).split()[0]
        merge = f"Merge branch '{branch}' into 'main'\n\n{title}\n\nSee merge request group/project!7\n"
        self._advance(self.git("commit-tree", tree, "-p", "main", "-p", squashed, "-F", "-", stdin=merge))
        return squashed

    def _advance(self, commit: str) -> str:
        self.git("update-ref", "refs/heads/main", commit)
        return commit
