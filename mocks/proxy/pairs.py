"""Exchanges that kept the contract, as named example pairs without secrets and without anybody's health."""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.contract.documents import read_yaml
from harness.contract.model import JSON, Contract, MediaType, Operation, Parameter
from harness.contract.recorded import pair_files
from harness.contract.schema import compile_schema
from harness.serving.exchange import Request
from mocks.misuse import media_of
from mocks.proxy.drift import Read, Received
from mocks.proxy.fakes import CannotFake, Fakes

LOG = logging.getLogger("portal.mocks")

MOST = 1000
MOST_OF_ONE = 100
"""Pairs that are kept, in all and of one operation."""

_OF_ONE_EXCHANGE = frozenset(
    {
        "authorization",
        "cookie",
        "idempotency-key",
        "prefer",
        "proxy-authorization",
        "traceparent",
        "tracestate",
        "x-correlation-id",
    }
)
"""Request headers that say nothing about which answer they get, or are secrets."""

_UNKEPT = frozenset(
    {"set-cookie", "www-authenticate", "x-correlation-id", "traceparent", "date", "content-length"}
)
_FILE = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(slots=True)
class Count:
    """How a recording went. ``unclean``: not kept, since no valid fake was found for what must go."""

    kept: int = 0
    repeated: int = 0
    unclean: int = 0
    over: int = 0

    def __str__(self) -> str:
        parts = [f"{self.kept} kept"]
        parts += [f"{self.repeated} as before"] if self.repeated else []
        parts += [f"{self.over} more than are kept"] if self.over else []
        return ", ".join(parts + ([f"{self.unclean} that could not be made clean"] if self.unclean else []))


@dataclass(slots=True)
class _Pair:
    file: Path
    document: dict[str, JSON]
    operation: Operation
    media: MediaType | None
    answer: MediaType | None


