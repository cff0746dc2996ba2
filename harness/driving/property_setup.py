"""Schemathesis made ready for one contract and one target: what it sends, as whom, what it may expect."""

from __future__ import annotations

import contextlib
import itertools
import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from harness.contract.expressions import Context, evaluate
from harness.contract.model import IGNORED_HEADERS, Contract, Operation
from harness.contract.pointers import look_up
from harness.contract.scalars import CODES
from harness.contract.schema import compile_schema
from harness.driving.actors import claims_for, needs_token
from harness.driving.hops import ONE_CONNECTION
from harness.driving.property_models import holds_itself_in_many_ways
from harness.driving.property_references import shorten
from harness.errors import ContractError, TokenError
from harness.target import Limits, Target

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy
    from schemathesis import Case
    from schemathesis.specs.openapi.schemas import OpenApiSchema

    AnyCase = Case[Any]

COMPOSED = frozenset({"$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "if", "dependentSchemas"})
"""Beside one of these, ``unevaluatedProperties`` and ``additionalProperties`` mean different things."""

BROAD = ("staff", "service", "clinician", "proxy", "patient")
"""Whose claims reach furthest where several actors are admitted with relations of their own."""

REFUSALS_BY_STATE = ("409", "410", "412", "428")
"""Right answers to a well-formed request that comes at the wrong moment or without its ``If-Match``."""

KEY, MATCH = "idempotency-key", "if-match"

FRAMING = ONE_CONNECTION | {"expect"}
"""Headers that speak of the connection or of how a message is cut (RFC 9110, sections 7.6 and 10.1.1)."""

TOKENS = ("oauth2", "openIdConnect")
BEARER = {"type": "http", "scheme": "bearer"}
"""What Schemathesis is told of these. It does not know where their tokens travel (RFC 6750, section 2.1), and
would never try without one."""


class Setup:
    """A contract as Schemathesis sees it: its document, its labels and the address of its operations."""

    def __init__(self, contract: Contract, target: Target, limits: Limits) -> None:
        self.contract, self.target, self.limits = contract, target, limits
        self.uri, self.document = openapi_document(contract)
        self.base = _base_path(contract, self.document)
        self.operations: dict[str, Operation] = {
            f"{each.method.upper()} {each.path.removeprefix(self.base)}": each
            for each in contract.operations.values()
        }

    @property
    def file(self) -> str:
        """The contract's file as the user named it."""
        return self.contract.files.get(self.uri, self.uri)

    def schema(self) -> OpenApiSchema:
        """The contract loaded by Schemathesis from its file, never from what the target serves.

        Of its operations those that the contract given has: somebody may want only some tried. Raises
        ContractError if Schemathesis cannot read it, TokenError if tokens are wanted and there is no source
        of them.
        """
        from schemathesis import openapi
        from schemathesis.config import SchemathesisConfig
        from schemathesis.core.errors import LoaderError

        _teach_codes()
        config = SchemathesisConfig.from_dict(self.settings())
        try:
            if self.uri.startswith("file:"):
                schema = openapi.from_path(url2pathname(urlsplit(self.uri).path), config=config)
            else:
                schema = openapi.from_url(self.uri, config=config, timeout=self.limits.timeout)
        except (LoaderError, OSError) as error:
            raise ContractError(
                self.file,
                f"Schemathesis cannot load this contract: {error}",
                remedy="Run `portal lint` on it",
            ) from error
        schemes = (schema.raw_schema.get("components") or {}).get("securitySchemes") or {}
        for name, each in self.contract.security_schemes.items():
            if each.kind in TOKENS and name in schemes:
                schemes[name] = BEARER
        schema.auth.providers.append(Credentials(self.operations, self.target))
        schema.hook(map_case)
        if self.limits.boundaries < 1:
            schema.hook(_thinned(self.limits))
        shorten(schema.raw_schema, self.uri, self.contract.documents)
        _close(schema.raw_schema)
        _leave_out(schema.raw_schema, schema.raw_schema)
        # Not what to include: where an operation has settings of its own, that would be all of them.
        return cast("OpenApiSchema", schema.exclude(lambda each: each.operation.label not in self.operations))

    def settings(self) -> dict[str, Any]:
        """Schemathesis' configuration, in the words of its configuration file."""
        from schemathesis.config._checks import POSITIVE_DATA_ACCEPTANCE_EXPECTED_STATUSES as ACCEPTED

        remembers = "state" in self.target.capabilities
        return {
            "seed": self.limits.seed,
            "base-url": self.target.url + self.base,
            # Otherwise the first failure of an operation hides its others.
            "continue-on-failure": True,
            "request-timeout": self.limits.timeout,
            # Slow or wasteful generation says something about the contract, nothing about the service.
            "suppress-health-check": ["all"],
            # A NUL has no place in most stores of text; that it is refused is no news of a contract.
            "generation": {"max-examples": self.limits.cases, "database": "none", "allow-x00": False},
            # What earlier runs taught it would make two runs with one seed differ.
            "cache": {"enabled": False},
            "checks": {
                # A header that is needed may also be asked for with 428 (RFC 6585, section 3).
                "missing_required_header": {
                    "expected-statuses": ["400", "401", "403", "406", "415", "422", "428"]
                },
                # A request with several defects may be refused for its stale If-Match.
                "negative_data_rejection": {"expected-statuses": self._refusals()},
                # A target that remembers nothing still answers for what was deleted, and cannot
                # answer for what was made.
                "use_after_free": {"enabled": remembers},
                "ensure_resource_availability": {"enabled": remembers},
            },
            "operations": [*self._own_settings(sorted(ACCEPTED))],
        }

    def _own_settings(self, accepted: Sequence[str]) -> Iterator[dict[str, Any]]:
        """What goes for one operation alone."""
        for label, operation in self.operations.items():
            found: dict[str, Any] = {}
            if refusals := right_refusals(operation):
                statuses = {"expected-statuses": sorted({*accepted, *refusals})}
                found["checks"] = {"positive_data_acceptance": statuses}
            if holds_itself_in_many_ways(operation):
                found["phases"] = {"examples": {"enabled": False}}
            if found:
                yield {"include-name": label, **found}

    def _refusals(self) -> list[str]:
        from schemathesis.config._checks import NEGATIVE_DATA_REJECTION_EXPECTED_STATUSES as REJECTED

        return [*REJECTED, "410", "412"]


def map_case(_context: object, case: AnyCase) -> AnyCase:
    """A hook for what Schemathesis asks no ``Credentials`` for: requests whose token it has spoilt."""
    leave_framing_alone(case)
    return case


def _thinned(limits: Limits) -> Callable[[object, AnyCase], bool]:
    """A hook that lets a share of the boundary values through, and everything else.

    By chance and not every so many: they come in patterns. Each operation has a chance of its own: their
    order may differ.
    """
    from schemathesis.generation.meta import TestPhase

    chances: dict[str, Random] = {}

    def filter_case(_context: object, case: AnyCase) -> bool:
        if case.meta is None or case.meta.phase.name is not TestPhase.COVERAGE:
            return True
        label = case.operation.label
        chance = chances.setdefault(label, Random(f"{limits.seed} {label}"))  # noqa: S311 - repeatable
        return chance.random() < limits.boundaries

    return filter_case


def openapi_document(contract: Contract) -> tuple[str, Mapping[str, Any]]:
    """The URI and raw tree of the contract's OpenAPI (or Swagger) document. Raises ContractError."""
    for uri, tree in contract.documents.items():
        if isinstance(tree, Mapping) and ("openapi" in tree or "swagger" in tree):
            return uri, tree
    raise ContractError(str(contract.folder), f"{contract.service} has no OpenAPI document", "openapi.yaml")


def right_refusals(operation: Operation) -> tuple[str, ...]:
    """Documented statuses with which a valid request may be refused for the state of things.

    422 is one of them where 400 is documented beside it for what is malformed; alone it is the answer
    to malformed requests.
    """
    documented = [each for each in REFUSALS_BY_STATE if operation.response_for(int(each)) is not None]
    if "422" in operation.responses and "400" in operation.responses:
        documented.append("422")
    return tuple(documented)


class Credentials:
    """An authentication provider of Schemathesis: for each case a token of an actor who may do it.

    It also fills in headers: no hook for one schema alone sees every case of every phase.
    """

    def __init__(self, operations: Mapping[str, Operation], target: Target) -> None:
        self._operations = operations
        self._tokens: dict[str, str] = {}
        self._turns = itertools.count(1)
        self._source = target.tokens
        wanting = next((each for each in operations.values() if needs_token(each)), None)
        if wanting is not None and self._source is None:
            raise TokenError(
                target.url,
                f"{wanting.id} of {target.service} wants a token and there is no source of tokens",
                remedy="Give one with --token-command CMD",
            )

    def get(self, case: AnyCase, _context: object) -> str | None:
        leave_framing_alone(case)
        operation = self._operations.get(case.operation.label)
        if operation is None:
            return None
        fill_headers(operation, case, next(self._turns))
        if not operation.security or self._source is None:
            return None
        claims = claims_for(operation, subject_of(operation, context_of(case)), broad_actor(operation))
        key = json.dumps(dict(claims), sort_keys=True, default=str)
        if key not in self._tokens:
            self._tokens[key] = self._source(claims)
        return self._tokens[key]

    def set(self, case: AnyCase, data: str, _context: object) -> None:
        case.headers["Authorization"] = f"Bearer {data}"


def broad_actor(operation: Operation) -> str | None:
    """An actor who may do this to anybody's data, else the one whose relation reaches furthest."""
    anybody = (actor for actor, relation in operation.access.items() if relation == "any")
    return next(anybody, None) or next((actor for actor in BROAD if actor in operation.access), None)


def subject_of(operation: Operation, context: Context) -> str | None:
    """The patient whom a request speaks of, else the one of whom the documented answer speaks."""
    if operation.subject is None:
        return None
    examples = (
        example.value
        for response in operation.successes
        for media in response.content.values()
        for example in media.examples
    )
    for each in (context, *(Context(response_body=example) for example in examples)):
        with contextlib.suppress(ContractError):
            found = evaluate(operation.subject, each)
            if isinstance(found, str) and found:
                return found
    return None


def context_of(case: AnyCase) -> Context:
    """What runtime expressions see of a generated request."""
    return Context(
        method=case.method,
        request_path=dict(case.path_parameters or {}),
        request_query=dict(case.query or {}),
        request_headers={name: str(value) for name, value in (case.headers or {}).items()},
        request_body=case.body if isinstance(case.body, dict | list) else None,
    )


def leave_framing_alone(case: AnyCase) -> None:
    """Take out what chance wrote into headers of the connection's own.

    What they say is HTTP's business and no contract's: a server that knows no such transfer coding answers
    501 (RFC 9112, section 6.1), whatever it documents.
    """
    for name in [each for each in case.headers or {} if each.lower() in FRAMING]:
        del case.headers[name]


def fill_headers(operation: Operation, case: AnyCase, turn: int) -> None:
    """Give a request whose headers are meant to be valid those that chance never gets right.

    An ``Idempotency-Key`` of its own: a key that is drawn twice is answered with a replay, by right, and a
    replayed 201 for what has been deleted since would read as "created resource not found". And, three
    times out of four, the ``If-Match`` that fits every version (RFC 9110, section 13.1.1), or hardly a
    request would get past it. They are set even where none was drawn: Schemathesis stops drawing what a
    provider writes.
    """
    from schemathesis.core.parameters import ParameterLocation

    due = [(KEY, str(uuid.uuid4())), *([(MATCH, "*")] if turn % 4 else [])]
    wanted = [(operation.parameter("header", name), value) for name, value in due]
    if not any(parameter for parameter, _ in wanted):
        return  # asking for what follows costs more, the larger the body is
    if case.meta is not None and case.meta.is_negative_at(ParameterLocation.HEADER):
        return
    for parameter, value in wanted:
        if parameter is not None and compile_schema(parameter.schema).is_valid(value):
            case.headers[parameter.name] = value


def _base_path(contract: Contract, document: Mapping[str, Any]) -> str:
    """What the model's paths have before the document's: the path of the server's URL."""
    written = [path for path in document.get("paths") or {} if isinstance(path, str)]
    bases: Counter[str] = Counter()
    for operation in contract.operations.values():
        fitting = [path for path in written if operation.path.endswith(path)]
        if fitting:
            bases[operation.path.removesuffix(max(fitting, key=len))] += 1
    return bases.most_common(1)[0][0] if bases else ""


def _teach_codes() -> None:
    """Schemathesis makes any text at all for a format that it has never heard of."""
    from hypothesis import strategies
    from schemathesis import openapi

    def made(make: Callable[[Random], str]) -> SearchStrategy[str]:
        return strategies.integers(0, 2**32 - 1).map(lambda seed: make(Random(seed)))  # noqa: S311

    for name, make in CODES.items():
        openapi.format(name, made(make))


def _close(node: Any) -> None:
    """Say ``unevaluatedProperties: false`` in the older word too, where both mean the same.

    Schemathesis tries undocumented properties only where it reads ``additionalProperties: false``.
    """
    if isinstance(node, dict):
        if node.get("unevaluatedProperties") is False and not COMPOSED & node.keys():
            node.setdefault("additionalProperties", False)
        for value in node.values():
            _close(value)
    elif isinstance(node, list):
        for value in node:
            _close(value)


def _leave_out(node: Any, document: Mapping[str, Any]) -> None:
    """Take out the parameters that OpenAPI has ignored: Schemathesis would vary them, and expect refusals."""
    if isinstance(node, dict):
        listed = node.get("parameters")
        if isinstance(listed, list):
            listed[:] = [each for each in listed if not _is_ignored(each, document)]
        for value in node.values():
            _leave_out(value, document)
    elif isinstance(node, list):
        for value in node:
            _leave_out(value, document)


def _is_ignored(parameter: Any, document: Mapping[str, Any]) -> bool:
    reference = parameter.get("$ref") if isinstance(parameter, Mapping) else None
    if isinstance(reference, str) and reference.startswith("#/"):
        parameter = look_up(dict(document), unquote(reference[1:]))
    if not isinstance(parameter, Mapping) or parameter.get("in") != "header":
        return False
    return str(parameter.get("name", "")).lower() in IGNORED_HEADERS
