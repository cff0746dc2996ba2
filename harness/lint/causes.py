"""What causes what: emissions, lifecycles and requirements lead to things that exist."""

from __future__ import annotations

from collections.abc import Iterator

from harness.contract.model import Contract, Emission, Lifecycle, Operation, Place, System, Transition
from harness.contract.nearest import did_you_mean
from harness.contract.node import Node
from harness.contract.schema import expand, properties, says
from harness.findings import Finding
from harness.lint.rule import Rule, finding
from harness.lint.uses import explicit, root_of


def emissions_lead_somewhere(system: System) -> Iterator[Finding]:
    """``x-emits`` names a send operation of the service and statuses that its operation documents."""
    for contract in system.contracts.values():
        for operation in contract.operations.values():
            for emission in explicit(operation.emits):
                yield from _emission(contract, operation.id, emission)
                yield from _statuses(contract, operation, emission)
        for receive in contract.receives.values():
            for emission in explicit(receive.emits):
                yield from _emission(contract, receive.id, emission)


def _emission(contract: Contract, cause: str, emission: Emission) -> Iterator[Finding]:
    if emission.operation not in contract.sends:
        yield _no_send(contract, "emits", cause, emission.operation, emission.place)


def _no_send(contract: Contract, rule: str, owner: str, name: str, place: Place) -> Finding:
    return finding(
        rule,
        contract,
        place,
        f"'{name}' is no send operation",
        received=f"{owner} emits '{name}'",
        documented=f"a send operation of {contract.service}. {did_you_mean(name, contract.sends)}",
        operation=owner,
    )


def _statuses(contract: Contract, operation: Operation, emission: Emission) -> Iterator[Finding]:
    for status in emission.statuses:
        documented = [each for each in operation.responses if each != "default"]
        if status not in operation.responses and not any(
            each.startswith(status.rstrip("X")) for each in documented
        ):
            yield finding(
                "emits",
                contract,
                emission.place,
                f"'{operation.id}' never answers {status}",
                received=f"on: {status}",
                documented=f"a documented status: {', '.join(documented)}",
                operation=operation.id,
            )


def lifecycles_make_sense(system: System) -> Iterator[Finding]:
    """Property, states, causes and event of every ``x-lifecycle`` exist."""
    for contract in system.contracts.values():
        for lifecycle in contract.lifecycles.values():
            if lifecycle.emits is not None and lifecycle.emits not in contract.sends:
                yield _no_send(contract, "lifecycle", lifecycle.schema, lifecycle.emits, lifecycle.place)
            yield from _states(contract, lifecycle)
            for edge in lifecycle.transitions:
                yield from _cause(contract, lifecycle, edge)


def _states(contract: Contract, lifecycle: Lifecycle) -> Iterator[Finding]:
    known = properties(contract.schemas[lifecycle.schema])
    if lifecycle.status not in known:
        yield finding(
            "lifecycle",
            contract,
            lifecycle.place,
            f"{lifecycle.schema} has no property '{lifecycle.status}'",
            received=f"property: {lifecycle.status}",
            documented=f"a property of {lifecycle.schema}. {did_you_mean(lifecycle.status, known)}",
            operation=lifecycle.schema,
        )
        return
    allowed = says(expand(known[lifecycle.status]), "enum")
    places = {state: edge.place for edge in lifecycle.transitions for state in (*edge.sources, edge.to)}
    for state in dict.fromkeys((*places, *lifecycle.deadlines)):
        if isinstance(allowed, list) and state not in allowed:
            yield finding(
                "lifecycle",
                contract,
                places.get(state, lifecycle.place),
                f"'{state}' is no state of {lifecycle.schema}",
                received=f"'{state}'",
                documented=f"a value of '{lifecycle.status}'. {did_you_mean(state, map(str, allowed))}",
                operation=lifecycle.schema,
            )


