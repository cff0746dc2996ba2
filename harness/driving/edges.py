"""Which transition a request drives, as far as the request alone says it."""

from __future__ import annotations

from harness.contract.expressions import holds
from harness.contract.model import Operation, Transition
from harness.driving.anatomy import Driven
from harness.driving.calls import Call
from harness.driving.scenarios import Scenario
from harness.driving.things import request_context


def edge_for(
    driven: Driven, status: str | None, scenario: Scenario, operation: Operation
) -> Transition | None:
    """The transition that this request drives from a status; None if its criteria do not admit it.

    A criterion over the answer cannot be told before; it is taken to hold.
    """
    call = Call(operation, scenario.path, scenario.query, scenario.headers, scenario.body)
    for edge in driven.edges:
        if status is not None and status not in edge.sources:
            continue
        if edge.when is None or "$response" in edge.when or holds(edge.when, request_context(call)):
            return edge
    return None


def sources_for(driven: Driven, scenario: Scenario, operation: Operation) -> tuple[str, ...]:
    """The states from which this very request drives a transition; all that the operation accepts if none.

    One that says where to go (``{"status": "completed"}``) is accepted from fewer states than its operation.
    """
    fitting = (s for s in driven.sources if edge_for(driven, s, scenario, operation) is not None)
    return tuple(fitting) or driven.sources
