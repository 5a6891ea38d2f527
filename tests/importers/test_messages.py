from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regen_git.importers.messages import prompts_in, read_message


def message(body: str, subject: str = "Ask Claude to add a cache.") -> str:
    return f"{subject}\n\n{body}\n"


@pytest.mark.parametrize(
    "label",
    [
        "Prompt:",
        "prompt:",
        "Additional prompt:",
        "Second prompt:",
        "User prompt:",
        "Prompt 2:",
        "Prompt (shortened):",
        "**Prompt:**",
        "**Prompt**:",
        "Prompt was literally just:",
        "The prompt was:",
        "My initial prompt was:",
        "Claude prompt:",
        "Prompt to my project for tools was:",
    ],
)
def test_a_label_is_read_with_the_words_behind_it_and_below_it(label: str) -> None:
    assert prompts_in(message(f"{label} Add a cache.")) == ("Add a cache.",)
    assert prompts_in(message(f"{label}\n\nAdd a cache.")) == ("Add a cache.",)
    assert prompts_in(message(f"{label}\nAdd a cache.")) == ("Add a cache.",)


@pytest.mark.parametrize(
    "narration",
    [
        "Claude added the cache but forgot the lock.",
        "Claude then wrote a test.",
        "Initially Claude wanted to use a global.",
        "Now Claude got it mostly right, but kept the old name.",
        "Once again Claude's changes to `get()` were not applied, so I pasted them in.",
        "This time Claude fixed it, but:\n- it also renamed things",
        'Claude "thought" about it for a while.',
        "Weirdly the agent tried to commit this.",
        "Note: the lock did not show up at first. I prompted Claude two more times.",
        "It took three tries, and I asked it to start over.",
        "(I misread the manual here.)",
        "(This is my favourite one.)",
        "I then removed the debug output by hand.",
        "This commit also bumps the version.",
        "Full transcript: https://example.org/t/1",
        "Transcript (part 2): https://example.org/t/2",
        "Result: works.",
        "- Added a cache class\n- Updated the tests\n- Fixed a typo",
        "Ran that using a small tool:\nhttps://example.org/t/3",
        "🤖 Generated with [Claude Code](https://claude.com/claude-code)",
        "Co-Authored-By: Claude <noreply@anthropic.com>",
        "---",
    ],
)
def test_a_prompt_ends_where_the_narrator_speaks_again(narration: str) -> None:
    body = f"Prompt: Add a cache.\n\n{narration}\n\nMore of the narrator.\n\nAdditional prompt: Add a lock."
    assert prompts_in(message(body)) == ("Add a cache.", "Add a lock.")


@pytest.mark.parametrize(
    "more",
    [
        "It should be safe when two threads ask at once.",
        "* a limit on entries\n* a limit on bytes",
        "```python\ncache = Cache()\n\ncache.get('a')\n```",
        "    indented_example()",
        "Some more requirements:\n\n* no globals\n* no threads",
        "Can you please write this?",
        "When Claude Code hooks call this, you must not print anything.",
        "Please look at what Claude wrote in the last change.",
        "> quoted from the manual",
        "(Please keep the old name working for now.)",
        "You added a lock that is never released. I noticed this when I ran it.",
    ],
)
def test_a_prompt_of_several_paragraphs_is_kept_whole(more: str) -> None:
    assert prompts_in(message(f"Prompt: Add a cache.\n\n{more}")) == (f"Add a cache.\n\n{more}",)


def test_what_follows_a_colon_belongs_to_the_prompt() -> None:
    body = "Prompt: Fix these:\n\n- Added lines are not counted\n- Removed lines are counted twice"
    assert prompts_in(message(body)) == (body.removeprefix("Prompt: "),)


def test_a_fence_with_blank_lines_and_labels_in_it_is_one_piece() -> None:
    fence = "```yaml\nmodel: small\n\nprompt: say hello\n\nClaude: likes this\n```"
    assert prompts_in(message(f"Prompt:\n\nRead such a file:\n\n{fence}")) == (
        f"Read such a file:\n\n{fence}",
    )


def test_a_quoted_prompt_is_the_quote_and_each_quote_is_a_prompt() -> None:
    body = "Prompt was:\n\n> Add a cache\n>\n> and a lock\n\n> Now test it\n\nBuilt so.\n\n> no prompt"
    assert prompts_in(message(body)) == ("Add a cache\n\nand a lock", "Now test it")


def test_a_word_between_quotes_leads_to_the_next_prompt() -> None:
    body = "First prompt:\n\n> Add a cache\n\nThen:\n\n> Add a lock\n\nSee also:\n\nhttps://example.org"
    assert prompts_in(message(body)) == ("Add a cache", "Add a lock")


def test_prompts_in_a_list_are_one_each() -> None:
    body = "Details of the change.\n\nPrompts:\n* add a cache that\n  has a limit\n* yes\n\n* test it"
    assert prompts_in(message(body)) == ("add a cache that\nhas a limit", "yes", "test it")


def test_prompts_in_fences_are_one_each() -> None:
    assert prompts_in(
        message("Prompts:\n```\nadd a cache\n\nwith a lock\n```\n\n```\ntest it\n```\n\nDone.")
    ) == (
        "add a cache\n\nwith a lock",
        "test it",
    )
    assert prompts_in(message("Prompt:\n```\nadd a cache\n```")) == ("add a cache",)
    assert prompts_in(message('Prompts:\n```\n"add a cache"\n"test it"\n```')) == ("add a cache", "test it")


