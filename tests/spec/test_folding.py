from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.builder import RepoBuilder
from support.histories import History

from regen_git.config import Ownership, PathRules
from regen_git.domain.ids import IntentId
from regen_git.domain.intent import PROMPT_CLASSES, Agent, Binding, Intent, Prompt
from regen_git.ledger.effective import Asked, read_asked
from regen_git.ledger.store import Ledger
from regen_git.replay.imports import imported_paths
from regen_git.spec.folding import fold
from regen_git.spec.memory import units
from regen_git.spec.pages import parse_page, render_page
from regen_git.spec.values import Source, Statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regen_git.domain.intent import PromptClass
    from regen_git.ledger.effective import Status
    from regen_git.spec.values import Page

FILES = {
    "src/http.py": "import store\n",
    "src/store.py": "",
    "tests/test_http.py": "",
    "README.md": "",
    "a.json": "",
}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> RepoBuilder:
    repo = RepoBuilder.init(tmp_path_factory.mktemp("small"))
    # What serves the whole module is made before a test is sealed.
    repo.git("config", "user.name", "Ada Example")
    repo.git("config", "user.email", "ada@example.org")
    repo.commit("start", FILES)
    return repo


def asked(
    number: int,
    *prompts: str | Prompt,
    wrote: Sequence[str] = ("src/http.py",),
    status: Status = "in force",
    session: str | None = None,
    plan: str | None = None,
) -> Asked:
    words = tuple(each if isinstance(each, Prompt) else Prompt(each) for each in prompts)
    agent = Agent("claude", session=session)
    intent = Intent(IntentId(f"{number:016x}"), words, "captured", agent=agent, approved=plan)
    by = (IntentId("f" * 16),) if status == "superseded" else ()
    return Asked(intent, (), tuple(wrote), 1, status, by)


def folded(repo: RepoBuilder, *intents: Asked, pages: Sequence[Page] = ()) -> dict[str, Page]:
    opened = repo.opened
    tree = opened.git("rev-parse", "HEAD^{tree}").decode().strip()
    made = fold(opened, intents, pages, Ownership(PathRules()), tree, imported=imported_paths)
    for page in made:
        assert parse_page(page.name, render_page(page)) == page
    return {page.name: page for page in made}


def shown(statements: Sequence[Statement], depth: int = 0) -> list[str]:
    """Return the texts, conditions indented by two spaces each."""
    found = []
    for one in statements:
        found += ["  " * depth + one.text, *shown(one.conditions, depth + 1)]
    return found


def test_each_source_file_of_a_small_project_has_a_page_and_what_it_needs(small: RepoBuilder) -> None:
    pages = folded(small, asked(1, "Add a client"), asked(2, "Add a store", wrote=["src/store.py", "a.json"]))
    assert list(pages) == ["http", "store"]
    assert (pages["http"].paths, pages["http"].needs) == (("src/http.py",), ("store",))
    assert (pages["store"].paths, pages["store"].needs) == (("src/store.py", "/a.json"), ())
    assert pages["http"].statements == (Statement("Add a client", (Source(IntentId("0" * 15 + "1")),)),)


def test_what_crosses_modules_is_on_the_page_of_the_project(small: RepoBuilder) -> None:
    both = ["src/http.py", "src/store.py"]
    alone = asked(2, "Retry"), asked(3, "Keep it", wrote=["src/store.py"])
    pages = folded(small, asked(1, "Log everywhere", wrote=both), *alone)
    assert shown(pages["project"].statements) == ["Log everywhere"]
    assert (list(pages), pages["project"].paths) == (["http", "project", "store"], ())


def test_files_that_are_mostly_written_together_are_one_page(small: RepoBuilder) -> None:
    both = ["src/http.py", "src/store.py"]
    pages = folded(small, asked(1, "Log everywhere", wrote=both), asked(2, "Cache", wrote=both))
    assert [(page.name, page.paths) for page in pages.values()] == [("src", ("src/http.py", "src/store.py"))]


def test_tests_are_no_module_and_belong_to_what_was_written_with_them(small: RepoBuilder) -> None:
    pages = folded(
        small,
        asked(1, "Add a client", wrote=["src/http.py", "tests/test_http.py"]),
        asked(2, "Test the odd cases", wrote=["tests/test_http.py"]),
    )
    assert list(pages) == ["http"]
    assert pages["http"].left_out[0].reason == "it wrote only tests, which stay as they are"


def test_pages_that_exist_keep_their_files_and_names(small: RepoBuilder) -> None:
    core = parse_page("core", "---\npaths: [src/**]\n---\n- Everything\n")
    assert list(folded(small, asked(1, "Add a client"), pages=[core])) == ["core"]
    alone = parse_page("app", "- Everything\n")
    both = asked(1, "Log everywhere", wrote=["src/http.py", "src/store.py"])
    assert list(folded(small, both, pages=[alone])) == ["app"]


