"""A mock: everything that answers in a service's place, made from its contract alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from harness.contract.model import Contract
from harness.kafka.broker import Broker
from harness.serving.accesses import record_of
from harness.serving.app import build_app
from harness.serving.envelope import ASGIApp
from harness.serving.exchange import Answer, AtOnce
from harness.serving.foreign_tokens import AnyIssuer, asks_for_ours
from harness.serving.keys import ISSUER, JWKS_PATH, KeyStore
from harness.serving.recording import Recorder
from harness.serving.relations import StillRelated, told_in
from harness.serving.security import Authenticator
from mocks.accesses import Accesses
from mocks.answers import OperationAnswers
from mocks.carrying import carry
from mocks.changes import Changes
from mocks.clock import Clock, utc_now
from mocks.conduct import USUAL, Conduct
from mocks.control.app import ControlApp
from mocks.control.controls import Controls
from mocks.fault_rules import FaultRules
from mocks.front import Front
from mocks.handling import Handling
from mocks.instances import Instances
from mocks.journal import Journal
from mocks.journal_view import View
from mocks.known import Known
from mocks.messages import Inlet
from mocks.provider_states import ProviderStates
from mocks.publishing import Outlet
from mocks.refusals import Refusals
from mocks.relations import Relations
from mocks.replying import Replier
from mocks.scenarios import Scenarios
from mocks.speaking import Speaker
from mocks.stateful import Stateful
from mocks.telling import Telling
from mocks.timers import Timers


class Mock:
    """One service's mock, as ``harness.serving.server`` runs it. ``journal`` tells what it did, ``control``
    is its control API; ``states`` is what tests may do to what it holds, None where it remembers nothing."""

    def __init__(
        self, app: ASGIApp, handling: Handling, inlet: Inlet | None, control: Controls, control_host: str
    ) -> None:
        self.name = handling.contract.service
        self.app = app
        self.journal = control.journal
        self.controls = control
        self.states = control.kept
        self.control: ASGIApp | None = ControlApp(control, control_host)
        self._handling = handling
        self.inlet = inlet
        self.relations = handling.relations

    def start(self) -> None:
        """Begin to consume, and to play what time does."""
        if self._handling.timers is not None:
            self._handling.timers.start(f"mock-{self.name}-timers")
        if self.inlet is not None:
            self.inlet.start()

    def stop(self) -> None:
        """End; returns when every event sent has arrived. Raises BrokerError if one has not."""
        if self.inlet is not None:
            self.inlet.stop()
        if self._handling.timers is not None:
            self._handling.timers.stop()
        if self._handling.outlet is not None:
            self._handling.outlet.stop()


def build_mock(
    contract: Contract,
    broker: Broker | None = None,
    keys: KeyStore | None = None,
    *,
    recorder: Recorder | None = None,
    seed: int = 1,
    now: Callable[[], datetime] = utc_now,
    conduct: Conduct = USUAL,
    before: Mock | None = None,
) -> Mock:
    """The mock of any contract, built but not started.

    broker: where events go and messages come from; None for HTTP alone. keys: who signs the tokens that
    are accepted; None makes the development key's store if the contract asks for tokens. seed: makes what
    is generated repeatable. before: the mock of this service from before its contract was edited, which this
    one goes on from, once it was stopped. Raises ContractError for a contract that cannot be served.
    """
    if before is not None:
        journal, faults, scenarios = before.journal, before.controls.faults, before.controls.scenarios
    else:
        journal, scenarios = Journal(conduct.journal_kept), Scenarios()
        faults = FaultRules(seed, conduct.faults)
    known, clock = Known(contract), Clock(now)
    instances = Instances(contract, known)
    every = contract.operations.values()
    answers = {each.id: OperationAnswers(contract, each, known, seed) for each in every}
    state = Stateful(contract, known, clock, seed) if conduct.state else None
    changes, telling = Changes(contract, instances), Telling(contract, instances)
    handling = Handling(contract, answers, scenarios, changes, telling, state)
    if before is not None:
        handling.relations = before.relations
    handling.timers = timers = Timers(handling.elapsed, clock)
    inlet = None
    if broker is not None:
        outlet = handling.outlet = Outlet(contract, broker, journal, clock.now, faults, timers.entered)
        if (record := record_of(contract)) is not None:
            handling.accesses = Accesses(record, outlet)
        replier = Replier(Speaker(contract, outlet, seed), seed)
        inlet = Inlet(contract, broker, handling.received, outlet, journal, replier)
        if before is not None and before.inlet is not None:
            inlet.take_over(before.inlet)
    guarded = any(operation.security for operation in contract.operations.values())
    store = (keys or KeyStore()) if guarded else None
    app = build_app(
        contract,
        dict.fromkeys(contract.operations, AtOnce(handling.handle)),
        _authenticator(contract, store, handling.relations) if store is not None else None,
        recorder=recorder,
        refusals=Refusals(contract, clock.now, seed),
        denials=handling.accesses.denied if handling.accesses is not None else None,
        extra_routes={JWKS_PATH: lambda: Answer(200, store.jwks())} if store is not None else {},
    )
    view = View(contract, journal, phi=conduct.journal_phi)
    kept = ProviderStates(state, handling, inlet, seed) if state is not None else None
    if before is not None and before.states is not None and kept is not None:
        carry(before.states, kept, contract)
    controls = Controls(contract, faults, scenarios, journal, view, handling.outlet, seed, kept)
    front = Front(app, contract, journal, faults, seed)
    return Mock(front, handling, inlet, controls, conduct.control_host)


def _authenticator(contract: Contract, store: KeyStore, relations: Relations) -> Authenticator:
    """Portal's tokens are judged; where the contract does not speak of them, so are others accepted."""
    own: Authenticator = store.authenticator()
    if not asks_for_ours(contract):
        own = AnyIssuer(own, ISSUER)
    return StillRelated(own, relations) if told_in(contract) else own
