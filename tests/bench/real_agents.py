"""Run the real coding agents against a scripted model, and see that their commits carry the right prompts.

Usage: python tests/bench/real_agents.py FOLDER [AGENT …]

``FOLDER`` is one in which the agents were installed with npm (``npm install @anthropic-ai/claude-code …``) or
pip (aider). Every agent found there is run headless, in a repository with ``git regen init`` and a HOME of
its own: it is asked for a file, then to commit. Nothing but loopback is spoken to by us; set no keys. Prints
a line for each agent, and ends with 1 if a commit has other prompts than those that were typed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.agent_model import AgentModel  # noqa: E402 - found beside this file

if TYPE_CHECKING:
    from collections.abc import Callable

TYPED = ("Create hello.py that prints a greeting", "Commit the change")
_LIMIT_S = 120


@dataclass(frozen=True)
class Run:
    """How one agent is run: ``first`` and ``again`` are its commands, ``{p}`` being the prompt."""

    name: str
    program: str
    first: tuple[str, ...]
    again: tuple[str, ...]
    env: Callable[[str], dict[str, str]]
    version: tuple[str, ...] = ("--version",)
    files: Callable[[str], dict[str, str]] = field(default=lambda _: {})
    typed: tuple[str, ...] = TYPED


def _codex(url: str) -> dict[str, str]:
    provider = f'name = "Fake"\nbase_url = "{url}/v1"\nenv_key = "FAKE_KEY"\nwire_api = "responses"\n'
    head = 'model = "gpt-5.5"\nmodel_provider = "fake"\ncheck_for_update_on_startup = false\n'
    return {".codex/config.toml": f"{head}[analytics]\nenabled = false\n[model_providers.fake]\n{provider}"}


def _opencode(url: str) -> dict[str, str]:
    models = {"fake-model": {"name": "Fake", "limit": {"context": 100000, "output": 4000}}}
    provider = {"npm": "@ai-sdk/openai-compatible", "name": "Fake", "models": models}
    provider["options"] = {"baseURL": f"{url}/v1", "apiKey": "sk-fake"}
    config = {"model": "fake/fake-model", "provider": {"fake": provider}, "permission": "allow"}
    return {".config/opencode/opencode.json": json.dumps(config)}


def _pi(url: str) -> dict[str, str]:
    model = {"id": "fake-model", "name": "Fake", "contextWindow": 100000, "maxTokens": 4000}
    provider = {"baseUrl": f"{url}/v1", "api": "openai-completions", "apiKey": "FAKE_KEY", "models": [model]}
    return {".pi/agent/models.json": json.dumps({"providers": {"fake": provider}})}


def _droid(url: str) -> dict[str, str]:
    model: dict[str, Any] = {"model": "fake-model", "displayName": "Fake", "baseUrl": f"{url}/v1"}
    model |= {"apiKey": "sk-fake", "provider": "generic-chat-completion-api", "maxOutputTokens": 4000}
    return {".factory/settings.json": json.dumps({"customModels": [model]}, indent=2)}


def _gemini(_: str) -> dict[str, str]:
    return {".gemini/settings.json": '{"security": {"auth": {"selectedType": "gemini-api-key"}}}\n'}


_OPENAI = {"OPENAI_API_KEY": "sk-fake", "FAKE_KEY": "sk-fake"}
RUNS = (
    Run(
        "claude",
        "claude",
        ("-p", "{p}", "--permission-mode", "acceptEdits", "--allowedTools", "Bash"),
        ("-p", "--continue", "{p}", "--permission-mode", "acceptEdits", "--allowedTools", "Bash"),
        lambda url: {
            "ANTHROPIC_BASE_URL": url,
            "ANTHROPIC_API_KEY": "sk-fake",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        },
    ),
    Run(
        "codex",
        "codex",
        ("exec", "--dangerously-bypass-hook-trust", "-s", "danger-full-access", "{p}"),
        ("exec", "--dangerously-bypass-hook-trust", "-s", "danger-full-access", "{p}"),
        lambda _: _OPENAI,
        files=_codex,
    ),
    Run(
        "gemini",
        "gemini",
        ("-m", "gemini-2.5-flash", "--skip-trust", "--approval-mode", "yolo", "-p", "{p}"),
        (
            "-m",
            "gemini-2.5-flash",
            "--skip-trust",
            "--approval-mode",
            "yolo",
            "--resume",
            "latest",
            "-p",
            "{p}",
        ),
        lambda url: {
            "GOOGLE_GEMINI_BASE_URL": url,
            "GEMINI_API_KEY": "sk-fake",
            "GEMINI_TELEMETRY_ENABLED": "false",
        },
        files=_gemini,
    ),
    Run(
        "qwen",
        "qwen",
        ("--auth-type", "openai", "--approval-mode", "yolo", "-p", "{p}"),
        ("--auth-type", "openai", "--approval-mode", "yolo", "--continue", "-p", "{p}"),
        lambda url: {"OPENAI_BASE_URL": f"{url}/v1", "OPENAI_MODEL": "fake-model", **_OPENAI},
    ),
    Run(
        "copilot",
        "copilot",
        ("-p", "{p}", "--allow-all-tools"),
        ("-p", "{p}", "--allow-all-tools", "--continue"),
        lambda url: {
            "COPILOT_OFFLINE": "true",
            "COPILOT_PROVIDER_BASE_URL": f"{url}/v1",
            "COPILOT_MODEL": "gpt-4.1",
            "COPILOT_AUTO_UPDATE": "false",
        },
    ),
    Run(
        "opencode",
        "opencode",
        ("run", "{p}"),
        ("run", "--continue", "{p}"),
        lambda _: {
            **_OPENAI,
            "OPENCODE_DISABLE_AUTOUPDATE": "1",
            "OPENCODE_DISABLE_MODELS_FETCH": "1",
            "OPENCODE_DISABLE_DEFAULT_PLUGINS": "1",
        },
        files=_opencode,
    ),
    Run(
        "pi",
        "pi",
        ("--provider", "fake", "--model", "fake-model", "-p", "{p}"),
        ("--provider", "fake", "--model", "fake-model", "--continue", "-p", "{p}"),
        lambda _: {**_OPENAI, "PI_OFFLINE": "1", "PI_SKIP_VERSION_CHECK": "1", "PI_TELEMETRY": "0"},
        files=_pi,
    ),
    Run(
        "droid",
        "droid",
        ("exec", "--auto", "high", "-m", "custom:Fake-0", "{p}"),
        ("exec", "--auto", "high", "-m", "custom:Fake-0", "{p}"),
        lambda _: {"FACTORY_API_KEY": "fk-fake", "FACTORY_TELEMETRY_ENABLED": "false"},
        files=_droid,
    ),
)


def main() -> int:
    """Run what is named, or all that is there."""
    if len(sys.argv) < 2:
        sys.stderr.write(__doc__ or "")
        return 2
    folder, wanted = Path(sys.argv[1]).resolve(), sys.argv[2:]
    good = True
    for run in RUNS:
        if wanted and run.name not in wanted:
            continue
        program = _program(folder, run.program)
        if program is None:
            print(f"{run.name:<10} not installed in '{folder}'")
            continue
        good &= _see(run, program)
    return 0 if good else 1


def _program(folder: Path, name: str) -> Path | None:
    places = (folder / "node_modules" / ".bin" / name, folder / "bin" / name)
    native = sorted(folder.glob(f"node_modules/@*/*/bin/{name}"))
    return next((place for place in (*native, *places) if place.exists()), None)


def _see(run: Run, program: Path) -> bool:
    """Run one agent twice and print what its commit carries; return whether that is what was typed."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        home, work = Path(scratch, "home"), Path(scratch, "home", "work")
        work.mkdir(parents=True)
        model = AgentModel(str(work))
        env = _environment(home) | run.env(model.url)
        for name, text in run.files(model.url).items():
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (home / name).write_text(text, "utf-8")
        try:
            _repository(run, work, env)
            said = []
            for prompt, command in zip(TYPED, (run.first, run.again), strict=True):
                words = [word.replace("{p}", prompt) for word in command]
                said.append(_run([str(program), *words], work, env))
            return _report(run, program, work, env, said)
        finally:
            model.close()


