"""Loops."""

from render import render


def test_each_item() -> None:  # needs: value for
    assert render("{% for x in all %}{{ x }},{% end %}", {"all": [1, 2]}) == "1,2,"


def test_a_condition_inside_a_loop() -> None:  # needs: value dotted if for
    items = [{"on": 1, "n": "a"}, {"on": 0, "n": "b"}]
    assert render("{% for x in all %}{% if x.on %}{{ x.n }}{% end %}{% end %}", {"all": items}) == "a"


def test_blank_space_goes() -> None:  # needs: value trim
    assert render("a  {{- x -}}  b {{ x }} c", {"x": 1}) == "a1b 1 c"
