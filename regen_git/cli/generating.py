"""What the commands around a replay say of a spec that is generated: its modules, and why each must run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from regen_git.cli.changes import one_after_another
from regen_git.cli.console import safe

if TYPE_CHECKING:
    from regen_git.cli.console import Console
    from regen_git.git.repository import Repository
    from regen_git.replay.folded.planning import FoldedPrepared
    from regen_git.replay.options import ReplayOptions

__all__ = ["is_nothing_to_do", "show_spec_plan", "tell_about_spec"]


_FEW = 8  # files that are named one by one


def tell_about_spec(repo: Repository, console: Console, prepared: FoldedPrepared) -> None:
    """Say what a person may not expect: pages that are not committed, and files that stay theirs."""
    from regen_git.spec.values import SPEC_FOLDER

    if repo.worktree is not None:
        out = repo.git("status", "--porcelain", "-z", "--", f":/{SPEC_FOLDER}")
        if out:
            path = out.split(b"\0")[0][3:].decode("utf-8", "replace")
            console.say(f"'{safe(path)}' has changes that are not committed, and do not count")
    stays = [
        f"'{safe(path)}' of module '{safe(unit.module.name)}' stays: people alone wrote it "
        "('git regen mark agent REV' corrects the evidence)"
        for unit in prepared.units
        for path in unit.by_people
    ]
    stays += [
        f"'{safe(path)}' was written for page '{safe(page)}', which is gone: it stays as it is, until a page "
        "names it under 'paths' or somebody removes it"
        for path, page in sorted(prepared.source.left.items())
    ]
    for line in stays[:_FEW]:
        console.say(line)
    if len(stays) > _FEW:
        console.say(f"and {len(stays) - _FEW:,} more files stay as they are")


def is_nothing_to_do(prepared: FoldedPrepared) -> bool:
    """Return whether every module stays as it is."""
    return not any(unit.why for unit in prepared.units)


def _module_steps(prepared: FoldedPrepared) -> list[dict[str, Any]]:
    """Return the steps as ``plan --json`` has them: beside the usual fields, the module and why it runs."""
    runs = not is_nothing_to_do(prepared)
    names = {prepared.index_of(i): unit.module.name for i, unit in enumerate(prepared.units)}
    steps: list[dict[str, Any]] = []
    if prepared.has_interfaces:
        why = ["modules that run agree on their interfaces"] if runs else []
        steps.append({"module": "interfaces", "intents": [], "wrote": [], "depends_on": [], "why": why})
    for position, unit in enumerate(prepared.units):
        step = prepared.plan.steps[prepared.index_of(position)]
        needs = [names[index] for index in step.depends_on if index in names]
        steps.append(
            {
                "module": unit.module.name,
                "intents": list(step.intents),
                "wrote": list(step.wrote),
                "depends_on": needs,
                "why": list(unit.why),
            }
        )
    for each in steps:
        kind = "regenerated" if each["why"] else "reused"
        each.update({"commit": prepared.tip.id, "kind": kind, "runs": bool(each["why"])})
    return steps


def _print_modules(console: Console, prepared: FoldedPrepared) -> None:
    """Print each module, whether it runs, and why."""
    steps = _module_steps(prepared)
    running = {step["module"] for step in steps if step["runs"]}
    width = max(len(step["module"]) for step in steps)
    for step in steps:
        name = safe(step["module"]).ljust(width)
        needs = [need for need in step["depends_on"] if need in running]
        said = "; ".join(step["why"]) or "nothing it rests on changed"
        if not step["runs"] and needs:
            said += f"; runs if the public surface of {', '.join(map(safe, needs))} changes"
        console.out(f"{name}  {'runs ' if step['runs'] else 'stays'}  {said}")
    asked = sum(step["runs"] for step in steps)
    if asked:
        console.out(f"{asked} of {len(steps)} requests; {one_after_another(prepared.plan.waves)}")
    else:
        console.out(f"0 of {len(steps)} requests: nothing runs")


def show_spec_plan(repo: Repository, console: Console, options: ReplayOptions) -> int:
    """Print the modules of the spec, whether each must run and why, and what that may cost."""
    from regen_git.cli.replaying import load_for_replay, print_estimate
    from regen_git.cli.risks import print_risk, risk_json
    from regen_git.replay.folded.estimating import estimate_spec
    from regen_git.replay.folded.planning import prepare_folded
    from regen_git.replay.risk.assess import assess

    prepared = prepare_folded(repo, options, load_for_replay(repo))
    risk = assess(prepared)
    tell_about_spec(repo, console, prepared)
    guess = estimate_spec(prepared)
    console.emit(
        {
            "steps": _module_steps(prepared),
            "waves": prepared.plan.waves,
            "tokens_estimate": guess.tokens,
            "cost_estimate_usd": guess.cost_usd,
            "check_seconds_estimate": guess.check_seconds,
            "carry_calls_at_most": 0,
            "risk": risk_json(risk),
        }
    )
    _print_modules(console, prepared)
    # What is not asked costs nothing.
    if not is_nothing_to_do(prepared):
        print_estimate(console, options, guess)
    print_risk(console, risk)
    return 0
