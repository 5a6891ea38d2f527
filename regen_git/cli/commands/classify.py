"""``git regen classify``: say of recorded prompts what they are for."""

from __future__ import annotations

import click

from regen_git.cli.console import Console
from regen_git.cli.context import json_option, open_up_to_date

__all__ = ["command"]


@click.command("classify")
@click.argument("span", metavar="[RANGE]", required=False, default="HEAD")
@click.option(
    "--model",
    metavar="MODEL",
    default="rules",
    show_default=True,
    help="'rules', which cost nothing, or a model as litellm names it.",
)
@click.option("--again", is_flag=True, help="Also classify prompts that have a class.")
@click.option("--budget", type=float, help="Most that may be spent, in US dollars.")
@click.option("--budget-tokens", type=int, help="Most tokens that may be used.")
@click.option("--max-tokens", type=int, default=2000, show_default=True, help="Longest reply.")
@click.option("--jobs", type=click.IntRange(min=1), default=4, show_default=True, help="Calls at once.")
@click.option("--dry-run", is_flag=True, help="Say what would be done and what it may cost; do nothing.")
@json_option
def command(
    span: str,
    *,
    model: str,
    again: bool,
    budget: float | None,
    budget_tokens: int | None,
    max_tokens: int,
    jobs: int,
    dry_run: bool,
    as_json: bool,
) -> None:
    r"""Give the prompts of a range the class they lack: feature, correction, question and so on.

    What was recorded stays: an intent is written once more, as its next revision, with the same words.
    The rules leave open what they are not sure of. A model is sent the prompts and what they answer, and
    nothing else; private prompts are never sent. Its replies are recorded, so the same again costs nothing.

    \b
    Examples:
      git regen classify
      git regen classify main.. --model anthropic/claude-haiku-4-5 --dry-run
      git regen classify v1.0..HEAD --model openai/gpt-5-mini --budget 0.50
    """
    from regen_git.cli.classifying import Terms, run, say

    console = Console(json=as_json)
    terms = Terms(
        model,
        again=again,
        dry_run=dry_run,
        budget_usd=budget,
        budget_tokens=budget_tokens,
        max_tokens=max_tokens,
        jobs=jobs,
    )
    outcome = run(open_up_to_date(), span, terms, is_quiet=as_json)
    console.emit({"range": span, **outcome.to_json()})
    say(outcome, console)
