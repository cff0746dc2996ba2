"""A proxy before a real service: what passes, how, and what of it is found to break the contract."""

from __future__ import annotations

import gzip
import socket
import threading
from pathlib import Path

import httpx
import pytest

from harness.contract import load
from harness.contract.model import Contract
from harness.findings import exit_code
from mocks.proxy.bodies import MAX_JUDGED
from mocks.proxy.hops import passed_on
from mocks.proxy.ledger import Ledger
from mocks.proxy.proxy import Proxy
from tests.unit.mocks.real_service import proxied
from tests.unit.serving.live import served

CLINIC = Path(__file__).parent / "contracts" / "clinic"
PATIENT = {"id": "pat-abc123", "name": "Edith Marsh", "ward": "north"}


OK = "description: A patient"
ANSWER = "description: A patient\n          content:"
"""What stands in the contract at the answer that the tests ask for."""


@pytest.fixture(scope="module")
def clinic() -> Contract:
    return load(CLINIC)


def line_of(text: str) -> int:
    """The line where this text ends; an operation, and an answer, begin above."""
    before, found, _ = (CLINIC / "openapi.yaml").read_text().partition(text)
    assert found
    above = "operationId" in text or text == OK
    return before.count("\n") + text.count("\n") + 1 - above


def test_what_keeps_the_contract_passes_as_it_is(clinic: Contract) -> None:
    with proxied(clinic, path="/inner") as through:
        through.real.will(200, [PATIENT], x_total="1", set_cookie="a=1")
        answer = through.client.get("/patients?name=M%61rsh&limit=5", headers={"X-Own": "yes"})
    assert (answer.status_code, answer.json()) == (200, [PATIENT])
    assert answer.headers["set-cookie"] == "a=1"
    asked = through.real.asked[0]
    assert asked.target == "/inner/patients?name=M%61rsh&limit=5"
    assert asked.header("x-own") == "yes"
    assert (through.findings, through.unknown, through.kept) == ([], [], 1)
    assert [entry.operation for entry in through.proxy.journal] == ["listPatients"]


def test_headers_of_one_connection_do_not_pass(clinic: Contract) -> None:
    with proxied(clinic) as through:
        through.real.will(200, PATIENT, connection="x-there", x_there="1", keep_alive="timeout=5")
        answer = through.client.get(
            "/patients/pat-abc123",
            headers={"Connection": "keep-alive, X-Here", "X-Here": "1", "TE": "trailers", "Upgrade": "h2c"},
        )
    asked = through.real.asked[0]
    assert [asked.header(name) for name in ("x-here", "te", "upgrade", "via")] == [None] * 3 + ["1.1 portal"]
    assert asked.header("host") == through.url.removeprefix("http://")
    assert not {"x-there", "keep-alive"} & answer.headers.keys()
    assert answer.headers["via"] == "1.1 portal"


def test_repeated_headers_stay_apart_and_in_order() -> None:
    sent = [(b"Accept", b"a"), (b"Connection", b"X-Gone, close"), (b"x-gone", b"1"), (b"accept", b"b")]
    assert passed_on(sent) == [(b"accept", b"a"), (b"accept", b"b"), (b"via", b"1.1 portal")]


