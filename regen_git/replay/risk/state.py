"""Data that outlives the code: stores in the tree, and code that keeps some."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from regen_git.config import Kind
from regen_git.git.trees import REGULAR
from regen_git.replay.risk.values import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from regen_git.config import Ownership
    from regen_git.domain.ids import RepoPath
    from regen_git.replay.risk.values import SourceFile

__all__ = ["find_state"]

_STORE = re.compile(r"\.(?:db|sqlite3?|mdb|duckdb|realm|kdbx|rdb)$", re.IGNORECASE)
_MIGRATION = re.compile(
    r"(?:^|/)(?:migrations?|alembic/versions|db/migrate|drizzle)/(?!__init__)[^/]+\.(?:py|sql|rb|ts|js|go|php)$"
    r"|(?:^|/)V\d+[\w.]*__\w+\.sql$"
    r"|(?:^|/)migrations/[^/]+/migration\.sql$"
)
_SCHEMA = re.compile(r"(?:^|/)(?:alembic\.ini|schema\.(?:prisma|sql|rb)|structure\.sql)$")
_KEEPS = re.compile(
    r"\bsqlite3\.connect\(\s*(?![\"']:memory:)[^)\s]|\bCREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?[\"'`\[]?\w+[\"'`\]]?\s*\("
    r"|\b(?:shelve|dbm)\.open\(|\bpickle\.dump\(|\bcreate_(?:async_)?engine\(|\(models\.Model\)|\bnew\s+Database\("
    r"|\bindexedDB\.open\(|\blocalStorage\.setItem\(|\b\w{0,40}(?:KV|kv)\w{0,40}\.put\(|\bnew\s+PrismaClient\(|\bmongoose\.\w+\("
    r"|\bsql\.Open\(|\brusqlite::|\bbolt\.Open\(|\bstorage\.(?:local|sync)\.set\("
)
_WRITES = re.compile(
    r"\bjson\.dump\(|\bopen\([^()\n]{1,120}[\"'](?:w|a|x)b?\+?[\"']|\.write_(?:text|bytes)\("
    r"|\bfs\.(?:promises\.)?(?:writeFile|appendFile)(?:Sync)?\(|\b(?:await\s+)?writeFile(?:Sync)?\(|\bos\.WriteFile\("
    r"|\bDeno\.write(?:Text)?File\(|\bBun\.write\(|\bFile\.write\(|\bfile_put_contents\("
)
_COMMENT = re.compile(r"^\s*(?:#|//|\*|--)")


def find_state(
    paths: Sequence[RepoPath], generated: Iterable[SourceFile], ownership: Ownership, *, has_contract: bool
) -> tuple[list[Finding], int, int]:
    """Return the findings, how many files keep data in a store, and how many only write files.

    Stores that lie in the tree are told, and do not count: they are frozen where a program wrote them.
    """
    findings = list(_in_tree(paths, ownership, has_contract=has_contract))
    stores = writes = 0
    for file in generated:
        keeps = _first(_KEEPS, file.text)
        line = keeps or _first(_WRITES, file.text)
        if line is None:
            continue
        stores += keeps is not None
        writes += keeps is None
        what = "keeps data in a store" if keeps else "writes files"
        after = (
            "'state.check' reads old data with the new code"
            if has_contract
            else "no state contract reads old data"
        )
        findings.append(
            Finding("state", f"{what}: {after}", _next(has_contract=has_contract), file.path, line)
        )
    return findings, stores, writes


def _in_tree(paths: Sequence[RepoPath], ownership: Ownership, *, has_contract: bool) -> Iterator[Finding]:
    for path in paths:
        if _MIGRATION.search(path):
            kind = ownership.classify(path, REGULAR)
            if kind is Kind.MODEL:
                what_next = "put the folder under 'paths.append', so that released migrations stay"
                yield Finding("state", "a migration that a model may write anew", what_next, path)
        elif _STORE.search(path) or _SCHEMA.search(path):
            what = "data in the tree" if _STORE.search(path) else "the form of stored data"
            if not has_contract:
                yield Finding("state", f"{what}: no state contract reads it", _next(has_contract=False), path)


def _next(*, has_contract: bool) -> str:
    if has_contract:
        return "see that 'state.make' writes this data, too"
    return "write 'state.make' and 'state.check' to '.regen/config.yaml'"


def _first(pattern: re.Pattern[str], text: str) -> int | None:
    """Return the line of the first match that is no comment."""
    for match in pattern.finditer(text):
        start = text.rfind("\n", 0, match.start()) + 1
        if not _COMMENT.match(text[start : match.end()]):
            return text.count("\n", 0, match.start()) + 1
    return None
