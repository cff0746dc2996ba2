"""Links lead to operations and name their parameters."""

from __future__ import annotations

from collections.abc import Iterator

from harness.contract.model import Contract, Link, Operation, System
from harness.contract.nearest import did_you_mean
from harness.contract.schema import compile_schema
from harness.errors import ContractError
from harness.findings import Finding, Severity
from harness.lint.batch import in_words
from harness.lint.rule import Rule, finding


def links_lead_somewhere(system: System) -> Iterator[Finding]:
    """Each to an operation of the contract, with parameters that it has, and those that it must have."""
    for contract in system.contracts.values():
        for operation in contract.operations.values():
            for response in operation.responses.values():
                for link in response.links:
                    yield from _link(contract, operation, link)


def _link(contract: Contract, source: Operation, link: Link) -> Iterator[Finding]:
    target = contract.operations.get(link.operation)
    if target is None:
        hint = did_you_mean(link.operation, contract.operations)
        title = f"the link '{link.name}' leads to no operation"
        received = link.operation or "neither operationId nor operationRef"
        yield _wrong(contract, source, link, title, received, f"an operationId. {hint}")
        return
    given = {name: _parameter(target, name) for name in link.parameters}
    for name, found in given.items():
        if not found:
            known = [each.name for each in target.parameters]
            title = f"the link '{link.name}' names a parameter that '{target.id}' does not have"
            documented = f"a parameter of '{target.id}'. {did_you_mean(name, known)}"
            yield _wrong(contract, source, link, title, name, documented)
    yield from _constants(contract, source, link, target)
    for each in target.parameters:
        if each.location == "path" and not any(
            (each.location, each.name) in found for found in given.values()
        ):
            title = f"the link '{link.name}' does not say '{each.name}'"
            documented = f"'{each.name}': '{target.id}' cannot be called without it"
            received = ", ".join(link.parameters) or "no parameters"
            yield _wrong(contract, source, link, title, received, documented, "warning")


def _constants(contract: Contract, source: Operation, link: Link, target: Operation) -> Iterator[Finding]:
    """What a link passes on as it is written keeps the parameter's schema."""
    for name, value in link.parameters.items():
        if isinstance(value, str) and (value.startswith("$") or "{$" in value):
            continue
        for location, called in _parameter(target, name):
            parameter = target.parameter(location, called)
            try:
                wrong = compile_schema(parameter.schema).violations(value) if parameter else ()
            except ContractError:
                continue  # the rule "schema" says so
            if wrong:
                title = f"the link '{link.name}' passes on a '{name}' that '{target.id}' refuses"
                documented = f"a value that the schema of '{called}' allows, or a runtime expression"
                yield _wrong(contract, source, link, title, in_words(wrong), documented)


def _parameter(target: Operation, name: str) -> list[tuple[str, str]]:
    """The parameters that a link's name may mean: plain, or with its place as in ``path.id``."""
    location, _, rest = name.partition(".")
    return [
        (each.location, each.name)
        for each in target.parameters
        if each.name == name or (each.location == location and each.name == rest)
    ]


def _wrong(
    contract: Contract,
    source: Operation,
    link: Link,
    title: str,
    received: str,
    documented: str,
    severity: Severity = "error",
) -> Finding:
    return finding(
        "link",
        contract,
        link.place,
        title,
        received=received,
        documented=documented,
        operation=source.id,
        severity=severity,
    )


RULES = (
    Rule(
        "link",
        "links lead to operations and name their parameters",
        links_lead_somewhere,
        why="Whoever follows the link cannot make the next call.",
        mend="Name an operation of the contract and its parameters.",
    ),
)
