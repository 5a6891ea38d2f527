// Tells `git regen` what was asked of pi and which files it wrote; does nothing where that is not installed.
// It prints nothing and never fails pi. Shells get REGEN_SESSION, by which git's hooks know whose commit it is.
// Take it out with `git regen agents remove pi`.
import { spawn } from "node:child_process"

const AGENT = "pi"
const WRITES = new Set(["edit", "write"])
const LONGEST = 4096 // characters of the agent's last words

/* deliver.js */

const words = (message) =>
  typeof message?.content === "string"
    ? message.content
    : (message?.content ?? []).filter((part) => part.type === "text").map((part) => part.text).join("\n")

export default function (pi) {
  let typed = [] // what was entered and has not reached the agent yet

  // One after the other, so that they arrive in the order in which things happened.
  const tell = (event, ctx, more = {}) => {
    const session = ctx.sessionManager.getSessionId()
    const report = { event, session, cwd: ctx.cwd, model: ctx.model?.id, ...more }
    return (last = last.then(() => deliver(report)))
  }
  const on = (event, work) =>
    pi.on(event, async (what, ctx) => {
      try {
        await work(what, ctx)
      } catch {}
    })

  on("session_start", (_, ctx) => {
    process.env.REGEN_SESSION = ctx.sessionManager.getSessionId()
    return tell("session", ctx)
  })
  on("input", (event) => {
    typed.push({ text: event.text, byPerson: event.source !== "extension" })
  })
  on("before_agent_start", () => {
    // The agent was idle, so what was entered before the last was taken back into the editor.
    typed = typed.slice(-1)
  })
  on("message_end", (event, ctx) => {
    if (event.message.role !== "user") return
    const sent = words(event.message)
    // A command or a template reaches the agent expanded.
    const found = typed.find((one) => one.text === sent) ?? typed.find((one) => one.text.startsWith("/")) ?? typed[0]
    typed = typed.filter((one) => one !== found)
    if (found && !found.byPerson) return
    const text = found?.text ?? sent
    return tell("prompt", ctx, { text, sent: sent === text ? undefined : sent, time: event.message.timestamp })
  })
  on("tool_call", () => last) // no tool begins before the prompt is on the disk
  on("tool_result", (event, ctx) => {
    if (WRITES.has(event.toolName) && !event.isError) {
      return tell("tool", ctx, { tool: event.toolName, given: { path: event.input.path } })
    }
    if (event.toolName === "bash") return tell("tool", ctx, { tool: "bash" })
  })
  on("agent_end", (event, ctx) => {
    const said = event.messages.filter((message) => message.role === "assistant").map(words)
    return tell("end", ctx, { text: said.filter(Boolean).pop()?.slice(-LONGEST) })
  })
  on("session_shutdown", (_, ctx) => tell("gone", ctx))
}
