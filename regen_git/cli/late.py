"""Look into the transcripts of known sessions for what hooks have missed; never on a commit's path."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from regen_git.cli.console import Console
    from regen_git.git.repository import Repository

__all__ = ["catch_up"]


def catch_up(repo: Repository, console: Console) -> int:
    """Record prompts that only transcripts have; return how many. A failure is logged, never raised."""
    from regen_git.capture.failures import note_failure
    from regen_git.capture.inbox import Inbox
    from regen_git.capture.met import met_sessions, remember_sessions

    data = str(repo.data_dir)
    met = met_sessions(data)
    if not met:
        return 0
    try:
        from regen_git.importers.late import late_prompts, size_of

        sized = (one._replace(size=size_of(one.transcript)) for one in met)
        grown = [now for now, one in zip(sized, met, strict=True) if now.size not in (-1, one.size)]
        if not grown:
            return 0
        waiting = {(e.session, e.text.strip()) for e in Inbox(data).read() if e.kind in ("prompt", "typed")}
        counts = late_prompts(repo, [(one.agent, one.transcript) for one in grown], waiting)
    except Exception as error:  # noqa: BLE001 - who asks how things stand must not fail for a transcript
        note_failure(data, "transcripts", error)
        return 0
    remember_sessions(data, grown)
    if counts.prompts:
        what = "1 prompt" if counts.prompts == 1 else f"{counts.prompts} prompts"
        console.say(f"recorded {what} that no hook told of, from transcripts")
    return counts.prompts