def _cause(contract: Contract, lifecycle: Lifecycle, edge: Transition) -> Iterator[Finding]:
    causes = {**contract.operations, **contract.receives}
    if edge.by is not None and edge.by not in causes:
        documented = f"an operationId or a receive operation. {did_you_mean(edge.by, causes)}"
        yield _no_cause(
            contract, lifecycle, edge, f"'{edge.by}' is no operation", f"by: {edge.by}", documented
        )
    if edge.each is not None:
        yield from _each(contract, lifecycle, edge, edge.each[0])
    if edge.at is not None:
        known = properties(contract.schemas[lifecycle.schema])
        if edge.at not in known or says(expand(known[edge.at]), "format") != "date-time":
            documented = f"a property whose format is date-time. {did_you_mean(edge.at, known)}"
            title = f"{lifecycle.schema} has no moment '{edge.at}'"
            yield _no_cause(contract, lifecycle, edge, title, f"at: {edge.at}", documented)
    if edge.follows is not None:
        schema, after = edge.follows
        other = contract.lifecycles.get(schema)
        if other is None or all(each.after != after for each in other.transitions):
            title = f"{schema} has no transition after {after:g} s"
            documented = "a schema with a lifecycle, and the duration of one of its timed transitions"
            yield _no_cause(contract, lifecycle, edge, title, f"after: {after:g} s, of: {schema}", documented)


def _each(contract: Contract, lifecycle: Lifecycle, edge: Transition, named: str) -> Iterator[Finding]:
    """Only a message can name many: what a request addresses is one."""
    known = properties(contract.schemas[lifecycle.schema])
    if named not in known:
        documented = f"a property of {lifecycle.schema}. {did_you_mean(named, known)}"
        title = f"{lifecycle.schema} has no property '{named}'"
        yield _no_cause(contract, lifecycle, edge, title, f"each: {named}", documented)
    if edge.by in contract.operations:
        title = f"'{edge.by}' is a request, which names one aggregate"
        yield _no_cause(contract, lifecycle, edge, title, "each", "an 'id', or a receive operation")


def _no_cause(
    contract: Contract, lifecycle: Lifecycle, edge: Transition, title: str, received: str, documented: str
) -> Finding:
    return finding(
        "lifecycle",
        contract,
        edge.place,
        title,
        received=received,
        documented=documented,
        operation=lifecycle.schema,
    )


def requirements_exist(system: System) -> Iterator[Finding]:
    """``x-requires`` names services and topics. One service read alone cannot tell."""
    if len(system.contracts) < 2:
        return
    known = (*system.contracts, *system.topics)
    for contract in system.contracts.values():
        for operation in contract.operations.values():
            for name in operation.requires or ():
                if name not in known:
                    yield finding(
                        "requires",
                        contract,
                        operation.place,
                        f"there is no service or topic '{name}'",
                        received=f"x-requires: {name}",
                        documented=f"a service or a topic. {did_you_mean(name, known)}",
                        operation=operation.id,
                    )


def _message_operations(root: Node) -> Iterator[tuple[str, Node]]:
    """Id and node of every operation as written: of their own in 3.x, under the channels in 2.x."""
    operations, channels = root.get("operations"), root.get("channels")
    yield from ((id_, node.follow()) for id_, node in (operations.items() if operations else ()))
    for _, channel in channels.items() if channels else ():
        node = channel.follow().get("publish")
        if node is not None:
            yield node.text("operationId"), node


def dead_letters_have_a_channel(system: System) -> Iterator[Finding]:
    """``x-dead-letter`` names a channel of the same file."""
    for contract in system.contracts.values():
        root = root_of(contract, "asyncapi")
        for id_, node in _message_operations(root) if root else ():
            name = node.value.get("x-dead-letter") if isinstance(node.value, dict) else None
            if isinstance(name, str) and name not in contract.channels:
                yield finding(
                    "dead-letter",
                    contract,
                    node.place,
                    f"there is no channel '{name}'",
                    received=f"x-dead-letter: {name}",
                    documented=f"a channel's id. {did_you_mean(name, contract.channels)}",
                    operation=id_,
                )


RULES = (
    Rule(
        "emits",
        "x-emits leads to a send operation",
        emissions_lead_somewhere,
        why="Mocks and reference services would publish nothing, and the checks would wait for it.",
        mend="Name a send operation of the service's AsyncAPI document, and statuses that are documented.",
    ),
    Rule(
        "lifecycle",
        "x-lifecycle names what exists",
        lifecycles_make_sense,
        why="A transition that names what is not there can never be made.",
        mend="Correct the name, or add what it names.",
    ),
    Rule(
        "requires",
        "x-requires names services and topics",
        requirements_exist,
        why="What it names can be neither stopped nor started, so the promise cannot be tried.",
        mend="Name a service by its folder, or a topic by its address.",
    ),
    Rule(
        "dead-letter",
        "x-dead-letter names a channel",
        dead_letters_have_a_channel,
        why="Messages that cannot be processed would have nowhere to go.",
        mend="Name a channel of the same document.",
    ),
)
