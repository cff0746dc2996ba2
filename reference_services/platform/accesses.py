"""Accesses: who asked for what of whose, and whether it was granted, told as ``x-records`` says.

A change and its access are one transaction; a read, or a refusal, has a small one of its own before it is
answered. Nothing here makes a failure of a good answer: what cannot be told is logged, by its correlation id.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

from harness.contract.expressions import evaluate
from harness.contract.model import JSON, Operation
from harness.contract.schema import properties
from harness.serving.admission import context_of
from harness.serving.emitting import Cause, make_event
from harness.serving.exchange import Answer, Denial, Request
from reference_services.platform.clock import Clock
from reference_services.platform.events import NORMAL, SendPlan, put
from reference_services.platform.kinds import new_id
from reference_services.platform.situation import Knowledge
from reference_services.platform.store import Store, Transaction
from reference_services.platform.values import timestamp

LOG = logging.getLogger(__name__)

ACTIONS: Mapping[str, str] = {"GET": "R", "PUT": "U", "PATCH": "U", "DELETE": "D"}
"""HTTP methods in FHIR's audit-event-action; a POST creates, or else executes."""

PURPOSES: Mapping[str, str] = {"patient": "PATRQT", "proxy": "FAMRQT", "clinician": "TREAT"}
"""What somebody asks for, in HL7 v3's ActReason; staff and services ask for operations' sake (HOPERAT)."""


class Accesses:
    """What one service tells of accesses: nothing if its contract says no ``x-records``."""

    def __init__(self, store: Store, knowledge: Knowledge, clock: Clock) -> None:
        self._store, self._contract, self._clock = store, knowledge.contract, clock
        record = knowledge.contract.access_record
        self._plan: SendPlan | None = None if record is None else knowledge.sends[record.id]
        payload = record.messages[0].payload if record is not None and record.messages else None
        self._id = properties(payload).get("id") if payload is not None else None

    def granted(
        self, request: Request, answer: Answer, seen: str | None, transaction: Transaction | None
    ) -> None:
        """Tell of a success. ``seen`` is the patient whose thing was got, for an answer that does not say it;
        ``transaction`` that of the change, None for a read."""
        expression = request.operation.subject
        if self._plan is None or expression is None or not 200 <= answer.status < 300:
            return
        body = answer.body if isinstance(answer.body, Mapping) else {}
        named = evaluate(expression, replace(context_of(request), response_body=body))
        patient = named if isinstance(named, str) else seen
        if patient is not None:
            told = {**_of(request.operation, request.claims), "outcome": "granted", "patientId": patient}
            told["confidentiality"] = body.get("confidentiality", NORMAL)
            self._tell(
                told, Cause(request.correlation, request.correlation, request.traceparent), transaction
            )

    def denied(self, denial: Denial) -> None:
        """Tell of a refusal because of who asked."""
        if self._plan is None or denial.operation.subject is None or denial.patient is None:
            return
        told = {**_of(denial.operation, denial.claims), "outcome": "denied", "patientId": denial.patient}
        told["confidentiality"] = NORMAL
        self._tell(told, Cause(denial.correlation, denial.correlation, denial.traceparent), None)

    def _tell(self, told: Mapping[str, JSON], cause: Cause, transaction: Transaction | None) -> None:
        """What does not keep the schema names nobody: a refused request may hold anything for a patient."""
        plan, now, key = self._plan, self._clock.now(), new_id(self._id)
        if plan is None:
            return
        said = {**told, "id": key, "service": self._contract.service, "occurredAt": timestamp(now)}
        payload = {name: said[name] for name in plan.names if name in said}
        if plan.validator is not None and not plan.validator.is_valid(payload):
            LOG.warning(
                "correlation %s: an access cannot be told as %s", cause.correlation, plan.operation.id
            )
            return
        event = make_event(self._contract, plan.operation, payload, key=key, cause=cause, sequence=1, now=now)
        if transaction is not None:
            put(transaction, event.topic, event.key, event.headers, event.value)
            return
        try:
            with self._store.transaction(write=True) as own:
                put(own, event.topic, event.key, event.headers, event.value)
        except Exception as error:  # whoever may see it has been given it
            LOG.error("correlation %s: an access is not told: %s", cause.correlation, type(error).__name__)


def _of(operation: Operation, claims: Mapping[str, JSON]) -> dict[str, JSON]:
    actor = claims.get("actor")
    return {
        "operation": operation.id,
        "action": ACTIONS.get(operation.method.upper()) or ("C" if "201" in operation.responses else "E"),
        "agentId": claims.get("sub"),
        "actor": actor,
        "purpose": PURPOSES.get(str(actor), "HOPERAT"),
        "breakGlass": False,
    }
