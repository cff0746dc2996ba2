"""A failure of Schemathesis told as what was received beside what is documented."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from harness.contract.model import NOWHERE, Operation, Place
from harness.contract.schema import compile_schema
from harness.contract.styles import is_json
from harness.driving.curl import curl_line
from harness.driving.phi import Discretion

if TYPE_CHECKING:
    from schemathesis.engine.recorder import Interaction, ScenarioRecorder

TITLES: Mapping[str, str] = {
    "AcceptedNegativeData": "Schema-violating request accepted",
    "EnsureResourceAvailability": "Created resource not found",
    "MissingContentType": "Missing Content-Type header",
    "MissingHeaderNotRejected": "Missing required header accepted",
    "MissingHeaders": "Missing required response headers",
    "RejectedPositiveData": "Schema-valid request rejected",
    "ServerError": "Server error",
    "UndefinedContentType": "Undocumented Content-Type",
    "UndefinedStatusCode": "Undocumented status code",
    "UseAfterFree": "Deleted resource still available",
}
"""Names that stay whatever Schemathesis' version; what is not listed keeps the name that it has there."""

MOST = 300
"""Characters of an answer that are shown."""


@dataclass(frozen=True, slots=True)
class Defect:
    """An answer that the contract does not allow. ``operation`` is None if the contract lacks it.

    Two with the same operation, title and ``cause`` are one and the same.
    """

    operation: Operation | None
    title: str
    cause: str
    received: str
    documented: str
    where: Place
    reproduce: str


def defect_of(
    failure: Any, recorder: ScenarioRecorder, case_id: str, operation: Operation | None
) -> Defect | None:
    """One failure as a Defect; None if the request was no valid one after all."""
    interaction = recorder.interactions[case_id]
    sent = {name: values[0] for name, values in interaction.request.headers.items()}
    kind = type(failure).__name__
    if kind == "RejectedPositiveData" and operation is not None:
        asked = interaction.request
        if not (
            headers_are_valid(operation, sent)
            and path_is_valid(operation, asked.uri)
            and body_is_valid(operation, sent, asked.body)
        ):
            return None
    tell = _TOLD.get(kind, _plain)
    answer = interaction.response.content if interaction.response is not None else None
    shown = Discretion.over(operation, interaction.request.body, answer)
    received, documented = (shown.text(each) for each in tell(failure, interaction, shown))
    status = interaction.response.status_code if interaction.response is not None else 0
    response = operation.response_for(status) if operation else None
    answered = kind in _ABOUT_THE_ANSWER and response is not None
    return Defect(
        operation=operation,
        title=TITLES.get(kind) or failure.title,
        cause=_cause(failure),
        received=received,
        documented=documented,
        where=(response.place if answered and response else operation.place) if operation else NOWHERE,
        reproduce=curl_line(
            interaction.request.method,
            interaction.request.uri,
            sent,
            shown.request_bytes(interaction.request.body),
        ),
    )


def schema_cause(pointer: str, keyword: str) -> str:
    """What makes violations of a schema the same: the keyword, and where, whichever item of a list it is.

    ``unevaluatedProperties`` is known to Schemathesis by its older name (see ``property_setup``).
    """
    keyword = keyword.replace("unevaluatedProperties", "additionalProperties")
    return f"{re.sub(r'/[0-9]+(?=/|$)', '/*', pointer)} {keyword}"


def _cause(failure: Any) -> str:
    if type(failure).__name__ == "JsonSchemaError":
        pointer = "".join(f"/{part}" for part in failure.instance_path)
        return schema_cause(pointer, str(failure.schema_path[-1]) if failure.schema_path else "")
    status = getattr(failure, "status_code", "")
    return str(status or getattr(failure, "content_type", "") or getattr(failure, "missing_headers", ""))


def headers_are_valid(operation: Operation, sent: Mapping[str, str]) -> bool:
    """Whether the headers sent keep their schemas.

    Schemathesis' coverage phase draws headers of letters and digits alone, and sends such a value in
    requests that it takes for valid even where the pattern wants more (an entity tag's quotes, say).
    """
    texts = {name.lower(): value for name, value in sent.items()}
    return all(
        compile_schema(parameter.schema).is_valid(texts[parameter.name.lower()])
        for parameter in operation.parameters
        if parameter.location == "header"
        and parameter.name.lower() in texts
        and _is_text(parameter.schema.raw)
    )


