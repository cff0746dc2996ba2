"""Where an exchange with the real service is not as the contract has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.contract.model import EMPTY, JSON, Contract, MediaType, Operation, Parameter, Response
from harness.contract.schema import compile_schema
from harness.contract.showing import shown
from harness.driving.curl import curl_line
from harness.findings import Finding
from harness.serving.bodies import RefusedBody, is_json, parse_json
from harness.serving.judging import Judgement
from harness.serving.parameters import Parameters
from harness.serving.problems import Reason
from harness.serving.wire import WITHOUT_BODY, encode_json
from mocks.misuse import Breach, Sent, address, body_breach, breaches, media_of, schema_text
from mocks.proxy.ledger import CHECK

_UNJUDGED = frozenset({"content-length", "content-type", "date", "connection", "transfer-encoding", "via"})
_SECRET = frozenset({"authorization", "cookie", "proxy-authorization"})


@dataclass(frozen=True, slots=True)
class Received:
    """What the service answered. ``headers`` have lower-case names; ``body`` is None where it was too long
    to be judged, or coded in a way that is not understood."""

    status: int
    headers: Mapping[str, str]
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Read:
    """A judged answer: how it breaks the contract, and its value where its type is understood."""

    breaches: tuple[Breach, ...]
    media: MediaType | None = None
    value: JSON = None


class Drift:
    """Judges exchanges with one service. ``url`` is where it is, for what reproduces a finding."""

    def __init__(self, contract: Contract, url: str) -> None:
        self._contract = contract
        self._url = url
        self._headers: dict[tuple[str, str], Parameters] = {}
        schemes = contract.security_schemes.values()
        self._secrets = _SECRET | {each.parameter.lower() for each in schemes if each.kind == "apiKey"}

    def of_request(self, judgement: Judgement, sent: Sent, received: Received) -> list[Finding]:
        """What is wrong with the request. The service's challenge to one without credentials is the way to
        ask for them (RFC 9110, section 11.1)."""
        problem = judgement.problem
        if problem is None or (problem.status == 401 and received.status == 401):
            return []
        found = breaches(self._contract, judgement, problem, sent)
        if judgement.operation is None:
            what = "an undocumented method" if problem.status == 405 else "an undocumented path"
            title = f"{what}: {sent.method} {sent.path}, which the service answers with {received.status}"
            found = [Breach(each.place, title, f"{received.status}", each.documented) for each in found]
        titled = "" if judgement.operation is None else "the request breaks the contract: "
        return [self._finding(judgement.operation, each, titled, sent) for each in found]

    def of_answer(self, operation: Operation, sent: Sent, received: Received) -> tuple[list[Finding], Read]:
        """What is wrong with the answer, and what it says."""
        read = self._read(operation, sent.method, received)
        return [self._finding(operation, each, "the answer: ", sent) for each in read.breaches], read

    def _read(self, operation: Operation, method: str, received: Received) -> Read:
        response = operation.response_for(received.status)
        if response is None:
            documented = ", ".join(operation.responses) or "no answer at all"
            title = f"status {received.status} is not documented"
            return Read((Breach(operation.place, title, str(received.status), documented),))
        wrong = list(self._header_breaches(operation, response, received))
        if received.body is None or method == "HEAD" or received.status in WITHOUT_BODY or not received.body:
            if response.content and received.body == b"" and method != "HEAD":
                types = ", ".join(response.content)
                wrong.append(Breach(response.place, f"{received.status} has no body", "nothing", types))
            return Read(tuple(wrong))
        media = _media(response, received.headers.get("content-type", ""))
        if media is None:
            sent = received.headers.get("content-type") or "no content type"
            documented = ", ".join(response.content) or "no body"
            title = f"the content type of {received.status} is not documented"
            return Read((*wrong, Breach(response.place, title, sent, documented)))
        value, found = _decoded(media, received)
        return Read((*wrong, *found), media, value)

    def _header_breaches(
        self, operation: Operation, response: Response, received: Received
    ) -> Iterator[Breach]:
        judged = {name.lower(): each for name, each in response.headers.items()}
        judged = {name: each for name, each in judged.items() if name not in _UNJUDGED}
        at = (operation.id, response.status)
        if at not in self._headers:
            as_parameters = tuple(
                Parameter(each.name, "header", each.required, each.schema)
                for each in judged.values()
                if each.schema is not None
            )
            self._headers[at] = Parameters(Operation("answer", "get", "/", parameters=as_parameters))
        for reason in self._headers[at].decode(EMPTY, b"", received.headers).reasons:
            header = judged[reason.pointer.split("/")[2].lower()]
            schema = header.schema
            title = f"the header {header.name} {reason.detail}"
            value = received.headers.get(header.name.lower(), "nothing")
            yield Breach(header.place, title, value, schema_text(schema) if schema else "")

    def _finding(self, operation: Operation | None, breach: Breach, titled: str, sent: Sent) -> Finding:
        return Finding(
            check=CHECK,
            service=self._contract.service,
            operation=operation.id if operation else "",
            title=titled + breach.title,
            received=breach.sent or "nothing",
            documented=breach.documented,
            where=breach.place,
            reproduce=self._curl(operation, sent),
        )

    def _curl(self, operation: Operation | None, sent: Sent) -> str:
        media = media_of(operation, sent.headers.get("content-type", ""))
        body = None
        if sent.body is not None:
            body = encode_json(shown(media.schema if media else None, sent.body))
        hidden = self._secrets - {"authorization"}
        headers = {name: value for name, value in sent.headers.items() if name not in hidden}
        return curl_line(sent.method, f"{self._url}{address(operation, sent)}", headers, body)


def _media(response: Response, content_type: str) -> MediaType | None:
    kind = content_type.partition(";")[0].strip().lower()
    content = {name.partition(";")[0].strip().lower(): each for name, each in response.content.items()}
    return content.get(kind) or content.get(f"{kind.partition('/')[0]}/*") or content.get("*/*")


def _decoded(media: MediaType, received: Received) -> tuple[JSON, list[Breach]]:
    body = received.body or b""
    kind = received.headers.get("content-type", "").partition(";")[0].strip().lower()
    if is_json(kind):
        try:
            value: JSON = parse_json(body)
        except RefusedBody as error:
            title = f"the body of {received.status} {error}"
            return None, [Breach(media.place, title, f"{len(body)} bytes", media.content_type)]
    elif kind.startswith("text/"):
        value = body.decode("utf-8", "replace")
    else:
        return None, []
    if media.schema is None:
        return value, []
    violations = compile_schema(media.schema, "response").violations(value)
    schema = media.schema
    return value, [body_breach(schema, value, Reason(each.pointer, each.detail)) for each in violations]
