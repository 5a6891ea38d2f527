# Completion of 'git regen <TAB>' for bash, to be read by ~/.bashrc; git's own completion calls it.
# Made by 'python -m regen_git.cli.completion'; do not edit it by hand.
# shellcheck disable=SC2154 # cword, words, cur and prev are set by git's completion
_git_regen ()
{
	local at word path=""
	at=$((${__git_cmd_idx:-1} + 1))
	while [ "$at" -lt "$cword" ]; do
		word=${words[at]}
		at=$((at + 1))
		case "$word" in
		-*) continue ;;
		esac
		case "$path $word" in
		" demo") path="/demo" ;;
		" init") path="/init" ;;
		" deinit") path="/deinit" ;;
		" doctor") path="/doctor" ;;
		" agents") path="/agents" ;;
		"/agents add") path="/agents/add" ;;
		"/agents remove") path="/agents/remove" ;;
		" trust") path="/trust" ;;
		" record") path="/record" ;;
		" status") path="/status" ;;
		" classify") path="/classify" ;;
		" mark") path="/mark" ;;
		" import") path="/import" ;;
		"/import agent-trace") path="/import/agent-trace" ;;
		"/import aider") path="/import/aider" ;;
		"/import commits") path="/import/commits" ;;
		"/import entire") path="/import/entire" ;;
		"/import git-ai") path="/import/git-ai" ;;
		"/import sessions") path="/import/sessions" ;;
		"/import specstory") path="/import/specstory" ;;
		"/import claude") path="/import/claude" ;;
		"/import codex") path="/import/codex" ;;
		"/import gemini") path="/import/gemini" ;;
		"/import copilot") path="/import/copilot" ;;
		"/import opencode") path="/import/opencode" ;;
		"/import droid") path="/import/droid" ;;
		"/import qwen") path="/import/qwen" ;;
		"/import pi") path="/import/pi" ;;
		"/import cursor") path="/import/cursor" ;;
		"/import vscode") path="/import/vscode" ;;
		"/import windsurf") path="/import/windsurf" ;;
		"/import continue") path="/import/continue" ;;
		" edit") path="/edit" ;;
		" supersede") path="/supersede" ;;
		" fold") path="/fold" ;;
		" retract") path="/retract" ;;
		" log") path="/log" ;;
		" show") path="/show" ;;
		" blame") path="/blame" ;;
		" why") path="/why" ;;
		" diff") path="/diff" ;;
		" describe") path="/describe" ;;
		" export") path="/export" ;;
		" sync") path="/sync" ;;
		" repair") path="/repair" ;;
		" purge") path="/purge" ;;
		" check") path="/check" ;;
		" try") path="/try" ;;
		" plan") path="/plan" ;;
		" replay") path="/replay" ;;
		" resolve") path="/resolve" ;;
		" compare") path="/compare" ;;
		" verify") path="/verify" ;;
		" adopt") path="/adopt" ;;
		*) ;;
		esac
	done
	case "$path:$prev" in
	/init:--claude) __gitcomp "project user none"; return ;;
	/init:--agents-at) __gitcomp "project user none"; return ;;
	/record:--class) __gitcomp "feature constraint correction answer question operation noise"; return ;;
	/check:--format) __gitcomp "text github junit"; return ;;
	/plan:--mode) __gitcomp "folded chained anchored oneshot"; return ;;
	/plan:--include) __gitcomp "recorded message all"; return ;;
	/replay:--mode) __gitcomp "folded chained anchored oneshot"; return ;;
	/replay:--include) __gitcomp "recorded message all"; return ;;
	/replay:--check) __gitcomp "tip regenerated every never"; return ;;
	/resolve:--take) __gitcomp "original"; return ;;
	*) ;;
	esac
	case "$path:$cur" in
	/demo:--*) __gitcomp "--keep --json" ;;
	/init:--*) __gitcomp "--yes --hooks --no-hooks --claude --agent --agents-at --config --no-config --import --no-import --pre-push --baseline --spec --undo --json" ;;
	/deinit:--*) __gitcomp "--json" ;;
	/doctor:--*) __gitcomp "--prove --no-prove --json" ;;
	/agents:--*) __gitcomp "--json" ;;
	/agents/add:--*) __gitcomp "--project --user --json" ;;
	/agents/remove:--*) __gitcomp "--project --user --json" ;;
	/trust:--*) __gitcomp "--yes --json" ;;
	/record:--*) __gitcomp "--message --file --commit --private --class --agent --json" ;;
	/status:--*) __gitcomp "--commits --json" ;;
	/classify:--*) __gitcomp "--model --again --budget --budget-tokens --max-tokens --jobs --dry-run --json" ;;
	/mark:--*) __gitcomp "--json" ;;
	/import:--*) __gitcomp "" ;;
	/import/agent-trace:--*) __gitcomp "--classify-with --max-count --dry-run --json --file" ;;
	/import/aider:--*) __gitcomp "--classify-with --max-count --dry-run --json --file" ;;
	/import/commits:--*) __gitcomp "--classify-with --max-count --dry-run --json" ;;
	/import/entire:--*) __gitcomp "--classify-with --max-count --dry-run --json" ;;
	/import/git-ai:--*) __gitcomp "--classify-with --max-count --dry-run --json" ;;
	/import/sessions:--*) __gitcomp "--classify-with --max-count --dry-run --json" ;;
	/import/specstory:--*) __gitcomp "--classify-with --max-count --dry-run --json" ;;
	/import/claude:--*) __gitcomp "--classify-with --max-count --dry-run --json" ;;
	/import/codex:--*) __gitcomp "--classify-with --max-count --dry-run --json" ;;
	/import/gemini:--*) __gitcomp "--classify-with --max-count --dry-run --json" ;;
	/import/copilot:--*) __gitcomp "--classify-with --max-count --dry-run --json" ;;
	/import/opencode:--*) __gitcomp "--classify-with --max-count --dry-run --json" ;;
	/import/droid:--*) __gitcomp "--classify-with --max-count --dry-run --json" ;;
	/import/qwen:--*) __gitcomp "--classify-with --max-count --dry-run --json" ;;
	/import/pi:--*) __gitcomp "--classify-with --max-count --dry-run --json" ;;
	/import/cursor:--*) __gitcomp "--classify-with --max-count --dry-run --json" ;;
	/import/vscode:--*) __gitcomp "--classify-with --max-count --dry-run --json" ;;
	/import/windsurf:--*) __gitcomp "--classify-with --max-count --dry-run --json" ;;
	/import/continue:--*) __gitcomp "--classify-with --max-count --dry-run --json" ;;
	/edit:--*) __gitcomp "--message --file --prompt --dry-run --json" ;;
	/supersede:--*) __gitcomp "--message --file --by --dry-run --json" ;;
	/fold:--*) __gitcomp "--model --check --budget --budget-tokens --max-tokens --jobs --dry-run --json" ;;
	/retract:--*) __gitcomp "--undo --dry-run --json" ;;
	/log:--*) __gitcomp "--max-count --history --json" ;;
	/show:--*) __gitcomp "--json" ;;
	/blame:--*) __gitcomp "--json" ;;
	/why:--*) __gitcomp "--json" ;;
	/diff:--*) __gitcomp "--history --json" ;;
	/describe:--*) __gitcomp "--json" ;;
	/export:--*) __gitcomp "--output --private --json" ;;
	/sync:--*) __gitcomp "--fetch-only --no-push --replies --yes --dry-run --json" ;;
	/repair:--*) __gitcomp "--dry-run --json" ;;
	/purge:--*) __gitcomp "--text-file --keep-redacted --follow --dry-run --yes --json" ;;
	/check:--*) __gitcomp "--require --report-only --each --format --summary --json" ;;
	/try:--*) __gitcomp "--model --budget --budget-tokens --max-tokens --no-check --no-sandbox --full --dry-run --json" ;;
	/plan:--*) __gitcomp "--model --mode --include --ungrouped --changed --from --json" ;;
	/replay:--*) __gitcomp "--model --mode --name --include --ungrouped --rewrite --changed --from --locked --check --jobs --budget --budget-tokens --max-tokens --context-tokens --temperature --no-sandbox --dry-run --resume --force --yes --json" ;;
	/resolve:--*) __gitcomp "--note --take --drop --edit --tree --json" ;;
	/compare:--*) __gitcomp "--diff --json" ;;
	/verify:--*) __gitcomp "--against --no-cache --json" ;;
	/adopt:--*) __gitcomp "--history --published --force --dry-run --json" ;;
	:*)
		__gitcomp "demo init deinit doctor agents trust record status classify mark import edit supersede fold retract log show blame why diff describe export sync repair purge check try plan replay resolve compare verify adopt"
		;;
	/agents:*) __gitcomp "add remove" ;;
	/import:*) __gitcomp "agent-trace aider commits entire git-ai sessions specstory claude codex gemini copilot opencode droid qwen pi cursor vscode windsurf continue" ;;
	*)
		__git_complete_refs 2>/dev/null || __gitcomp_nl "$(__git_refs)"
		;;
	esac
}
