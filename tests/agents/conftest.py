"""A repository with hooks, for what agents do in it."""

from __future__ import annotations

from support.lab import Lab, bare_lab, lab

__all__ = ["Lab", "bare_lab", "lab"]
