"""All that a service keeps of one patient, as far as it would show it to somebody."""

from __future__ import annotations

from sqlalchemy import and_

from harness.contract.aggregates import answered, item_type
from harness.contract.model import Contract
from reference_services.platform import records, tables
from reference_services.platform.aggregate import Aggregate
from reference_services.platform.situation import Knowledge
from reference_services.platform.store import Transaction

_A = tables.aggregates.c


def belongings(transaction: Transaction, knowledge: Knowledge, patient: str, actor: str) -> list[Aggregate]:
    """Of every kind that a GET shows to this kind of actor; oldest first, what is secret hidden."""
    kinds = sorted(shown_to(knowledge.contract, actor) & knowledge.kinds.keys())
    found = records.search(transaction, [and_(_A.type.in_(kinds), _A.subject == patient)], None)
    return [each.hide(*knowledge.kind(each.type).secret) for each in found]


def shown_to(contract: Contract, actor: str) -> frozenset[str]:
    """The component schemas that an actor is answered with, alone or in a list."""
    found: set[str | None] = set()
    for operation in contract.operations.values():
        if operation.method.upper() == "GET" and actor in operation.access:
            for schema in answered(operation):
                found |= {schema.name, item_type(schema)}
    return frozenset(name for name in found if name is not None)
