from __future__ import annotations

from typing import TYPE_CHECKING

from regen_git.git.commits import read_commit
from regen_git.git.releases import last_release, releases_along

if TYPE_CHECKING:
    from support.builder import RepoBuilder


def tree_of(repo: RepoBuilder, rev: str) -> str:
    return repo.git("rev-parse", f"{rev}^{{tree}}")


def along(repo: RepoBuilder, span: str) -> dict[str, str]:
    """Return the subject of each commit with a release, and that of the release."""
    store = repo.opened.objects
    listed = repo.git("rev-list", "--topo-order", "--reverse", span).split()
    commits = [read_commit(store, oid) for oid in listed]
    found = releases_along(repo.opened, ((c.id, c.tree, c.parents) for c in commits))
    everything = [read_commit(store, oid) for oid in repo.git("rev-list", "--all").split()]
    by_tree = {commit.tree: commit.subject for commit in everything}
    return {commit.subject: by_tree[found[commit.id]] for commit in commits if commit.id in found}


def test_without_a_tag_nothing_is_released(repo: RepoBuilder) -> None:
    repo.commit("one", {"a": "1\n"})
    assert last_release(repo.opened, "HEAD") is None
    assert along(repo, "HEAD") == {}


def test_the_last_tag_at_or_before_a_commit_is_its_release(repo: RepoBuilder) -> None:
    repo.commit("one", {"a": "1\n"})
    repo.commit("two", {"a": "2\n"})
    repo.git("tag", "-a", "-m", "annotated", "v1")
    repo.git("branch", "v1", "HEAD~")
    repo.commit("three", {"a": "3\n"})
    assert last_release(repo.opened, "HEAD") == tree_of(repo, "HEAD~")
    assert last_release(repo.opened, "HEAD~2") is None
    assert along(repo, "HEAD") == {"two": "two", "three": "two"}
    assert along(repo, "HEAD~..HEAD") == {"three": "two"}


def test_a_side_without_a_release_has_none_until_it_is_merged(repo: RepoBuilder) -> None:
    repo.commit("one", {"a": "1\n"})
    repo.git("checkout", "-q", "-b", "side")
    repo.commit("aside", {"b": "1\n"})
    repo.git("checkout", "-q", "main")
    repo.commit("two", {"a": "2\n"})
    repo.git("tag", "v1")
    repo.git("merge", "-q", "--no-ff", "-m", "merge", "side")
    assert along(repo, "HEAD") == {"two": "two", "merge": "two"}
