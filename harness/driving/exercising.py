"""The cases in which an operation should succeed: its examples, and every state that it accepts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from harness.contract.model import EMPTY, Message, MessageExample, MessageOperation, Operation, Transition
from harness.driving.anatomy import Driven
from harness.driving.bench import Bench
from harness.driving.calls import Call
from harness.driving.messages import Posting, admits, examples, posting
from harness.driving.requests import Prepared, possible, successful
from harness.driving.scenarios import Scenario, promising


@dataclass(frozen=True, slots=True)
class Case:
    """One success to be tried. ``others`` maps a component schema to the status of what is named beside."""

    operation: Operation
    scenario: Scenario
    status: str | None = None
    others: Mapping[str, str] = field(default=EMPTY)

    def prepare(self, bench: Bench, actor: str | None = None) -> Prepared:
        """The call with all it needs in place. Raises StateError."""
        return successful(
            bench,
            self.operation,
            scenario=self.scenario,
            status=self.status,
            others=self.others,
            actor=actor,
        )

    def __str__(self) -> str:
        named = [f"example '{self.scenario.name}'"] if self.scenario.name else []
        named += [f"from {self.status}"] if self.status else []
        named += [f"{schema} {status}" for schema, status in self.others.items()]
        return ", ".join(named)


@dataclass(frozen=True, slots=True)
class MessageCase:
    """One message that should have an effect."""

    operation: MessageOperation
    example: tuple[Message, MessageExample]
    statuses: Mapping[str, str] = field(default=EMPTY)

    def prepare(self, bench: Bench) -> Posting:
        """The message, news to the service. Raises StateError."""
        return posting(bench, self.operation, self.example, statuses=self.statuses)

    def __str__(self) -> str:
        named = [f"example '{self.example[1].name}'"] if self.example[1].name else []
        return ", ".join([*named, *(f"{schema} {status}" for schema, status in self.statuses.items())])


def http_cases(bench: Bench, operation: Operation) -> list[Case]:
    """At most ``limits.cases`` successes: every promising example, every state that is accepted.

    Without control not every state can be reached: then each example is tried in some accepted state.
    """
    chosen = promising(operation, bench.limits.seed)
    if not bench.controlled:
        return [Case(operation, scenario) for scenario in chosen][: bench.limits.cases]
    cases: list[Case] = []
    own = bench.anatomy.own(operation)
    for scenario in chosen:
        states = own.sources if own else ()
        fitting = [s for s in states if own and edge_for(own, s, scenario, operation) is not None]
        cases += [Case(operation, scenario, status) for status in fitting] or [Case(operation, scenario)]
    for driven in bench.anatomy.driven(operation):
        if driven.expression is not None and driven.origin == "request":
            cases += [
                Case(operation, chosen[0], others={driven.lifecycle.schema: status})
                for status in driven.sources[1:]
            ]
    return cases[: bench.limits.cases]


def message_cases(bench: Bench, operation: MessageOperation) -> list[MessageCase]:
    """Every example that a transition or an explicit emission admits, in every state that it accepts."""
    given = examples(operation)
    cases: list[MessageCase] = []
    for driven in bench.anatomy.driven(operation):
        for edge in driven.edges:
            states = [{driven.lifecycle.schema: source} for source in edge.sources] or [{}]
            fitting = [pair for pair in given if admits(operation, pair[1], edge.when)]
            cases += [MessageCase(operation, pair, state) for pair in fitting for state in states]
    for emission in operation.emits:
        if not emission.transitions:
            fitting = [pair for pair in given if admits(operation, pair[1], emission.when)]
            cases += [MessageCase(operation, pair) for pair in fitting]
    return cases[: bench.limits.cases]


def admitting(
    operation: MessageOperation, given: Iterable[tuple[Message, MessageExample]], when: str | None
) -> tuple[Message, MessageExample] | None:
    """The first example that keeps a criterion, or None."""
    return next((pair for pair in given if admits(operation, pair[1], when)), None)


def edge_for(
    driven: Driven, status: str | None, scenario: Scenario, operation: Operation
) -> Transition | None:
    """The transition that this request drives from a status; None if its criteria do not admit it."""
    call = Call(operation, scenario.path, scenario.query, scenario.headers, scenario.body)
    fitting = (edge for edge in driven.edges if status is None or status in edge.sources)
    return next((edge for edge in fitting if possible(edge, call)), None)
