"""What the platform must know of each type of aggregate, read from the contract once."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from harness.contract.aggregates import subject_of_kind, unique_of_kind
from harness.contract.lifecycles import Rules
from harness.contract.model import JSON, Contract, Schema
from harness.contract.schema import (
    Validator,
    compile_schema,
    phi_properties,
    properties,
    says,
)
from harness.errors import ContractError
from harness.serving.new_ids import new_id
from reference_services.platform.aggregate import PRIVATE


@dataclass(frozen=True, slots=True)
class Kind:
    """One component schema as a type of aggregate.

    ``subject`` is the dotted name of the property that holds the patient, None where it has none.
    ``identified`` and ``versioned`` say that documents show their id and version; ``nullable`` names the
    properties that may be null, ``secret`` those that are taken but never answered, ``phi`` those that are
    ``x-phi``; ``unique`` names its unique keys.
    """

    name: str
    schema: Schema | None
    validator: Validator | None
    id_schema: Schema | None
    rules: Rules | None
    subject: str | None
    identified: bool
    versioned: bool
    nullable: frozenset[str]
    secret: frozenset[str]
    phi: frozenset[str]
    unique: tuple[str, ...]

    def subject_of(self, document: Mapping[str, JSON]) -> str | None:
        """The patient whose data a document is."""
        value: JSON = document
        for part in self.subject.split(".") if self.subject else ():
            value = value.get(part) if isinstance(value, Mapping) else None
        return value if isinstance(value, str) else None

    def new_id(self) -> str:
        """A fresh id that the schema of ``id`` takes."""
        return new_id(self.id_schema)

    def of_its_own(self, document: Mapping[str, JSON], given: Mapping[str, JSON]) -> dict[str, JSON]:
        """The document with fresh values, where it was not given them, for what no two may share.

        What is made for a test looks like an example, and that one is there already.
        """
        from harness.contract.schema import generate

        named = properties(self.schema) if self.schema is not None else {}
        parts = {part for key in self.unique for part in key.split(",") if part in document}
        fresh = {part: generate(named[part], secrets.randbits(31)) for part in parts - given.keys()}
        return {**document, **fresh}


def plain_kind(name: str) -> Kind:
    """A type that no schema describes: a service's own bookkeeping."""
    none: frozenset[str] = frozenset()
    return Kind(name, None, None, None, None, None, True, False, none, none, none, ())


def kind_of(contract: Contract, name: str, schema: Schema, unique: tuple[str, ...]) -> Kind:
    """Read one component schema."""
    named = properties(schema)
    lifecycle = contract.lifecycles.get(name)
    return Kind(
        name=name,
        schema=schema,
        validator=compile_schema(schema),
        id_schema=named.get("id"),
        rules=None if lifecycle is None else Rules(lifecycle),
        subject=subject_of_kind(contract, name, named),
        identified="id" in named,
        versioned="version" in named,
        nullable=frozenset(each for each, sub in named.items() if compile_schema(sub).is_valid(None)),
        secret=frozenset(each for each, sub in named.items() if says(sub, "writeOnly") is True),
        phi=frozenset(each.lstrip("/").partition("/")[0] for each in phi_properties(schema)),
        unique=tuple(dict.fromkeys((*unique, *unique_of_kind(named)))),
    )


def check_document(kind: Kind, document: Mapping[str, JSON]) -> None:
    """Raises ContractError if a document breaks its component schema."""
    if kind.schema is None or kind.validator is None:
        return
    public = {name: value for name, value in document.items() if not name.startswith(PRIVATE)}
    wrong = kind.validator.violations(public)
    if wrong:
        raise ContractError(
            str(kind.schema.place) if kind.schema.place.file else kind.name,
            f"this {kind.name} breaks its schema: "
            + "; ".join(f"{each.pointer or '/'} {each.detail}" for each in wrong),
            "a document that keeps it",
            "What a service remembers beyond its contract goes into properties that begin with _",
        )
