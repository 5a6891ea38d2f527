"""Paths."""

from service import Service


def test_an_equal_path_is_answered() -> None:  # needs: literal
    service = Service()
    service.on("GET", "/about", lambda: "us")
    assert service.handle("GET", "/about") == (200, "us")


def test_each_path_has_a_handler_of_its_own() -> None:  # needs: literal
    service = Service()
    service.on("GET", "/about", lambda: "us")
    service.on("GET", "/abouts", lambda: "all of us")
    assert service.handle("GET", "/abouts") == (200, "all of us")


def test_a_longer_path_is_not_found() -> None:  # needs: notfound
    service = Service()
    service.on("GET", "/about", lambda: "us")
    assert service.handle("GET", "/aboutus") == (404, "not found")


def test_a_segment_is_handed_over() -> None:  # needs: literal param
    service = Service()
    service.on("GET", "/hello/{name}", lambda name: f"hello {name}")
    assert service.handle("GET", "/hello/ada") == (200, "hello ada")