def test_files_of_one_name_get_pages_of_their_own(tmp_path_factory: pytest.TempPathFactory) -> None:
    repo = RepoBuilder.init(tmp_path_factory.mktemp("names"))
    repo.commit("start", {"a/util.py": "", "b/util.py": "", "b/Project.py": "", "a b/ü.c": "", "a b/ü.h": ""})
    files = ["a/util.py", "b/util.py", "b/Project.py", "a b/ü.c", "a b/ü.h"]
    pages = folded(repo, *(asked(at, f"Add {name}", wrote=[name]) for at, name in enumerate(files)))
    assert sorted(pages) == ["b-Project", "b-util", "module", "util"]
    assert pages["module"].paths == ("a b/ü.c", "a b/ü.h")


def test_a_large_project_has_a_page_for_a_folder_of_few_files(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    repo = RepoBuilder.init(tmp_path_factory.mktemp("large"))
    files = [f"app/{folder}/{name}.py" for folder in ("api", "web") for name in "abcdefgh"] + ["app/main.py"]
    repo.commit("start", dict.fromkeys(files, "x = 1\n" * 99))
    pages = folded(repo, *(asked(at, f"Add {name}", wrote=[name]) for at, name in enumerate(files)))
    assert sorted(pages) == ["api", "main", "web"]
    assert len(pages["api"].paths) == 8


def test_corrections_become_conditions_of_what_they_correct(small: RepoBuilder) -> None:
    pages = folded(
        small,
        asked(1, "Add a retry to the client", "No, that is wrong: at most five attempts", session="s"),
        asked(2, "Add a cache", wrote=["src/store.py"], session="s"),
        asked(3, "fix the delay, it is too long", session="s"),
        asked(4, "Time out after a minute. Can you do that?", "Can you also update the readme?"),
    )
    assert shown(pages["http"].statements) == [
        "Add a retry to the client",
        "  No, that is wrong: at most five attempts",
        "  fix the delay, it is too long",
        "Time out after a minute.",
        "  Also update the readme.",
    ]
    assert [one.sources[0].intent[-1] for one in pages["http"].statements[0].conditions] == ["1", "3"]


def test_what_asks_for_nothing_is_left_out_with_the_reason(small: RepoBuilder) -> None:
    pages = folded(
        small,
        asked(1, "Add a client", "thanks!", "commit and push", "What does a retry cost?"),
        asked(2, "Old way", status="superseded"),
        asked(3, "Wrong way", status="retracted"),
    )
    assert [(one.reason, one.text) for one in pages["http"].left_out] == [
        ("noise", "thanks!"),
        ("operation", "commit and push"),
        ("question", "What does a retry cost?"),
        (f"superseded by {'f' * 16}", "Old way"),
        ("retracted", "Wrong way"),
    ]


def test_an_answer_stands_with_what_it_answers(small: RepoBuilder) -> None:
    told = Prompt("Option 2, but in seconds", kind="answer", answers="How long?\n- 1: short\n- 2: long")
    pages = folded(
        small, asked(1, "Add a timeout", told), asked(2, "Which port does it use?", "Yes, add that")
    )
    assert shown(pages["http"].statements) == [
        "Add a timeout",
        "  Option 2, but in seconds\n\nThis answers:\n\n> How long?\n> - 1: short\n> - 2: long",
        "Which port does it use?\n\nYes, add that",
    ]
    assert pages["http"].left_out == ()


def test_a_list_becomes_several_statements_and_keeps_its_words(small: RepoBuilder) -> None:
    pages = folded(
        small,
        asked(1, "Please implement the following:\n- A cache\n- A log\n\nAlso needed:\n1. Speed\n2. Order"),
        asked(2, "Two things: (1) Allow all methods. (2) Refuse cookies."),
        asked(3, "Build a client with:\n\n```\n- not a list\n```\n- retries\n- logs"),
    )
    assert shown(pages["http"].statements) == [
        "A cache",
        "A log",
        "Also needed:",
        "  Speed",
        "  Order",
        "Allow all methods.",
        "Refuse cookies.",
        "Build a client with:\n\n```\n- not a list\n```",
        "  retries",
        "  logs",
    ]


def test_a_plan_that_was_accepted_is_a_condition(small: RepoBuilder) -> None:
    pages = folded(
        small, asked(1, "Add a client", plan="# Plan\n\n- one\n- two"), asked(2, "hi", plan="Other")
    )
    assert shown(pages["http"].statements) == [
        "Add a client",
        "  The plan that was accepted:\n\n# Plan",
        "    one",
        "    two",
        "The plan that was accepted:\n\nOther",
    ]


COURTESY = ("please", "can", "you", "oops", "two", "things:", "1", "2")  # and what a list begins with
WORDS = st.sampled_from(
    [
        *("Add a cache", "fix that", "thanks", "Yes", "What is this?", "Yes, do that", "commit", "Oops, no"),
        *(
            "Do:\n- a\n- b",
            "Two things: (1) a. (2) b.",
            "",
            "- x",
            "```\nopen",
            "Please",
            "日本語で書いて",
            "can you?",
        ),
    ]
)
PROMPTS = st.builds(
    Prompt,
    WORDS,
    kind=st.sampled_from([None, *PROMPT_CLASSES]),
    answers=st.sampled_from([None, "Which?\n- a"]),
)
WROTE = st.lists(st.sampled_from([*FILES, "gone.py"]), min_size=1, max_size=3, unique=True)
STATUS: st.SearchStrategy[Status] = st.sampled_from(["in force", "in force", "retracted", "superseded"])


@settings(deadline=None, max_examples=25)
@given(
    st.lists(
        st.tuples(st.lists(PROMPTS, max_size=4), WROTE, STATUS, st.sampled_from([None, "s"])), max_size=5
    )
)
def test_nothing_that_was_asked_vanishes(
    small: RepoBuilder, told: list[tuple[list[Prompt], list[str], Status, str | None]]
) -> None:
    intents = [
        asked(at, *prompts, wrote=wrote, status=status, session=session, plan=None if prompts else "A plan")
        for at, (prompts, wrote, status, session) in enumerate(told)
    ]
    pages = folded(small, *intents)
    named = {source.intent for page in pages.values() for one in units(page) for source in one.sources}
    assert named == {one.intent.id for one in intents}
    stated = " ".join(" ".join(shown(page.statements)) for page in pages.values())
    left_out = " ".join(one.text for page in pages.values() for one in page.left_out)
    for one in intents:
        # Where nothing of an intent is required, the beginning of its words stands for it.
        is_whole = one.status == "in force" and not {*one.wrote} <= {"tests/test_http.py", "gone.py"}
        for prompt in one.intent.prompts if is_whole else ():
            words = [word.strip("-,!?.)`(") for word in prompt.text.lower().split()]
            missing = {word for word in words if word not in f"{stated} {left_out}".lower()}
            assert missing <= {*COURTESY} or prompt.kind in (
                "noise",
                "operation",
                "question",
            )


def test_what_no_binding_tells_is_read_from_the_commits_under_todays_names(repo: RepoBuilder) -> None:
    history = History(repo)
    history.asked("Add a client", {"client.py": "def call():\n    return 1\n" * 9})
    repo.git("mv", "client.py", "http.py")
    history.by_hand("Rename it", {})
    history.asked("Add a store", {"store.py": "x = 1\n"})
    tree = repo.opened.git("rev-parse", "HEAD^{tree}").decode().strip()
    intents = read_asked(repo.opened, ["HEAD"])
    made = fold(repo.opened, intents, [], Ownership(PathRules()), tree, imported=imported_paths)
    assert [(page.name, page.paths, len(page.statements)) for page in made] == [
        ("http", ("/http.py",), 1),
        ("store", ("/store.py",), 1),
    ]


def test_the_newest_revision_counts(repo: RepoBuilder) -> None:
    history = History(repo)
    commit = history.asked("Add a cleint", {"client.py": "x = 1\n"})
    one = IntentId("0" * 15 + "1")
    again = Intent(one, (Prompt("Add a client"),), "captured", revision=2)
    Ledger(repo.opened).append({commit: [again, Binding(one)]})
    tree = repo.opened.git("rev-parse", "HEAD^{tree}").decode().strip()
    intents = read_asked(repo.opened, ["HEAD"])
    (page,) = fold(repo.opened, intents, [], Ownership(PathRules()), tree, imported=imported_paths)
    assert page.statements == (Statement("Add a client", (Source(one, 2),)),)


@pytest.mark.parametrize(
    "text", ["Search by tag as well", "Validate addresses", "please list archived items too"]
)
@pytest.mark.parametrize("kind", [None, "question"])
def test_what_may_be_a_wish_as_well_as_a_question_is_kept(
    small: RepoBuilder, text: str, kind: PromptClass | None
) -> None:
    page = folded(small, asked(1, Prompt(text, kind=kind)))["http"]
    assert (len(page.statements), page.left_out) == (1, ())


@pytest.mark.parametrize("text", ["Check whether it is slow", "Find out why it fails", "search what?"])
def test_a_look_at_something_is_left_out(small: RepoBuilder, text: str) -> None:
    page = folded(small, asked(1, Prompt(text, kind="question")))["http"]
    assert [one.reason for one in page.left_out] == ["question"]
