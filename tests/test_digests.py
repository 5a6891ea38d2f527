"""The digests that a capture makes are those that everybody makes."""

from __future__ import annotations

import hashlib
import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from regen_git.domain.digests import sha1, sha256


@given(st.binary(max_size=4096))
def test_the_built_in_digests_agree_with_openssl_s(data: bytes) -> None:
    assert sha256(data).hexdigest() == hashlib.sha256(data).hexdigest()
    assert sha1(data).hexdigest() == hashlib.sha1(data, usedforsecurity=False).hexdigest()


def test_a_digest_takes_more_afterwards() -> None:
    digest = sha1(b"blob 5\0")
    digest.update(b"hello")
    assert digest.hexdigest() == "b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0"


def test_an_id_is_derived_without_openssl() -> None:
    code = "from regen_git.domain.ids import derived_intent_id as d; d('a'); import sys; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "_hashlib" not in run.stdout.split()
