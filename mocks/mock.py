"""A mock: everything that answers in a service's place, made from its contract alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from harness.contract.expressions import Context
from harness.contract.model import Contract, Operation, Schema
from harness.kafka.broker import Broker
from harness.serving.app import build_app
from harness.serving.emitting import Cause
from harness.serving.envelope import ASGIApp
from harness.serving.exchange import Answer, Handler, Request
from harness.serving.foreign_tokens import AnyIssuer, asks_for_ours
from harness.serving.keys import ISSUER, JWKS_PATH, KeyStore
from harness.serving.recording import Recorder
from harness.serving.security import Authenticator
from mocks.answers import OperationAnswers
from mocks.changes import Changes
from mocks.conduct import USUAL, Conduct
from mocks.control.app import ControlApp
from mocks.control.controls import Controls
from mocks.fault_rules import FaultRules
from mocks.front import Front
from mocks.instances import Instances
from mocks.journal import Journal
from mocks.journal_view import View
from mocks.known import Known
from mocks.messages import Inlet
from mocks.publishing import Outlet, utc_now
from mocks.replying import Replier
from mocks.scenarios import Scenarios
from mocks.speaking import Speaker


class Mock:
    """One service's mock, as ``harness.serving.server`` runs it. ``journal`` tells what it did, ``control``
    is its control API."""

    def __init__(
        self,
        name: str,
        app: ASGIApp,
        journal: Journal,
        outlet: Outlet | None,
        inlet: Inlet | None,
        control: Controls,
        control_host: str,
    ) -> None:
        self.name = name
        self.app = app
        self.journal = journal
        self.controls = control
        self.control: ASGIApp | None = ControlApp(control, control_host)
        self._outlet = outlet
        self._inlet = inlet

    def start(self) -> None:
        """Begin to consume, and to play what time does. Nothing to do without Kafka."""
        if self._outlet is not None:
            self._outlet.start()
        if self._inlet is not None:
            self._inlet.start()

    def stop(self) -> None:
        """End; returns when every event sent has arrived. Raises BrokerError if one has not."""
        if self._inlet is not None:
            self._inlet.stop()
        if self._outlet is not None:
            self._outlet.stop()


def build_mock(
    contract: Contract,
    broker: Broker | None = None,
    keys: KeyStore | None = None,
    *,
    recorder: Recorder | None = None,
    seed: int = 1,
    now: Callable[[], datetime] = utc_now,
    conduct: Conduct = USUAL,
) -> Mock:
    """The mock of any contract, built but not started.

    broker: where events go and messages come from; None for HTTP alone. keys: who signs the tokens that
    are accepted; None makes the development key's store if the contract asks for tokens. seed: makes what
    is generated repeatable. Raises ContractError for a contract that cannot be served.
    """
    journal, known = Journal(conduct.journal_kept), Known(contract)
    faults, scenarios = FaultRules(seed, conduct.faults), Scenarios()
    changes = Changes(contract, Instances(contract, known))
    outlet = Outlet(contract, broker, changes, journal, now, faults) if broker is not None else None
    inlet = None
    if broker is not None and outlet is not None:
        replier = Replier(Speaker(contract, outlet, seed), seed)
        inlet = Inlet(contract, broker, changes, outlet, journal, replier)
    guarded = any(operation.security for operation in contract.operations.values())
    store = (keys or KeyStore()) if guarded else None
    handlers = {
        operation.id: _handler(
            operation, OperationAnswers(contract, operation, known, seed), changes, outlet, scenarios
        )
        for operation in contract.operations.values()
    }
    app = build_app(
        contract,
        handlers,
        _authenticator(contract, store) if store is not None else None,
        recorder=recorder,
        extra_routes={JWKS_PATH: lambda: Answer(200, store.jwks())} if store is not None else {},
    )
    controls = Controls(
        contract, faults, scenarios, journal, View(contract, journal, phi=conduct.journal_phi), outlet, seed
    )
    front = Front(app, contract, journal, faults, seed)
    return Mock(contract.service, front, journal, outlet, inlet, controls, conduct.control_host)


def _authenticator(contract: Contract, store: KeyStore) -> Authenticator:
    """Portal's tokens are judged; where the contract does not speak of them, so are others accepted."""
    own = store.authenticator()
    return own if asks_for_ours(contract) else AnyIssuer(own, ISSUER)


def _handler(
    operation: Operation,
    answers: OperationAnswers,
    changes: Changes,
    outlet: Outlet | None,
    scenarios: Scenarios,
) -> Handler:
    """What serves an operation: it runs on the event loop, since all that it does is computing."""

    async def handle(request: Request) -> Answer:
        scenario = None if "prefer" in request.headers else scenarios.find(operation.id, request)
        if scenario is not None and scenario.has_body:
            answer = scenario.answer()
        else:
            asked = scenario.preferred(request) if scenario is not None else request
            answer = answers.answer(asked)
        if outlet is not None and operation.emits:
            cause = Cause(request.correlation, request.correlation, request.traceparent)
            schema = _answered(operation, answer)
            outlet.publish(changes.of_exchange(operation.emits, schema, _context(request, answer)), cause)
        return answer

    return handle


def _answered(operation: Operation, answer: Answer) -> Schema | None:
    response = operation.response_for(answer.status)
    media = response.content.get(answer.content_type) if response is not None else None
    return media.schema if media is not None else None


def _context(request: Request, answer: Answer) -> Context:
    return Context(
        method=request.method,
        url=request.url,
        status=answer.status,
        request_path=request.path,
        request_query=request.query,
        request_headers=request.headers,
        request_body=request.body,
        response_headers=answer.headers,
        response_body=answer.body,
    )
