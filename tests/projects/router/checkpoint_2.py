"""Methods and numbers."""

from service import Service


def test_digits_become_a_number() -> None:  # needs: literal number
    service = Service()
    service.on("GET", "/next/{n:int}", lambda n: str(n + 1))
    assert service.handle("GET", "/next/41") == (200, "42")


def test_letters_are_no_number() -> None:  # needs: literal notfound
    service = Service()
    service.on("GET", "/next/{n:int}", lambda n: f"{n}")
    service.on("GET", "/next/best", lambda: "thing")
    assert service.handle("GET", "/next/best") == (200, "thing")
    assert service.handle("GET", "/next/x") == (404, "not found")


def test_other_methods_are_named() -> None:  # needs: literal method
    service = Service()
    service.on("PUT", "/x", lambda: "")
    service.on("GET", "/x", lambda: "")
    assert service.handle("POST", "/x") == (405, "GET,PUT")
