"""One tree as files in a scratch folder, moved to the next tree by what differs.

Files are written here directly, which costs what changed and not the number of files. Where git would change
contents on their way (attributes, line endings) or knows more than blobs (submodules), git writes, with an
index of its own. Nothing here touches the user's index or working tree.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from regen_git.errors import GitError, RegenError
from regen_git.git import trees

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.git.repository import Repository
    from regen_git.git.trees import Change, Leaf

__all__ = ["Checkout", "path_problem"]

# A file written so shortly before the last look can have changed again within one tick of the clock.
_RACY_NS = 20_000_000
_CONVERTING = r"^core\.(autocrlf|eol|attributesfile|symlinks|filemode)$"
# What the user set up for their own working tree must not reach this one.
_PLAIN_GIT = (
    "core.sparseCheckout=false",
    "core.fsmonitor=false",
    "core.splitIndex=false",
    "core.hooksPath=/dev/null",
    "submodule.recurse=false",
)
# Names that HFS+ ignores characters in, and the short and stream names NTFS has for ".git": git refuses them
# on every machine, since a tree travels. Source: verify_path() in read-cache.c.
_HFS_IGNORED = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
_DOT_GIT = re.compile(r"(?:\.git|git~1)[ .]*(?:[:\\].*)?", re.IGNORECASE | re.DOTALL)


def path_problem(path: RepoPath) -> str | None:
    """Return why a tree cannot have this path, or ``None`` if it can: it leaves, or enters ``.git``."""
    parts = path.split("/")
    if "\0" in path:
        return "holds a NUL"
    if any(part in {"", ".", ".."} for part in parts):
        return "leaves the tree"
    if any(_DOT_GIT.fullmatch(_HFS_IGNORED.sub("", name)) for part in parts for name in part.split("\\")):
        return "enters .git"
    return None


class _Seen(NamedTuple):
    """What a file looked like right after it was written."""

    leaf: Leaf
    mode: int
    size: int
    inode: int
    ctime_ns: int


class Checkout:
    """A scratch folder that holds one tree at a time; ``tree`` is ``None`` while it holds none.

    ``directory`` is made if missing and must be empty, unless ``reuse`` says that it is ours from an earlier
    run: then everything in it goes with the first move, but for what ``keep`` named.
    """

    def __init__(self, repo: Repository, directory: Path, *, reuse: bool = False) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        if not reuse and any(directory.iterdir()):
            raise RegenError(f"the scratch folder '{directory}' is not empty")
        self.directory = directory
        self.tree: Oid | None = None
        self._repo = repo
        self._root = os.fspath(directory)
        self._known = not reuse
        self._files: dict[RepoPath, _Seen] = {}
        self._leaves: dict[RepoPath, Leaf] = {}
        self._kept: frozenset[RepoPath] = frozenset()
        self._settled_ns = 0
        self._by_git = False
        self._always_git = _converts(repo)
        self._index: Path | None = None

    def keep(self, paths: Iterable[RepoPath]) -> None:
        """Leave these paths, and all below them, where they are until a tree needs their place."""
        self._kept = frozenset(paths)

    def move_to(self, tree: Oid, *, clean: bool = False) -> None:
        """Make the folder hold this tree; with ``clean``, also undo what others did in it.

        Raises `RegenError` for a path that leaves the tree; then, and after ``OSError``, the next move starts
        from nothing.
        """
        if not self._known:
            self._wipe()
        elif clean:
            self.clean()
        changes = trees.diff(self._repo.objects, self.tree, tree)
        _refuse_unsafe(changes)
        if self._repo.is_partial:
            new = [change.new for change in changes if change.new is not None]
            self._repo.objects.bring(leaf.oid for leaf in new if leaf.mode != trees.SUBMODULE)
        self._known = False
        leaves = self._leaves
        for change in changes:
            if change.new is None:
                leaves.pop(change.path, None)
            else:
                leaves[change.path] = change.new
        by_git = self._always_git or any(_needs_git(path, leaf) for path, leaf in self._special(changes))
        attributes_changed = by_git and any(_is_attributes(change.path) for change in changes)
        if self.tree is not None and (by_git != self._by_git or attributes_changed):
            kept_leaves = leaves.copy()
            self._wipe()
            self._known = False
            self._leaves = kept_leaves
            changes = trees.diff(self._repo.objects, None, tree)
        self._by_git = by_git
        if by_git:
            self._git_write(tree)
        else:
            self._write(changes)
        self.tree = tree
        self._known = True

    def _special(self, changes: list[Change]) -> Iterable[tuple[RepoPath, Leaf]]:
        """Return the paths that can decide who writes: all when git does now, else only what is new."""
        if self._by_git:
            return self._leaves.items()
        return [(change.path, change.new) for change in changes if change.new is not None]

    def clean(self) -> None:
        """Undo what others did: take out files that are no part of the tree, write back what they changed."""
        if self.tree is None or not self._known:
            self._wipe()
            return
        folders = self._folders()
        present: dict[RepoPath, os.stat_result] = {}
        for path, entry in self._scan("", folders):
            if path in self._leaves and not entry.is_dir(follow_symlinks=False):
                present[path] = entry.stat(follow_symlinks=False)
            elif path not in self._kept and not self._is_submodule(path, entry):
                _remove(entry.path)
        if self._by_git:
            self._git_write(self.tree)
            return
        damaged = [path for path, seen in self._files.items() if not self._is_intact(path, seen, present)]
        self._known = False
        parents: dict[str, bool] = {}
        for path in damaged:
            self._put(path, self._files[path].leaf, parents)
        self._settle(damaged)
        self._known = True

    def untracked(self) -> tuple[RepoPath, ...]:
        """Return what is in the folder and not in the tree, each by the topmost path that covers it."""
        found = (path for path, _ in self._scan("", self._folders()) if path not in self._leaves)
        return tuple(sorted(found, key=os.fsencode))

    def _folders(self) -> set[RepoPath]:
        """Return every folder that the tree, or something kept, needs."""
        folders: set[RepoPath] = set()
        for path in (*self._leaves, *self._kept):
            parent = path.rpartition("/")[0]
            while parent and parent not in folders:
                folders.add(parent)
                parent = parent.rpartition("/")[0]
        return folders

    def _scan(self, prefix: str, folders: set[RepoPath]) -> Iterator[tuple[RepoPath, os.DirEntry[str]]]:
        """Yield everything that is not a folder of the tree; never follows a symbolic link."""
        with os.scandir(os.path.join(self._root, prefix)) as found:  # noqa: PTH118 - a Path for each would be slow
            entries = list(found)
        for entry in entries:
            path = prefix + entry.name
            if path in folders and path not in self._leaves and entry.is_dir(follow_symlinks=False):
                if entry.stat(follow_symlinks=False).st_mode & stat.S_IRWXU != stat.S_IRWXU:
                    Path(entry.path).chmod(0o755)
                yield from self._scan(path + "/", folders)
            else:
                yield path, entry

    def _is_submodule(self, path: RepoPath, entry: os.DirEntry[str]) -> bool:
        leaf = self._leaves.get(path)
        if leaf is None or leaf.mode != trees.SUBMODULE or not entry.is_dir(follow_symlinks=False):
            return False
        return not os.listdir(entry.path)  # noqa: PTH208 - one call, no objects

    def _is_intact(self, path: RepoPath, seen: _Seen, present: dict[RepoPath, os.stat_result]) -> bool:
        now = present.get(path)
        if now is None:
            return False
        if (now.st_mode, now.st_size, now.st_ino, now.st_ctime_ns) != seen[1:]:
            return False
        if now.st_ctime_ns < self._settled_ns - _RACY_NS:
            return True
        where = os.path.join(self._root, path)  # noqa: PTH118 - as above
        if seen.leaf.mode == trees.SYMLINK:
            wanted = self._repo.objects.blob(seen.leaf.oid)
            return os.fsencode(os.readlink(where)) == wanted  # noqa: PTH115 - bytes as they are
        with Path(where).open("rb") as file:
            pieces = self._repo.objects.pieces(seen.leaf.oid)
            return all(file.read(len(piece)) == piece for piece in pieces) and not file.read(1)

    def _write(self, changes: list[Change]) -> None:
        """Bring the folder to the next tree: take out first, so that a folder can become a file."""
        for change in changes:
            if change.new is None:
                self._take_out(change.path)
        parents: dict[str, bool] = {}
        written = [change.path for change in changes if change.new is not None]
        for change in changes:
            if change.new is not None:
                self._put(change.path, change.new, parents)
        self._settle(written)

    def _settle(self, paths: list[RepoPath]) -> None:
        self._settled_ns = max((self._files[p].ctime_ns for p in paths), default=self._settled_ns)

    def _take_out(self, path: RepoPath) -> None:
        self._files.pop(path, None)
        where = os.path.join(self._root, path)  # noqa: PTH118 - as above
        if self._has_real_parents(path):
            _remove(where)
        folder = path.rpartition("/")[0]
        while folder:
            try:
                os.rmdir(os.path.join(self._root, folder))  # noqa: PTH106, PTH118 - as above
            except OSError:
                return  # not empty, or something else took its place
            folder = folder.rpartition("/")[0]

    def _has_real_parents(self, path: RepoPath) -> bool:
        """Return whether every folder above is a folder, not a link out of here that a command left."""
        at = self._root
        for part in path.split("/")[:-1]:
            at = f"{at}/{part}"
            try:
                if not stat.S_ISDIR(os.lstat(at).st_mode):
                    return False
            except OSError:
                return False
        return True

    def _put(self, path: RepoPath, leaf: Leaf, parents: dict[str, bool]) -> None:
        """Write one file or link. ``parents`` are folders known to be folders, and whether made just now."""
        folder, _, _ = path.rpartition("/")
        if folder and folder not in parents:
            parents[folder] = self._make_folder(folder)
        where = f"{self._root}/{path}"
        if path in self._files or (not parents.get(folder) and os.path.lexists(where)):
            _remove(where)
        if leaf.mode == trees.SYMLINK:
            os.symlink(self._repo.objects.blob(leaf.oid), os.fsencode(where))  # noqa: PTH211 - the target is bytes
            status = os.lstat(where)
        else:
            status = _create(where, self._repo.objects.pieces(leaf.oid), executable=bool(leaf.mode & 0o100))
        self._files[path] = _Seen(leaf, status.st_mode, status.st_size, status.st_ino, status.st_ctime_ns)

    def _make_folder(self, folder: RepoPath) -> bool:
        """Make sure that this is a folder, and say whether it was made just now."""
        at, is_new = self._root, False
        for part in folder.split("/"):
            at = f"{at}/{part}"
            try:
                mode = os.lstat(at).st_mode
            except FileNotFoundError:
                os.mkdir(at)  # noqa: PTH102 - as above
                is_new = True
                continue
            if not stat.S_ISDIR(mode):
                os.unlink(at)  # noqa: PTH108 - as above
                os.mkdir(at)  # noqa: PTH102 - as above
                is_new = True
        return is_new

    def _wipe(self) -> None:
        """Empty the folder, but for what is kept."""
        self.tree = None
        self._files, self._leaves = {}, {}
        for path, entry in list(self._scan("", self._folders())):
            if path not in self._kept:
                _remove(entry.path)
        if self._index is not None:
            self._index.unlink(missing_ok=True)
        self._known = True

    def _git_write(self, tree: Oid) -> None:
        """Let git write: files that are as its own index remembers them stay untouched."""
        if self._index is None:
            folder = tempfile.mkdtemp(prefix="regen-index-")
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
            self._index = Path(folder) / "index"
        env = {"GIT_INDEX_FILE": str(self._index), "GIT_WORK_TREE": self._root}
        options = [item for setting in _PLAIN_GIT for item in ("-c", setting)]
        command = ("-C", self._root, *options, "read-tree", "--reset", "-u", tree)
        try:
            self._repo.git(*command, env=env)
        except GitError:
            # What exists only in memory git cannot see. Not flushed before: most trees are on disk already.
            self._repo.objects.flush()
            self._repo.git(*command, env=env)


def _converts(repo: Repository) -> bool:
    """Return whether git's settings alone ask for files that are not their blobs."""
    listed = repo.git("config", "-z", "--get-regexp", _CONVERTING, ok=(0, 1))
    for item in listed.split(b"\0"):
        name, _, value = item.partition(b"\n")
        plain = {b"core.autocrlf": b"false", b"core.eol": b"lf"}.get(name, b"true")
        if item and value.lower() != plain:
            return True
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")  # noqa: PTH111 - no home is no error
    attributes = [repo.common_dir / "info" / "attributes", Path(home) / "git" / "attributes"]
    if not os.environ.get("GIT_ATTR_NOSYSTEM"):
        attributes.append(Path("/etc/gitattributes"))
    return any(path.exists() for path in attributes)