def test_a_redirect_is_not_followed(clinic: Contract) -> None:
    with proxied(clinic) as through:
        through.real.will(302, None, location="http://127.0.0.1:9/")
        answer = through.client.get("/patients/pat-abc123", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (302, "http://127.0.0.1:9/")
    assert [each.title for each in through.findings] == ["the answer: status 302 is not documented"]


@pytest.mark.parametrize(
    ("status", "body", "headers", "title", "line"),
    [
        (200, {"id": "pat-abc123"}, {}, "the body the property 'name' is missing", ANSWER),
        (200, {**PATIENT, "id": "7"}, {}, "/id must match", "id: {type: string, pattern"),
        (200, b"<html/>", {"content_type": "text/html"}, "the content type of 200 is not documented", OK),
        (200, b"{", {"content_type": "application/json"}, "the body of 200 is not JSON", ANSWER),
        (200, b"", {}, "200 has no body", OK),
        (500, {"oops": 1}, {}, "status 500 is not documented", "operationId: getPatient"),
    ],
)
def test_an_answer_that_breaks_the_contract_is_a_finding(
    status: int, body: object, headers: dict[str, str], title: str, line: str, clinic: Contract
) -> None:
    with proxied(clinic) as through:
        through.real.will(status, body, **headers)
        assert through.client.get("/patients/pat-abc123").status_code == status
    (finding,) = through.findings
    assert finding.title.startswith(f"the answer: {title}")
    assert (finding.operation, finding.where.line) == ("getPatient", line_of(line))
    assert finding.reproduce.endswith(f"{through.url}/patients/pat-abc123 -H 'accept: */*'")
    assert exit_code(through.ledger.results()) == 1


def test_a_documented_header_is_held_to_the_contract(clinic: Contract) -> None:
    with proxied(clinic) as through:
        through.real.will(200, [])
        through.real.will(200, [], x_total="many")
        for _ in range(2):
            through.client.get("/patients")
    assert [each.title for each in through.findings] == [
        "the answer: the header X-Total is required",
        "the answer: the header X-Total must be an integer",
    ]
    assert {each.where.line for each in through.findings} == {line_of("X-Total:")}


def test_a_request_that_breaks_the_contract_is_a_finding_without_what_is_phi(clinic: Contract) -> None:
    with proxied(clinic) as through:
        through.real.will(409)
        sent = {"name": "Edith Marsh", "born": "last year", "sex": "female"}
        through.client.post("/patients", json=sent, headers={"Authorization": "Bearer secret-one"})
        through.real.will(200, [], x_total="0")
        through.client.get("/patients?name=Marsh&limit=0", headers={"X-Api-Key": "secret-two"})
    first, second = through.findings
    assert (first.title, first.received) == (
        "the request breaks the contract: /born must be a valid date",
        '"***"',
    )
    assert first.where.line == line_of("born:")
    assert second.title == "the request breaks the contract: /query/limit must be at least 1"
    assert (second.received, second.where.line) == ("0", line_of("name: limit"))
    told = "".join(f"{each.received}{each.reproduce}" for each in through.findings)
    assert not [word for word in ("Marsh", "last year", "female", "secret") if word in told]


def test_an_unknown_path_passes_and_is_told_once(clinic: Contract) -> None:
    with proxied(clinic) as through:
        for _ in range(3):
            through.real.will(200, b"fine")
            assert through.client.get("/doctors?name=Marsh").content == b"fine"
        through.real.will(405)
        through.client.delete("/patients")
    first, second = through.findings
    assert first.title.startswith("an undocumented path: GET /doctors")
    assert second.title.startswith("an undocumented method: DELETE /patients")
    assert "Marsh" not in f"{first}"
    assert through.ledger.repeated() == 2


def test_a_challenge_to_a_request_without_credentials_is_no_finding(tmp_path: Path) -> None:
    text = (CLINIC / "openapi.yaml").read_text()
    text = text.replace("security: [{key: []}, {token: []}, {}]", "security: [{token: []}]", 1)
    text = text.replace("responses:\n", "responses:\n        '401': {description: Who?}\n", 1)
    (tmp_path / "clinic.yaml").write_text(text)
    with proxied(load(tmp_path / "clinic.yaml")) as through:
        through.real.will(401)
        through.real.will(200, [], x_total="0")
        for _ in range(2):
            through.client.get("/patients")
    titles = [each.title for each in through.findings]
    assert titles == ["the request breaks the contract: 401 This needs credentials."]


def test_a_service_that_cannot_be_reached_could_not_be_judged(clinic: Contract) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        ledger = Ledger("clinic")
        proxy = Proxy(clinic, f"http://127.0.0.1:{free.getsockname()[1]}", ledger)
        with served([proxy]) as front:
            answer = httpx.get(f"{front.services['clinic']}/patients", trust_env=False)
    assert (answer.status_code, answer.headers["content-type"]) == (502, "application/problem+json")
    assert "nothing answers there" in answer.json()["detail"]
    assert exit_code(ledger.results()) == 2


def test_an_answer_that_breaks_off_breaks_off_here_too(clinic: Contract) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        ledger = Ledger("clinic")
        proxy = Proxy(clinic, f"http://127.0.0.1:{server.getsockname()[1]}", ledger)

        def half() -> None:
            asking, _ = server.accept()
            with asking:
                asking.recv(65536)
                asking.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")

        answering = threading.Thread(target=half, daemon=True)
        answering.start()
        with served([proxy]) as front, pytest.raises((httpx.NetworkError, httpx.RemoteProtocolError)):
            httpx.get(f"{front.services['clinic']}/patients", trust_env=False)
        answering.join()
    assert exit_code(ledger.results()) == 2


def test_long_bodies_pass_and_are_not_judged(clinic: Contract) -> None:
    long = b"a" * (MAX_JUDGED + 1)
    with proxied(clinic) as through:
        through.real.will(204)
        through.client.post("/notes", content=long, headers={"Content-Type": "text/plain"})
        through.real.will(200, long, content_type="application/json")
        assert through.client.get("/patients/pat-abc123").content == long
    assert through.real.asked[0].body == long
    assert through.findings == []
    assert {each.operation for each in through.unknown} == {"addNote", "getPatient"}


def test_a_coded_answer_is_judged_and_passes_as_it_is(clinic: Contract) -> None:
    with proxied(clinic) as through:
        coded = gzip.compress(b'{"id": 7}')
        through.real.will(200, coded, content_type="application/json", content_encoding="gzip")
        assert through.client.get("/patients/pat-abc123").json() == {"id": 7}
        bomb = gzip.compress(b" " * (MAX_JUDGED * 20))
        through.real.will(200, bomb, content_type="application/json", content_encoding="gzip")
        with through.client.stream("GET", "/patients/pat-abc123") as answer:
            assert b"".join(answer.iter_raw()) == bomb
    assert {each.title.split(": ")[1][:3] for each in through.findings} == {"/id", "the"}
    assert len(through.unknown) == 1


def test_an_answer_without_end_ends_when_its_caller_goes(clinic: Contract) -> None:
    with proxied(clinic) as through:
        through.real.will(200, b"endless", content_type="application/json")
        with through.client.stream("GET", "/patients/pat-abc123") as answer:
            next(answer.iter_raw())
        assert through.real.gone.wait(10)


def test_without_any_request_nothing_could_be_told(clinic: Contract) -> None:
    with proxied(clinic) as through:
        pass
    assert exit_code(through.ledger.results()) == 2
