"""Answers."""

from service import Service


def missing() -> str:
    raise KeyError("page")


def test_a_query_is_a_mapping() -> None:  # needs: literal query
    service = Service()
    service.on("GET", "/find", lambda query: query["q"])
    assert service.handle("GET", "/find?q=ada&n=1") == (200, "ada")


def test_a_status_of_one_s_own() -> None:  # needs: literal pair
    service = Service()
    service.on("POST", "/x", lambda: (201, "made"))
    assert service.handle("POST", "/x") == (201, "made")


def test_a_missing_key_is_not_found() -> None:  # needs: literal crash
    service = Service()
    service.on("GET", "/x", missing)
    assert service.handle("GET", "/x") == (404, "no such page")


def test_each_request_leaves_a_line() -> None:  # needs: literal log
    service = Service()
    service.on("GET", "/x", lambda: "")
    service.handle("GET", "/x")
    service.handle("GET", "/x")
    assert service.log == ["GET /x 200", "GET /x 200"]
