"""Who may see what is stated, and nothing protected travels where it must not."""

from __future__ import annotations

from collections.abc import Iterator

from harness.contract.extensions import WORDS
from harness.contract.model import Contract, Operation, System
from harness.contract.schema import phi_properties, properties, says
from harness.findings import Finding
from harness.lint.rule import Rule, finding
from harness.lint.source import sources_of
from harness.lint.uses import messages_of

_ENVELOPE = frozenset(("id", "version", "from", "to", "reason", "occurredAt", "confidentiality"))
"""What every event says of a change; ``reason`` is a code there, whatever it is in the aggregate."""

_RELATED = frozenset(("own", "granted", "treating"))


def nothing_protected_travels(system: System) -> Iterator[Finding]:
    """Neither in messages nor in URLs."""
    yield from messages_carry_no_phi(system)
    yield from urls_carry_no_phi(system)


def messages_carry_no_phi(system: System) -> Iterator[Finding]:
    """No ``x-phi`` in payloads, headers or keys, nor a payload property that is PHI in its aggregate."""
    for contract in system.contracts.values():
        for message in messages_of(contract):
            roles = (("payload", message.payload), ("headers", message.headers), ("key", message.key))
            for role, schema in roles:
                for pointer in sorted(phi_properties(schema)) if schema is not None else ():
                    yield finding(
                        "phi",
                        contract,
                        message.place,
                        f"the {role} of '{message.name}' carries protected health information",
                        received=f"x-phi: true at {pointer or 'the top'}",
                        documented="ids, statuses and times",
                        operation=message.name,
                    )
        yield from _copied(contract)


def _copied(contract: Contract) -> Iterator[Finding]:
    """An event's property takes the value of its aggregate's property of that name."""
    for lifecycle in contract.lifecycles.values():
        send = contract.sends.get(lifecycle.emits or "")
        schema = contract.schemas[lifecycle.schema]
        protected = {pointer.split("/")[1] for pointer in phi_properties(schema) if pointer}
        for message in send.messages if send else ():
            names = properties(message.payload) if message.payload else ()
            for name in sorted(protected.intersection(names) - _ENVELOPE):
                yield finding(
                    "phi",
                    contract,
                    message.place,
                    f"'{message.name}' would carry {lifecycle.schema}'s '{name}'",
                    received=f"payload property '{name}', which is x-phi in {lifecycle.schema}",
                    documented="ids, statuses and times",
                    operation=message.name,
                )


def urls_carry_no_phi(system: System) -> Iterator[Finding]:
    """No ``x-phi`` in path and query, nor a query parameter that is called as a protected property."""
    for contract in system.contracts.values():
        protected = {
            pointer.rsplit("/", 1)[-1]: name
            for name, schema in contract.schemas.items()
            for pointer in phi_properties(schema)
        }
        for operation in contract.operations.values():
            for parameter in operation.parameters:
                if parameter.location not in ("path", "query"):
                    continue
                named = protected.get(parameter.name)
                if says(parameter.schema, "x-phi") is True or phi_properties(parameter.schema) or named:
                    source = f"'{parameter.name}' is x-phi" + (f" in {named}" if named else "")
                    called = f"{parameter.location} parameter '{parameter.name}'"
                    yield finding(
                        "phi",
                        contract,
                        parameter.place,
                        f"the {called} is protected health information",
                        received=source,
                        documented="opaque ids in URLs; search by anything else in a body",
                        operation=operation.id,
                    )


def access_is_stated(system: System) -> Iterator[Finding]:
    """Every operation says who may call it; relations to a subject need one."""
    for contract in system.contracts.values():
        operations = contract.operations.values()
        if not any(source.says(*WORDS) for source in sources_of(contract)):
            continue  # a contract that uses none of our words need not use this one
        if operations and not any(each.access or each.subject for each in operations):
            yield finding(
                "access",
                contract,
                next(iter(operations)).place,
                "no operation says who may call it",
                received="neither x-access nor x-subject anywhere",
                documented="x-access, and x-subject where patients' data is touched",
                severity="warning",
            )
            continue
        for operation in operations:
            yield from _access(contract, operation)


def _access(contract: Contract, operation: Operation) -> Iterator[Finding]:
    # Where tokens are known and this one asks for none and names no patient, it is everybody's on purpose.
    is_open = bool(contract.security_schemes) and not operation.security and operation.subject is None
    if not operation.access and not is_open:
        yield finding(
            "access",
            contract,
            operation.place,
            f"'{operation.id}' does not say who may call it",
            received="no x-access",
            documented="x-access: which actor, by which relation",
            operation=operation.id,
            severity="warning",
        )
    related = [actor for actor, relation in operation.access.items() if relation in _RELATED]
    if related and operation.subject is None:
        yield finding(
            "access",
            contract,
            operation.place,
            f"'{operation.id}' does not say whose data it touches",
            received=f"x-access speaks of relations ({', '.join(related)}), and there is no x-subject",
            documented="x-subject: a runtime expression that names the patient",
            operation=operation.id,
        )


RULES = (
    Rule(
        "phi",
        "messages and URLs carry no protected health information",
        nothing_protected_travels,
        why="Topics, logs, proxies and browser histories keep what passes through them.",
        mend="Send an opaque id, and let whoever may see the rest ask for it.",
    ),
    Rule(
        "access",
        "every operation says who may call it, and for whom",
        access_is_stated,
        why="Mocks and reference services let everybody in, and the checks try nobody.",
        mend="Write x-access, and x-subject where a patient's data is touched.",
    ),
)
