"""What a rule is, and the few things that all of them say in the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from harness.contract.model import JSON, Contract, Place, Schema, System
from harness.contract.schema import Direction, Validator, compile_schema
from harness.errors import ContractError
from harness.findings import Finding, Severity

Run = Callable[[System], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Rule:
    """``id`` ends the finding's check: ``lint/<id>``; ``says`` is one sentence for people."""

    id: str
    says: str
    run: Run


def finding(
    rule: str,
    contract: Contract,
    where: Place,
    title: str,
    *,
    received: str,
    documented: str,
    operation: str = "",
    severity: Severity = "error",
) -> Finding:
    """A finding of a rule; ``received`` is what is written, ``documented`` what should be."""
    return Finding(
        check=f"lint/{rule}",
        service=contract.service,
        operation=operation,
        title=title,
        received=received,
        documented=documented,
        severity=severity,
        where=where,
    )


def validator_of(schema: Schema, direction: Direction | None = None) -> Validator | None:
    """The schema's validator; None if it makes no sense, which the rule ``schema`` reports."""
    try:
        return compile_schema(schema, direction)
    except ContractError:
        return None


def faults(schema: Schema, value: JSON, direction: Direction | None = None) -> str:
    """What is wrong with a value, in words; empty if nothing is."""
    validator = validator_of(schema, direction)
    if validator is None:
        return ""
    found = [f"{each.pointer or 'it'} {each.detail}" for each in validator.violations(value)]
    return "; ".join(found[:4]) + ("; …" if len(found) > 4 else "")
