"""Every exchange: its trace, its problems, its bounds; whatever happens, the answer is a proper one."""

from __future__ import annotations

import logging
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from harness.contract.model import JSON
from harness.errors import ContractError
from harness.serving.app import build_app
from harness.serving.exchange import Answer, Request
from harness.serving.heads import MAX_HEAD
from harness.serving.problems import Problem
from tests.unit.serving.live import (
    DEADLINE,
    Service,
    client_of,
    contract_from,
    echo,
    echoing,
    pointers,
    served,
)

CONTRACT = """
openapi: 3.1.0
info: {title: Exchanges, version: 1.0.0}
paths:
  /things/{thingId}:
    get:
      operationId: getThing
      parameters: [{name: thingId, in: path, required: true, schema: {type: string}}]
      responses: {'200': {description: ok, content: {application/json: {schema: {type: object}}}}}
    delete:
      operationId: deleteThing
      parameters: [{name: thingId, in: path, required: true, schema: {type: string}}]
      responses: {'204': {description: gone}}
  /things/special:
    get:
      operationId: getSpecial
      responses: {'200': {description: ok, content: {application/json: {}}}}
  /things/{thingId}/parts/{partId}.{format}:
    get:
      operationId: getPart
      parameters:
        - {name: thingId, in: path, required: true, schema: {type: string}}
        - {name: partId, in: path, required: true, schema: {type: integer}}
        - {name: format, in: path, required: true, schema: {type: string}}
      responses: {'200': {description: ok, content: {application/json: {}}}}
  /jobs/{jobId}:cancel:
    post:
      operationId: cancelJob
      parameters: [{name: jobId, in: path, required: true, schema: {type: string}}]
      responses: {'200': {description: ok, content: {application/json: {}}}}
"""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    contract = contract_from(tmp_path_factory.mktemp("contracts"), CONTRACT)
    with client_of(echoing(contract)) as client:
        yield client


ROUTES: tuple[tuple[str, str, str, dict[str, JSON]], ...] = (
    ("GET", "/things/17", "getThing", {"thingId": "17"}),
    ("GET", "/things/special", "getSpecial", {}),
    ("GET", "/things/%73pecial", "getSpecial", {}),
    ("DELETE", "/things/special", "deleteThing", {"thingId": "special"}),
    ("GET", "/things/a%2Fb", "getThing", {"thingId": "a/b"}),
    ("GET", "/things/a+b", "getThing", {"thingId": "a+b"}),
    ("GET", "/things/%E6%97%A5", "getThing", {"thingId": "日"}),
    ("GET", "/things/x/parts/7.json", "getPart", {"thingId": "x", "partId": 7, "format": "json"}),
    ("POST", "/jobs/9:cancel", "cancelJob", {"jobId": "9"}),
)


@pytest.mark.parametrize(("method", "path", "operation", "values"), ROUTES)
def test_a_path_leads_to_its_operation(
    client: httpx.Client, method: str, path: str, operation: str, values: dict[str, JSON]
) -> None:
    answer = client.request(method, path)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["operation"], answer.json()["path"]) == (operation, values)


@pytest.mark.parametrize(
    "path", ["/", "/thing", "/things", "/things/", "/things/1/parts", "/things/1/", "//things/1"]
)
def test_an_unknown_path_is_a_problem(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json()) == {"type", "title", "status", "detail", "instance"}


@pytest.mark.parametrize("path", ["/things/%FF", "/things/%00", "/things/a%00b"])
def test_a_path_that_is_no_text_is_refused(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 400
    assert pointers(answer) == ["/path/thingId"]


def test_an_undocumented_method_names_the_documented_ones(client: httpx.Client) -> None:
    for method in ("POST", "PUT", "PATCH", "TRACE", "PROPFIND"):
        answer = client.request(method, "/things/1")
        assert answer.status_code == 405
        assert answer.headers["allow"] == "DELETE, GET, HEAD, OPTIONS"
        assert answer.json()["title"] == "Method Not Allowed"
    assert client.request("QUERY", "/things/1").status_code in {400, 405}


def test_head_and_options(client: httpx.Client) -> None:
    got, head = client.get("/things/1"), client.head("/things/1")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(got.content))
    options = client.options("/things/1")
    assert (options.status_code, options.headers["allow"]) == (204, "DELETE, GET, HEAD, OPTIONS")
    assert client.options("/nowhere").status_code == 404


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/json", 200),
        ("*/*", 200),
        ("application/*;q=0.5, text/html", 200),
        ("text/html", 406),
        ("text/html, application/json;q=0", 406),
        ("text/html, application/json;q=0.1", 200),
    ],
)
def test_what_cannot_be_accepted_is_not_sent(client: httpx.Client, accept: str, status: int) -> None:
    answer = client.get("/things/1", headers={"Accept": accept})
    assert answer.status_code == status
    assert client.delete("/things/1", headers={"Accept": accept}).status_code == 200, (
        "it answers without a body"
    )


