"""Accesses: who asked for what of whose, and whether it was granted, said as ``x-records`` asks.

Made from the contract alone, so that whoever serves it tells the same; how it gets to its topic is theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from harness.contract.expressions import evaluate
from harness.contract.model import JSON, Contract, MessageOperation, Operation
from harness.contract.schema import compile_schema, example_of, properties
from harness.errors import ContractError
from harness.serving.admission import context_of
from harness.serving.emitting import Cause, Event, make_event, timestamp
from harness.serving.exchange import Answer, Denial, Request
from harness.serving.new_ids import new_id

ACTIONS: Mapping[str, str] = {"GET": "R", "PUT": "U", "PATCH": "U", "DELETE": "D"}
"""HTTP methods in FHIR's audit-event-action; a POST creates, or else executes."""

PURPOSES: Mapping[str, str] = {"patient": "PATRQT", "proxy": "FAMRQT", "clinician": "TREAT"}
"""What somebody asks for, in HL7 v3's ActReason; staff and services ask for operations' sake (HOPERAT)."""

NORMAL = "N"
"""HL7 v3 Confidentiality: what holds where a document says nothing else."""


@dataclass(frozen=True, slots=True)
class Access:
    """What has to be told of one request, less what the record says of itself (id, service, time)."""

    said: Mapping[str, JSON]
    cause: Cause


def granted(request: Request, answer: Answer, seen: str | None) -> Access | None:
    """What a success is told as, None for what is not told.

    ``seen`` is the patient whose thing was got, for an answer that does not say it.
    """
    expression = request.operation.subject
    if expression is None or not request.claims or not 200 <= answer.status < 300:
        return None
    body = answer.body if isinstance(answer.body, Mapping) else {}
    named = evaluate(expression, replace(context_of(request), response_body=body))
    patient = named if isinstance(named, str) else seen
    if patient is None:
        return None
    cause = Cause(request.correlation, request.correlation, request.traceparent)
    confidentiality = body.get("confidentiality", NORMAL)
    return Access(_said(request.operation, request.claims, "granted", patient, confidentiality), cause)


def denied(denial: Denial) -> Access | None:
    """What a refusal because of who asked is told as, None where nobody can say whose data it was."""
    if denial.operation.subject is None or denial.patient is None or not denial.claims:
        return None
    cause = Cause(denial.correlation, denial.correlation, denial.traceparent)
    return Access(_said(denial.operation, denial.claims, "denied", denial.patient, NORMAL), cause)


def _said(
    operation: Operation, claims: Mapping[str, JSON], outcome: str, patient: str, confidentiality: JSON
) -> dict[str, JSON]:
    actor = claims.get("actor")
    return {
        "operation": operation.id,
        "action": ACTIONS.get(operation.method.upper()) or ("C" if "201" in operation.responses else "E"),
        "agentId": claims.get("sub"),
        "actor": actor,
        "purpose": PURPOSES.get(str(actor), "HOPERAT"),
        "breakGlass": False,
        "outcome": outcome,
        "patientId": patient,
        "confidentiality": confidentiality,
    }


class AccessRecord:
    """A contract's record of accesses, compiled. ``send`` is the operation whose messages it consists of."""

    def __init__(self, contract: Contract, send: MessageOperation) -> None:
        self._contract, self.send, self.message = contract, send, send.messages[0]
        payload = self.message.payload
        self._named = properties(payload) if payload is not None else {}
        self._validator = compile_schema(payload) if payload is not None else None

    @cached_property
    def anybody(self) -> str:
        """A patient whom the schema takes, to do with as with one who is there; nobody is told of it."""
        schema = self._named.get("patientId")
        made = example_of(schema) if schema is not None else None
        return made if isinstance(made, str) else "anybody"

    def event(self, access: Access, now: datetime) -> Event:
        """The message that tells it. Raises ContractError, which repeats no value, where the schema has no
        room for it: a refused request may hold anything for a patient."""
        if self.message.untold:
            raise ContractError(str(self.message.place), self.message.untold, "a payload that is JSON")
        key = new_id(self._named.get("id"))
        said = {**access.said, "id": key, "service": self._contract.service, "occurredAt": timestamp(now)}
        payload = {name: said[name] for name in self._named if name in said}
        wrong = self._validator.violations(payload) if self._validator is not None else ()
        if wrong:
            raise ContractError(
                str(self.send.place),
                f"an access cannot be told as {self.send.id}: "
                + "; ".join(f"{each.pointer or '/'} does not keep {each.keyword}" for each in wrong),
                "a payload that its schema takes",
            )
        return make_event(
            self._contract, self.send, payload, key=key, cause=access.cause, sequence=1, now=now
        )


def record_of(contract: Contract) -> AccessRecord | None:
    """What a contract tells of accesses; None if it says no ``x-records``."""
    send = contract.access_record
    return AccessRecord(contract, send) if send is not None and send.messages else None
