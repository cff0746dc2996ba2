"""What a mock remembers of a contract that knows nothing of Portal's words, over a real socket.

Every test works in a session of its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from harness.contract import load
from mocks.mock import build_mock
from tests.unit.mocks.running import LIBRARY, running

SHOP = LIBRARY.parent / "shop"
KETTLE = {"id": 1, "name": "Kettle", "price": 30, "colour": "red", "createdAt": "2030-01-01T00:00:00Z"}
_NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with running([build_mock(load(SHOP))]) as urls:
        yield urls["shop"]


@pytest.fixture
def shop(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, headers={"X-Portal-Session": f"s{next(_NUMBERS)}"}) as client:
        yield client


def names(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [each["name"] for each in answer.json()]


def add(shop: httpx.Client, **more: Any) -> dict[str, Any]:
    answer = shop.post("/products", json={"name": "Jug", "price": 12, **more})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_it_begins_with_what_the_examples_show(shop: httpx.Client) -> None:
    answer = shop.get("/products/1")
    assert (answer.json(), answer.headers["x-portal-matched"]) == (KETTLE, "state")
    assert names(shop.get("/products", params={"per_page": 9})) == ["Kettle", "Lamp", "Mug"]


def test_what_is_posted_can_be_read_and_listed(shop: httpx.Client) -> None:
    answer = shop.post("/products", json={"name": "Jug", "price": 12})
    made = answer.json()
    assert made["id"] == 4, "the next number"
    assert made["colour"] == "white", "the default that the contract states"
    assert abs(datetime.fromisoformat(made["createdAt"]) - datetime.now(UTC)) < timedelta(minutes=1)
    assert answer.headers["location"] == "/products/4"
    assert shop.get(answer.headers["location"]).json() == made
    assert names(shop.get("/products", params={"per_page": 9}))[-1] == "Jug"


def test_what_is_only_written_is_never_shown(shop: httpx.Client) -> None:
    made = add(shop, secret="hush")
    assert "secret" not in made
    assert "secret" not in shop.get(f"/products/{made['id']}").json()


def test_what_only_the_service_sets_is_not_taken(shop: httpx.Client) -> None:
    answer = shop.put("/products/1", json={"name": "Pot", "price": 1}, headers={"If-Match": '"1"'})
    assert answer.status_code == 200, answer.text
    changed = answer.json()
    assert (changed["id"], changed["createdAt"]) == (1, KETTLE["createdAt"])
    assert (changed["name"], changed["colour"]) == ("Pot", "white")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"colour": "red"}, ["Kettle", "Mug"]),
        ({"colour": "green"}, []),
        ({"min_price": "30"}, ["Kettle", "Lamp"]),
        ({"createdBefore": "2030-02-01T00:00:00Z"}, ["Kettle"]),
        ({"q": "LAM"}, ["Lamp"]),
        ({"colour": "red", "min_price": "6"}, ["Kettle"]),
    ],
)
def test_a_list_is_narrowed_as_its_parameters_say(
    shop: httpx.Client, query: dict[str, str], expected: list[str]
) -> None:
    answer = shop.get("/products", params={**query, "per_page": "9"})
    assert names(answer) == expected
    assert answer.headers["x-total-count"] == str(len(expected))


def test_a_list_comes_in_numbered_pages(shop: httpx.Client) -> None:
    first = shop.get("/products")
    assert names(first) == ["Kettle", "Lamp"], "as many as the contract's default says"
    assert first.headers["x-total-count"] == "3"
    assert first.headers["link"].endswith('>; rel="next"')
    second = shop.get(first.headers["link"].partition(">")[0].removeprefix("<"))
    assert names(second) == ["Mug"]
    assert "link" not in second.headers


def test_a_list_belongs_to_what_its_path_names(shop: httpx.Client) -> None:
    for stars in (1, 2, 3):
        assert shop.post("/products/1/reviews", json={"stars": stars}).status_code == 201
    page = shop.get("/products/1/reviews", params={"offset": 0}).json()
    shown = [each["stars"] for each in page["data"]]
    whole = shop.get("/products/1/reviews", params={"limit": 50}).json()
    assert page["meta"] == {"total": whole["meta"]["total"], "offset": 0, "hasMore": True}
    assert len(shown) == 2
    assert [each["stars"] for each in whole["data"]][-3:] == [1, 2, 3]
    others = shop.get("/products/2/reviews", params={"limit": 50}).json()
    assert others["meta"]["total"] == whole["meta"]["total"] - 3
    assert shop.get("/products/77/reviews").status_code == 404
    assert shop.post("/products/77/reviews", json={"stars": 1}).status_code == 404


def test_a_thing_is_where_its_path_says(shop: httpx.Client) -> None:
    review = shop.post("/products/1/reviews", json={"stars": 5, "words": "fine"}).json()
    assert shop.get(f"/products/1/reviews/{review['id']}").json() == review
    assert shop.get(f"/products/2/reviews/{review['id']}").status_code == 404


def test_what_is_deleted_is_gone(shop: httpx.Client) -> None:
    assert shop.delete("/products/2").status_code == 204
    assert shop.get("/products/2").status_code == 410
    assert shop.delete("/products/2").status_code == 410
    assert shop.get("/products/99").status_code == 404
    assert names(shop.get("/products", params={"per_page": 9})) == ["Kettle", "Mug"]
    assert add(shop)["id"] != 2


def test_a_merge_patch_merges(shop: httpx.Client) -> None:
    kind = {"Content-Type": "application/merge-patch+json"}
    answer = shop.patch("/products/1", content='{"price": 31, "colour": null}', headers=kind)
    assert answer.json() == {**{n: v for n, v in KETTLE.items() if n != "colour"}, "price": 31}
    assert shop.get("/products/1").json() == answer.json()
    refused = shop.patch("/products/1", content='{"price": -1, "name": null}', headers=kind)
    assert refused.status_code == 422
    assert {each["field"] for each in refused.json()["fieldErrors"]} >= {"price"}
    assert shop.get("/products/1").json()["price"] == 31


def test_a_json_patch_is_applied_whole_or_not_at_all(shop: httpx.Client) -> None:
    kind = {"Content-Type": "application/json-patch+json"}
    steps = '[{"op":"test","path":"/name","value":"Kettle"},{"op":"replace","path":"/name","value":"Pot"}]'
    assert shop.patch("/products/1", content=steps, headers=kind).json()["name"] == "Pot"
    assert shop.patch("/products/1", content=steps, headers=kind).status_code == 422
    assert shop.get("/products/1").json()["name"] == "Pot"


def test_entity_tags_move_with_changes(shop: httpx.Client) -> None:
    tag = shop.get("/products/1").headers["etag"]
    assert shop.get("/products/1", headers={"If-None-Match": tag}).status_code == 304
    body = {"name": "Pot", "price": 1}
    assert shop.put("/products/1", json=body).status_code == 428
    assert shop.put("/products/1", json=body, headers={"If-Match": '"99"'}).status_code == 412
    assert shop.put("/products/1", json=body, headers={"If-Match": tag}).status_code == 200
    assert shop.put("/products/1", json=body, headers={"If-Match": tag}).status_code == 412
    assert shop.get("/products/1", headers={"If-None-Match": tag}).status_code == 200


def test_an_idempotency_key_holds(shop: httpx.Client) -> None:
    body, key = {"name": "Jug", "price": 12}, {"Idempotency-Key": "k-1"}
    first = shop.post("/products", json=body, headers=key)
    again = shop.post("/products", json=body, headers=key)
    assert (again.status_code, again.json()) == (201, first.json())
    assert len(names(shop.get("/products", params={"per_page": 9}))) == 4
    other = shop.post("/products", json={**body, "price": 13}, headers=key)
    assert other.status_code == 422


def test_a_deed_does_what_its_example_shows(shop: httpx.Client) -> None:
    answer = shop.post("/products/1/discontinue")
    assert answer.json() == {**KETTLE, "discontinued": True}
    assert shop.get("/products/1").json()["discontinued"] is True
    assert shop.post("/products/55/discontinue").status_code == 404


def test_what_there_is_once_for_each_owner_is_put_and_read(shop: httpx.Client) -> None:
    assert shop.get("/customers/ann/address").status_code == 404
    assert shop.put("/customers/ann/address", json={"street": "High St"}).json() == {"street": "High St"}
    assert shop.get("/customers/ann/address").json() == {"street": "High St"}
    assert shop.get("/customers/bob/address").status_code == 404


def test_sessions_do_not_see_one_another(address: str) -> None:
    one, other = ({"X-Portal-Session": f"apart-{n}"} for n in range(2))
    body = {"name": "Jug", "price": 12}
    made = httpx.post(f"{address}/products", json=body, headers=one).json()
    assert httpx.get(f"{address}/products/{made['id']}", headers=one).status_code == 200
    assert httpx.get(f"{address}/products/{made['id']}", headers=other).status_code == 404
    assert httpx.get(f"{address}/products/{made['id']}").status_code == 404
    bad = httpx.get(f"{address}/products/1", headers={"X-Portal-Session": "no good"})
    assert (bad.status_code, bad.headers["x-portal-matched"]) == (400, "state")


def test_the_caller_can_do_without_state(shop: httpx.Client) -> None:
    off = {"Prefer": "state=off"}
    assert shop.delete("/products/1").status_code == 204
    answer = shop.get("/products/1", headers=off)
    assert (answer.status_code, answer.headers["preference-applied"]) == (200, "state=off")
    assert answer.headers["x-portal-matched"] != "state"
    assert shop.post("/products", json={"name": "Jug", "price": 1}, headers=off).status_code == 201
    assert "Jug" not in names(shop.get("/products", params={"per_page": 9}))


def test_a_preference_outweighs_state(shop: httpx.Client) -> None:
    answer = shop.get("/products/1", headers={"Prefer": "code=404"})
    assert (answer.status_code, answer.headers["x-portal-matched"]) == (404, "prefer")
    made = shop.get("/products/1", headers={"Prefer": "dynamic=true"})
    assert (made.status_code, made.headers["x-portal-matched"]) == (200, "prefer")
    assert made.json()["id"] == 1


def test_what_no_state_can_be_read_from_is_answered_by_its_example(shop: httpx.Client) -> None:
    answer = shop.post("/login")
    assert (answer.json(), answer.headers["x-portal-matched"]) == ({"token": "abc"}, "example")


def test_head_tells_what_get_would(shop: httpx.Client) -> None:
    assert shop.head("/products/1").headers["etag"] == shop.get("/products/1").headers["etag"]
    assert shop.head("/products/99").status_code == 404
