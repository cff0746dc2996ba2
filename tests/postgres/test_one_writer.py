"""What the platform counts on, on PostgreSQL: one writer at a time over all replicas, one relay, and 503."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.contract import load_system
from harness.kafka.embedded import EmbeddedBroker
from harness.kafka.listening import Listener
from harness.serving.problems import Problem
from reference_services.platform import postgres, records
from reference_services.platform.store import Store
from tests.kafka.until import until
from tests.services.portal import AMARA, BEN, ESTHER, FARAH, Portal, patient, running_on
from tests.unit.platform.desk import Desk, running

pytestmark = pytest.mark.postgres

HOLDS = 100
_LOCKS = """
FROM pg_locks JOIN pg_database ON pg_database.oid = database AND datname = current_database()
WHERE locktype = 'advisory'"""


@pytest.fixture
def replicas(contracts: Path, url: str) -> Iterator[tuple[Portal, Portal]]:
    """Scheduling twice, on one database and one broker."""
    system = load_system(contracts)
    with (
        EmbeddedBroker({each.address: each.partitions for each in system.topics.values()}) as embedded,
        running_on(embedded.broker, system, "scheduling", databases=url) as one,
        running_on(embedded.broker, system, "scheduling", databases=url) as other,
    ):
        yield one, other


def test_of_a_hundred_holds_at_two_replicas_one_wins(replicas: tuple[Portal, Portal]) -> None:
    slot = replicas[0].free_slot()
    ready = threading.Barrier(HOLDS)

    def hold(number: int) -> int:
        who = (AMARA, BEN, ESTHER, FARAH)[number % 4]
        ready.wait(30)
        ends = time.monotonic() + 60
        while True:
            asked = replicas[number % 2].post(
                "scheduling", f"/slots/{slot}/hold", patient(who), {"patientId": who}
            )
            if asked.status_code != 503 or time.monotonic() > ends:
                return asked.status_code
            # On a slow machine the line stands for longer than it may: who is told so comes back.
            time.sleep(float(asked.headers["Retry-After"]))

    with (
        replicas[0].listen("scheduling.slot") as heard,
        ThreadPoolExecutor(HOLDS) as pool,
    ):
        answers = Counter(pool.map(hold, range(HOLDS)))
        assert until(lambda: _told(heard, slot)), "the replica that publishes looks once a second"
        told = _told(heard, slot)
    assert answers == {200: 1, 409: HOLDS - 1}
    assert told == ["busy-tentative"]


def test_who_writes_finds_what_was_read_unchanged_until_the_end(url: str) -> None:
    with running(Desk(url=url)) as one, running(Desk(url=url)) as other:
        waiting = threading.Thread(target=other.open, args=("meanwhile",))
        with one.service.store.transaction(write=True) as transaction:
            before = records.count(transaction, [])
            waiting.start()
            assert until(lambda: _waits(one.service.store))
            assert records.count(transaction, []) == before
            assert other.total() == 3, "who reads waits for nobody"
        waiting.join(20)
        with one.service.store.transaction(write=False) as transaction:
            assert records.count(transaction, []) == before + 1


def test_who_waits_too_long_is_told_to_come_again(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(postgres._SETTINGS, "lock_timeout", "100ms")
    with running(Desk(url=url)) as one, running(Desk(url=url)) as other:
        with one.service.store.transaction(write=True), pytest.raises(Problem) as caught:
            other.open("meanwhile")
        assert (caught.value.status, dict(caught.value.headers)) == (503, {"Retry-After": "1"})
        other.open("afterwards")


def test_a_replica_that_hangs_is_not_waited_for_for_ever(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(Desk(url=url)) as other:
        monkeypatch.setitem(postgres._SETTINGS, "idle_in_transaction_session_timeout", "200ms")
        hanging = Store(url)
        hanging.open()
        with pytest.raises(Problem) as caught, hanging.transaction(write=True) as transaction:
            other.open("meanwhile")
            records.count(transaction, [])
        assert caught.value.status == 503
        with hanging.transaction(write=False) as transaction:
            assert records.count(transaction, []) > 0
        hanging.close()


def test_when_all_connections_are_busy_one_is_told_to_come_again(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(postgres._POOL, "pool_size", 1)
    monkeypatch.setitem(postgres._POOL, "max_overflow", 0)
    monkeypatch.setitem(postgres._POOL, "pool_timeout", 0.1)
    store = Store(url)
    store.open()
    with store.transaction(write=False), pytest.raises(Problem) as caught, store.transaction(write=False):
        pass
    assert caught.value.status == 503
    store.close()


def test_the_right_to_publish_is_one_session_s_and_falls_with_it(url: str) -> None:
    one, other = Store(url), Store(url)
    one.open()
    other.open()
    with one.database.relaying() as ours:
        assert ours()
        with other.database.relaying() as theirs:
            assert not theirs()
        with one.transaction(write=False) as transaction:
            transaction.connection.exec_driver_sql("SELECT pg_terminate_backend(pid) " + _LOCKS)
        assert until(lambda: not ours())
        with other.database.relaying() as theirs:
            assert theirs()
    one.close()
    other.close()


def test_who_reads_could_not_write_by_mistake(url: str) -> None:
    store = Store(url)
    store.open()
    with store.transaction(write=False) as transaction:
        shown = [
            transaction.connection.exec_driver_sql(f"SHOW {name}").scalar_one()
            for name in ("transaction_read_only", "transaction_isolation")
        ]
    assert shown == ["on", "repeatable read"]
    store.close()


def test_what_the_url_says_of_connections_holds(url: str) -> None:
    store = Store(f"{url}?options=-c%20work_mem%3D8MB&connect_timeout=7", "scheduling")
    store.open()
    with store.transaction(write=False) as transaction:
        said = transaction.connection.exec_driver_sql
        shown = [said(f"SHOW {name}").scalar_one() for name in ("work_mem", "lock_timeout", "search_path")]
    assert shown == ["8MB", "10s", "scheduling"]
    store.close()


def _told(heard: Listener, slot: str) -> list[str]:
    """Where the slot's events say that it has come to."""
    heard.settle(0.5)
    return [each.json()["to"] for each in heard.records if each.key == slot]


def _waits(store: Store) -> bool:
    """Whether somebody waits for a lock."""
    with store.transaction(write=False) as transaction:
        asked = "SELECT count(*) " + _LOCKS + " AND NOT granted"
        return bool(transaction.connection.exec_driver_sql(asked).scalar_one())
