"""One Idempotency-Key, one effect."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from harness.serving.exchange import Request
from harness.serving.problems import Problem
from reference_services.platform.work import Aggregate, Work
from tests.unit.platform.desk import ONE, STAFF, TICKET, Desk, Told, desk_module, running

BODY = {"title": "a", "patientId": "pat-1"}
KEY = {"idempotency-key": "key-0001"}


def test_the_same_again_answers_the_same_and_does_nothing(desk: Desk) -> None:
    first = desk.call("openTicket", body=BODY, headers=KEY)
    again = desk.call("openTicket", body=dict(reversed(BODY.items())), headers=KEY, correlation="corr-2")
    assert (again.status, again.body, again.headers) == (first.status, first.body, first.headers)
    assert len(desk.events()) == 1


def test_another_body_is_refused(desk: Desk) -> None:
    desk.call("openTicket", body=BODY, headers=KEY)
    with pytest.raises(Problem) as caught:
        desk.call("openTicket", body={**BODY, "title": "b"}, headers=KEY)
    assert caught.value.status == 422
    assert len(desk.events()) == 1


def test_another_caller_has_keys_of_its_own(desk: Desk) -> None:
    desk.call("openTicket", body=BODY, headers=KEY)
    other = desk.call("openTicket", {**STAFF, "sub": "staff-2"}, body={**BODY, "title": "b"}, headers=KEY)
    assert other.status == 201


def test_who_may_not_see_it_any_more_is_not_told_again(desk: Desk) -> None:
    def take(claims: dict[str, str]) -> object:
        headers = {**KEY, "if-match": '"1"'}
        body = {"seatId": "sea-0001"}
        return desk.call("takeTicket", claims, path={"ticketId": TICKET}, body=body, headers=headers).body

    assert take(ONE) == take(ONE)
    with pytest.raises(Problem) as refused:
        take({**ONE, "patient": "pat-2"})
    with pytest.raises(Problem) as unknown:
        desk.call("getTicket", ONE, path={"ticketId": "00000000-0000-4000-8000-00000000dead"})
    assert (refused.value.status, refused.value.detail) == (unknown.value.status, unknown.value.detail)


def test_a_refusal_is_not_remembered(desk: Desk) -> None:
    taken = desk.open("a")
    with pytest.raises(Problem):
        desk.call("openTicket", body=BODY, headers=KEY)
    desk.call("deleteTicket", path={"ticketId": taken["id"]})
    assert desk.call("openTicket", body=BODY, headers=KEY).status == 201


def test_a_key_is_forgotten_after_a_day(desk: Desk) -> None:
    desk.call("openTicket", body=BODY, headers=KEY)
    desk.service.control_face.advance(timedelta(hours=25).total_seconds())
    desk.open("another")  # what is too old goes when something new comes
    with pytest.raises(Problem) as caught:
        desk.call("openTicket", body=BODY, headers=KEY)
    assert caught.value.status == 409, "its title is unique: it really ran again"


def test_while_the_first_is_being_worked_on_the_second_is_refused() -> None:
    begun, go_on = threading.Event(), threading.Event()
    module = desk_module(Told())

    def openTicket(work: Work, request: Request) -> Aggregate:
        begun.set()
        assert go_on.wait(10)
        return work.create("Ticket", {**request.body, "opened": "2031-01-01T00:00:00Z"})

    module.openTicket = openTicket  # type: ignore[attr-defined]
    with running(Desk(module=module)) as desk:
        first = threading.Thread(
            target=desk.call, args=("openTicket",), kwargs={"body": BODY, "headers": KEY}
        )
        first.start()
        assert begun.wait(10)
        with pytest.raises(Problem) as caught:
            desk.call("openTicket", body=BODY, headers=KEY)
        go_on.set()
        first.join()
        assert caught.value.status == 409
        assert caught.value.headers["Retry-After"] == "1"
        assert desk.call("openTicket", body=BODY, headers=KEY).status == 201


def test_many_at_once_have_one_effect(desk: Desk) -> None:
    answers: list[object] = []
    barrier = threading.Barrier(8)

    def call() -> None:
        barrier.wait()
        try:
            body = desk.call("openTicket", body=BODY, headers=KEY).body
            answers.append(body["id"] if isinstance(body, dict) else None)
        except Problem as problem:
            answers.append(problem.status)

    threads = [threading.Thread(target=call) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len({each for each in answers if each != 409}) == 1
    assert len(desk.events()) == 1
