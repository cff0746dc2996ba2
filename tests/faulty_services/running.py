"""A broken reference service as the harness meets it: by its address, alone on its broker."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from queue import Queue
from unittest.mock import patch

from harness.contract.model import NOWHERE, System
from harness.kafka.broker import Broker
from harness.kafka.embedded import EmbeddedBroker
from harness.serving.server import Addresses, Hosted, run
from harness.target import Capability, Target
from reference_services.platform.handlers import import_handlers
from reference_services.platform.service import build_service
from tests.faulty_services.breaking import Break

EVERYTHING: frozenset[Capability] = frozenset(
    {"kafka", "control", "state", "access", "idempotency", "accesses"}
)
START = 30.0


def broker_for(system: System) -> EmbeddedBroker:
    """A broker with every topic of the contracts."""
    return EmbeddedBroker({address: channel.partitions for address, channel in system.topics.items()})


@contextmanager
def broken(system: System, service: str, fault: Break, broker: Broker) -> Iterator[Target]:
    """The service, seeded, with one thing wrong; it ends with the block. No other may use the broker."""
    keys = fault.keys()
    contract = fault.contract(system.contracts[service])
    module = fault.module(import_handlers(service, NOWHERE))
    with ExitStack() as stack:
        for owner, name, instead in fault.patches(broker):
            stack.enter_context(patch.object(owner, name, instead))
        hosted = build_service(contract, broker, keys, handlers=module)
        hosted.app = fault.app(hosted.app, contract)
        found = stack.enter_context(_running(hosted))
        yield Target(
            service,
            found.services[service],
            "reference",
            EVERYTHING,
            broker,
            found.control[service],
            keys.mint,
        )


@contextmanager
def _running(hosted: Hosted) -> Iterator[Addresses]:
    stop, outcome = threading.Event(), Queue[Addresses | BaseException]()

    def serve() -> None:
        try:
            run([hosted], on_ready=outcome.put, stop=stop)
        except BaseException as error:  # the test's thread tells it
            outcome.put(error)

    thread = threading.Thread(target=serve, name=hosted.name)
    thread.start()
    try:
        found = outcome.get(timeout=START)
        if isinstance(found, BaseException):
            raise found
        yield found
    finally:
        stop.set()
        thread.join(START)
        assert not thread.is_alive(), "the service did not end"
