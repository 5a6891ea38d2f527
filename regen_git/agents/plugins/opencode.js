// Tells `git regen` what was asked of OpenCode and which files it wrote; does nothing where that is not installed.
// It prints nothing and never fails OpenCode. Shells get REGEN_SESSION, by which git's hooks know whose commit it is.
// Take it out with `git regen agents remove opencode`.
import { spawn } from "node:child_process"

const AGENT = "opencode"
const WRITES = new Set(["edit", "write", "patch", "multiedit", "apply_patch"])
const LONGEST = 4096 // characters of the agent's last words

/* deliver.js */

const words = (parts) =>
  parts.filter((part) => part.type === "text" && !part.synthetic && !part.ignored).map((part) => part.text).join("\n")

// One after the other, so that they arrive in the order in which things happened.
const tell = (report) => (last = last.then(() => deliver(report)))
const quietly = (work) => async (...args) => {
  try {
    await work(...args)
  } catch {}
}

export const GitRegen = async ({ client, directory }) => {
  const parents = new Map() // session -> the session that started it as a subagent, or null
  const typed = new Map() // session -> the command that was typed and its expansion, until that comes
  const prompts = new Map() // session -> the prompt's message
  const said = new Map() // session -> the agent's last words
  const given = new Map() // call -> arguments, which old releases only tell before
  let version

  // A session from before this start was not seen being made.
  async function ask(session) {
    const asked = client?.session?.get({ path: { id: session } })?.catch(() => null)
    const found = await Promise.race([asked, new Promise((done) => setTimeout(done, 1000).unref?.())])
    return found?.data?.parentID ?? null
  }
  function parentOf(session) {
    if (!parents.has(session)) parents.set(session, ask(session))
    return parents.get(session)
  }
  async function person(session) {
    const parent = await parentOf(session)
    return parent ? person(parent) : session
  }
  const report = async (event, session, more) => tell({ event, session: await person(session), cwd: directory, version, ...more })

  return {
    event: quietly(async ({ event: { type, properties } }) => {
      const session = properties?.sessionID ?? properties?.part?.sessionID
      if (type === "session.created") {
        parents.set(properties.info.id, properties.info.parentID ?? null)
        version = properties.info.version
      } else if (type === "message.part.updated") {
        const part = properties.part
        if (part.type === "text" && part.messageID !== prompts.get(session)) said.set(session, part.text)
      } else if (type === "session.idle" && prompts.has(session)) {
        await report("end", session, { text: said.get(session)?.slice(-LONGEST) })
      }
    }),
    "command.execute.before": quietly(async (input, output) => {
      const command = `/${input.command} ${input.arguments ?? ""}`.trimEnd()
      typed.set(input.sessionID, { command, sent: words(output.parts) })
    }),
    "chat.message": quietly(async (input, { message, parts }) => {
      const session = input.sessionID
      if (await parentOf(session)) return
      const { command, sent } = typed.get(session) ?? {}
      typed.delete(session)
      prompts.set(session, message.id)
      const text = sent === words(parts) ? command : words(parts)
      const files = parts.filter((part) => part.type === "file").map((part) => part.url)
      await report("prompt", session, { text, files, key: message.id, model: message.model?.modelID })
    }),
    "tool.execute.before": quietly(async (input, output) => {
      if (WRITES.has(input.tool)) given.set(input.callID, output.args)
    }),
    "tool.execute.after": quietly(async (input) => {
      const args = input.args ?? given.get(input.callID)
      given.delete(input.callID)
      if (WRITES.has(input.tool)) {
        const { filePath, patchText, edits } = args
        const paths = edits?.map?.((edit) => edit.filePath)
        await report("tool", input.sessionID, { tool: input.tool, given: { filePath, patchText, paths } })
      } else if (input.tool === "bash") {
        await report("tool", input.sessionID, { tool: "bash" })
      }
    }),
    "shell.env": quietly(async (input, output) => {
      if (input.sessionID) output.env.REGEN_SESSION = await person(input.sessionID)
    }),
    dispose: quietly(async () => {
      for (const session of prompts.keys()) await report("gone", session)
    }),
  }
}
