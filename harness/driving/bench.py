"""One target on the bench: its contract, a caller, its provider states, fresh ids."""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import Iterator
from typing import Self

from harness.contract.model import JSON, Contract, Operation, Schema, System
from harness.contract.schema import compile_schema, example_of, generate
from harness.driving.anatomy import Address, Anatomy
from harness.driving.calls import Caller
from harness.driving.states import States
from harness.errors import ContractError
from harness.target import Limits, Target


class Bench:
    """What a check works with for as long as it runs; a context manager.

    Entering puts the contract's examples into a target that has a control endpoint. Raises
    ContractError for a service that no contract describes, StateError where the target cannot reset.
    """

    def __init__(self, system: System, target: Target, limits: Limits) -> None:
        if target.service not in system.contracts:
            raise ContractError(
                str(system.folder),
                f"no contract describes {target.service}",
                f"one of {', '.join(system.contracts) or 'its contracts'}",
            )
        self.system, self.target, self.limits = system, target, limits
        self.contract: Contract = system.contracts[target.service]
        self.anatomy = Anatomy(self.contract)
        self.caller = Caller(target, limits)
        self.states = States(target, limits)
        self.used: set[str] = set()  # ids that lists showed and a call has taken
        self.posted: set[str] = set()  # ids of the messages that we published only to make something
        self.unheard: set[tuple[str, str]] = set()  # messages that led nothing to this status
        self.making: set[str] = set()  # schemas being made, so that A needing B needing A ends

    def __enter__(self) -> Self:
        if self.controlled:
            self.states.reset(seed=True)
        return self

    def __exit__(self, *_: object) -> None:
        self.caller.close()
        self.states.close()

    @property
    def remembers(self) -> bool:
        """Whether the target keeps what it is told; a mock made from the contract alone does not."""
        return "state" in self.target.capabilities

    @property
    def controlled(self) -> bool:
        """Whether states and the clock can be set."""
        return self.remembers and "control" in self.target.capabilities and self.states.available

    @property
    def alone(self) -> bool:
        """Whether nobody but us can have caused what this service publishes."""
        return self.target.kind != "external"

    def operations(self) -> list[Operation]:
        """The HTTP operations, in the contract's order."""
        return list(self.contract.operations.values())

    def fresh_value(self, schema: Schema) -> JSON:
        """A value that chance gives to nothing else."""
        return generate(schema, secrets.randbelow(2**31))

    def fresh_id(self, *schemas: Schema | None) -> str | int:
        """An id that nothing has yet and that all of these schemas take, of a property and a parameter say:
        a UUID, else the example's prefix and chance, else digits, a number, or generated.

        Raises ContractError where nothing satisfies the last of them.
        """
        given = [each for each in schemas if each is not None]
        if not given:
            return str(uuid.uuid4())
        validators = [compile_schema(each) for each in given]
        for candidate in _candidates(str(example_of(given[0]))):
            if all(each.is_valid(candidate) for each in validators):
                return candidate
        made = generate(given[-1], secrets.randbelow(2**31))
        return made if isinstance(made, int) and not isinstance(made, bool) else str(made)

    def unknown_id(self, operation: Operation, address: Address) -> str | int:
        """A value for the path parameter that addresses an aggregate, of which there is none."""
        parameter = operation.parameter("path", address.parameter)
        held = self.anatomy.property_schema(address.schema, address.pointer)
        return self.fresh_id(held, parameter.schema if parameter is not None else None)


def _candidates(example: str) -> Iterator[str | int]:
    yield str(uuid.uuid4())
    yield re.sub(r"[0-9a-zA-Z]+$", "", example) + secrets.token_hex(6)
    yield str(secrets.randbelow(10**12))
    for digits in (12, 9, 6, 4):  # 32 bits, and smaller maxima
        yield 10 ** (digits - 1) + secrets.randbelow(9 * 10 ** (digits - 1))
