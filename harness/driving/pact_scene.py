"""What an interaction takes for granted, brought about: its provider states, and a token of who asks."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from harness.contract.expressions import Context, evaluate
from harness.contract.model import JSON, Contract, Operation
from harness.driving.actors import claims_for, needs_token
from harness.driving.addressing import operation_at, query_of
from harness.driving.pact_files import Interaction
from harness.driving.states import States
from harness.errors import ContractError, TokenError
from harness.target import Target


def has_control(target: Target) -> bool:
    """Whether states can be made on a target."""
    return target.control is not None and "control" in target.capabilities


def cannot_prepare(interaction: Interaction, contract: Contract, target: Target) -> str:
    """Why an interaction's states cannot be made on this target; empty if they can, or need not be.

    A mock made from the contract alone answers with the contract's examples: they are its state.
    """
    if target.kind == "mock" and not has_control(target):
        return ""
    if interaction.states and not has_control(target):
        named = "' and '".join(sorted({each.name for each in interaction.states}))
        return f"'{named}' cannot be made true: this target offers no control endpoint"
    for state in interaction.states:
        if state.schema is None:
            return f"its state '{state.name}' is not of the form '<Schema> exists'"
        if state.schema not in contract.schemas:
            return f"its state '{state.name}' names no component schema of {contract.service}"
    return ""


class Scene:
    """Prepares requests of a pact's verification: see ``pact_relay.Prepare``."""

    def __init__(
        self, contract: Contract, target: Target, states: States, numbered: Mapping[int, Interaction]
    ) -> None:
        self.contract, self.target = contract, target
        self._states, self._numbered = states, numbered

    def __call__(
        self, number: int, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> Mapping[str, str]:
        """Make the states; the headers to set: a token, and for a mock which answer is asked for."""
        interaction = self._numbered[number]
        documents = self.make(interaction)
        expected = interaction.raw.get("response") or {}
        status = int(expected.get("status", 200))
        added: dict[str, str] = {}
        if self.target.kind == "mock":
            added["Prefer"] = f"code={status}"  # RFC 7240; without memory it cannot know which one is due
        found = operation_at(self.contract, method, path)
        if found is None or status == 401:  # 401 is asked for without a token
            return added
        operation, parameters = found
        request = Context(
            method=method,
            url=path,
            request_path=parameters,
            request_query=query_of(path),
            request_headers=dict(headers),
            request_body=_json(body),
        )
        stored = [*documents, _content(expected.get("body"))]
        token = self._token(operation, subject_of(operation, request, stored))
        return added if token is None else {**added, "Authorization": f"Bearer {token}"}

    def make(self, interaction: Interaction) -> list[dict[str, JSON]]:
        """The documents that its states name, in a service that holds nothing else. Raises StateError."""
        if not has_control(self.target):
            return []
        self._states.reset(seed=False)
        return [
            self._states.make(state.schema, state.parameters) for state in interaction.states if state.schema
        ]

    def _token(self, operation: Operation, subject: str | None) -> str | None:
        if not operation.security:
            return None
        if self.target.tokens is None:
            if not needs_token(operation):
                return None
            raise TokenError(
                self.target.url,
                f"{operation.id} wants a token and there is no source of tokens",
                remedy="Give one with --token-command CMD",
            )
        return self.target.tokens(claims_for(operation, subject))


def subject_of(operation: Operation, request: Context, stored: Iterable[JSON]) -> str | None:
    """The patient of whom the request speaks, else of whom what is stored speaks."""
    if operation.subject is None:
        return None
    for context in (request, *(Context(response_body=each) for each in stored)):
        with contextlib.suppress(ContractError):
            found = evaluate(operation.subject, context)
            if isinstance(found, str) and found:
                return found
    return None


def _json(body: bytes) -> JSON:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return None


def _content(body: Any) -> JSON:
    """The expected body; specification 4 wraps it."""
    return body.get("content") if isinstance(body, Mapping) and "content" in body else body
