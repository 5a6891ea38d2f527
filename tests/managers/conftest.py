"""Repositories with a real hook manager in them."""

from __future__ import annotations

from support.lab import Lab, bare_lab, lab
from support.managed import node_modules

__all__ = ["Lab", "bare_lab", "lab", "node_modules"]
