"""Run our plugins as the agents do: in node, with a program on the PATH that keeps what it is told."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

from regen_git.agents import load
from regen_git.capture.telling.plugins import plugin_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["NODE", "happened_in", "run_plugin"]

NODE = shutil.which("node") or ""

# What happens is a list of [name of the hook, arguments]; a plugin is loaded where the name is 'load'.
_OPENCODE = """
const client = { session: { get: async ({ path }) => ({ data: known[path.id] }) } }
let hooks = {}
for (const [place, [name, ...args]] of happened.entries()) {
  process.env.PLACE = place
  if (name === "load") hooks = await Object.values(module)[0]({ client, directory: args[0] })
  else await hooks[name]?.(...args)
  if (name === "shell.env") out.push(args[1].env)
}
"""
_PI = """
let handlers = {}
for (const [place, [name, event, { session, cwd, model }]] of happened.entries()) {
  process.env.PLACE = place
  const ctx = { cwd, model: { id: model }, sessionManager: { getSessionId: () => session } }
  if (name === "load") module.default({ on: (what, work) => (handlers[what] = work) })
  else await handlers[name]?.(event, ctx)
}
out.push(process.env.REGEN_SESSION)
"""
_AMP = """
import { fileURLToPath } from "node:url"
let handlers = {}
const helpers = {
  filePathFromURI: fileURLToPath,
  filesModifiedByToolCall: (event) => event.input.path ? ["file://" + event.input.path] : null,
  shellCommandFromToolCall: (event) => event.tool === "Bash" ? { command: event.input.cmd } : null,
}
for (const [place, [name, event]] of happened.entries()) {
  process.env.PLACE = place
  const on = (what, work) => (handlers[what] = work)
  if (name === "load") module.default({ helpers, system: { workspaceRoot: event }, on })
  else await handlers[name]?.(event)
}
"""
_FRAME = """
import * as module from "./plugin.mjs"
import { readFileSync } from "node:fs"
const { happened, known } = JSON.parse(readFileSync("happened.json", "utf8"))
const out = []
%s
process.stdout.write(JSON.stringify(out))
"""
_SCRIPTS = {"opencode": _OPENCODE, "pi": _PI, "amp": _AMP}
_STUB = """#!/bin/sh
{ printf '["%s", %s, ' "$*" "$PLACE"; cat; printf ']\\n'; } >>"$TOLD_HERE"
"""


def happened_in(agent: str, rows: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    """Return what a recording's rows are for ``run_plugin``, one for one; a script's marks call nothing."""
    return [_row(agent, row) for row in rows]


def _row(agent: str, row: Mapping[str, Any]) -> list[Any]:
    hook = row.get("hook", "")
    if agent == "pi":
        here = {"session": row.get("session_id"), "cwd": "/home/dev/work/hello", "model": row.get("model")}
        return ["load" if row.get("mark", "").startswith("pi ") else hook, row.get("event"), here]
    if hook == "plugin-init":
        return ["load", row["input"]["directory"]]
    return [hook, {"event": row["input"]}] if hook == "event" else [hook, row.get("input"), row.get("output")]


def run_plugin(
    agent: str,
    happened: Sequence[Sequence[Any]],
    folder: Path,
    *,
    program: str | None = _STUB,
    known: Mapping[str, Any] | None = None,
) -> tuple[list[tuple[int, dict[str, Any]]], list[Any]]:
    """Return the payloads that the plugin handed over, each with its place in ``happened``, and some notes.

    ``happened`` are hooks with their arguments, ``known`` OpenCode's sessions by id. ``program`` is the text
    of the program on the PATH; ``None``: there is none. The plugin must print nothing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    settings = load(agent).SETTINGS
    assert settings is not None
    (folder / "plugin.mjs").write_text(plugin_text(agent, settings), "utf-8")
    script = re.sub("%s", lambda _: _SCRIPTS[agent], _FRAME)
    (folder / "script.mjs").write_text(script)
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    for name in ("sh", "cat"):
        (programs / name).unlink(missing_ok=True)
        (programs / name).symlink_to(str(shutil.which(name)))
    if program is not None:
        (programs / "git-regen").write_text(program)
        (programs / "git-regen").chmod(0o755)
    told = folder / "told.jsonl"
    (folder / "happened.json").write_text(json.dumps({"happened": happened, "known": known or {}}))
    script_env = {"PATH": str(programs), "TOLD_HERE": str(told), "HOME": os.environ.get("HOME", "")}
    done = subprocess.run(
        [NODE, "script.mjs"],
        cwd=folder,
        env=script_env,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    rows = [json.loads(line) for line in told.read_text("utf-8").splitlines()] if told.exists() else []
    assert all(row[0] == f"capture --agent {agent}" for row in rows)
    return [(row[1], row[2]) for row in rows], json.loads(done.stdout)
