"""Pages add up to the whole, whatever is inserted meanwhile."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.serving.problems import Problem
from reference_services.platform.values import sortable
from tests.unit.platform.desk import ONE, STAFF, Desk


def page(desk: Desk, claims: Any = STAFF, **query: Any) -> dict[str, Any]:
    body = desk.call("listTickets", claims, query=query).body
    assert isinstance(body, dict)
    return body


def put(desk: Desk, rank: int | None, patient: str = "pat-1") -> str:
    partial: dict[str, Any] = {"title": "t", "patientId": patient, "status": "open"}
    if rank is not None:
        partial["rank"] = rank
    held = desk.service.control_face.change_state("Ticket", "setup", partial)
    assert held.document is not None
    return str(held.document["id"])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    ranks=st.lists(st.integers(-(10**6), 10**6) | st.none(), max_size=12),
    late=st.lists(st.integers(-(10**6), 10**6), max_size=6),
    limit=st.integers(1, 5),
    order=st.sampled_from([None, "rank", "patientId"]),
    newest=st.booleans(),
)
def test_pages_add_up_while_others_are_inserted(
    desk: Desk, ranks: list[int | None], late: list[int], limit: int, order: str | None, newest: bool
) -> None:
    desk.service.control_face.reset(seed=False)
    ids = [put(desk, rank) for rank in ranks]
    query = {"limit": limit, "newest": newest} | ({"order": order} if order else {})
    seen: list[str] = []
    waiting, cursor = list(late), None
    while True:
        got = page(desk, **query, **({"cursor": cursor} if cursor else {}))
        assert len(got["items"]) <= limit
        assert got["total"] == len(ranks) + len(late) - len(waiting)
        seen += [each["id"] for each in got["items"]]
        cursor = got.get("next")
        if cursor is None:
            break
        if waiting:
            put(desk, waiting.pop())
    assert len(seen) == len(set(seen)), "no item twice"
    assert set(ids) <= set(seen), "none lost"
    present = dict(zip(ids, ranks, strict=True))
    mine = [each for each in seen if each in present]
    expected = ids
    if order == "rank":
        expected = sorted(ids, key=lambda each: "" if present[each] is None else sortable(present[each]))
    if newest:
        ranked = list(reversed(ids))
        expected = ranked if order != "rank" else list(reversed(expected))
    assert mine == expected


def test_without_a_limit_the_contract_s_default_holds(desk: Desk) -> None:
    for _ in range(4):
        put(desk, None)
    got = page(desk)
    assert (len(got["items"]), got["total"]) == (5, 7)


def test_filters_and_totals_agree(desk: Desk) -> None:
    assert page(desk, status="open")["total"] == 1
    after = page(desk, **{"from": "2031-01-02T02:00:00+02:00"})
    assert [each["title"] for each in after["items"]] == ["Two", "Nine"]
    assert page(desk, ONE, status="closed") == {"items": [], "total": 0}


def test_texts_sort_by_their_characters_whatever_the_database_speaks(desk: Desk) -> None:
    desk.service.control_face.reset(seed=False)
    titles = ["a", "B", "_", "Ä", "é", "z", "Z", "a b", "a-b", "a\x00b", "a\x01", "\N{GRINNING FACE}"]
    for each in titles:
        desk.service.control_face.change_state("Ticket", "setup", {"title": each})
    got = page(desk, limit=2, order="title")
    seen = [each["title"] for each in got["items"]]
    while "next" in got:
        got = page(desk, limit=2, order="title", cursor=got["next"])
        seen += [each["title"] for each in got["items"]]
    assert seen == sorted(titles)


@pytest.mark.parametrize("cursor", ["", "x", "AAAA", "bm9uc2Vuc2U", "W10", "W1siYSIsIDEsIDJdXQ", "_" * 512])
def test_a_cursor_that_was_not_given_out_is_refused(desk: Desk, cursor: str) -> None:
    with pytest.raises(Problem) as caught:
        page(desk, cursor=cursor)
    assert caught.value.status == 422, "as this operation documents it"
    assert caught.value.errors[0].pointer == "/query/cursor"


def test_a_cursor_belongs_to_its_filters(desk: Desk) -> None:
    cursor = page(desk, limit=1)["next"]
    assert page(desk, limit=2, cursor=cursor)["items"]
    with pytest.raises(Problem):
        page(desk, limit=1, cursor=cursor, status="open")


def test_a_cursor_shows_nobody_more_than_they_may_see(desk: Desk) -> None:
    cursor = page(desk, limit=1)["next"]
    assert page(desk, ONE, limit=5, cursor=cursor)["items"] == []


def test_cursors_are_bounded(desk: Desk) -> None:
    long = "\N{GRINNING FACE}" * 80
    for number in range(2):
        desk.service.control_face.change_state("Ticket", "setup", {"title": long, "rank": number})
    cursor = page(desk, limit=4, order="title")["next"]
    assert len(cursor) <= 512
    assert len(page(desk, limit=4, order="title", cursor=cursor)["items"]) == 1


def test_what_is_x_phi_orders_no_list(desk: Desk) -> None:
    with pytest.raises(ValueError, match="x-phi"):
        page(desk, order="reason")