def test_an_indented_prompt_ends_with_its_indentation() -> None:
    body = "I used this prompt:\n\n    Add a cache.\n      With a lock.\n\n    Test it.\n\nThat was all."
    assert prompts_in(message(body)) == ("Add a cache.\n  With a lock.\n\nTest it.",)


def test_quotation_marks_around_the_whole_are_not_part_of_it() -> None:
    assert prompts_in(message('Prompt: "Add a cache"')) == ("Add a cache",)
    assert prompts_in(message('Prompt: "Add a cache". I then read every line.')) == ("Add a cache",)
    assert prompts_in(message('Prompt: "Save" should be called "Keep"')) == (
        '"Save" should be called "Keep"',
    )


def test_a_sentence_of_the_narrator_can_announce_a_prompt() -> None:
    assert prompts_in(message("It was not what I wanted, so I prompted:\n\nAdd a lock.")) == ("Add a lock.",)
    assert prompts_in(message("Then I asked Claude: Add a lock.")) == ("Add a lock.",)
    assert prompts_in(message("I prompted in the same conversation:\n\n> Add a lock")) == ("Add a lock",)
    body = "Prompt was:\n\n> Add a cache\n\nIt added two, so I said:\n\n> One is enough"
    assert prompts_in(message(body, "Add a cache")) == ("Add a cache", "One is enough")
    body = "It missed the docs, so I tried an additional prompt:\n\nAdditional prompt: Update the docs."
    assert prompts_in(message(body)) == ("Update the docs.",)


def test_a_quote_right_below_the_subject_counts_when_an_agent_took_part() -> None:
    body = "> Add a cache\n\n> Test it\n\nhttps://claude.ai/code/session_1"
    assert prompts_in(message(body, "Add a cache")) == ("Add a cache", "Test it")
    assert prompts_in("Answer the report\n\n> It is slow\n\nIt is not.\n") == ()


@pytest.mark.parametrize(
    "text",
    [
        "prompt: use another colour\n",
        "prompt: use another colour\n\nThe old one was hard to read.\n",
        "Show the branch\n\nThe prompt: now with a branch\nis shown in the\nprompt: field of the theme.\n",
        "Add a shell\n\n- prompt: make it green\n- history: keep 100 lines\n",
        "Support models\n\n    prompt: say hello\n",
        "Support models\n\n```\nPrompt: say hello\n```\n",
        "Change texts\n\nPrompt before overwriting a file.\n",
        "Ask Claude to add a cache.\n\nPrompts: https://example.org/t/1\n\nWhich took a while.\n",
        "Ask Claude to add a cache.\n\nI quoted the manual, and Claude agreed.\n\n> The cache must be\n",
        "Ask Claude to add a cache.\n\nSo I coaxed Claude into simplifying.\n",
        "Ask Claude to add a cache.\n\nI guess this was wrong in the original prompt as well.\n",
        "Ask Claude to add a cache.\n\nPrompt:\n",
        "",
    ],
)
def test_nothing_else_is_taken_for_a_prompt(text: str) -> None:
    assert prompts_in(text) == ()


def test_the_answer_of_the_agent_between_two_prompts_is_left_out() -> None:
    body = (
        "prompt: Is this allowed?\n\nClaude looked it up, then said:\n\n"
        "```\n  It is not.\n\n  Shall I change it?\n```\n\nprompt: Yes"
    )
    assert prompts_in(message(body)) == ("Is this allowed?", "Yes")
    assert prompts_in(message("prompt: one\n----\nan answer\n----\nprompt: two")) == ("one", "two")


def test_labels_without_a_blank_line_between_are_two_prompts() -> None:
    assert prompts_in(message("Prompt: Add a cache.\nAdditional prompt: Add a lock.")) == (
        "Add a cache.",
        "Add a lock.",
    )


def test_trailers_are_not_part_of_the_last_prompt() -> None:
    trailers = "Co-authored-by: Claude <noreply@anthropic.com>\nSigned-off-by: Ada <ada@example.org>"
    assert prompts_in(message(f"Prompt: Add a cache.\n\n{trailers}")) == ("Add a cache.",)
    assert prompts_in(message(f"Prompt: Add a cache.\n{trailers}")) == ("Add a cache.",)
    assert prompts_in(message("Prompt: Add a cache.\r\n\r\nFixes: #12\r\n")) == ("Add a cache.",)


def test_a_message_that_quotes_a_prompt_is_evidence_of_an_agent() -> None:
    reading = read_message("Add a cache\n\nPrompt: Add a cache.\n")
    assert (reading.evidence.maker, reading.evidence.agent) == ("agent", None)


@settings(deadline=None, max_examples=150)
@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    for prompt in prompts_in("Ask Claude\n\n" + text):
        assert prompt.strip()


@settings(deadline=None, max_examples=150)
@given(
    st.lists(
        st.text(alphabet="abcdefg .,", min_size=1).map(str.strip).filter(lambda s: s[:1].isalpha()),
        min_size=1,
    )
)
def test_one_line_prompts_come_back_as_they_were_written(prompts: list[str]) -> None:
    body = "\n\nClaude did as asked.\n\n".join(f"Prompt: {prompt}" for prompt in prompts)
    assert prompts_in(message(body)) == tuple(prompts)
