"""Conditions."""

from render import render


def test_a_comment_is_left_out() -> None:  # needs: comment
    assert render("a{# not this #}b", {}) == "ab"


def test_a_condition_that_holds() -> None:  # needs: if
    assert render("{% if x %}yes{% end %}!", {"x": 1}) == "yes!"


def test_a_condition_that_does_not_hold() -> None:  # needs: if
    assert render("{% if x %}yes{% end %}!", {"x": []}) == "!"


def test_the_other_case() -> None:  # needs: if else
    assert render("{% if x %}yes{% else %}no{% end %}", {"x": ""}) == "no"
