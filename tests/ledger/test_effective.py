"""What has force: the newest revisions, less what is retracted or superseded, in whatever order they came."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.team import intent

from regen_git.domain.ids import IntentId
from regen_git.domain.intent import Binding
from regen_git.errors import RegenError
from regen_git.ledger.codec import document, encode, union
from regen_git.ledger.effective import ledger_version, read_asked, standing
from regen_git.ledger.revisions import newest, revised
from regen_git.ledger.store import PRIVATE_REF, Ledger, view

if TYPE_CHECKING:
    from support.builder import RepoBuilder

    from regen_git.domain.intent import Intent


def an_id(number: int) -> IntentId:
    return IntentId(f"{number:016x}")


def known(*some: Intent) -> dict[str, Intent]:
    return {document(one).digest: one for one in some}


def statuses(*some: Intent) -> list[str]:
    return [status for status, _ in standing({one.id: one for one in some}).values()]


def asking(number: int, *olds: int, retracted: bool = False) -> Intent:
    return replace(intent(number), supersedes=tuple(map(an_id, olds)), retracted=retracted)


def test_what_is_superseded_stays_so_along_a_chain() -> None:
    assert statuses(asking(1), asking(2, 1), asking(3, 2)) == ["superseded", "superseded", "in force"]


def test_what_a_retracted_intent_superseded_is_in_force_again() -> None:
    assert statuses(asking(1), asking(2, 1, retracted=True)) == ["in force", "retracted"]
    assert statuses(asking(1), asking(2, 1, retracted=True), asking(3, 2)) == [
        "in force",
        "retracted",
        "in force",
    ]


def test_of_intents_that_supersede_each_other_the_one_asked_last_has_force() -> None:
    assert statuses(asking(1, 2), asking(2, 1)) == ["superseded", "in force"]
    assert statuses(asking(1, 2), asking(2, 3), asking(3, 1)) == ["superseded", "superseded", "in force"]
    # A ring that something else supersedes has no force at all.
    assert statuses(asking(1, 2), asking(2, 1), asking(3, 2)) == ["superseded", "superseded", "in force"]
    assert statuses(asking(1, 1)) == ["in force"]


def test_a_chain_as_long_as_a_history_ends() -> None:
    many = [asking(number, number - 1) for number in range(1, 20_001)]
    assert statuses(*many).count("in force") == 1
    ring = [asking(number, number % 20_000 + 1) for number in range(1, 20_001)]
    assert statuses(*ring) == ["superseded"] * 19_999 + ["in force"]


def test_intents_of_another_range_supersede_nothing() -> None:
    assert statuses(asking(1), asking(2, 7)) == ["in force", "in force"]


SOME = st.integers(1, 5)
RETRACTED = st.dictionaries(SOME, st.booleans(), max_size=5)
EDGES = st.sets(st.tuples(SOME, SOME), max_size=10)


@settings(max_examples=200)
@given(EDGES, RETRACTED)
def test_something_has_force_unless_all_is_retracted(
    edges: set[tuple[int, int]], retracted: dict[int, bool]
) -> None:
    some = [
        asking(n, *sorted(old for new, old in edges if new == n), retracted=retracted.get(n, False))
        for n in range(1, 6)
    ]
    found = statuses(*some)
    assert ("in force" in found) == any(not one.retracted for one in some)
    assert [status == "retracted" for status in found] == [one.retracted for one in some]
    for one, status in zip(some, found, strict=True):
        if status == "superseded":
            assert any(one.id in other.supersedes for other in some if not other.retracted)


def test_a_revision_takes_the_place_of_what_it_knows_and_of_nothing_else() -> None:
    first = intent(1, "a")
    mine = revised(intent(1, "b"), known(first))
    again = revised(intent(1, "c"), known(first, mine))
    theirs = revised(intent(1, "d"), known(first))
    assert (mine.revision, again.revision, theirs.revision) == (2, 3, 2)
    assert newest(known(first, mine, again)) == (again,)
    # Two edits here do not outvote the one that was made elsewhere meanwhile.
    assert newest(known(first, mine, again, theirs)) == (again, theirs)
    settled = revised(intent(1, "e"), known(first, mine, again, theirs))
    assert newest(known(first, mine, again, theirs, settled)) == (settled,)


def test_revisions_that_name_nothing_take_the_place_of_all_lower_ones() -> None:
    first, second = intent(1, "a"), replace(intent(1, "b"), revision=2)
    other = replace(intent(1, "c"), revision=2)
    assert newest(known(first, second)) == (second,)
    assert set(newest(known(first, second, other))) == {second, other}
    assert newest(known(first, second, revised(intent(1, "d"), known(second))))[0].revision == 3


def test_a_purged_revision_brings_no_older_one_back() -> None:
    first = intent(1, "a")
    leaked = revised(intent(1, "b"), known(first))
    last = revised(intent(1, "c"), known(first, leaked))
    assert newest(known(first, last)) == (last,)


HISTORY = st.lists(
    st.tuples(st.integers(1, 3), st.sampled_from("abc"), st.booleans(), st.integers(0, 3)),
    min_size=1,
    max_size=6,
)


def written(steps: list[tuple[int, str, bool, int]]) -> list[bytes]:
    """Return the documents of three intents that people revise, now and then without knowing all."""
    said: dict[int, list[Intent]] = {number: [intent(number)] for number in (1, 2, 3)}
    for number, text, retracted, other in steps:
        old = (an_id(other),) if other else ()
        seen = said[number][: 1 + len(text + str(other)) % len(said[number])]
        new = replace(intent(number, text), retracted=retracted, supersedes=old)
        said[number].append(revised(new, known(*seen)))
    return [encode(one) for some in said.values() for one in some]


@settings(max_examples=60)
@given(HISTORY, st.randoms(use_true_random=False))
def test_the_order_in_which_notes_are_united_changes_nothing(
    steps: list[tuple[int, str, bool, int]], rng: object
) -> None:
    documents = written(steps)
    seen = set()
    for _ in range(4):
        rng.shuffle(documents)  # type: ignore[attr-defined]
        claims = view(union(*documents)).versions
        ordered = {one: claims[one][0] for one in sorted(claims)}
        seen.add((tuple(sorted(claims.items())), tuple(standing(ordered).items())))
    assert len(seen) == 1


def test_reading_a_range(repo: RepoBuilder) -> None:
    first = repo.commit("one", {"a.py": "1\n"})
    second = repo.commit("two", {"b.py": "1\n"})
    ledger = Ledger(repo.opened)
    bound = Binding(an_id(1), ("a.py",))
    ledger.append({first: [intent(1), bound], second: [intent(1), replace(bound, wrote=("b.py",))]})
    ledger.append({second: [intent(2), Binding(an_id(2)), asking(3, 1), Binding(an_id(3), ("b.py",))]})
    Ledger(repo.opened, PRIVATE_REF).append({second: [intent(4)]})
    asked = read_asked(repo.opened, ["HEAD"])
    assert [(one.intent.id, one.commits, one.wrote, one.status, one.by) for one in asked] == [
        (an_id(1), (first, second), ("a.py", "b.py"), "superseded", (an_id(3),)),
        (an_id(2), (second,), (), "in force", ()),
        (an_id(3), (second,), ("b.py",), "in force", ()),
    ]
    assert [one.intent.id for one in read_asked(repo.opened, ["HEAD~1"])] == [an_id(1)]
    assert next(one.commits for one in read_asked(repo.opened, ["HEAD~1..HEAD"])) == (second,)
    with pytest.raises(RegenError, match="nosuch"):
        read_asked(repo.opened, ["nosuch"])


def test_a_branch_without_commits_asks_for_nothing(repo: RepoBuilder) -> None:
    assert read_asked(repo.opened, ["HEAD"]) == []


def test_the_version_is_of_what_is_asked_however_the_notes_were_united(repo: RepoBuilder) -> None:
    oid = repo.commit("one")
    three = [encode(intent(number, "x")) for number in (1, 2, 3)]
    versions = set()
    for order in permutations(three):
        repo.git("notes", "--ref=regen", "add", "-f", "-F", "-", oid, stdin=b"".join(order))
        versions.add(ledger_version(read_asked(repo.opened, ["HEAD"])))
    assert len(versions) == 1
    [before] = versions
    new = revised(intent(1, "y"), known(intent(1, "x")))
    ledger = Ledger(repo.opened)
    ledger.append({oid: [new]})
    after = ledger_version(read_asked(repo.opened, ["HEAD"]))
    ledger.append({oid: [revised(intent(1, "x"), known(intent(1, "x"), new))]})
    assert after != before == ledger_version(read_asked(repo.opened, ["HEAD"]))
