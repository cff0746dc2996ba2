"""Values put where expressions point."""

from __future__ import annotations

import pytest

from harness.contract.model import JSON, Contract
from harness.driving.calls import Call
from harness.driving.placing import get, place, put
from harness.errors import ContractError


@pytest.mark.parametrize(
    ("document", "pointer", "whole"),
    [
        ({"a": 1}, "/a", {"a": 9}),
        ({"a": 1}, "", 9),
        ({}, "/a/b", {"a": {"b": 9}}),
        ({"a": [1, 2]}, "/a/1", {"a": [1, 9]}),
        ({"a": [1]}, "/a/-", {"a": [1, 9]}),
        ({"a/b": 1, "m~n": 2}, "/a~1b", {"a/b": 9, "m~n": 2}),
        (None, "/a", {"a": 9}),
    ],
)
def test_put(document: JSON, pointer: str, whole: JSON) -> None:
    before = repr(document)
    assert put(document, pointer, 9) == whole
    assert repr(document) == before, "the original must stay as it was"


def test_get_finds_nothing_where_nothing_is() -> None:
    document = {"a": [{"b": 1}], "m~n/o": 2}
    assert get(document, "/a/0/b") == 1
    assert get(document, "/m~0n~1o") == 2
    assert get(document, "") == document
    assert [get(document, p) for p in ("/x", "/a/7", "/a/x", "/a/0/b/c")] == [None] * 4


def test_expressions_into_a_request_are_set(tickets: Contract) -> None:
    call = Call(tickets.operations["buyTicket"], body={"seatId": "old", "owner": "o"})
    assert place(call, "$request.body#/seatId", "new").body == {"seatId": "new", "owner": "o"}
    assert place(call, "$request.path.ticketId", "t").path == {"ticketId": "t"}
    assert place(call, "$request.query.status", "s").query == {"status": "s"}
    assert place(call, "$request.header.If-Match", "e").headers == {"If-Match": "e"}
    with pytest.raises(ContractError, match="can be set"):
        place(call, "$response.body#/id", "x")
