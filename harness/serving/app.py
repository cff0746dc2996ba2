"""One contract as an ASGI application: Connexion's operations and security, our validators, one way out.

The way of a request: ``envelope`` (correlation, problems) → routing → what Connexion made of the operation,
which is its ``Exchange`` (gate, admission, handler, answer). Everything that the contract decides is compiled
here, at start; a request then only looks up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from starlette.routing import Router

from harness.contract.model import EMPTY, Contract, Operation
from harness.errors import ContractError
from harness.serving.admission import Admission
from harness.serving.bodies import MAX_BODY
from harness.serving.connexion_names import (
    API,
    AbstractOperation,
    ConnexionMiddleware,
    Resolution,
    Resolver,
    RoutedAPI,
    RoutedMiddleware,
)
from harness.serving.dispatch import Denials, Exchange, ResponseJudge
from harness.serving.envelope import IN_FLIGHT, INCOMING, ASGIApp, Envelope, Incoming, Refusals, Shortcut
from harness.serving.exchange import Answer, Handler
from harness.serving.known_heads import known_in
from harness.serving.overload import Line
from harness.serving.problems import Problem
from harness.serving.recording import Recorder
from harness.serving.routable import Judged, routable
from harness.serving.routing import Match, Routes
from harness.serving.security import Authenticator, Gate
from harness.serving.wire import Scope, respond
from harness.serving.workers import Workers

WORKERS = 16
"""Threads for plain handlers, an application."""


def build_app(
    contract: Contract,
    handlers: Mapping[str, Handler],
    security: Authenticator | None,
    *,
    recorder: Recorder | None = None,
    extra_routes: Mapping[str, Callable[[], Answer]] = EMPTY,
    validate_responses: bool = False,
    max_body: int = MAX_BODY,
    max_in_flight: int = IN_FLIGHT,
    longest_wait: float | None = None,
    refusals: Refusals | None = None,
    handlers_place: str = "",
    denials: Denials | None = None,
) -> ASGIApp:
    """The application that serves every operation of a contract.

    handlers: by operationId; a plain function runs in a thread, all others on the loop.
    security: checks tokens, scopes and ``x-access`` as far as the request tells; None asks only that
    credentials are there. extra_routes: GET paths outside the contract, e.g. the JWKS. validate_responses:
    an answer that breaks the contract becomes a 500. refusals: words them. handlers_place: where handlers
    are written, for the error. denials: is told who was refused what. max_body is bytes. longest_wait:
    seconds that a line before the threads may take, see ``overload``; None: as long as may be. Neither that
    nor max_in_flight is asked for extra_routes. Raises ContractError for an operation without handler.
    """
    _require(contract, handlers, handlers_place)
    pool = Workers(WORKERS, f"portal-{contract.service}")
    line = None if longest_wait is None else Line(WORKERS, longest_wait)
    exchanges: dict[str, Exchange] = {}
    admissions: dict[str, Admission] = {}
    gates: dict[str, Gate] = {}
    shortcut = Shortcut()
    for operation in contract.operations.values():
        admission = Admission(operation, contract, max_body=max_body, judge_subject=security is not None)
        admissions[operation.id] = admission
        judge = ResponseJudge(operation) if validate_responses else None
        exchanges[operation.id] = Exchange(admission, handlers[operation.id], pool, line, judge, denials)
        gates[operation.id] = Gate(operation, contract, security)
    app = ConnexionMiddleware(
        Router(),  # answers the lifespan; no request comes that far
        import_name=__name__,
        middlewares=[
            partial(
                _Routing,
                operations=contract.operations,
                extra=extra_routes,
                refusals=refusals,
                shortcut=shortcut,
            ),
            partial(_Dispatch, gates=gates),
        ],
        resolver=_Handlers(exchanges),
    )
    app.apis.append(API(Judged(routable(contract)), base_path="", **vars(app.options)))
    envelope = Envelope(
        app, max_in_flight, refusals, extra_routes, shortcut, partial(_correlates, admissions)
    )
    return recorder.wrap(envelope, contract.service) if recorder is not None else envelope


def _correlates(admissions: Mapping[str, Admission], incoming: Incoming) -> bool:
    asked = admissions.get(incoming.operation)
    return asked is None or asked.correlates(incoming.headers)


def _require(contract: Contract, handlers: Mapping[str, Handler], place: str) -> None:
    missing = [each for each in contract.operations.values() if each.id not in handlers]
    if not missing:
        return
    first = missing[0]
    others = f" ({len(missing) - 1} more are missing too)" if len(missing) > 1 else ""
    raise ContractError(
        str(first.place) if first.place.file else contract.service,
        f"operation {first.id} of contract {contract.service} has no handler{others}",
        f"a function {first.id}" + (f" in {place}" if place else ""),
        f"Write def {first.id}(…), or take the operation out of the contract.",
    )


class _Handlers(Resolver):  # type: ignore[misc]  # Connexion ships no types
    """Resolves an operationId to what serves it."""

    def __init__(self, exchanges: Mapping[str, Exchange]) -> None:
        super().__init__()
        self._exchanges = exchanges

    def resolve(self, operation: AbstractOperation) -> Resolution:
        return Resolution(self._exchanges[operation.operation_id], operation.operation_id)


class _Routing:
    """Finds the operation, and calls what serves it."""

    def __init__(
        self,
        app: _Dispatch,
        operations: Mapping[str, Operation],
        extra: Mapping[str, Callable[[], Answer]],
        refusals: Refusals | None,
        shortcut: Shortcut,
    ) -> None:
        self._app, self._extra, self._refusals = app, extra, refusals
        shortcut.take = self.at_once
        self._routes = Routes(operations.values())
        self._templates = {name: each.path for name, each in operations.items()}

    def at_once(self, scope: Scope, incoming: Incoming, body: bytes) -> Answer | None:
        """The answer of the operation that is asked for; None where there is none, or it takes its time."""
        known = known_in(scope)
        found: Match | None = known.found.get(self) if known is not None else None
        if found is None:
            raw_path, query = scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
            looked = self._routes.find(scope["method"], raw_path, query)
            if not isinstance(looked, Match):
                return None
            found = looked
            if known is not None:
                known.found[self] = found
        incoming.path, incoming.operation = found.values, found.operation
        incoming.route = self._templates[found.operation]
        return self._app.served[found.operation].at_once(scope, incoming, body)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        incoming: Incoming = scope["extensions"][INCOMING]
        raw_path = scope["raw_path"].decode("latin-1")
        method = scope["method"]
        found = self._routes.find(method, raw_path, scope["query_string"].decode("latin-1"))
        if isinstance(found, Match):
            incoming.path, incoming.operation = found.values, found.operation
            incoming.route = self._templates[found.operation]
            await self._app.served[found.operation](scope, receive, send)
            return
        extra = self._extra.get(raw_path)
        allowed = frozenset({"GET", "HEAD", "OPTIONS"}) if extra is not None else found
        if extra is not None:
            incoming.route = raw_path
        if extra is not None and method in {"GET", "HEAD"}:
            await respond(send, extra(), incoming.trace)
        elif method == "OPTIONS" and allowed:
            await respond(send, Answer(204, headers={"Allow": ", ".join(sorted(allowed))}), incoming.trace)
        elif self._refusals is not None:
            raise self._refusals.unmatched(method, raw_path, allowed)
        elif not allowed:
            base = self._routes.base
            hint = f" Every path here begins with {base}/." if not raw_path.startswith(f"{base}/") else ""
            raise Problem(404, detail=f"There is nothing at this address.{hint}")
        else:
            names = ", ".join(sorted(allowed))
            raise Problem(405, detail=f"This address takes {names}.", headers={"Allow": names})


class _DispatchAPI(RoutedAPI):  # type: ignore[misc]
    def __init__(self, *args: Any, gates: Mapping[str, Gate], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._gates = gates
        self.add_paths()

    def make_operation(self, operation: AbstractOperation) -> Exchange:
        """What the resolver found, behind the gate that the operation's security asks for."""
        exchange: Exchange = operation.function
        return exchange.behind(self._gates[operation.operation_id]) if operation.security else exchange


class _Dispatch(RoutedMiddleware):  # type: ignore[misc]
    """Ends Connexion's chain: what ``served`` an operation is found by its id, without inspecting calls."""

    api_cls = _DispatchAPI

    def __init__(self, app: ASGIApp, gates: Mapping[str, Gate]) -> None:
        super().__init__(app)
        self._gates = gates
        self.served: dict[str, Exchange] = {}

    def add_api(self, specification: Any, **kwargs: Any) -> Any:
        """Connexion's: take an API's operations."""
        api = super().add_api(specification, gates=self._gates, **kwargs)
        self.served.update(api.operations)
        return api
