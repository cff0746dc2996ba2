"""A second opinion: openapi-core judges recorded exchanges, so that we never mark our own work."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.deserializing.styles.exceptions import EmptyQueryParameterValue
from openapi_core.templating.paths.exceptions import PathError
from openapi_core.templating.responses.exceptions import ResponseNotFound
from openapi_core.validation.request.exceptions import MissingRequiredRequestBody, SecurityValidationError
from werkzeug.datastructures import Headers, ImmutableMultiDict

from harness.contract import load
from harness.contract.model import Contract
from harness.serving.routing import Match, Routes

_UNSEEN = ("is not a documented parameter", "must be a valid uri")
"""What openapi-core does not look at: query parameters that no contract names, and a URI's form."""


@dataclass
class Sent:
    """A recorded request in the shape that openapi-core asks for."""

    host_url: str
    path: str
    method: str
    parameters: RequestParameters
    content_type: str
    body: bytes | None


@dataclass
class Received:
    """A recorded answer in the shape that openapi-core asks for."""

    status_code: int
    content_type: str
    headers: Headers
    data: bytes


class Judge:
    """One contract file, judged by openapi-core alone. Security is not its business here.

    ``json_types`` are further content types that are JSON: it reads application/json only. ``refusals`` says
    that a refusal may be problem details where the contract documents no other answer to it,
    ``json_in_text`` that an answer in text may be JSON, as it must be where its schema is an object.
    """

    def __init__(
        self,
        contract: Path,
        json_types: Iterable[str] = (),
        *,
        refusals: bool = False,
        json_in_text: bool = False,
    ) -> None:
        self._refusals = refusals
        known = {"application/problem+json", *json_types}  # problem details are JSON too (RFC 9457)
        readers: dict[str, Callable[..., Any]] = dict.fromkeys(known, _json)
        of_text = {"text/plain": _json_or_text} if json_in_text else {}
        read = load(contract)
        self._routes, self._operations = Routes(read.operations.values()), read.operations
        self._openapi = _opened(contract, read, Config(extra_media_type_deserializers=readers))
        self._answers = self._openapi
        if of_text:
            self._answers = _opened(contract, read, Config(extra_media_type_deserializers=readers | of_text))
        schemes = [each.scheme for each in read.security_schemes.values() if each.kind == "http"]
        self._credentials = f"{schemes[0]} x" if schemes else None

    def disagreements(self, exchanges: Iterable[Mapping[str, Any]]) -> list[str]:
        """One line each exchange where openapi-core sees it differently than the service did."""
        return [line for exchange in exchanges for line in self._judge(exchange)]

    def _judge(self, exchange: Mapping[str, Any]) -> list[str]:
        sent, received, status = self._sent(exchange), _received(exchange), int(exchange["status"])
        name = f"{exchange['method']} {exchange['path']} → {status}"
        in_answer = list(self._answers.iter_response_errors(sent, received))
        if any(isinstance(error, PathError) for error in in_answer):
            same = status in (404, 405) or exchange["method"] in ("OPTIONS", "HEAD")
            return [] if same else [f"{name}: openapi-core knows no such operation"]
        if self._refusals and status >= 400 and received.content_type == "application/problem+json":
            in_answer = [each for each in in_answer if not isinstance(each, ResponseNotFound)]
        found = [f"{name}: openapi-core refuses the answer: {_why(error)}" for error in in_answer]
        if 300 <= status != 400:
            return found  # whether a request is valid says nothing of these
        in_request = [
            e
            for e in self._openapi.iter_request_errors(sent)
            if not isinstance(e, SecurityValidationError) and not _is_ignored(e)
        ]
        if status < 300:
            refused = [
                each for each in in_request if not _is_misread(each) and not _is_empty_text(sent, each)
            ]
            found += [f"{name}: accepted, but openapi-core refuses the request: {_why(e)}" for e in refused]
        elif status == 400 and not in_request and not self._stricter(exchange) and self._succeeds(exchange):
            said = exchange.get("refused") or exchange["response_body"]
            found.append(f"{name}: refused as invalid, but openapi-core finds nothing wrong: {said}")
        return found

    def _sent(self, exchange: Mapping[str, Any]) -> Sent:
        """With some credentials, which are not on record: without them nothing else would be judged."""
        sent = _sent(exchange)
        if self._credentials is not None:
            headers = Headers([*sent.parameters.header.items()])
            headers.setdefault("authorization", self._credentials)
            sent.parameters.header = headers
        return sent

    def _succeeds(self, exchange: Mapping[str, Any]) -> bool:
        """Whether the contract documents a success of an operation, or what else can it answer?"""
        found = self._routes.find(exchange["method"], exchange["path"], exchange["query"])
        return not isinstance(found, Match) or bool(self._operations[found.operation].successes)

    @staticmethod
    def _stricter(exchange: Mapping[str, Any]) -> bool:
        """Whether a request was refused only for what openapi-core does not look at."""
        errors = exchange.get("refused") or json.loads(exchange["response_body"] or "{}").get("errors", [])
        return bool(errors) and all(any(each in error["detail"] for each in _UNSEEN) for error in errors)


