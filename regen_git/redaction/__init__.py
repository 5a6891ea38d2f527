"""Take secrets out of text before it is written or sent."""

from __future__ import annotations

from regen_git.redaction.rules import Redacted, redact

__all__ = ["Redacted", "redact"]
