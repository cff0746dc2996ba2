"""More than a service can do: some is refused at once and without effect, what was accepted is done."""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
from prometheus_client.parser import text_string_to_metric_families

from harness.contract.schema import compile_schema
from harness.serving.app import WORKERS
from harness.serving.overload import AT_ONCE, BURST, FEW
from tests.e2e.portal import portal as command
from tests.services.portal import AMARA, STAFF, Portal, patient

MOST = WORKERS + BURST
"""Requests that a service may have in hand and before it."""

LOOK = 0.05
"""Seconds after which the next one asks."""


@dataclass
class Booking:
    """An appointment that is asked for in a slot of its own."""

    slot: str
    key: str = field(default_factory=lambda: str(uuid.uuid4()))
    answer: Future[httpx.Response] = field(default_factory=Future)

    def ask(self, portal: Portal) -> httpx.Response:
        body = {"patientId": AMARA, "slotId": self.slot}
        return portal.post("scheduling", "/appointments", patient(AMARA), body, Idempotency_Key=self.key)


@contextmanager
def overloaded(portal: Portal) -> Iterator[list[Booking]]:
    """While nobody can write, until somebody is refused; what is asked for is done after the block.

    The next may have asked before the first one's refusal was here: more than one may be refused.
    """
    held = {"status": "busy-tentative", "heldFor": AMARA}
    bookings = [Booking(portal.exists("scheduling", "Slot", **held)["id"]) for _ in range(MOST + 1)]
    asked: list[Booking] = []
    with ThreadPoolExecutor(MOST + 1) as pool, portal.hosted["scheduling"].store.database.writers:
        for each in bookings:
            each.answer = pool.submit(each.ask, portal)
            asked.append(each)
            if wait([one.answer for one in asked], LOOK, FIRST_COMPLETED).done:
                break
        yield asked


def test_a_refusal_is_as_documented_and_comes_before_the_line_is_full(scheduling: Portal) -> None:
    with overloaded(scheduling) as asked:
        refused = next(each.answer.result() for each in asked if each.answer.done())
    assert AT_ONCE + FEW < len(asked) <= MOST, "nobody gets done: few may wait for long"
    documented = scheduling.system.contracts["scheduling"].operations["bookAppointment"].responses["503"]
    assert refused.status_code == 503
    assert re.fullmatch("[1-9][0-9]?", refused.headers["Retry-After"])
    assert all(name in refused.headers for name, each in documented.headers.items() if each.required)
    assert refused.headers["Content-Type"] == "application/problem+json"
    schema = documented.content["application/problem+json"].schema
    assert schema is not None
    assert list(compile_schema(schema, "response").violations(refused.json())) == []


def test_it_says_that_it_lives_and_how_many_were_refused(scheduling: Portal) -> None:
    address = scheduling.addresses.services["scheduling"]
    before = _refused(scheduling)
    with overloaded(scheduling) as asked:
        for path in ("/health/live", "/health/ready"):
            assert scheduling.client.get(address + path).status_code == 200
        assert _refused(scheduling) > before
    refused = sum(each.answer.result().status_code == 503 for each in asked)
    assert _refused(scheduling) == before + refused


def test_what_was_accepted_is_done_once_and_what_was_refused_had_no_effect(scheduling: Portal) -> None:
    with scheduling.listen("scheduling.appointment") as heard:
        with overloaded(scheduling) as asked:
            pass
        refused = [each for each in asked if each.answer.result().status_code == 503]
        accepted = [each.answer.result() for each in asked if each not in refused]
        assert {each.status_code for each in accepted} == {201}
        assert len(accepted) >= AT_ONCE + FEW
        for each in refused:
            assert scheduling.get("scheduling", f"/slots/{each.slot}")["status"] == "busy-tentative"
            again = each.ask(scheduling)
            assert again.status_code == 201, "its key may be used again"
            accepted.append(again)
        made = Counter(each.json()["id"] for each in accepted)
        assert heard.wait_for(lambda record: record.key in made, 10.0, count=len(made)) is not None
        heard.settle(0.2)
    for id in made:
        assert scheduling.get("scheduling", f"/appointments/{id}", STAFF)["id"] == id
    assert Counter(record.key for record in heard.records) == made
    assert set(made.values()) == {1}


def _refused(portal: Portal) -> float:
    """How many bookings were refused for overload, as the figures have it."""
    text = portal.client.get(portal.addresses.services["scheduling"] + "/metrics").text
    samples = (each for family in text_string_to_metric_families(text) for each in family.samples)
    named = {"operation": "bookAppointment"}
    return sum(
        each.value
        for each in samples
        if each.name == "portal_http_refused_total" and named.items() <= each.labels.items()
    )


def test_a_longest_wait_that_is_none_is_told() -> None:
    ran = command("serve", "scheduling", "--kafka", "none", PORTAL_LONGEST_WAIT="soon")
    assert ran.code == 2
    assert "PORTAL_LONGEST_WAIT" in ran.err
    assert "a whole number from 1" in " ".join(ran.err.split())
    assert "Traceback" not in ran.err