def _is_ignored(error: BaseException) -> bool:
    """It holds requests to header parameters that OpenAPI has ignored (3.1, "Parameter Object")."""
    ignored = ("accept", "authorization", "content-type")
    return getattr(error, "location", "") == "header" and str(getattr(error, "name", "")).lower() in ignored


def _is_misread(error: BaseException) -> bool:
    """It refuses ``name=`` in a query whatever the schema, although that is how an empty string is written;
    it looks for an exploded object under the object's own name (OpenAPI 3.1, "Style Examples")."""
    causes = [error]
    while causes[-1].__cause__ is not None:
        causes.append(causes[-1].__cause__)
    empty = any(isinstance(each, EmptyQueryParameterValue) for each in causes)
    return empty or "dictionary update sequence" in str(causes[-1])


def _opened(file: Path, contract: Contract, config: Config) -> OpenAPI:
    """It takes ``{?name*}`` in a path, a query template (RFC 6570), for a path parameter: it gets what is
    before it."""
    root: Any = contract.documents[file.resolve().as_uri()]
    if not any("{?" in path for path in root.get("paths", ())):
        return OpenAPI.from_file_path(str(file), config)
    paths = {path.partition("{?")[0]: item for path, item in root["paths"].items()}
    return OpenAPI.from_dict({**root, "paths": paths}, config, base_uri=file.resolve().as_uri())


def _is_empty_text(sent: Sent, error: BaseException) -> bool:
    """It takes no bytes for no body, where of a text they are an empty one."""
    return sent.content_type.startswith("text/") and isinstance(error, MissingRequiredRequestBody)


def _json(value: bytes, **_parameters: str) -> Any:
    return json.loads(value)


def _json_or_text(value: bytes, **_parameters: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value.decode()


def _sent(exchange: Mapping[str, Any]) -> Sent:
    headers = Headers(list(exchange["headers"].items()))
    url = str(exchange["url"])
    host = url[: url.index("/", url.index("//") + 2)]
    return Sent(
        host_url=host,
        path=exchange["path"],
        method=exchange["method"].lower(),
        parameters=RequestParameters(
            query=ImmutableMultiDict(parse_qsl(exchange["query"], keep_blank_values=True)), header=headers
        ),
        content_type=headers.get("content-type", ""),
        body=exchange["body"].encode() or None,
    )


def _received(exchange: Mapping[str, Any]) -> Received:
    headers = Headers(list(exchange["response_headers"].items()))
    kind = headers.get("content-type", "")
    return Received(exchange["status"], kind, headers, exchange["response_body"].encode())


def _why(error: BaseException) -> str:
    causes = []
    cause: BaseException | None = error
    while cause is not None:
        inner = getattr(cause, "schema_errors", None)
        text = "; ".join(str(e.message) for e in inner) if inner else str(cause)
        causes.append(f"{type(cause).__name__}: {text}")
        cause = cause.__cause__
    return " ← ".join(causes)


def read(file: Path) -> list[dict[str, Any]]:
    """The exchanges of a ``--exchanges`` file."""
    with file.open(encoding="utf-8", newline="\n") as lines:  # JSON may hold what Unicode calls a line's end
        return [json.loads(line) for line in lines]
