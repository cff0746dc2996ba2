"""One mock at work: every request and message goes through here, and whatever it causes comes from here.

The order of answering: what the caller prefers (``Prefer``), a scenario that a test has set, what the mock
remembers, and what the contract shows (``answers``). The header ``X-Portal-Matched`` says which it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace

from harness.contract.expressions import Context
from harness.contract.model import Contract, MessageOperation, Operation, Schema, Transition
from harness.serving.admission import context_of
from harness.serving.emitting import Cause
from harness.serving.exchange import Answer, Request
from harness.serving.problems import Problem
from harness.serving.relations import told
from mocks.accesses import Accesses
from mocks.answers import OperationAnswers
from mocks.changes import Changes
from mocks.events import Change, Draft
from mocks.moves import Moved
from mocks.preferences import NONE, Preferences, preferences
from mocks.publishing import Outlet
from mocks.relations import Relations
from mocks.scenarios import Scenario, Scenarios
from mocks.stateful import Stateful, Told
from mocks.telling import Telling
from mocks.things import State
from mocks.timers import Stay, Timers

MATCHED = "X-Portal-Matched"


@dataclass(slots=True)
class Handling:
    """``state`` is None for a mock that remembers nothing, ``outlet`` for one without Kafka, ``accesses``
    also for one whose contract does not record them."""

    contract: Contract
    answers: Mapping[str, OperationAnswers]
    scenarios: Scenarios
    changes: Changes
    telling: Telling
    state: Stateful | None
    outlet: Outlet | None = None
    timers: Timers | None = None
    relations: Relations = field(default_factory=Relations)
    accesses: Accesses | None = None

    def handle(self, request: Request) -> Answer:
        """Answer one request; on the event loop, since all that it does is computing."""
        if self.accesses is None:
            answer, how = self._answered(request)
        else:
            seen = self.state.whose(request) if self.state is not None else None
            answer, how = self._answered(request)
            self.accesses.granted(request, answer, seen)
        headers = {**answer.headers, MATCHED: how}
        return Answer(answer.status, answer.body, headers, answer.content_type, answer.text)

    def _answered(self, request: Request) -> tuple[Answer, str]:
        wanted = preferences(request.headers["prefer"]) if "prefer" in request.headers else NONE
        if wanted.chooses:
            return self._documented(request, wanted)
        scenario = self.scenarios.find(request.operation.id, request)
        if scenario is not None:
            return self._set(request, scenario), "scenario"
        if self.state is not None and not wanted.stateless:
            told = self._remembered(request, self.state)
            if told is not None:
                return told, "state"
        return self._documented(request, wanted)

    def _set(self, request: Request, scenario: Scenario) -> Answer:
        """The answer of a scenario, with the events that the contract says such an answer has."""
        if scenario.has_body:
            answer = scenario.answer()
            self._cause_documented(request, answer)
            return answer
        asked = scenario.preferred(request)
        return self._documented(request, preferences(asked.headers.get("prefer", "")), applied=False)[0]

    def _documented(
        self, request: Request, wanted: Preferences, *, applied: bool = True
    ) -> tuple[Answer, str]:
        """The answer that the contract alone gives."""
        answer, how = self.answers[request.operation.id].answer(request, wanted)
        if applied and wanted is not NONE and wanted.applied:
            answer = replace(answer, headers={**answer.headers, "Preference-Applied": wanted.applied})
        self._cause_documented(request, answer)
        return answer, how

    def _cause_documented(self, request: Request, answer: Answer) -> None:
        operation = request.operation
        if self.outlet is None or not operation.emits:
            return
        schema, context = _schema_of(operation, answer), _context(request, answer)
        self.outlet.publish(self.changes.of_exchange(operation.emits, schema, context), _cause(request))

    def _remembered(self, request: Request, held: Stateful) -> Answer | None:
        """The answer that state gives, and all that it causes; None where state cannot say."""
        name = request.operation.id
        if not held.plays(name):
            return None
        try:
            state = held.sessions.of(request.headers)
            turn: AbstractContextManager[object] = nullcontext() if held.reads(name) else held.lock
            with turn:
                told = held.answer(request, state)
                if told is None:
                    return None
                answer = self._whole(request, told)
                self._enter(told.moved, state, _cause(request))
                if self.outlet is not None:
                    context = _context(request, answer)
                    drafts = self.telling.of_cause(request.operation.emits, told.moved, context, state.name)
                    self.outlet.publish(drafts, _cause(request))
                return answer
        except Problem as problem:
            problem.headers = {**problem.headers, MATCHED: "state"}
            raise

    def _whole(self, request: Request, told: Told) -> Answer:
        """The answer with a body, also where what is kept cannot be shown as the contract has it."""
        if told.complete:
            return told.answer
        shown = self.answers[request.operation.id].of_status(request, told.answer.status)
        return replace(shown, headers={**shown.headers, **told.answer.headers})

    def received(self, operation: MessageOperation, context: Context, cause: Cause) -> None:
        """Do what a message causes, in the session that it names, else in everybody's state."""
        if (said := told(operation, context)) is not None:
            self.relations.note(operation.id, said)
        if self.outlet is None:
            return
        if self.state is None:
            self.outlet.publish(self.changes.of_message(operation, context, cause.causation), cause)
            return
        held = self.state
        with held.lock:
            state = held.sessions.told(context.message_headers)
            moved = held.received(operation, context, cause.causation, state)
            self._enter(moved, state, cause)
            self._publish(self.telling.of_cause(operation.emits, moved, context, state.name), cause)
            rest = replace(operation, emits=tuple(each for each in operation.emits if not each.transitions))
            if rest.emits and not moved:
                self.outlet.publish(self.changes.of_message(rest, context, cause.causation), cause)

    def elapsed(self, stay: Stay, edge: Transition) -> None:
        """Do what time causes: a stay has lasted as long as a transition asks."""
        change = stay.change
        cause = Cause(stay.correlation, change.id, stay.traceparent)
        if self.state is None or change.lifecycle is None:
            if self.outlet is not None:
                self.outlet.publish(self.changes.of_timer(change, edge), cause)
            return
        with self.state.lock:
            state = self.state.sessions.find(stay.session)
            if state is None:
                return
            moved = self.state.elapsed(change.lifecycle.schema, change.id, edge, state)
            self._enter(moved, state, cause)
            self._publish(self.telling.of_time(moved, state.name), cause)

    def _publish(self, drafts: Iterable[Draft], cause: Cause) -> None:
        if self.outlet is not None:
            self.outlet.publish(drafts, cause)

    def _enter(self, moved: Iterable[Moved], state: State, cause: Cause) -> None:
        """The clocks of what moved."""
        for each in moved:
            self.enter(each, state, cause.correlation, cause.traceparent)

    def enter(self, moved: Moved, state: State, correlation: str, traceparent: str) -> None:
        """A thing is as it is from now on: its lifecycle's timers run."""
        lifecycle = moved.kind.lifecycle
        if self.timers is None or lifecycle is None or not moved.kind.timed:
            return
        if moved.after is None:
            self.timers.left(state.name, lifecycle.schema, moved.key)
            return
        document = moved.after.document
        stands = document.get(lifecycle.status)
        stands = stands if isinstance(stands, str) else None
        change = Change(lifecycle, moved.key, stands, document=document)
        self.timers.entered(Stay(change, correlation, traceparent, state.name))


def _schema_of(operation: Operation, answer: Answer) -> Schema | None:
    response = operation.response_for(answer.status)
    media = response.content.get(answer.content_type) if response is not None else None
    return media.schema if media is not None else None


def _cause(request: Request) -> Cause:
    return Cause(request.correlation, request.correlation, request.traceparent)


def _context(request: Request, answer: Answer) -> Context:
    return replace(
        context_of(request),
        status=answer.status,
        response_headers=answer.headers,
        response_body=answer.body,
    )