def _environment(home: Path) -> dict[str, str]:
    folder = home / "bin"
    folder.mkdir(parents=True)
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from regen_git.cli.main import main; main()"
    (folder / "git-regen").write_text(f'#!/bin/sh\nexec {sys.executable} -c "{code}" "$@"\n', "utf-8")
    (folder / "git-regen").chmod(0o755)
    return {
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "CI": "",
    }


def _repository(run: Run, work: Path, env: dict[str, str]) -> None:
    for args in (
        ("git", "init", "-q", "-b", "main"),
        ("git", "config", "user.name", "Dev"),
        ("git", "config", "user.email", "dev@example.com"),
        ("git", "commit", "-q", "--allow-empty", "-m", "Start"),
        ("git-regen", "init", "--yes", "--agents-at", "none", "--no-config", "--no-import"),
        ("git-regen", "agents", "add", run.name, "--user"),
    ):
        done = _run(list(args), work, env)
        if done.returncode:
            raise SystemExit(f"{run.name}: {' '.join(args)}: {done.stderr}")


def _run(args: list[str], work: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            args,
            cwd=work,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        out = error.stdout.decode("utf-8", "replace") if error.stdout else ""
        return subprocess.CompletedProcess(args, 124, out, f"stopped after {_LIMIT_S} s")


def _report(
    run: Run,
    program: Path,
    work: Path,
    env: dict[str, str],
    said: list[subprocess.CompletedProcess[str]],
) -> bool:
    time.sleep(4)
    told = _run([str(program), *run.version], work, env)
    version = (told.stdout or told.stderr).strip().splitlines()
    shown = _run(["git-regen", "log", "--json"], work, env).stdout.splitlines()
    commits = [json.loads(line) for line in shown]
    found = [
        (commit["subject"], [p["text"] for i in commit["intents"] if i["intent"] for p in i["prompts"]])
        for commit in reversed(commits)
    ]
    wanted = [("Start", []), ("Add hello.py", list(run.typed))]
    good = found == wanted
    print(f"{run.name:<10} {version[0] if version else '?':<32} {'as typed' if good else 'NOT as typed'}")
    if not good:
        print(f"           {found}")
        for one in said:
            print(f"           exit {one.returncode}: {one.stdout[-600:]} {one.stderr[-600:]}")
        print(_run(["git-regen", "status"], work, env).stdout)
        log = work / ".git" / "regen" / "log"
        print(log.read_text("utf-8") if log.exists() else "           nothing failed in capture")
    return good


if __name__ == "__main__":
    shutil.which("git") or sys.exit("git is not there")
    sys.exit(main())
