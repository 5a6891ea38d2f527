"""What ``fold`` does: fold by rules, have a model word it where one is named, merge, write, check."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from regen_git.errors import RegenError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regen_git.config import Ownership
    from regen_git.domain.ids import IntentId, Oid
    from regen_git.git.repository import Repository
    from regen_git.ledger.effective import Asked
    from regen_git.spec.checking import Findings
    from regen_git.spec.memory import Memory
    from regen_git.spec.merging import Change, Merged
    from regen_git.spec.values import LeftOut, Page

__all__ = ["RULES", "Outcome", "Terms", "check_spec", "run"]

RULES = "rules"


@dataclass(frozen=True, slots=True)
class Terms:
    """Who words the pages, and how much that may cost. ``model`` is ``rules`` or as litellm names it."""

    model: str = RULES
    dry_run: bool = False
    budget_usd: float | None = None
    budget_tokens: int | None = None
    max_tokens: int = 8000
    jobs: int = 4


@dataclass(slots=True)
class Outcome:
    """What was folded; ``kept`` are pages that stay in the rules' words, with the reason."""

    terms: Terms
    asked: list[Asked]
    merged: Merged
    before: Sequence[Page] = ()
    written: list[str] = field(default_factory=list)
    reworded: list[str] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)
    calls: int = 0
    reused: int = 0
    tokens: int = 0
    cost_usd: float | None = 0.0
    cost_most_usd: float | None = 0.0

    @property
    def is_only_estimate(self) -> bool:
        """Whether a model would be asked, and was not."""
        return self.terms.dry_run and self.terms.model != RULES

    @property
    def conflicts(self) -> list[Change]:
        """What a person must settle."""
        return [change for change in self.merged.changes if change.sign == "!"]

    @property
    def newly_left_out(self) -> list[tuple[str, LeftOut]]:
        """What is left out and was not before, with its page."""
        known = {(one.sources, one.text) for page in self.before for one in page.left_out}
        found = ((page.name, one) for page in self.merged.pages for one in page.left_out)
        return [(name, one) for name, one in found if (one.sources, one.text) not in known]

    @property
    def disputed(self) -> list[IntentId]:
        """Intents of which two documents claim to be the newest."""
        return [one.intent.id for one in self.asked if one.claims > 1]

    def to_json(self) -> dict[str, Any]:
        """Return the object that scripts read."""
        words = {"+": "added", "~": "modified", "-": "removed", "!": "conflict"}
        return {
            "model": self.terms.model,
            "intents": len(self.asked),
            "pages": [
                {
                    "name": page.name,
                    "paths": list(page.paths),
                    "needs": list(page.needs),
                    "statements": len(page.statements),
                    "left_out": len(page.left_out),
                }
                for page in self.merged.pages
            ],
            "changes": [
                {"change": words[c.sign], "page": c.page, "text": c.text, "intents": list(c.intents)}
                for c in self.merged.changes
            ],
            "left_out": [
                {
                    "page": name,
                    "reason": one.reason,
                    "text": one.text,
                    "intents": [source.intent for source in one.sources],
                }
                for name, one in self.newly_left_out
            ],
            "conflicts": len(self.conflicts),
            "disputed": self.disputed,
            "written": self.written,
            "reworded": self.reworded,
            "kept": self.kept,
            "calls": self.calls,
            "replies_reused": self.reused,
            "tokens": self.tokens,
            "cost_usd": self.cost_usd,
            "cost_most_usd": self.cost_most_usd,
            "dry_run": self.terms.dry_run,
        }


def run(repo: Repository, span: str, terms: Terms, *, is_quiet: bool = False) -> Outcome:
    """Fold the intents of a range into the spec of the working tree.

    A dry run writes nothing and asks nobody. Raises ``SpecError`` for pages that cannot be read, and
    ``ModelError`` and ``BudgetError``.
    """
    from regen_git.ledger.effective import read_asked
    from regen_git.replay.imports import imported_paths
    from regen_git.spec.files import read_folder, write_folder
    from regen_git.spec.folding import fold
    from regen_git.spec.memory import asked_now, key_of, units
    from regen_git.spec.merging import Merged, merge

    pages, memory = read_folder(repo)
    asked = read_asked(repo, [span])
    fresh = fold(repo, asked, pages, _ownership(repo), _tree(repo, span), imported=imported_paths)
    outcome = Outcome(terms, asked, Merged(pages, memory), pages)
    by_rules = None
    if terms.model != RULES:
        by_rules = asked_now(key_of(one) for page in fresh for one in units(page))
        fresh = _reworded(repo, fresh, outcome, is_quiet=is_quiet)
    outcome.merged = merge(fresh, pages, memory, asked=by_rules, reworded=outcome.reworded)
    if not terms.dry_run:
        outcome.written = write_folder(repo, pages, outcome.merged.pages, outcome.merged.memory)
    return outcome


def check_spec(repo: Repository, span: str) -> tuple[Findings, list[Page], Memory]:
    """Compare the spec of the working tree with the intents of a range."""
    from regen_git.ledger.effective import read_asked
    from regen_git.spec.checking import check
    from regen_git.spec.files import read_folder

    pages, memory = read_folder(repo)
    return check(read_asked(repo, [span]), pages, memory, is_whole=".." not in span), pages, memory


def _tree(repo: Repository, span: str) -> Oid | None:
    """Return the tree at the range's end, ``None`` on a branch without commits."""
    from regen_git.git.commits import read_commit

    if "..." in span:
        raise RegenError(f"cannot fold '{span}'", hint="give one range A..B; A is the base")
    name = span.rpartition("..")[2] or "HEAD"
    if name == "HEAD" and repo.is_unborn:
        return None
    return read_commit(repo.objects, repo.resolve(name)).tree


def _ownership(repo: Repository) -> Ownership:
    """Return whose files are: without settings the usual places of tests are no modules either."""
    from regen_git.config import CONFIG_PATH, Ownership, load_settings

    rules = load_settings(repo).paths
    if repo.worktree is not None and not (repo.worktree / CONFIG_PATH).exists():
        rules = replace(rules, tests=None)
    return Ownership(rules)


def _reworded(repo: Repository, fresh: list[Page], outcome: Outcome, *, is_quiet: bool) -> list[Page]:
    """Have a model word the pages; return them so, or as they were where it was not asked or not heeded."""
    from regen_git.cli.asking import ask, price_for
    from regen_git.replay.rewording import ask_model, worst_case

    terms = outcome.terms
    price = price_for(repo, terms)
    calls, tokens, most = worst_case(fresh, terms.model, terms.max_tokens)
    if terms.dry_run or not calls:
        replies = calls * terms.max_tokens
        outcome.calls, outcome.tokens = calls, tokens
        outcome.cost_usd = price.cost(tokens, 0) if price else None
        outcome.cost_most_usd = price.cost(most - replies, replies) if price else None
        return fresh
    done, tally = ask(
        repo,
        terms,
        price,
        calls,
        lambda models, on_answer: ask_model(fresh, models, terms.model, terms.max_tokens, on_answer),
        is_quiet=is_quiet,
    )
    outcome.calls, outcome.reused = tally.calls, tally.reused
    outcome.tokens = tally.prompt_tokens + tally.completion_tokens
    outcome.cost_usd = outcome.cost_most_usd = tally.cost_usd
    outcome.kept = {name: one.problem for name, one in sorted(done.items()) if one.problem}
    outcome.reworded = sorted(done.keys() - outcome.kept.keys())
    return [done[page.name].page if page.name in done else page for page in fresh]
