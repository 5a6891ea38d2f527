"""Take what leaked out of everything that this program has stored, here and wherever notes are exchanged."""

from __future__ import annotations

from regen_git.sharing.purging.work import Outcome, Wish, purge

__all__ = ["Outcome", "Wish", "purge"]