GOOD_TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize("path", ["/things/1", "/nowhere", "/things/%FF"])
def test_correlation_and_trace_are_carried_on_by_every_answer(client: httpx.Client, path: str) -> None:
    answer = client.get(path, headers={"X-Correlation-Id": "mine-1", "traceparent": GOOD_TRACE})
    assert answer.headers["x-correlation-id"] == "mine-1"
    version, trace, span, flags = answer.headers["traceparent"].split("-")
    assert (version, trace, flags) == ("00", GOOD_TRACE.split("-")[1], "01")
    assert span != GOOD_TRACE.split("-")[2]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Correlation-Id": "", "traceparent": ""},
        {"X-Correlation-Id": "a b", "traceparent": "nonsense"},
        {
            "X-Correlation-Id": "x" * 65,
            "traceparent": GOOD_TRACE.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0" * 32),
        },
        {"X-Correlation-Id": "-a", "traceparent": "ff" + GOOD_TRACE[2:]},
        {"X-Correlation-Id": "a\tb", "traceparent": GOOD_TRACE.upper()},
    ],
)
def test_what_cannot_be_trusted_is_made_anew(client: httpx.Client, headers: dict[str, str]) -> None:
    answer = client.get("/things/1", headers=headers)
    assert re.fullmatch(r"[0-9a-f-]{36}", answer.headers["x-correlation-id"])
    made = re.fullmatch(r"00-([0-9a-f]{32})-[0-9a-f]{16}-01", answer.headers["traceparent"])
    assert made is not None
    assert made[1] not in {"0" * 32, GOOD_TRACE.split("-")[1]}


def test_a_problem_that_a_handler_raises_is_told(tmp_path: Path) -> None:
    def conflict(_request: Request) -> Answer:
        raise Problem(409, detail="Not now.", headers={"Retry-After": "7"}, members={"replacedBy": "t-2"})

    with client_of(echoing(contract_from(tmp_path, CONTRACT), getThing=conflict)) as client:
        answer = client.get("/things/1", headers={"X-Correlation-Id": "c-1"})
    assert answer.status_code == 409
    assert answer.headers["retry-after"] == "7"
    assert answer.json() == {
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "detail": "Not now.",
        "instance": "urn:correlation:c-1",
        "replacedBy": "t-2",
    }


@pytest.mark.parametrize("is_async", [False, True])
def test_an_unexpected_failure_says_and_logs_nothing_that_was_sent(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, is_async: bool
) -> None:
    def fail(request: Request) -> Answer:
        raise ValueError(f"no such diagnosis: {request.path['thingId']}")

    async def fail_later(request: Request) -> Answer:
        return fail(request)

    handler: Any = fail_later if is_async else fail
    with (
        caplog.at_level(logging.DEBUG),
        client_of(echoing(contract_from(tmp_path, CONTRACT), getThing=handler)) as client,
    ):
        answer = client.get("/things/melanoma", headers={"X-Correlation-Id": "c-2"})
    assert answer.status_code == 500
    assert "c-2" in answer.json()["detail"]
    logged = [each.getMessage() for each in caplog.records if not each.name.startswith("http")]
    assert "melanoma" not in answer.text + "".join(logged)
    assert "ValueError" not in answer.text
    assert "ValueError" in caplog.text
    assert "test_exchanges.py" in caplog.text, "the log says where"


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        (Answer(200, [1]), "the body must be of type object"),
        (Answer(201, {}), "status 201 is not documented"),
        (Answer(200, {}, content_type="text/html"), "content type text/html is not documented"),
    ],
)
def test_an_answer_that_breaks_the_contract_can_be_held_back(
    tmp_path: Path, answer: Answer, wrong: str
) -> None:
    contract = contract_from(tmp_path, CONTRACT)
    handlers = {name: lambda _request: answer for name in contract.operations}
    with client_of(build_app(contract, handlers, None, validate_responses=True)) as client:
        refused = client.get("/things/1")
    assert refused.status_code == 500
    assert wrong in refused.json()["detail"]


