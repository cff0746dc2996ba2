"""From an ASGI request to a ``Request`` that a handler can trust: everything wrong is told at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from harness.contract.expressions import Context, evaluate, parse
from harness.contract.model import JSON, Contract, Operation
from harness.serving.access import Claims, allowed, request_subject
from harness.serving.bodies import Bodies
from harness.serving.exchange import Request
from harness.serving.known_heads import known_in
from harness.serving.media import Named
from harness.serving.parameters import Parameters
from harness.serving.problems import Problem, Reason
from harness.serving.security import forbidden
from harness.serving.tracing import CORRELATION, Trace
from harness.serving.wire import Scope, read_body, too_large


class _Read(NamedTuple):
    """What a request's head says, and what is wrong with that."""

    url: str
    path: Mapping[str, JSON]
    query: Mapping[str, JSON]
    reasons: Sequence[Reason]


class Admission:
    """One operation's way in, compiled: negotiation, body, parameters, and the request's subject."""

    def __init__(
        self, operation: Operation, contract: Contract, *, max_body: int, judge_subject: bool
    ) -> None:
        self.operation = operation
        self._method = operation.method.upper()
        self._parameters = Parameters(operation, _security_parameters(operation, contract))
        self._bodies = Bodies(operation)
        self._produced = _produced(operation)
        self._max_body = max_body
        self._subject = request_subject(operation) if judge_subject else None
        expression = parse(self._subject) if self._subject is not None else None
        self._whose = expression.name if expression and expression.source == "request.path" else None
        """The path parameter that names the subject, where one does."""

    async def admit(
        self,
        scope: Scope,
        receive: Any,
        headers: Mapping[str, str],
        path: Mapping[str, str],
        claims: Claims,
        trace: Trace,
    ) -> Request:
        """Raises Problem: 406, 413, 415; 403 for another patient's data; then 400 with every reason."""
        self._negotiate(headers)
        raw = await read_body(receive, headers, self._max_body) if self._bodies.expected else b""
        return self._taken(self._read(scope, headers, path), raw, headers, claims, trace)

    def admit_whole(
        self,
        scope: Scope,
        raw: bytes,
        headers: Mapping[str, str],
        path: Mapping[str, str],
        claims: Claims,
        trace: Trace,
    ) -> Request:
        """The same of a request that has come with its whole body."""
        known = known_in(scope)
        read: _Read | None = known.found.get(self) if known is not None else None
        if read is None:
            self._negotiate(headers)
        if not self._bodies.expected:
            raw = b""
        elif len(raw) > self._max_body:
            raise too_large(self._max_body)
        if read is None:
            read = self._read(scope, headers, path)
            if known is not None and not read.reasons:
                known.found[self] = read
        elif known is not None and known.varies and (reasons := self._parameters.varying(headers)):
            read = read._replace(reasons=reasons)
        return self._taken(read, raw, headers, claims, trace)

    def _negotiate(self, headers: Mapping[str, str]) -> None:
        accept = headers.get("accept")
        if accept is not None and accept != "*/*" and not acceptable(accept, self._produced):
            raise Problem(406, detail=f"This answers with {', '.join(self._produced)}.")

    def _read(self, scope: Scope, headers: Mapping[str, str], path: Mapping[str, str]) -> _Read:
        decoded = self._parameters.decode(path, scope["query_string"], headers)
        return _Read(_url(scope, headers), decoded.path, decoded.query, decoded.reasons)

    def _taken(
        self, read: _Read, raw: bytes, headers: Mapping[str, str], claims: Claims, trace: Trace
    ) -> Request:
        reasons = [*read.reasons]
        body, content_type = self._bodies.decode(raw, headers, reasons)
        request = Request(
            self.operation,
            self._method,
            read.url,
            read.path,
            read.query,
            headers,
            body,
            content_type,
            claims,
            *trace,
        )
        if self._subject is not None:
            self._judge(request, self._subject, bool(reasons))
        if reasons:
            raise Problem(400, detail="The request does not keep the contract.", errors=reasons)
        return request

    def _judge(self, request: Request, expression: str, invalid: bool) -> None:
        """Refuse what concerns somebody whom the caller may not act for, before saying anything else."""
        name = self._whose
        subject = request.path.get(name) if name is not None else evaluate(expression, context_of(request))
        if (subject is not None or not invalid) and not allowed(self.operation, request.claims, subject):
            named = subject if isinstance(subject, str) else None
            raise forbidden("The caller may not act for this patient.", claims=request.claims, patient=named)

    def correlates(self, headers: Mapping[str, str]) -> bool:
        """Whether the correlation id in a request's headers, if there is one, is what the contract takes."""
        return not self._parameters.varying(headers, CORRELATION)

    def named_by(self, path: Mapping[str, str], headers: Mapping[str, str]) -> str | None:
        """The patient whom the path names, for a request that was refused before it was read; else None."""
        if self._whose is None:
            return None
        subject = self._parameters.decode(path, b"", headers).path.get(self._whose)
        return subject if isinstance(subject, str) else None


def context_of(request: Request) -> Context:
    """What runtime expressions over the request see."""
    return Context(
        method=request.method,
        url=request.url,
        request_path=request.path,
        request_query=request.query,
        request_headers=request.headers,
        request_body=request.body,
    )


def acceptable(accept: str, produced: tuple[str, ...]) -> bool:
    """Whether an Accept header takes one of the produced types (RFC 9110, 12.5.1; a ``q`` of 0 excludes)."""
    if not produced:
        return True
    for part in accept.lower().split(","):
        wanted, *options = (each.strip() for each in part.split(";"))
        if any(each.replace(" ", "").startswith("q=0") and not each.strip("q=0. ") for each in options):
            continue
        major = wanted.partition("/")[0]
        if wanted in {"*/*", ""} or wanted in produced:
            return True
        if wanted == f"{major}/*" and any(each.startswith((f"{major}/", "*/")) for each in produced):
            return True
        if any("*" in each and Named(each).fits(Named(wanted)) for each in produced):
            return True
    return False


def _produced(operation: Operation) -> tuple[str, ...]:
    """The content types of the documented successes; none where one success has no body."""
    types = [tuple(each.content) for each in operation.successes]
    if not all(types):
        return ()
    return tuple(dict.fromkeys(name.lower().partition(";")[0].strip() for each in types for name in each))


def _security_parameters(operation: Operation, contract: Contract) -> list[str]:
    named = {name for alternative in operation.security for name in alternative}
    schemes = (contract.security_schemes[name] for name in named if name in contract.security_schemes)
    return [each.parameter for each in schemes if each.kind == "apiKey" and each.location == "query"]


def _url(scope: Scope, headers: Mapping[str, str]) -> str:
    url = f"{scope['scheme']}://{headers.get('host', '')}{scope['raw_path'].decode('latin-1')}"
    return f"{url}?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else url
