"""One target on the bench: its contract, a caller, its provider states, fresh ids."""

from __future__ import annotations

import re
import secrets
import uuid
from typing import Self

from harness.contract.model import Contract, Operation, Schema, System
from harness.contract.schema import compile_schema, example_of, generate
from harness.driving.anatomy import Anatomy
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

    def fresh_id(self, schema: Schema | None) -> str:
        """An id that nothing has yet: a UUID, else the example's prefix and chance, else generated."""
        if schema is None:
            return str(uuid.uuid4())
        validator = compile_schema(schema)
        example = str(example_of(schema))
        prefix = re.sub(r"[0-9a-zA-Z]+$", "", example)
        for candidate in (str(uuid.uuid4()), prefix + secrets.token_hex(6), str(secrets.randbelow(10**12))):
            if validator.is_valid(candidate):
                return candidate
        return str(generate(schema, secrets.randbelow(2**31)))