def _needs_git(path: RepoPath, leaf: Leaf) -> bool:
    return leaf.mode == trees.SUBMODULE or _is_attributes(path)


def _is_attributes(path: RepoPath) -> bool:
    return path == ".gitattributes" or path.endswith("/.gitattributes")


def _refuse_unsafe(changes: list[Change]) -> None:
    for change in changes:
        problem = path_problem(change.path) if change.new is not None else None
        if problem is not None:
            raise RegenError(f"the tree has a path that {problem}: '{change.path}'")


def _create(where: str, pieces: Iterable[bytes], *, executable: bool) -> os.stat_result:
    """Write a new file and return its status; the mode is cut by the umask, as git's is."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(where, flags, 0o777 if executable else 0o666)
    try:
        for piece in pieces:
            view = memoryview(piece)
            while view:
                view = view[os.write(handle, view) :]
        return os.fstat(handle)
    finally:
        os.close(handle)


def _remove(where: str) -> None:
    """Take out a file, a link or a folder with all in it, whatever modes a command left."""
    try:
        os.unlink(where)  # noqa: PTH108 - the hot path of a move
    except FileNotFoundError:
        return
    except (IsADirectoryError, PermissionError):
        _remove_folder(where)


def _remove_folder(where: str) -> None:
    if not os.path.islink(where) and os.path.isdir(where):  # noqa: PTH112, PTH114 - as above
        for folder, _, _ in os.walk(where):
            if not os.access(folder, os.W_OK | os.X_OK):
                os.chmod(folder, 0o700)  # noqa: PTH101 - as above
        shutil.rmtree(where)
        return
    os.unlink(where)  # noqa: PTH108 - as above
