"""SHA-1 and SHA-256 as the interpreter has them built in, for what is done while an agent waits.

``hashlib`` loads OpenSSL, which takes longer than all that a capture has to digest. The standard library's
``random`` goes round it in the same way.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashlib import _Hash

__all__ = ["sha1", "sha256"]

_HOMES = {"sha1": ("_sha1", "hashlib"), "sha256": ("_sha2", "_sha256", "hashlib")}
"""The modules that have a digest, the best first; which there are depends on the interpreter."""


def sha1(data: bytes) -> _Hash:
    """Return a digest that has taken in these bytes."""
    return _digest("sha1", data)


def sha256(data: bytes) -> _Hash:
    """Return a digest that has taken in these bytes."""
    return _digest("sha256", data)


def _digest(name: str, data: bytes) -> _Hash:
    for home in _HOMES[name]:
        try:
            module = import_module(home)
        except ImportError:
            continue
        found: _Hash = getattr(module, name)(data, usedforsecurity=False)
        return found
    raise ImportError(f"no digest '{name}'")
