"""One HTTP operation at work: a transaction around its handler, its answer, its idempotency key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from harness.contract.expressions import evaluate
from harness.serving.admission import context_of
from harness.serving.claims import Claim, claim_of
from harness.serving.emitting import Cause
from harness.serving.exchange import Answer, Request
from harness.serving.problems import Problem
from harness.serving.sight import no_such_thing, sight_of
from reference_services.platform.accesses import Accesses
from reference_services.platform.aggregate import Aggregate
from reference_services.platform.clock import Clock
from reference_services.platform.idempotency import InProgress, recall, remember
from reference_services.platform.operations import OperationPlan, answer_of
from reference_services.platform.situation import Knowledge, Situation
from reference_services.platform.store import Conflict, Store, Transaction, WriteWanted
from reference_services.platform.work import Work

TRIES = 5
"""How often a request is run when others change the same things at the same time."""


def endpoint(
    plan: OperationPlan, store: Store, knowledge: Knowledge, clock: Clock, accesses: Accesses
) -> Callable[[Request], Answer]:
    """The serving handler of an operation."""
    return Endpoint(plan, store, knowledge, clock, accesses).answer


class Endpoint:
    def __init__(
        self, plan: OperationPlan, store: Store, knowledge: Knowledge, clock: Clock, accesses: Accesses
    ) -> None:
        self._plan, self._store, self._knowledge, self._clock = plan, store, knowledge, clock
        self._in_progress = InProgress()
        self._accesses = accesses

    def answer(self, request: Request) -> Answer:
        """Raises Problem for every refusal; nothing is kept then."""
        claim = claim_of(request) if self._plan.idempotent else None
        with self._in_progress.held(claim):
            for _ in range(TRIES):
                try:
                    return self._once(request, claim)
                except WriteWanted:
                    self._plan.writes = True
                except Conflict:
                    continue
        raise Problem(409, detail="Others are changing the same thing. Try again.")

    def _once(self, request: Request, claim: Claim | None) -> Answer:
        writes = self._plan.writes
        with self._store.transaction(writes) as transaction:
            answer, patient = self._answered(request, claim, transaction)
            if writes:
                self._accesses.granted(request, answer, patient, transaction)
        if not writes:
            self._accesses.granted(request, answer, patient, None)
        return answer

    def _answered(
        self, request: Request, claim: Claim | None, transaction: Transaction
    ) -> tuple[Answer, str | None]:
        """The answer, and whose thing was got for it."""
        plan, situation = self._plan, self._situation(request)
        if claim is not None and (before := recall(transaction, claim)) is not None:
            return self._again(before, situation), None
        work = Work(transaction, self._knowledge, situation)
        result = plan.handler(work, request)
        made = isinstance(result, Aggregate) and work.is_new(result)
        answer = answer_of(plan, self._knowledge.kind, result, made, situation.context)
        if plan.emissions:
            work.finish(plan.emissions, result, answer)
        if claim is not None:
            remember(transaction, claim, answer, work.now)
        return answer, work.patient

    def _again(self, before: Answer, situation: Situation) -> Answer:
        """What was answered before, to who may still see it: rights may have ended since."""
        operation = self._plan.operation
        if operation.subject is not None and operation.subject.startswith("$response."):
            subject = evaluate(operation.subject, replace(situation.context, response_body=before.body))
            patient = subject if isinstance(subject, str) else None
            if not situation.sight.sees(patient):
                raise no_such_thing(patient)
        return before

    def _situation(self, request: Request) -> Situation:
        return Situation(
            driver=self._plan.id,
            cause=Cause(request.correlation, request.correlation, request.traceparent),
            now=self._clock.now(),
            context=context_of(request),
            request=request,
            plan=self._plan,
            sight=sight_of(self._plan.operation, request.claims),
        )
