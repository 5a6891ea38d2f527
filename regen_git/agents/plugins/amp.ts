// @i-know-the-amp-plugin-api-is-wip-and-very-experimental-right-now
// Tells `git regen` what was asked of Amp and which files it wrote; does nothing where that is not installed.
// It prints nothing, changes nothing, and never fails Amp. Take it out with `git regen agents remove amp`.
import { spawn } from "node:child_process"

const AGENT = "amp"
const LONGEST = 4096 // characters of the agent's last words

/* deliver.js */

export default function (amp) {
  const path = (uri) => amp.helpers.filePathFromURI(uri)

  // One after the other, so that they arrive in the order in which things happened.
  const tell = (event, what, more = {}) => {
    const root = amp.system?.workspaceRoot
    const report = { event, session: what.thread.id, cwd: root ? path(root) : process.cwd(), ...more }
    return (last = last.then(() => deliver(report)))
  }
  const on = (event, work) =>
    amp.on(event, async (what) => {
      try {
        await work(what)
      } catch {}
    })

  on("session.start", (event) => tell("session", event))
  on("agent.start", (event) => tell("prompt", event, { text: event.message, key: String(event.id ?? "") }))
  on("tool.result", async (event) => {
    const paths = event.status === "error" ? [] : (amp.helpers.filesModifiedByToolCall(event) ?? []).map(path)
    if (paths.length) await tell("tool", event, { tool: "edit", given: { paths } })
    if (amp.helpers.shellCommandFromToolCall?.(event)) await tell("tool", event, { tool: "shell" })
  })
  on("agent.end", (event) => {
    const said = (event.messages ?? []).filter((message) => message.role === "assistant").pop()
    const words = (said?.content ?? []).filter((part) => part.type === "text").map((part) => part.text)
    return tell("end", event, { text: words.join("\n").slice(-LONGEST) })
  })
}
