"""Follow what provenance says of a step: the replies that became it, in order; nothing is chosen again.

Checks may say something else on another machine, or not run at all. They judge what was followed; what the
commit is does not depend on them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from regen_git.errors import NoRecordedReplyError
from regen_git.replay.attempt import Attempt, Ground, Reading, apply_reply, checks_now, goes_on
from regen_git.replay.reply import join_continuation
from regen_git.replay.workbench import Made

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from regen_git.llm.client import Reply
    from regen_git.replay.plan import Step
    from regen_git.replay.workbench import Workbench

__all__ = ["follow", "own_replies", "readings"]


def own_replies(request: str, replies: Sequence[str]) -> tuple[str, ...]:
    """Return the replies from the step's first request on; those before it carried people's changes."""
    start = next((i for i, ref in enumerate(replies) if ref.startswith(request + "/")), len(replies))
    return tuple(replies[start:])


async def follow(bench: Workbench, step: Step, ground: Ground, read: Callable[[str], Reply]) -> Made:
    """Return what the recorded replies of this step come to. Raises ``NoRecordedReplyError``."""
    refs = bench.followed[step.index]
    tried: Attempt | None = None
    current = ground.tree
    attempts = 0
    for reading in readings(refs, read):
        tried = apply_reply(bench, step, ground, current, reading)
        current = tried.tree
        attempts += 1
    if tried is None or tried.findings:
        why = tried.findings[0] if tried is not None else "none is named"
        raise NoRecordedReplyError(
            f"the recorded replies of '{step.commit[:12]}' cannot be followed: {why}",
            hint="they do not belong to this history; replay without --locked",
        )
    verification = None
    if checks_now(bench, step, current):
        bench.on_state(step, "checking")
        verification = await bench.judge.checks(bench.facts[step.index], current)
    request = refs[0].partition("/")[0]
    used = (*ground.replies, *refs)
    return Made(current, ground.carried, used, request, tried.ignored, verification, attempts=attempts)


def readings(refs: Sequence[str], read: Callable[[str], Reply]) -> Iterator[Reading]:
    """Yield whole answers: one that stopped for its length goes on in the next reply."""
    text, parts = "", 0
    for position, ref in enumerate(refs):
        reply = read(ref)
        before, text = text, join_continuation(text, reply.text) if parts else reply.text
        parts += 1
        is_last = position == len(refs) - 1
        if is_last or not goes_on(reply.finish, text, parts, grew=len(text) > len(before)):
            yield Reading(text, reply.finish, (ref,))
            text, parts = "", 0
