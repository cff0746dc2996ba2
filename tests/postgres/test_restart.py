"""The server ends and starts again under load: what was accepted is there, and told once."""

from __future__ import annotations

import signal
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from harness.contract.model import JSON
from harness.kafka.listening import Listener
from tests.kafka.until import until
from tests.postgres.server import OwnServer, programs, text_of
from tests.services.portal import AMARA, Portal, patient, running

pytestmark = pytest.mark.postgres

AT_ONCE = 4
EACH = 12
BACK_WITHIN = 20.0


@pytest.fixture(scope="module")
def own_server() -> Iterator[OwnServer]:
    """One that nobody else works on; leave it running."""
    if programs() is None:
        pytest.skip("there is nothing here to start a server with that may be ended")
    with OwnServer() as server:
        yield server


@pytest.fixture(scope="module")
def portal(contracts: Path, own_server: OwnServer) -> Iterator[Portal]:
    with (
        own_server.database() as made,
        running(contracts, "scheduling", "coverage", databases=text_of(made)) as portal,
    ):
        yield portal


@dataclass
class Load:
    """What was answered. ``accepted`` are the appointments that somebody was promised."""

    portal: Portal
    answers: Counter[int] = field(default_factory=Counter)
    accepted: list[str] = field(default_factory=list)

    def book(self, slot: str) -> None:
        """As a client does: what is answered with 503 is asked again, with the same key."""
        self._insist(f"/slots/{slot}/hold", {"patientId": AMARA}, {})
        key = {"Idempotency_Key": str(uuid.uuid4())}
        booked = self._insist("/appointments", {"patientId": AMARA, "slotId": slot}, key)
        assert booked.status_code == 201, booked.text
        self.accepted.append(booked.json()["id"])

    def _insist(self, path: str, body: JSON, headers: dict[str, str]) -> httpx.Response:
        deadline = time.monotonic() + BACK_WITHIN
        while True:
            answer = self.portal.post("scheduling", path, patient(AMARA), body, **headers)
            self.answers[answer.status_code] += 1
            if answer.status_code != 503:
                return answer
            assert answer.headers["Retry-After"] == "1"
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert time.monotonic() < deadline, "it does not recover"
            time.sleep(0.1)  # a second, says the answer; this test has less


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["in good order", "at once"])
def test_what_was_accepted_is_there_and_told(
    portal: Portal, own_server: OwnServer, how: signal.Signals, caplog: pytest.LogCaptureFixture
) -> None:
    slots = [portal.free_slot() for _ in range(AT_ONCE * EACH)]
    load = Load(portal)
    with portal.listen("scheduling.appointment") as heard, ThreadPoolExecutor(AT_ONCE) as pool:
        asked = [pool.submit(load.book, slot) for slot in slots]
        assert until(lambda: len(load.accepted) >= AT_ONCE)
        own_server.end(how)
        assert until(lambda: load.answers[503] > 0)
        own_server.start()
        for each in asked:
            each.result()
        assert until(lambda: set(_begun(heard).values()) >= set(load.accepted))
        told = Counter(_begun(heard).values())

    assert set(load.answers) <= {200, 201, 409, 503}, load.answers
    assert len(load.accepted) == len(set(load.accepted)) == len(slots)
    for id in load.accepted:
        assert portal.get("scheduling", f"/appointments/{id}")["status"] in {"pending", "booked"}
    assert told == Counter(load.accepted), "each once, and nothing that was not accepted"
    ours = [each for each in caplog.records if each.name.startswith("reference_services")]
    assert not [each for each in ours if each.exc_info], "a line says it, no traceback"
    away = Counter(
        each.getMessage().partition(", ")[0] for each in ours if "tried again" in each.getMessage()
    )
    assert max(away.values()) == 1, "and it says so once"


def test_while_the_server_is_away_all_is_refused_and_afterwards_nothing(
    portal: Portal, own_server: OwnServer
) -> None:
    slot = portal.free_slot()
    own_server.end()
    try:
        with ThreadPoolExecutor(8) as pool:
            asked = [
                *(
                    pool.submit(portal.call, "scheduling", "GET", f"/slots/{slot}", patient(AMARA))
                    for _ in range(8)
                ),
                *(
                    pool.submit(
                        portal.post, "scheduling", f"/slots/{slot}/hold", patient(AMARA), {"patientId": AMARA}
                    )
                    for _ in range(8)
                ),
            ]
            assert {each.result().status_code for each in asked} == {503}
        assert portal.client.get(f"{portal.addresses.control['scheduling']}/health").status_code == 503
    finally:
        own_server.start()
    held = portal.post("scheduling", f"/slots/{slot}/hold", patient(AMARA), {"patientId": AMARA})
    if held.status_code == 503:  # the one that finds the pool's connections dead
        held = portal.post("scheduling", f"/slots/{slot}/hold", patient(AMARA), {"patientId": AMARA})
    assert held.status_code == 200


def _begun(heard: Listener) -> dict[str | None, str | None]:
    """Whose beginning was told, by the event's id: the relay may send an event twice."""
    heard.settle(0.2)
    return {each.header("ce_id"): each.key for each in heard.records if each.json().get("from") is None}