def path_is_valid(operation: Operation, uri: str) -> bool:
    """Whether the values in a path that are single segments of text keep their schemas.

    Schemathesis' stateful phase takes them from answers, whose ids may be of a wider form.
    """
    schemas = {each.name: each.schema for each in operation.parameters if each.location == "path"}
    names = operation.path.split("/")[1:]
    texts = urlsplit(uri).path.split("/")[-len(names) :]
    for name, text in zip(names, texts, strict=False):
        schema = schemas.get(name[1:-1]) if name.startswith("{") and name.endswith("}") else None
        if schema is not None and _is_text(schema.raw) and not compile_schema(schema).is_valid(unquote(text)):
            return False
    return True


def body_is_valid(operation: Operation, sent: Mapping[str, str], body: bytes | None) -> bool:
    """Whether a body keeps its schema, as far as that is of JSON.

    Hypothesis writes by Python's regular expressions, whose ``.`` is a carriage return too.
    """
    content = operation.body.content if operation.body is not None else {}
    texts = {name.lower(): value for name, value in sent.items()}
    media = content.get(texts.get("content-type", "").partition(";")[0].strip())
    if media is None or media.schema is None or not is_json(media.content_type) or not body:
        return True
    try:
        return compile_schema(media.schema, "request").is_valid(json.loads(body))
    except ValueError:
        return False


def _is_text(raw: Mapping[str, Any] | bool) -> bool:
    return isinstance(raw, Mapping) and raw.get("type") == "string"


def _plain(failure: Any, interaction: Interaction, shown: Discretion) -> tuple[str, str]:
    return _answer(interaction, shown), _line(failure.message) or _line(failure.title)


def _undocumented_status(failure: Any, interaction: Interaction, shown: Discretion) -> tuple[str, str]:
    return _answer(interaction, shown), ", ".join(failure.defined_status_codes)


def _undocumented_type(failure: Any, _: Interaction, __: Discretion) -> tuple[str, str]:
    return f"Content-Type: {failure.content_type}", ", ".join(failure.defined_content_types)


def _missing_headers(failure: Any, interaction: Interaction, _: Discretion) -> tuple[str, str]:
    names = ", ".join(failure.missing_headers)
    return f"{_status(interaction)} without {names}", f"required response headers: {names}"


def _wrong_schema(failure: Any, interaction: Interaction, _: Discretion) -> tuple[str, str]:
    """Where in the answer, which keyword says otherwise, and what it says."""
    at = "".join(f"/{part}" for part in failure.instance_path)
    keyword = str(failure.schema_path[-1]) if failure.schema_path else ""
    says = failure.schema.get(keyword) if isinstance(failure.schema, Mapping) else None
    documented = f"{keyword}: {json.dumps(says, ensure_ascii=False)}" if says is not None else keyword
    received = f"{_status(interaction)}, at {at or 'the whole body'}: {_line(failure.validation_message)}"
    return received, _cut(f"{documented} (schema at /{'/'.join(map(str, failure.schema_path[:-1]))})")


def _rejected(failure: Any, interaction: Interaction, shown: Discretion) -> tuple[str, str]:
    allowed = ", ".join(failure.allowed_statuses)
    return _answer(interaction, shown), f"a request that keeps the contract is answered with one of {allowed}"


def _accepted(failure: Any, interaction: Interaction, shown: Discretion) -> tuple[str, str]:
    """What is wrong with the request stands at the end of Schemathesis' message."""
    _, _, wrong = failure.message.partition("Invalid component:")
    promised = f"a request that breaks the contract is rejected: {_line(wrong) or 'it does'}"
    return _answer(interaction, shown), promised


_TOLD: Mapping[str, Callable[[Any, Interaction, Discretion], tuple[str, str]]] = {
    "UndefinedStatusCode": _undocumented_status,
    "UndefinedContentType": _undocumented_type,
    "MissingHeaders": _missing_headers,
    "JsonSchemaError": _wrong_schema,
    "RejectedPositiveData": _rejected,
    "AcceptedNegativeData": _accepted,
}

_ABOUT_THE_ANSWER = frozenset({"JsonSchemaError", "MissingHeaders", "UndefinedContentType", "MalformedJson"})


def _status(interaction: Interaction) -> str:
    return str(interaction.response.status_code) if interaction.response is not None else "no answer"


def _answer(interaction: Interaction, shown: Discretion) -> str:
    """Status and the beginning of the body."""
    response = interaction.response
    if response is None:
        return "no answer"
    text = shown.answer_text(response.content or b"")
    return _cut(f"{response.status_code} {_line(text)}".strip())


def _line(text: str) -> str:
    return " ".join(text.split())


def _cut(text: str) -> str:
    return text if len(text) <= MOST else text[: MOST - 2] + " …"
