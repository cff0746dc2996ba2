"""Whose a thing is: what it has taken over from the request that led it to its status."""

from __future__ import annotations

from collections.abc import Mapping

from harness.contract.model import JSON
from harness.driving.bench import Bench
from harness.driving.scenarios import response_example, scenarios
from harness.driving.things import status_of

_SHORTEST = 6
"""A text that is shorter may be the same by chance."""


def suits(bench: Bench, schema: str, document: Mapping[str, JSON], wanted: Mapping[str, JSON]) -> bool:
    """Whether a thing is the wanted request's own, as far as the contract's examples tell.

    Where holdSlot's examples show that ``heldFor`` is the ``patientId`` of the request, a slot that is held
    suits only a request for the patient for whom it is held, and none if that is not shown.
    """
    taken = taken_over(bench, schema, status_of(bench, schema, document))
    return all(
        document.get(name) == wanted[source] if source in wanted else document.get(name) is None
        for name, source in taken.items()
    )


def taken_over(bench: Bench, schema: str, status: str | None) -> dict[str, str]:
    """Properties of a thing in this status, each with the request's property whose value it has."""
    lifecycle = bench.contract.lifecycles.get(schema)
    own = {bench.anatomy.id_pointer(schema)[1:], lifecycle.status if lifecycle else ""}
    found: dict[str, str] = {}
    for edge in lifecycle.transitions if lifecycle and status else ():
        operation = bench.contract.operations.get(edge.by or "")
        if edge.to != status or operation is None or bench.anatomy.answers(operation) != schema:
            continue
        for scenario in scenarios(operation):
            answer = response_example(operation, scenario.name)
            if isinstance(answer, Mapping) and isinstance(scenario.body, Mapping):
                found |= {
                    name: source
                    for source, said in scenario.body.items()
                    for name, value in answer.items()
                    if isinstance(said, str) and value == said and len(said) >= _SHORTEST and name not in own
                }
    return found
