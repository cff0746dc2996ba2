"""A whole reference service over real sockets: serving and platform together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import httpx
import pytest

from harness.contract.model import JSON
from harness.serving.keys import JWKS_PATH, KeyStore
from tests.unit.platform.desk import ONE, STAFF, TICKET, TWO, Desk
from tests.unit.serving.live import served

SCOPE = {"scope": "desk/Ticket.write"}


@pytest.fixture(scope="module")
def addresses() -> Iterator[tuple[str, str]]:
    with served([Desk().service]) as found:
        yield found.services["desk"], found.control["desk"]


@pytest.fixture
def client(addresses: tuple[str, str]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=addresses[0], trust_env=False) as client:
        yield client


@pytest.fixture
def control(addresses: tuple[str, str]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=addresses[1], trust_env=False) as client:
        assert client.post("/reset", json={}).status_code == 204
        yield client


def as_(claims: Mapping[str, JSON], **headers: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {KeyStore().mint({**SCOPE, **claims})}", **headers}


def test_who_is_unknown_is_refused(client: httpx.Client, control: httpx.Client) -> None:
    assert client.get(f"/v1/tickets/{TICKET}").status_code == 401


def test_a_ticket_from_opening_to_reading(client: httpx.Client, control: httpx.Client) -> None:
    sent = {"title": "a", "patientId": "pat-1"}
    opened = client.post("/v1/tickets", json=sent, headers=as_(ONE, **{"Idempotency-Key": "k"}))
    assert opened.status_code == 201
    read = client.get(opened.headers["Location"], headers=as_(ONE))
    assert read.json() == opened.json()
    assert read.headers["ETag"] == '"1"'
    again = client.post("/v1/tickets", json=sent, headers=as_(ONE, **{"Idempotency-Key": "k"}))
    assert (again.status_code, again.json()) == (201, opened.json())
    assert client.post("/v1/tickets", json=sent, headers=as_(ONE)).status_code == 400


def test_refusals_in_their_order(client: httpx.Client, control: httpx.Client) -> None:
    key = {"Idempotency-Key": "k"}
    other = client.post("/v1/tickets", json={"patientId": "pat-1"}, headers=as_(TWO, **key))
    assert other.status_code == 403, "before anything is said of the body"
    assert client.post("/v1/tickets", json={"patientId": "pat-1"}, headers=as_(ONE, **key)).status_code == 400
    change = f"/v1/tickets/{TICKET}"
    assert client.put(change, json={"title": "b"}, headers=as_(TWO)).status_code == 404
    assert client.put(change, json={"title": "b"}, headers=as_(ONE)).status_code == 428
    stale = client.put(change, json={"title": "b"}, headers=as_(ONE, **{"If-Match": '"9"'}))
    assert stale.status_code == 412
    assert stale.headers["content-type"] == "application/problem+json"
    theirs = client.get(change, headers=as_(TWO, **{"X-Correlation-Id": "same"}))
    nothing = client.get("/v1/tickets/nothing", headers=as_(TWO, **{"X-Correlation-Id": "same"}))
    assert theirs.status_code == 404
    assert theirs.content == nothing.content


def test_states_and_clock_over_the_control_port(client: httpx.Client, control: httpx.Client) -> None:
    wish = {
        "state": "Ticket exists",
        "action": "setup",
        "parameters": {"status": "taken", "patientId": "pat-1"},
    }
    made = control.post("/states", json=wish).json()
    path = f"/v1/tickets/{made['document']['id']}"
    assert client.get(path, headers=as_(STAFF)).json()["status"] == "taken"
    assert control.post("/clock/advance", json={"by": "PT10M"}).status_code == 200
    assert client.get(path, headers=as_(STAFF)).json()["status"] == "open"
    unknown = control.post("/states", json={"state": "Nothing exists", "action": "setup"})
    assert unknown.status_code == 422
    assert control.get("/health").json() == {"status": "ok"}


def test_pages_over_http(client: httpx.Client, control: httpx.Client) -> None:
    first = client.get("/v1/tickets", params={"limit": 2}, headers=as_(STAFF)).json()
    assert (len(first["items"]), first["total"]) == (2, 3)
    rest = client.get("/v1/tickets", params={"limit": 2, "cursor": first["next"]}, headers=as_(STAFF)).json()
    assert [each["title"] for each in rest["items"]] == ["Nine"]
    assert "next" not in rest


def test_the_public_key_is_there(client: httpx.Client) -> None:
    assert client.get(JWKS_PATH).json() == KeyStore().jwks()
