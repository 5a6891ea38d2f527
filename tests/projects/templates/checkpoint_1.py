"""Values."""

from render import render


def test_a_value_is_put_in() -> None:  # needs: value
    assert render("Hi {{ name }}!", {"name": "Ada"}) == "Hi Ada!"


def test_a_number_is_a_value() -> None:  # needs: value
    assert render("{{ n }}{{n}}", {"n": 3}) == "33"


def test_an_unknown_name_is_nothing() -> None:  # needs: value unknown
    assert render("[{{ name }}]", {}) == "[]"
