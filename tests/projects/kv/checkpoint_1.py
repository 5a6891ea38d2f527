"""What is set is got."""

from shell import run


def test_what_is_set_is_got() -> None:  # needs: set
    assert run(["set a 1", "get a"], None) == ["1"]


def test_the_last_value_counts() -> None:  # needs: set
    assert run(["set a 1", "set a 2 3", "get a"], None) == ["2 3"]


def test_nothing_is_named() -> None:  # needs: set missing
    assert run(["get a"], None) == ["(nothing)"]


def test_keys_are_in_order() -> None:  # needs: set keys
    assert run(["set b 1", "set a 1", "keys"], None) == ["a", "b"]
