"""Values inside values."""

from render import render


def test_a_dot_looks_inside() -> None:  # needs: value dotted
    assert render("{{ user.name }}", {"user": {"name": "Ada"}}) == "Ada"


def test_nothing_is_inside_a_word() -> None:  # needs: value unknown
    assert render("[{{ user.name.first }}]", {"user": {"name": "Ada"}}) == "[]"


def test_html_is_escaped() -> None:  # needs: value escape
    assert render("{{ x }}", {"x": "<a & b>"}) == "&lt;a &amp; b&gt;"
