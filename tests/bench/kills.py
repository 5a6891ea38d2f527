"""End every command at 1,000 places and look what is left.

Usage: python tests/bench/kills.py [COUNT] [--seed N] [--only NAME] [--error NAME] [--keep]

Of the places that strace finds (each call that writes, of the command itself, of each git it starts and of
each hook) COUNT are drawn, with instants between them; without strace there are only instants. A case that
fails is printed with its place, and with --keep its folder stays. Takes about a second a kill.

With --error (EIO, ENOSPC) nothing is killed: the one call fails with this error, as on a disk that does.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.killing import Instant, Place, can_trace, end, places_of  # noqa: E402 - found beside this file
from support.scenes import SCENES, Scene  # noqa: E402 - the same

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHARE = {
    "capture": 12,
    "capture of an edit": 8,
    "record": 7,
    "commit": 22,
    "flush": 15,
    "sync": 10,
    "replay": 14,
    "replay with a model": 8,
    "adopt": 8,
    "adopt --history": 6,
}


def _seal(home: Path) -> None:
    for name in list(os.environ):
        if name.startswith(("GIT_", "OPENAI_", "XDG_", "CLAUDE")):
            del os.environ[name]
    home.mkdir()
    (home / ".gitconfig").write_text("[init]\n\tdefaultBranch = main\n[gc]\n\tauto = 0\n")
    who = {"NAME": "Ada", "EMAIL": "ada@example.org", "DATE": "2026-01-02T03:04:05+00:00"}
    os.environ.update({f"GIT_{role}_{k}": v for role in ("AUTHOR", "COMMITTER") for k, v in who.items()})
    os.environ.update(
        {"HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C.UTF-8", "GIT_EDITOR": "false"}
    )


def drawn(scene: Scene, count: int, rng: random.Random, error: str | None) -> Iterator[Instant | Place]:
    """Return so many places and instants of a scene."""
    how = f"error={error}" if error else "signal=KILL"
    case = scene.copy(10**6)
    begun = time.monotonic()
    places = places_of(scene.victim(case), scene.folder) if can_trace() else []
    took = time.monotonic() - begun
    shutil.rmtree(case)
    if error:
        places = [place for place in places if not place.call.startswith("unlink")]
    instants = 0 if error else count // 3 if places else count
    chosen = rng.sample(places, min(count - instants, len(places)))
    chosen += rng.choices(places, k=count - instants - len(chosen)) if places else []
    for place in chosen:
        yield Place(place.target, place.call, place.n, not error and rng.random() < 0.5, how)
    for _ in range(instants):
        yield Instant(rng.uniform(0.0, took), rng.random() < 0.7)


def main() -> int:
    """Run, and print a table."""
    asked = argparse.ArgumentParser()
    asked.add_argument("count", nargs="?", type=int, default=1000)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--only")
    asked.add_argument("--error")
    asked.add_argument("--keep", action="store_true")
    options = asked.parse_args()
    rng = random.Random(options.seed)
    home = Path(tempfile.mkdtemp(prefix="kills-"))
    _seal(home / "home")
    total = sum(_SHARE.values())
    failures = 0
    print(f"{'what':22} {'kills':>6} {'ended':>6} {'failed':>6} {'seconds':>8}", flush=True)
    for number, kind in enumerate(SCENES):
        if options.only and kind.name != options.only:
            continue
        count = options.count if options.only else round(options.count * _SHARE[kind.name] / total)
        begun = time.monotonic()
        scene = kind(home / f"scene-{number}")
        failed = ended = 0
        for index, how in enumerate(drawn(scene, count, rng, options.error), 1):
            case = scene.copy(index)
            try:
                status, _, err = end(scene.victim(case), how, scene.folder)
                ended += status != 0
                told = f"status {status}: {err.decode()}"
                assert status != 70, told
                assert b"defect" not in err, told
                assert b"Traceback" not in err, told
                scene.check(case)
            except AssertionError:
                failed += 1
                print(f"FAILED {scene.name} {index}: {how}: {traceback.format_exc(limit=-3)}", flush=True)
                if options.keep:
                    continue
            shutil.rmtree(case)
        failures += failed
        took = time.monotonic() - begun
        print(f"{scene.name:22} {count:6} {ended:6} {failed:6} {took:8.0f}", flush=True)
        getattr(scene, "close", lambda: None)()
    if not options.keep:
        shutil.rmtree(home)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
