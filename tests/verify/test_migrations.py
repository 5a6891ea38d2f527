"""New migrations come after the last released one and start from it, whatever tool they are for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from regen_git.config import Ownership, PathRules
from regen_git.git.trees import Leaf, edit
from regen_git.verify.gates import Gates, run_gates
from regen_git.verify.migration_files import natural, number_of, read_node
from regen_git.verify.migrations import last_released

if TYPE_CHECKING:
    from collections.abc import Mapping

    from support.builder import RepoBuilder

    from regen_git.git.objects import ObjectStore

OWNER = Ownership(PathRules(append=("migrations/**", "db/**", "versions/**")))


@pytest.fixture
def store(repo: RepoBuilder) -> ObjectStore:
    return repo.opened.objects


def tree(store: ObjectStore, files: Mapping[str, str]) -> str:
    return edit(store, None, {p: Leaf(0o100644, store.write("blob", t.encode())) for p, t in files.items()})


def problems(
    store: ObjectStore,
    original: Mapping[str, str],
    added: Mapping[str, str],
    *,
    released: Mapping[str, str] | None = None,
    end: Mapping[str, str] | None = None,
) -> list[str]:
    """Return what the gates say of the original with these files added to it."""
    gates = Gates(
        OWNER,
        released=tree(store, released) if released is not None else None,
        end=tree(store, end) if end is not None else None,
    )
    results = run_gates(store, tree(store, original), tree(store, {**original, **added}), gates)
    assert "migrations" in [gate.name for gate in results]
    return [problem for gate in results for problem in gate.problems]


def named(folder: str, *names: str) -> dict[str, str]:
    return {f"{folder}/{name}": "" for name in names}


SAME = "is new and has the same number as"
FIRST = named("migrations", "001_a.sql", "002_b.sql")


@pytest.mark.parametrize(
    ("there", "fits", "too_early"),
    [
        (("001_a.sql", "002_b.sql"), "003_c.sql", "001_c.sql"),
        (("9_a.sql", "10_b.sql"), "11_c.sql", "9_c.sql"),
        (("20240101120000_a.rb", "20240301120000_b.rb"), "20240302000000_c.rb", "20240201000000_c.rb"),
        (
            ("2024_01_01_000000_a.php", "2024_02_01_000000_b.php"),
            "2024_02_02_000000_c.php",
            "2024_01_15_000000_c.php",
        ),
        (("V1__a.sql", "V1.10__b.sql"), "V1.11__c.sql", "V1.9__c.sql"),
        (
            ("20240101_a/migration.sql", "20240201_b/migration.sql"),
            "20240301_c/migration.sql",
            "20240115_c/x.sql",
        ),
        (("2024-01-01-000000_a/up.sql",), "2024-01-02-000000_b/up.sql", "2023-01-02-000000_b/up.sql"),
        (("2023/001_a.sql", "2024/001_b.sql"), "2024/002_c.sql", "2023/002_c.sql"),
        (("1700000000-A.ts",), "1700000001-B.ts", "1600000000-B.ts"),
        (("m1_a.sql", "m2_b.sql"), "m3_c.sql", "m0_c.sql"),
        (("001_a.sql",), "create_more.sql", "000.sql"),
        (("001_a.sql",), "002_c.py", "000_c.py"),
    ],
)
def test_a_new_migration_comes_after_the_last_released_one(
    store: ObjectStore, there: tuple[str, ...], fits: str, too_early: str
) -> None:
    old = named("migrations", *there)
    assert problems(store, old, named("migrations", fits)) == []
    (said,) = problems(store, old, named("migrations", too_early))
    assert (
        f"migrations/{too_early}: is new and comes before 'migrations/{there[-1]}', which is released" == said
    )


@pytest.mark.parametrize(
    "name", ["README.md", "__init__.py", "R__views.sql", "U2__undo_b.sql", "_helpers.sql", ".keep"]
)
def test_what_no_order_is_about_may_be_added(store: ObjectStore, name: str) -> None:
    assert problems(store, named("migrations", "V1__a.sql", "V2__b.sql"), named("migrations", name)) == []


def test_what_is_released_is_never_changed_renamed_or_removed(store: ObjectStore) -> None:
    rebuilt = {"migrations/001_a.sql": "other", "migrations/002_renamed.sql": ""}
    results = run_gates(store, tree(store, FIRST), tree(store, rebuilt), Gates(OWNER))
    assert [problem for gate in results for problem in gate.problems] == [
        "migrations/001_a.sql: differs, and is append",
        "migrations/002_b.sql: is gone, and is append",
        f"migrations/002_renamed.sql: {SAME} 'migrations/002_b.sql', which is history's",
    ]


def test_released_is_what_the_last_release_holds(store: ObjectStore) -> None:
    tip = {**FIRST, **named("migrations", "005_late.sql")}
    assert problems(store, tip, named("migrations", "003_c.sql"), released=FIRST) == []
    assert problems(store, tip, named("migrations", "003_c.sql"))[0].endswith(
        "comes before 'migrations/005_late.sql', which is released"
    )


def test_a_commit_before_the_release_is_held_against_it_too(store: ObjectStore) -> None:
    early = named("migrations", "001_a.sql")
    assert problems(store, early, named("migrations", "002_mine.sql"), released=FIRST, end=FIRST) == [
        f"migrations/002_mine.sql: {SAME} 'migrations/002_b.sql', which is history's"
    ]
    assert problems(store, early, named("migrations", "002_a.sql"), released=FIRST, end=FIRST) == [
        "migrations/002_a.sql: is new and comes before 'migrations/002_b.sql', which is released"
    ]


def test_one_number_is_one_migration(store: ObjectStore) -> None:
    assert problems(store, FIRST, named("migrations", "003_a.sql", "003_b.sql")) == [
        f"migrations/003_b.sql: {SAME} 'migrations/003_a.sql', which is also new"
    ]
    pair = named("migrations", "003_c.up.sql", "003_c.down.sql")
    assert problems(store, FIRST, pair) == []
    end = {**FIRST, **named("migrations", "003_theirs.sql")}
    assert problems(store, FIRST, named("migrations", "3_mine.sql"), end=end) == [
        f"migrations/3_mine.sql: {SAME} 'migrations/003_theirs.sql', which is history's"
    ]
    assert problems(store, FIRST, named("migrations", "003_theirs.sql"), end=end) == [
        "migrations/003_theirs.sql: is new, and history brings a file of this name later"
    ]


def test_a_project_that_gives_one_number_to_several_may_go_on_so(store: ObjectStore) -> None:
    old = named("migrations", "001_a.sql", "001_a_undo.sql")
    assert problems(store, old, named("migrations", "002_b.sql", "002_b_undo.sql")) == []
    days = named("migrations", "2024-01-01_a.sql")
    assert problems(store, days, named("migrations", "2024-01-02_b.sql", "2024-01-02_c.sql")) == []


def alembic(name: str, *starts: str) -> str:
    down = "None" if not starts else repr(starts[0] if len(starts) == 1 else tuple(starts))
    return f'"""say"""\nfrom alembic import op\nrevision: str = "{name}"\ndown_revision = {down}\n'


REVISIONS = {"versions/f1_a.py": alembic("f1"), "versions/a2_b.py": alembic("a2", "f1")}


def test_an_alembic_revision_starts_from_the_released_head(store: ObjectStore) -> None:
    assert problems(store, REVISIONS, {"versions/03_c.py": alembic("03", "a2")}) == []
    two = {"versions/03_c.py": alembic("03", "a2"), "versions/00_d.py": alembic("00", "03")}
    assert problems(store, REVISIONS, two) == []
    assert problems(store, REVISIONS, {"versions/03_c.py": alembic("03", "f1")}) == [
        "versions/03_c.py: does not start from the last released migration, 'versions/a2_b.py'"
    ]
    assert problems(store, REVISIONS, {"versions/03_c.py": alembic("03")}) == [
        "versions/03_c.py: does not start from the last released migration, 'versions/a2_b.py'"
    ]
    assert problems(store, REVISIONS, {"versions/03_c.py": alembic("03", "zz")}) == [
        "versions/03_c.py: starts from 'zz', and there is no such migration"
    ]


def test_alembic_has_one_head(store: ObjectStore) -> None:
    both = {"versions/03_c.py": alembic("03", "a2"), "versions/04_d.py": alembic("04", "a2")}
    assert problems(store, REVISIONS, both) == [
        "versions/03_c.py: leaves more than one last migration: 'versions/03_c.py', 'versions/04_d.py'"
    ]
    tip = {**REVISIONS, "versions/03_c.py": alembic("03", "a2")}
    assert (
        "more than one"
        in problems(store, tip, {"versions/04_d.py": alembic("04", "a2")}, released=REVISIONS)[0]
    )
    merged = {**both, "versions/05_e.py": alembic("05", "03", "04")}
    assert problems(store, REVISIONS, merged) == []
    again = problems(store, REVISIONS, {"versions/x.py": alembic("a2", "f1")})
    assert "versions/x.py: is new and has the name 'a2' of 'versions/a2_b.py'" in again


def test_a_circle_and_a_file_that_says_nothing_are_named(store: ObjectStore) -> None:
    circle = {"versions/03_c.py": alembic("03", "04"), "versions/04_d.py": alembic("04", "03", "a2")}
    assert "more than one" not in "".join(problems(store, REVISIONS, circle))
    assert "circle" in problems(store, REVISIONS, circle)[0]
    words = "'revision' and 'down_revision'"
    for text in ("x = 1\n", "revision = f()\ndown_revision = 'a2'\n", "def (", "\0", "(" * 5000):
        assert problems(store, REVISIONS, {"versions/03_c.py": text}) == [
            f"versions/03_c.py: is new and is no migration for alembic: {words} cannot be read in it"
        ]
    assert problems(store, REVISIONS, {"versions/__init__.py": ""}) == []


def django(*pairs: tuple[str, str]) -> str:
    listed = ", ".join(repr(pair) for pair in pairs)
    return (
        "from django.conf import settings\nfrom django.db import migrations\n\n\n"
        "class Migration(migrations.Migration):\n"
        f"    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL), {listed}]\n"
        "    operations = []\n"
    )


SHOP = {
    "shop/migrations/__init__.py": "",
    "shop/migrations/0001_initial.py": django(("auth", "0001_initial")),
    "shop/migrations/0002_b.py": django(("shop", "0001_initial")),
}


def test_a_django_migration_starts_from_the_apps_last_released_one(store: ObjectStore) -> None:
    owner = Ownership(PathRules(append=("**/migrations/**",)))

    def said(added: Mapping[str, str]) -> list[str]:
        old, new = tree(store, SHOP), tree(store, {**SHOP, **added})
        return [problem for gate in run_gates(store, old, new, Gates(owner)) for problem in gate.problems]

    path = "shop/migrations/0003_c.py"
    last = "'shop/migrations/0002_b.py'"
    assert said({path: django(("shop", "0002_b"), ("users", "0007_x"))}) == []
    assert said({path: django(("shop", "0001_initial"))}) == [
        f"{path}: does not start from the last released migration, {last}"
    ]
    assert said({path: django(("shop", "0009_gone"))}) == [
        f"{path}: starts from '0009_gone', and there is no such migration"
    ]
    other = "shop/migrations/0004_d.py"
    assert said({path: django(("shop", "0002_b")), other: django(("shop", "0002_b"))}) == [
        f"{path}: leaves more than one last migration: '{path}', '{other}'"
    ]
    assert said({"shop/migrations/0002_c.py": django(("shop", "0002_b"))}) == [
        f"shop/migrations/0002_c.py: is new and has the same number as {last}, which is history's"
    ]
    assert said({path: "x = 1\n"}) == [
        f"{path}: is new and is no migration for django: a class 'Migration' cannot be read in it"
    ]
    assert said({"users/migrations/0001_initial.py": django()}) == []


def test_the_last_released_migrations_can_be_told_to_a_model(store: ObjectStore) -> None:
    files = {**FIRST, **REVISIONS, **named("db", "V1__a.sql", "V2__b.sql", "notes.txt")}
    assert last_released(store, tree(store, files), OWNER) == (
        "db/V2__b.sql",
        "migrations/002_b.sql",
        "versions/a2_b.py",
    )


def test_nothing_is_said_where_nothing_is_append_only(store: ObjectStore) -> None:
    old, new = tree(store, FIRST), tree(store, {**FIRST, "migrations/000.sql": ""})
    assert [gate.name for gate in run_gates(store, old, new, Gates(Ownership(PathRules())))] == [
        "paths",
        "frozen",
        "conflict markers",
    ]


WORDS = [
    "revision",
    "down_revision",
    " = ",
    "'a'",
    "None",
    "(",
    ")",
    ",",
    "\n",
    " ",
    "[",
    "]",
    "\0",
    "é",
    "#",
]
PIECES = st.sampled_from([*WORDS, "class Migration:\n", "    dependencies", "-" * 3000, "1+" * 3000])


@given(st.lists(PIECES, max_size=12).map("".join))
@examples(max_examples=80)
def test_any_text_is_read_or_not_and_never_breaks(text: str) -> None:
    node = read_node("versions/x.py", text)
    assert node is None or node.tool in {"alembic", "django"}


@given(st.text("abzVU0129_.-/", min_size=1, max_size=30), st.text("012_a9", max_size=20))
@examples(max_examples=80)
def test_any_name_has_its_place(one: str, two: str) -> None:
    found = number_of(one)
    assert found is None or found.path == one
    assert (natural(one) < natural(two)) + (natural(two) < natural(one)) <= 1
