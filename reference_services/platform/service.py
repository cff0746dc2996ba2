"""One reference service: contract, handlers, store, events and control, put together."""

from __future__ import annotations

import logging
from types import ModuleType

from harness.contract.model import NOWHERE, Contract
from harness.kafka.broker import Broker
from harness.serving.app import build_app
from harness.serving.control import control_app
from harness.serving.envelope import ASGIApp
from harness.serving.exchange import Answer, Handler
from harness.serving.keys import JWKS_PATH
from harness.serving.overload import longest_wait
from harness.serving.recording import Recorder
from harness.serving.relations import StillRelated, told_in
from harness.serving.security import Keys
from reference_services.platform.accesses import Accesses
from reference_services.platform.clock import Clock
from reference_services.platform.control import ServiceControl
from reference_services.platform.courier import Courier
from reference_services.platform.endpoint import endpoint
from reference_services.platform.events import send_plans
from reference_services.platform.firing import Firing
from reference_services.platform.handlers import Handlers, import_handlers, resolve
from reference_services.platform.inbox import Inbox, taker_of
from reference_services.platform.kinds import Kind, kind_of
from reference_services.platform.observing import Figures, Measured
from reference_services.platform.operations import plan_of
from reference_services.platform.outbox import Relay
from reference_services.platform.peers import Peers
from reference_services.platform.relations import Relations
from reference_services.platform.situation import Knowledge
from reference_services.platform.store import Store
from reference_services.platform.timers import Timers

LOG = logging.getLogger(__name__)

JOIN = 10.0
"""Seconds that ``join`` waits for the consumer groups; without them events come later, none is lost."""


class ReferenceService:
    """``harness.serving.server.Hosted``. Nothing is opened before ``start``; both may be called twice.

    A contract's examples are what an empty store begins with.
    """

    def __init__(
        self,
        contract: Contract,
        broker: Broker | None,
        keys: Keys,
        store: Store,
        handlers: Handlers,
        recorder: Recorder | None,
        validate_responses: bool,
        peers: Peers,
    ) -> None:
        self.name = contract.service
        self.chained = handlers.chained
        self.clock = Clock()
        self.store = store
        self.knowledge = Knowledge(contract, _kinds(contract, handlers), send_plans(contract))
        self.fire = Firing(self.store, self.knowledge, self.clock, handlers.timers, self._current).fire
        self.timers = Timers(self.name, self.store, self.clock, self.fire)
        self.control_face = ServiceControl(self.store, self.knowledge, self.clock, self.timers)
        figures = Figures(self.name, self.store, self._current)
        self.taker = taker_of(
            contract, self.store, self.knowledge, self.clock, handlers.messages, figures.message
        )
        peers.check(handlers.calls)
        self._courier = Courier(self.name, self.store, peers) if handlers.calls else None
        self._relay = None if broker is None else Relay(self.name, self.store, broker)
        self._inbox = None if broker is None or not contract.receives else Inbox(broker, self.taker)
        self._started = False
        relations = Relations(self.store, told_in(contract), self._current)
        accesses = Accesses(self.store, self.knowledge, self.clock)
        app = build_app(
            contract,
            self._endpoints(contract, handlers, accesses),
            StillRelated(keys.authenticator(), relations) if relations.told else keys.authenticator(),
            recorder=recorder,
            extra_routes={JWKS_PATH: lambda: Answer(200, keys.jwks()), **figures.routes()},
            validate_responses=validate_responses,
            longest_wait=longest_wait(),
            handlers_place=handlers.place,
            denials=accesses.denied,
        )
        self.app: ASGIApp = Measured(app, figures)
        self.control: ASGIApp | None = control_app(self.control_face)

    def start(self) -> None:
        """Open the store and begin to publish, consume and keep time. Raises UsageError, BrokerError."""
        if self._started:
            return
        self._started = True
        self.store.open()
        self.control_face.seed_if_empty()
        self.timers.start()
        if self._relay is not None:
            self._relay.start()
        if self._courier is not None:
            self._courier.start()
        if self._inbox is not None:
            self._inbox.start()

    def join(self) -> None:
        """Wait until events are consumed: after a crash that is when the broker has missed us long enough."""
        if self._inbox is not None and not self._inbox.ready(JOIN):
            LOG.warning("%s has not joined its consumer group yet; it goes on trying", self.name)

    def stop(self) -> None:
        """End all threads, publish what waits if the broker takes it at once, and close the store."""
        if not self._started:
            return
        self._started = False
        for part in (self._inbox, self.timers, self._courier, self._relay):
            if part is not None:
                part.stop()
        self.store.close()

    def _current(self) -> bool:
        """Whether it is known which relations have ended: without Kafka, nobody tells."""
        return self._inbox is None or self._inbox.current()

    def _endpoints(self, contract: Contract, handlers: Handlers, accesses: Accesses) -> dict[str, Handler]:
        found: dict[str, Handler] = {}
        for operation in contract.operations.values():
            plan = plan_of(contract, operation, handlers.operations[operation.id])
            found[operation.id] = endpoint(plan, self.store, self.knowledge, self.clock, accesses)
        return found


def build_service(
    contract: Contract,
    broker: Broker | None,
    keys: Keys,
    database_url: str | None = None,
    *,
    schema: str | None = None,
    handlers: ModuleType | None = None,
    recorder: Recorder | None = None,
    validate_responses: bool = False,
    peers: Peers | None = None,
) -> ReferenceService:
    """The reference service of a contract, ready to be served; opens nothing.

    broker: None leaves events waiting in the outbox and consumes nothing. database_url: SQLAlchemy's,
    None for a temporary file; schema: its own part of it, where services share a PostgreSQL. handlers: the
    module ``reference_services.<service>.handlers`` unless given. validate_responses: an answer that breaks
    the contract becomes a 500. peers: other services, as far as this one calls them; None: nobody is reached.
    Raises ContractError for what the module lacks or would call, and UsageError for a ``PORTAL_LONGEST_WAIT``
    that is none.
    """
    place = next(iter(contract.operations.values())).place if contract.operations else NOWHERE
    module = handlers or import_handlers(contract.service, place)
    resolved = resolve(contract, module)
    store = Store(database_url, schema)
    known = Peers(addresses={}) if peers is None else peers
    return ReferenceService(contract, broker, keys, store, resolved, recorder, validate_responses, known)


def _kinds(contract: Contract, handlers: Handlers) -> dict[str, Kind]:
    return {
        name: kind_of(contract, name, schema, handlers.unique.get(name, ()))
        for name, schema in contract.schemas.items()
    }
