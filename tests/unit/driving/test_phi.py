"""What may be shown of an exchange whose contract marks some of it."""

from __future__ import annotations

import pytest

from harness.contract.model import JSON, Body, MediaType, Operation, Response
from harness.contract.phi import WITHHELD, masked, withheld
from harness.contract.schema import schema_of
from harness.driving.phi import Discretion

MARKED = {"type": "string", "x-phi": True}
PERSON = schema_of(
    {
        "properties": {
            "id": {"type": "string"},
            "name": MARKED,
            "born": {"type": "integer", "x-phi": True},
            "address": {"type": "object", "x-phi": True},
            "notes": {"items": {"properties": {"text": MARKED}}},
            "pair": {"prefixItems": [{"type": "string"}, MARKED]},
            "by": {"additionalProperties": MARKED},
        }
    }
)


def operation() -> Operation:
    media = {"application/json": MediaType("application/json", PERSON)}
    responses = {"200": Response("200", content=media)}
    return Operation("tell", "post", "/people", body=Body(True, media), responses=responses)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"id": "p-1", "name": "Kowalczyk"}, {"id": "p-1", "name": WITHHELD}),
        ({"born": 1950}, {"born": WITHHELD}),
        ({"address": {"street": "Long Lane", "town": ["X"]}}, {"address": WITHHELD}),
        ({"notes": [{"text": "ill", "at": 1}, "odd"]}, {"notes": [{"text": WITHHELD, "at": 1}, "odd"]}),
        ({"pair": ["a", "b", "c"]}, {"pair": ["a", WITHHELD, "c"]}),
        ({"by": {"mail": "a@b.example"}}, {"by": {"mail": WITHHELD}}),
        ({"name": {"wrong": ["Kowalczyk"]}}, {"name": WITHHELD}),
        ({"name": None}, {"name": None}),
        ([{"name": "Kowalczyk"}], [{"name": "Kowalczyk"}]),
        ("text", "text"),
    ],
)
def test_what_is_marked_is_withheld_wherever_it_stands(value: JSON, shown: JSON) -> None:
    before = repr(value)
    assert masked([PERSON], value) == shown
    assert repr(value) == before


def test_an_answer_repeats_nothing_that_the_request_or_it_itself_marks() -> None:
    sent = {"name": 'O"Hara Łucja', "notes": [{"text": "rash"}]}
    exchange = Discretion(operation(), sent, {"title": "no", "detail": 'O"Hara Łucja has a rash'})
    raw = b'{"title": "no", "detail": "O\\"Hara \\u0141ucja has a rash"}'
    assert exchange.answer_text(raw) == '{"title": "no", "detail": "*** has a ***"}'
    assert exchange.text('of O"Hara Łucja') == "of ***"
    assert exchange.request == {"name": WITHHELD, "notes": [{"text": WITHHELD}]}


def test_what_holds_nothing_is_shown_as_it_travelled() -> None:
    exchange = Discretion.over(operation(), b'{ "id":"p-1"}', b'{"id" : "p-1"}')
    assert exchange.request_bytes(b'{ "id":"p-1"}') == b'{ "id":"p-1"}'
    assert exchange.answer_text(b'{"id" : "p-1"}') == '{"id" : "p-1"}'
    assert Discretion.over(None, b"\xff", b"\xff").answer_text(b"\xff") == "\ufffd"


def test_the_longer_of_two_values_goes_first() -> None:
    assert withheld("Annabel and Anna", {"Anna", "Annabel"}) == "*** and ***"
