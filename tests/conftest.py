"""Options and fixtures that every test may use."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadFileScheduling

if TYPE_CHECKING:
    from xdist.remote import Producer

    from tests.kafka.apache import ApacheKafka
    from tests.postgres.server import Server

ROOT = Path(__file__).parent.parent

# How long a case takes tells of the machine's other work, not of what is tried: pytest's time-out holds.
settings.register_profile(
    "timeless", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("timeless")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--unbounded", action="store_true", help="run generated cases without CI's bound")
    parser.addoption("--write-pacts", action="store_true", help="rewrite contracts/pacts from the consumers")
    parser.addoption(
        "--kills", type=int, default=200, help="kills on the embedded broker, a tenth on Apache Kafka"
    )
    parser.addoption(
        "--kill-seed", type=int, help="seed of the first round of kills; default: another each time"
    )


def pytest_xdist_auto_num_workers() -> int:
    """Two more than there are cores: half of their time tests wait, for a broker or for an answer."""
    return len(os.sched_getaffinity(0)) + 2 if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1) + 2


LONG = (
    "tests/e2e/test_verify.py",
    "tests/foreign_provider/test_scheduling.py",
    "tests/kafka/test_verify.py",
    "tests/kills/test_embedded.py",
    "tests/postgres/test_verify.py",
)
"""Files of minutes, whose tests share nothing that costs much: each test may run beside the others."""


class ByFileUnlessLong(LoadFileScheduling):  # type: ignore[misc]
    """A file's tests share what they start, and so run one after the other; those of the longest do not."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        shared = "PORTAL_KAFKA" in os.environ  # one cluster for all takes one verification at a time
        return nodeid if file in LONG and not shared else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    return ByFileUnlessLong(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_finish() -> None:
    _keep_what_stays()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    yield
    if nextitem is not None and nextitem.path != item.path:
        _keep_what_stays()


def _keep_what_stays() -> None:
    """What was made to find the tests, or remains of a file's, mostly stays to the end. To look through all
    of it for garbage again and again stops this process, and the services that a test has in it, for as long
    as two seconds at a time."""
    gc.collect()
    gc.freeze()


NEEDS = {
    "apache": "needs Apache Kafka: tox -e kafka runs it",
    "postgres": "needs PostgreSQL: tox -e postgres runs it",
}


def pytest_collection_modifyitems(config: pytest.Config, items: Sequence[pytest.Item]) -> None:
    """Plain ``pytest`` needs no server: what is marked as needing one runs when it is asked for, with -m."""
    for marker, reason in NEEDS.items():
        if marker in config.option.markexpr:
            continue
        unasked = pytest.mark.skip(reason=reason)
        for item in items:
            if item.get_closest_marker(marker):
                item.add_marker(unasked)


@pytest.fixture(scope="session")
def apache_kafka() -> Iterator[ApacheKafka]:
    """An Apache Kafka of our own, which may be stopped, killed and started; leave it running."""
    from tests.kafka.apache import ApacheKafka
    from tests.kafka.artifacts import skip_where_it_cannot_be_had

    skip_where_it_cannot_be_had()
    with ApacheKafka() as running:
        yield running


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """The PostgreSQL at ``PORTAL_DATABASE``, else one of our own."""
    from tests.postgres import server

    server.skip_where_it_cannot_be_had()
    if (named := server.named()) is not None:
        yield named
        return
    with server.OwnServer() as running:
        yield running


@pytest.fixture(scope="session")
def unbounded(request: pytest.FixtureRequest) -> bool:
    """Whether generated cases run without CI's bound (``tox -e full``)."""
    return bool(request.config.getoption("--unbounded"))


@pytest.fixture(scope="session", autouse=True)
def own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The whole run keeps its development key in a folder of its own, never in the user's."""
    folder = tmp_path_factory.mktemp("portal-state")
    before = os.environ.get("PORTAL_STATE")
    os.environ["PORTAL_STATE"] = str(folder)
    yield folder
    if before is None:
        del os.environ["PORTAL_STATE"]
    else:
        os.environ["PORTAL_STATE"] = before


@pytest.fixture(scope="session")
def contracts() -> Path:
    """The shipped contracts."""
    return ROOT / "contracts"
