"""A spec, a history and one request come to the same program. Scripted; it says nothing about models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.chains import Project, all_projects, outcomes
from support.fragments import blocks, render, stands_in, stood
from support.modes import Chain
from support.scripted import Scripted, normal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.fragments import Block, Branch

PROJECTS = all_projects()
SMALLEST = PROJECTS[0]
MODES = ["chained", "folded", "oneshot"]

# What litellm and what it builds on warn of is not ours to mend.
pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning:pydantic"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

of_each_project = pytest.mark.parametrize("project", PROJECTS, ids=lambda project: project.name)


def lost_without(project: Project, key: str) -> set[str]:
    """Return the tests that need a requirement."""
    return {test for test, needs in project.needs.items() if key in needs}


@of_each_project
def test_each_checkpoint_passes_its_tests_and_those_before(project: Project) -> None:
    for checkpoint in project.checkpoints:
        files = project.written(project.after(checkpoint.number)) | project.tests(checkpoint.number)
        assert all(outcomes(files).values())
    assert 3 <= len(project.checkpoints) <= 8


@of_each_project
def test_a_program_without_a_requirement_fails_the_tests_that_need_it(project: Project) -> None:
    everything = frozenset(project.requirements)
    for key in project.requirements:
        passed = outcomes(project.written(everything - {key}) | project.tests())
        assert (
            {test for test, is_well in passed.items() if not is_well} == lost_without(project, key) != set()
        )


def slips(project: Project) -> Iterator[tuple[str, Block, Branch]]:
    """Yield each place where the scripted model may make a mistake."""
    for path, parts in project.modules.items():
        for block in blocks(parts):
            yield from ((path, block, branch) for branch in block.branches if branch.slip is not None)


@of_each_project
def test_every_mistake_is_found_by_a_test_that_names_it(project: Project) -> None:
    for path, block, branch in slips(project):
        keys = {each for each in (*block.keys, branch.key) if each[0] != "@"}
        number = next(each.number for each in project.checkpoints if keys <= project.after(each.number))
        known = project.after(number)

        def choose(each: Block, wrong: Branch = branch, known: frozenset[str] = known) -> list[str | Block]:
            for one in each.branches:
                if not one.key or one.key[0] == "@" or one.key in known:
                    return one.slip or [] if one is wrong else one.parts
            return []

        text = render(project.modules[path], choose)
        if text == project.written(known)[path]:
            continue  # a later case of the block has taken this one's place
        passed = outcomes(project.written(known) | {path: text} | project.tests(number))
        assert any(not is_well and keys <= project.needs[test] for test, is_well in passed.items()), (
            block.name
        )
        assert stands_in(branch.slip or [], text), block.name


@of_each_project
def test_what_a_module_holds_can_be_told_from_its_text(project: Project) -> None:
    for checkpoint in project.checkpoints:
        known = project.after(checkpoint.number)
        for path, text in project.written(known).items():
            for block in blocks(project.modules[path]):
                found = [branch.key for branch in block.branches if branch.key and stood(branch, text)]
                held = [each for each in found if each[0] != "@"]
                assert set(held) <= known, (path, block.name)


@of_each_project
def test_no_test_says_in_words_what_is_wanted(project: Project) -> None:
    for checkpoint in project.checkpoints:
        said = normal(checkpoint.tests)
        assert not [key for key, each in project.requirements.items() if normal(each.text) in said]


def asked(*messages: str) -> dict[str, list[dict[str, str]]]:
    """Return a request: the people's and the model's messages in turn."""
    roles = ("user", "assistant")
    return {"messages": [{"role": roles[i % 2], "content": text} for i, text in enumerate(messages)]}


WANTED = "Files of this part so far, to be written anew; others may join: shell.py\n"
SET = SMALLEST.requirements["set"].text


def test_the_scripted_model_leaves_out_what_it_is_not_told() -> None:
    model = Scripted(SMALLEST)

    assert '"set"' not in model(asked(f"Module shell\n{WANTED}"))
    assert '"set"' in model(asked(f"Module shell\n- {SET}\n{WANTED}"))


def test_the_scripted_model_calls_wrongly_what_it_has_no_signature_of() -> None:
    model = Scripted(SMALLEST)

    assert "store.put({key: value})" in model(asked(f"Module shell\n- {SET}\n{WANTED}"))
    assert "store.put(key, value)" in model(asked(f"Module shell\n- {SET}\n`put(key, value)`\n{WANTED}"))


def test_the_scripted_model_repairs_only_what_a_named_test_needs() -> None:
    model = Scripted(SMALLEST)
    task = f"Module shell\n- {SET}\n{WANTED}"
    first = model(asked(task))
    heading = "Module shell, repair 1: the result is not accepted yet."

    assert model(asked(task, first, f"{heading}\n- lost: test_unknown_commands_are_named")) == first
    mended = model(asked(task, first, f"{heading}\n- lost: test_what_is_set_is_got"))
    assert "store.put(key, value)" in mended
    assert "unknown command" not in mended


def test_the_smallest_project_comes_out_whole_in_every_mode(tmp_path: Path) -> None:
    chain = Chain.build(SMALLEST, tmp_path / "repo")
    came = {"chained": chain.replay("chained", slips=3)}
    chain.fold()
    came |= {mode: chain.replay(mode, slips=3) for mode in ("folded", "oneshot")}

    for mode, each in came.items():
        assert (mode, each.status, each.told["verdict"], each.lost) == (mode, 0, "pass", set())
        assert len(each.checkpoints) == len(SMALLEST.checkpoints)
        assert each.told["calls"] == each.calls
    assert any(each.repairs for each in came.values())


def test_a_fault_below_is_mended_though_tests_name_only_the_module_on_top(tmp_path: Path) -> None:
    chain = Chain.build(SMALLEST, tmp_path / "repo")
    chain.specify()

    came = chain.replay("folded", slips=2)

    assert (came.status, came.told["verdict"], came.lost) == (0, "pass", set())
    assert came.repairs > 1


def test_a_module_that_stays_as_it_is_shows_its_interface_to_those_that_use_it(tmp_path: Path) -> None:
    chain = Chain.build(SMALLEST, tmp_path / "repo")
    chain.specify(without="store.py")

    assert chain.replay("folded", "--check=never").lost == set()


def dropped(project: Project, *, all_of: bool) -> list[str]:
    """Return the requirements to drop: of the smallest project all, of the others one."""
    keys = list(project.requirements)
    return keys if all_of else [keys[len(keys) // 2]]


@of_each_project
def test_dropping_one_line_of_a_fold_costs_exactly_its_tests(project: Project, tmp_path: Path) -> None:
    chain = Chain.build(project, tmp_path / "repo")
    chain.fold()
    assert chain.replay("folded", "--check=never").lost == set()

    for key in dropped(project, all_of=project is SMALLEST):
        with chain.without_line(key):
            came = chain.replay("folded", "--check=never", f"--name=without-{key}")
        assert came.lost == lost_without(project, key), key
