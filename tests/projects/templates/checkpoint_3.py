"""Filters."""

from render import render


def test_capitals() -> None:  # needs: value filter
    assert render("{{ x|upper }}", {"x": "ada"}) == "ADA"


def test_something_else_where_it_is_empty() -> None:  # needs: value filter or
    assert render("{{ x | or:nobody }} {{ y | or:nobody }}", {"x": "", "y": "Ada"}) == "nobody Ada"


def test_safe_text_stays() -> None:  # needs: value filter safe
    assert render("{{ x|safe }}", {"x": "<b>"}) == "<b>"
