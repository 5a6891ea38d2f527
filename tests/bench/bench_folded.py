"""A spec of many modules against a server with latency. Run: python tests/bench/bench_folded.py [N] [SECONDS]

The critical path is the interface pass and the longest chain of modules that need each other, each a call.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.model_server import Answer, ModelServer

CHAIN = 5


def build(path: Path, number: int) -> None:
    """Make a repository with a spec of this many modules, in chains of five."""
    spec = path / ".regen" / "spec"
    spec.mkdir(parents=True)
    for i in range(number):
        needs = f"needs: [m{i - 1}]\n" if i % CHAIN else ""
        (spec / f"m{i}.md").write_text(f"---\npaths: [m{i}.py]\n{needs}---\n# m{i}\n\n- Add {i}.\n")
    for args in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "Say what is wanted"]):
        subprocess.run(
            ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", *args], cwd=path, check=True
        )


def answer(body: dict[str, Any], latency: float) -> Answer:
    """Answer as the request wants it, after a while."""
    text = str(body["messages"][-1]["content"])
    if text.startswith("Interfaces"):
        names = re.findall(r"^- interfaces/(\S+)\.md", text, re.MULTILINE)
        files = (f"FILE interfaces/{name}.md\n```markdown\nadd(x)\n```\n" for name in names)
        return Answer("\n".join(files), delay_s=latency)
    name = text.split("\n", 1)[0].removeprefix("Module ")
    return Answer(f"FILE {name}.py\n```python\ndef add(x):\n    return x\n```\n", delay_s=latency)


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    latency = float(sys.argv[2]) if len(sys.argv) > 2 else 1.0
    ideal = (1 + min(CHAIN, number)) * latency
    with tempfile.TemporaryDirectory() as folder, ModelServer(lambda body: answer(body, latency)) as server:
        path = Path(folder)
        build(path, number)
        env = {**os.environ, "OPENAI_API_KEY": "unused", "OPENAI_API_BASE": server.url}
        argv = [
            sys.executable,
            "-m",
            "regen_git",
            "replay",
            "--model",
            "openai/scripted",
            "--force",
            "--json",
        ]
        for title in ("asked", "from recorded replies"):
            begun = time.perf_counter()
            args = [*argv, "--jobs", str(number)]
            done = subprocess.run(args, cwd=path, env=env, check=True, capture_output=True)
            took = time.perf_counter() - begun
            told = json.loads(done.stdout)
            shown = f"{took / ideal:.2f} x the critical path of {ideal:.0f} s" if told["calls"] else ""
            print(f"{number} modules, {title}: {took:.2f} s, {told['calls']} calls {shown}")


if __name__ == "__main__":
    main()