@dataclass(slots=True)
class Pairs:
    """Writes into one folder; pairs of earlier recordings there stay, and are not recorded again.

    ``keep`` may be called from several threads.
    """

    contract: Contract
    folder: Path
    count: Count = field(default_factory=Count)
    _fakes: Fakes = field(init=False)
    _pairs: list[_Pair] = field(default_factory=list)
    _asked: set[str] = field(default_factory=set)
    _names: dict[str, set[str]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._fakes = Fakes(self.contract)
        for file in pair_files(self.folder) if self.folder.is_dir() else ():
            document = read_yaml(file)
            if isinstance(document, Mapping) and isinstance(document.get("operation"), str):
                self._asked.add(_question(document))
                self._names.setdefault(document["operation"], set()).add(str(document.get("name")))

    def keep(self, request: Request, received: Received, read: Read) -> None:
        """One exchange, both sides of which keep the contract. What is no JSON or text is left out."""
        operation = request.operation
        sent = media_of(operation, request.content_type)
        if isinstance(request.body, bytes) or (received.body and read.value is None):
            return
        with self._lock:
            before = len(self._fakes.known)
            for credential in _credentials(self.contract, request):
                self._fakes.secret(credential)
            try:
                document = self._document(operation, request, received, read, sent)
            except CannotFake as error:
                self.count.unclean += 1
                LOG.warning("%s is not recorded: %s", operation.id, error)
                return
            pair = _Pair(Path(), document, operation, sent, read.media)
            if len(self._fakes.known) != before:
                self._link()
            self._take(pair)

    def _take(self, pair: _Pair) -> None:
        pair.document = self._fakes.linked(pair.document)
        question = _question(pair.document)
        names = self._names.setdefault(pair.operation.id, set())
        if question in self._asked:
            self.count.repeated += 1
        elif len(self._pairs) >= MOST or len(names) >= MOST_OF_ONE:
            self.count.over += 1
        elif not _valid(pair):
            self.count.unclean += 1
            LOG.warning("%s is not recorded: with what is x-phi replaced it is not valid", pair.operation.id)
        else:
            name = next(each for n in range(1, len(names) + 2) if (each := f"recorded-{n}") not in names)
            names.add(name)
            self._asked.add(question)
            pair.document = {"operation": pair.operation.id, "name": name} | pair.document
            pair.file = self.folder / _FILE.sub("_", pair.operation.id) / f"{name}.json"
            self._pairs.append(pair)
            self.count.kept += 1
            _write(pair)

    def _link(self) -> None:
        """What is known to be somebody's now may stand in pairs that were kept before."""
        for pair in list(self._pairs):
            linked = self._fakes.linked(pair.document)
            if linked == pair.document:
                continue
            pair.document = linked
            if _valid(pair):
                _write(pair)
            else:
                pair.file.unlink(missing_ok=True)
                self._pairs.remove(pair)
                self.count.kept -= 1
                self.count.unclean += 1

    def _document(
        self, operation: Operation, request: Request, received: Received, read: Read, sent: MediaType | None
    ) -> dict[str, JSON]:
        document: dict[str, JSON] = {}
        parameters = [
            {"in": each.location, "name": each.name, "example": {"value": self._clean(each, value)}}
            for each, value in _parameters(self.contract, operation, request)
        ]
        if parameters:
            document["parameters"] = parameters
        if request.body is not None and sent is not None:
            value = self._fakes.replaced(sent.schema, request.body) if sent.schema else request.body
            document["request"] = {"contentType": sent.content_type, "example": {"value": value}}
        response: dict[str, JSON] = {"status": received.status}
        headers = {
            each.name: {"value": received.headers[each.name.lower()]}
            for each in _headers(operation, received.status)
            if each.name.lower() in received.headers
        }
        if headers:
            response["headers"] = headers
        if read.media is not None:
            value = self._fakes.replaced(read.media.schema, read.value) if read.media.schema else read.value
            response |= {"contentType": read.media.content_type, "example": {"value": value}}
        document["response"] = response
        return document

    def _clean(self, parameter: Parameter, value: JSON) -> JSON:
        return self._fakes.replaced(parameter.schema, value)


def _parameters(
    contract: Contract, operation: Operation, request: Request
) -> Iterator[tuple[Parameter, JSON]]:
    schemes = contract.security_schemes.values()
    secret = {(each.location, each.parameter.lower()) for each in schemes if each.kind == "apiKey"}
    for each in operation.parameters:
        name = each.name.lower()
        if (each.location, name) in secret or each.location == "cookie" or name in _OF_ONE_EXCHANGE:
            continue
        value: JSON
        if each.location == "header":
            value = _typed(each, request.headers.get(name))
        else:
            value = (request.path if each.location == "path" else request.query).get(each.name)
        if value is not None:
            yield each, value


def _typed(parameter: Parameter, text: str | None) -> JSON:
    """A header's text as its schema has it."""
    if text is None or compile_schema(parameter.schema).is_valid(text):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _headers(operation: Operation, status: int) -> Iterator[Parameter]:
    response = operation.response_for(status)
    for header in response.headers.values() if response is not None else ():
        if header.name.lower() not in _UNKEPT and header.schema is not None:
            yield Parameter(header.name, "header", header.required, header.schema)


def _credentials(contract: Contract, request: Request) -> Iterator[str]:
    """Whatever was sent to prove who asks."""
    yield request.headers.get("authorization", "").partition(" ")[2].strip()
    for pair in request.headers.get("cookie", "").split(";"):
        yield pair.partition("=")[2].strip()
    for scheme in contract.security_schemes.values():
        if scheme.kind == "apiKey":
            yield request.headers.get(scheme.parameter.lower(), "")
            yield str(request.query.get(scheme.parameter, ""))


def _valid(pair: _Pair) -> bool:
    """Whether both sides keep the contract still, with all that was replaced."""
    document, operation = pair.document, pair.operation
    for each in document.get("parameters", ()):
        parameter = operation.parameter(each["in"], each["name"])
        if parameter is not None and not compile_schema(parameter.schema).is_valid(each["example"]["value"]):
            return False
    for media, word in ((pair.media, "request"), (pair.answer, "response")):
        example = document.get(word, {}).get("example")
        if media is not None and media.schema is not None and example is not None:
            direction = "request" if word == "request" else "response"
            if not compile_schema(media.schema, direction).is_valid(example["value"]):  # type: ignore[arg-type]
                return False
    return True


def _question(document: Mapping[str, JSON]) -> str:
    """What was asked, and the status it got: of two alike the first is kept."""
    asked = [document.get("parameters"), document.get("request"), document.get("response", {}).get("status")]
    return json.dumps(asked, sort_keys=True)


def _write(pair: _Pair) -> None:
    """A whole file or none, so that whoever reads the folder meanwhile finds no half of one."""
    pair.file.parent.mkdir(parents=True, exist_ok=True)
    draft = pair.file.with_suffix(".part")
    draft.write_text(json.dumps(pair.document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    draft.replace(pair.file)
