"""Several patterns at once."""

from service import Service


def test_a_slash_at_the_end_is_nothing() -> None:  # needs: literal notfound slash
    service = Service()
    service.on("GET", "/about", lambda: "us")
    assert service.handle("GET", "/about/") == (200, "us")
    assert service.handle("GET", "//about") == (404, "not found")


def test_the_rest_is_one_value() -> None:  # needs: literal rest
    service = Service()
    service.on("GET", "/files/{path*}", lambda path: path)
    assert service.handle("GET", "/files/a/b/c") == (200, "a/b/c")


def test_fewer_braces_win() -> None:  # needs: literal param specific
    service = Service()
    service.on("GET", "/{any}", lambda any: f"any {any}")  # noqa: A006
    service.on("GET", "/me", lambda: "me")
    assert service.handle("GET", "/me") == (200, "me")
    assert service.handle("GET", "/you") == (200, "any you")