def test_more_than_can_be_worked_on_is_told_to_come_back(tmp_path: Path) -> None:
    busy, go_on = threading.Barrier(3), threading.Event()

    def slow(request: Request) -> Answer:
        busy.wait(DEADLINE)
        assert go_on.wait(DEADLINE)
        return echo(request)

    contract = contract_from(tmp_path, CONTRACT)
    handlers = dict.fromkeys(contract.operations, slow)
    with client_of(build_app(contract, handlers, None, max_in_flight=2)) as client:
        threads = [threading.Thread(target=client.get, args=("/things/1",)) for _ in range(2)]
        for thread in threads:
            thread.start()
        busy.wait(DEADLINE)
        refused = client.get("/things/1")
        go_on.set()
        for thread in threads:
            thread.join(DEADLINE)
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["content-type"] == "application/problem+json"


def test_routes_beside_the_contract(tmp_path: Path) -> None:
    contract = contract_from(tmp_path, CONTRACT)
    extra = {"/.well-known/jwks.json": lambda: Answer(200, {"keys": []})}
    app = build_app(contract, dict.fromkeys(contract.operations, echo), None, extra_routes=extra)
    with client_of(app) as client:
        assert client.get("/.well-known/jwks.json").json() == {"keys": []}
        assert client.post("/.well-known/jwks.json").status_code == 405


def test_an_operation_without_handler_is_an_error_at_start(tmp_path: Path) -> None:
    contract = contract_from(tmp_path, CONTRACT, "exchanges")
    with pytest.raises(ContractError) as caught:
        build_app(
            contract, {"getSpecial": echo}, None, handlers_place="reference_services/exchanges/handlers.py"
        )
    told = str(caught.value)
    for part in (
        "openapi.yaml:",
        "getThing",
        "exchanges",
        "reference_services/exchanges/handlers.py",
        "3 more",
    ):
        assert part in told


def raw(url: httpx.URL, request: bytes) -> bytes:
    """What comes back for bytes that no client would send."""
    with socket.create_connection((url.host, url.port or 80), timeout=DEADLINE) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while part := connection.recv(65536):
            received += part
    return received


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET /things/\xff HTTP/1.1\r\nHost: h\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"x" * MAX_HEAD + b"\r\n\r\n", b"431"),
        (b"GET /" + b"x" * MAX_HEAD + b" HTTP/1.1\r\nHost: h\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(5000)) + b"\r\n", b"431"),
    ],
)
def test_a_head_that_cannot_be_read_gets_a_problem(
    client: httpx.Client, request_bytes: bytes, status: bytes
) -> None:
    received = raw(client.base_url, request_bytes)
    assert received.startswith(b"HTTP/1.1 " + status)
    assert b"application/problem+json" in received
    assert client.get("/things/1").status_code == 200


def test_a_caller_that_leaves_midway_is_no_failure(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    text = CONTRACT.replace(
        "operationId: cancelJob",
        "operationId: cancelJob\n      requestBody: {required: true, content: {application/json: {}}}",
    )
    with client_of(echoing(contract_from(tmp_path, text))) as client:
        head = b"POST /jobs/1:cancel HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
        assert raw(client.base_url, head + b"Content-Length: 99\r\n\r\n{") == b""
        assert client.get("/things/1").status_code == 200
    assert not caplog.records


def test_two_services_are_served_side_by_side(tmp_path: Path) -> None:
    apps = [Service(name, echoing(contract_from(tmp_path, CONTRACT, name))) for name in ("one", "two")]
    with served(apps) as addresses:
        assert set(addresses.services) == {"one", "two"}
        for url in addresses.services.values():
            assert httpx.get(f"{url}/things/1", trust_env=False).status_code == 200


def test_a_status_that_is_none_is_an_error_at_start(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="'2040' is no status"):
        contract_from(tmp_path, CONTRACT.replace("'204': {description: gone}", "'2040': {description: gone}"))


@pytest.mark.parametrize("body", [b"[" + b"0," * 60_000 + b"0]", b"[" + b"[],[[]]," * 20_000 + b"0]"])
def test_a_body_of_countless_values_is_not_judged(body: bytes, tmp_path: Path) -> None:
    contract = contract_from(
        tmp_path,
        """
openapi: 3.1.0
info: {title: Countless, version: 1.0.0}
paths:
  /things:
    post:
      operationId: addThing
      requestBody: {content: {application/json: {schema: {}}}}
      responses: {'200': {description: ok, content: {application/json: {}}}}
""",
    )
    kind = {"Content-Type": "application/json"}
    with client_of(echoing(contract)) as client:
        assert "values" in client.post("/things", content=body, headers=kind).json()["errors"][0]["detail"]
        commas = client.post("/things", json="," * 60_000)
    assert commas.status_code == 200
