"""The ``x-phi`` values of an exchange: what must not turn up in a record, nor be shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from harness.contract.model import JSON, Contract, Operation, Schema
from harness.contract.phi import marked, masked, withheld
from harness.driving.scenarios import json_media

SHORTEST = 6
"""A value shorter than this may stand in a record by chance."""


@dataclass(frozen=True, slots=True)
class Discretion:
    """What of one exchange may be shown. ``asked`` and ``answered`` are its bodies, decoded.

    ``operation`` is None for what the contract does not describe: nothing of that is marked.
    """

    operation: Operation | None
    asked: JSON = None
    answered: JSON = None

    @classmethod
    def over(cls, operation: Operation | None, sent: bytes | None, received: bytes | None) -> Discretion:
        """From bodies as they travelled; one that is no JSON counts as none."""
        return cls(operation, _decoded(sent), _decoded(received))

    @property
    def request(self) -> JSON:
        """The request's body without its ``x-phi`` values."""
        return masked(_request_schemas(self.operation), self.asked)

    def request_bytes(self, sent: bytes | None) -> bytes | None:
        """The body as it was sent, written anew where something is withheld."""
        shown = self.request
        return sent if shown == self.asked else json.dumps(shown, ensure_ascii=False).encode()

    def answer_text(self, raw: bytes) -> str:
        """The answer's body as text, without ``x-phi`` values and echoes of the request's."""
        shown = masked(_answer_schemas(self.operation), self.answered)
        text = raw.decode("utf-8", "replace")
        return self.text(text if shown == self.answered else json.dumps(shown, ensure_ascii=False))

    def text(self, text: str) -> str:
        """Any text that speaks of the exchange, without its ``x-phi`` values."""
        if self.operation is None:
            return text
        return withheld(text, phi_values(self.operation, self.asked, self.answered))


def phi_values(operation: Operation, body: JSON, answer: JSON) -> set[str]:
    """The ``x-phi`` texts of a request and its answer, of any length."""
    found = marked(_request_schemas(operation), body)
    return found | marked(_answer_schemas(operation), answer)


def phi_of_examples(contract: Contract) -> frozenset[str]:
    """The ``x-phi`` texts of a contract's examples, those that no chance would write.

    Whatever a harness makes or a seeded service holds is made of them.
    """
    found: set[str] = set()
    for schema in contract.schemas.values():
        raw = schema.raw if isinstance(schema.raw, Mapping) else {}
        listed = raw.get("examples")
        for each in [*(listed if isinstance(listed, list) else ()), raw.get("example")]:
            found |= marked([schema], each)
    for operation in contract.operations.values():
        bodies = list(operation.body.content.values()) if operation.body else []
        answers = [media for response in operation.responses.values() for media in response.content.values()]
        for media in (*bodies, *answers):
            for example in media.examples if media.schema is not None else ():
                found |= marked([media.schema], example.value)
    return frozenset(each for each in found if len(each) >= SHORTEST) - states_of(contract)


def states_of(contract: Contract) -> frozenset[str]:
    """The words for states: a copy of a record says them too, and who withholds them everywhere hides what
    a service was found to do."""
    return frozenset(state for lifecycle in contract.lifecycles.values() for state in lifecycle.states)


def _request_schemas(operation: Operation | None) -> list[Schema]:
    media = json_media(operation.body) if operation is not None else None
    return [media.schema] if media is not None and media.schema is not None else []


def _answer_schemas(operation: Operation | None) -> list[Schema]:
    answers = operation.successes if operation is not None else ()
    media = [each for response in answers for each in response.content.values()]
    return [each.schema for each in media if each.schema is not None]


def _decoded(body: bytes | None) -> JSON:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return None
