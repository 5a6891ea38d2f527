"""What ``classify`` and ``import --classify-with`` share: ask the rules or a model, write, and count."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from regen_git.cli.console import Console
    from regen_git.git.repository import Repository
    from regen_git.llm.prices import Price
    from regen_git.replay.answers import Tally
    from regen_git.replay.classifying import Classified, Work

__all__ = ["Outcome", "Terms", "run", "say"]


@dataclass(frozen=True, slots=True)
class Terms:
    """With what to classify, and how much that may cost. ``model`` is ``rules`` or as litellm names it."""

    model: str
    again: bool = False
    dry_run: bool = False
    budget_usd: float | None = None
    budget_tokens: int | None = None
    max_tokens: int = 2000
    jobs: int = 4


@dataclass(slots=True)
class Outcome:
    """What was found and done; the last fields stay as they are where no model was asked."""

    terms: Terms
    intents: int = 0
    prompts: int = 0
    classes: dict[str, int] = field(default_factory=dict)
    written: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    calls: int = 0
    reused: int = 0
    tokens: int = 0
    cost_usd: float | None = 0.0
    cost_most_usd: float | None = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the object that scripts read."""
        return {
            "model": self.terms.model,
            "intents": self.intents,
            "prompts": self.prompts,
            "classified": sum(self.classes.values()),
            "classes": self.classes,
            "written": self.written,
            "skipped": self.skipped,
            "calls": self.calls,
            "replies_reused": self.reused,
            "tokens": self.tokens,
            "cost_usd": self.cost_usd,
            "cost_most_usd": self.cost_most_usd,
            "dry_run": self.terms.dry_run,
        }


def run(repo: Repository, span: str, terms: Terms, *, is_quiet: bool = False) -> Outcome:
    """Classify the prompts of a range and write them as next revisions; ask nobody in a dry run.

    Raises ``ModelError``, ``BudgetError`` and, for a budget in dollars and an unknown price, ``UsageError``.
    """
    from regen_git.cli.asking import price_for
    from regen_git.replay.classifying import RULES, by_rules, survey, worst_case, write

    work = survey(repo, span, again=terms.again)
    outcome = Outcome(terms, len(work.intents), work.prompts, skipped=dict(sorted(work.skipped.items())))
    if terms.model == RULES:
        done = by_rules(work)
    else:
        price = price_for(repo, terms)
        calls, tokens, most = worst_case(work, terms.model, terms.max_tokens)
        if terms.dry_run or not calls:
            outcome.calls, outcome.tokens = calls, tokens
            outcome.cost_usd = price.cost(tokens, 0) if price else None
            outcome.cost_most_usd = (
                price.cost(most - calls * terms.max_tokens, calls * terms.max_tokens) if price else None
            )
            return outcome
        done, tally = _asked(repo, work, terms, price, is_quiet=is_quiet)
        outcome.calls, outcome.reused = tally.calls, tally.reused
        outcome.tokens, outcome.cost_usd = tally.prompt_tokens + tally.completion_tokens, tally.cost_usd
        outcome.cost_most_usd = tally.cost_usd
    outcome.classes = done.counts
    if not terms.dry_run:
        outcome.written = write(repo, work, done)
    return outcome


def _asked(
    repo: Repository, work: Work, terms: Terms, price: Price | None, *, is_quiet: bool
) -> tuple[Classified, Tally]:
    from regen_git.cli.asking import ask
    from regen_git.replay.classifying import ask_model, requests_of

    total = sum(1 for _ in requests_of(work, terms.model, terms.max_tokens))
    return ask(
        repo,
        terms,
        price,
        total,
        lambda models, on_answer: ask_model(work, models, terms.model, terms.max_tokens, on_answer),
        is_quiet=is_quiet,
    )


def say(outcome: Outcome, console: Console) -> None:
    """Say in words what was done."""
    from regen_git.cli.replaying import counted, money
    from regen_git.replay.classifying import RULES

    terms, done = outcome.terms, sum(outcome.classes.values())
    what = f"{counted(outcome.prompts, 'prompt')} of {counted(outcome.intents, 'intent')}"
    if not outcome.prompts:
        console.out("no prompt is without a class here")
    elif terms.dry_run and terms.model != RULES:
        most = money(outcome.cost_most_usd)
        console.out(
            f"would ask {terms.model} about {what}: {counted(outcome.calls, 'call')}, about "
            f"{outcome.tokens:,} tokens, at most {most}; nothing was sent"
        )
    else:
        kinds = ", ".join(f"{number} {kind}" for kind, number in outcome.classes.items())
        verb = "would classify" if terms.dry_run else "classified"
        console.out(f"{verb} {done} of {what}" + (f": {kinds}" if kinds else ""))
        if done < outcome.prompts:
            console.out(f"{outcome.prompts - done:>6} left open: nobody was sure")
    for reason, number in outcome.skipped.items():
        console.out(f"{number:>6} skipped: {reason}")
    if outcome.calls and not terms.dry_run:
        console.out(
            f"{counted(outcome.calls, 'call')}, {counted(outcome.reused, 'recorded reply')}, "
            f"{outcome.tokens:,} tokens, {money(outcome.cost_usd)}"
        )
