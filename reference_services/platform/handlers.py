"""Finds a service's handlers by the names that its contract uses, and says at start what is missing."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from harness.contract.lifecycles import pascal
from harness.contract.model import Contract, Place
from harness.errors import ContractError
from reference_services.platform.records import unique_names

Function = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Handlers:
    """A service's functions: by operationId, by receive operation, by (schema, timed transition's target).

    ``unique`` is the module's ``UNIQUE``, by type, ``chained`` its ``CHAINED``; ``calls`` are the
    operations of other services that the handlers of messages say they call.
    """

    place: str
    operations: Mapping[str, Function]
    messages: Mapping[str, Function]
    timers: Mapping[tuple[str, str], Function]
    unique: Mapping[str, tuple[str, ...]]
    chained: frozenset[str] = frozenset()
    calls: frozenset[tuple[str, str]] = frozenset()


def module_name(service: str) -> str:
    """Where a service's handlers are written: hyphens become underscores."""
    return f"reference_services.{service.replace('-', '_')}.handlers"


def import_handlers(service: str, place: Place) -> ModuleType:
    """The module. Raises ContractError if the service has none."""
    name = module_name(service)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not name.startswith(error.name):
            raise
        raise ContractError(
            str(place) if place.file else service,
            f"contract {service} has no reference service: there is no module {name}",
            f"a module {name} with a function for each operation",
            "Write it, or run a mock of this contract instead: portal mock",
        ) from error


def resolve(contract: Contract, module: ModuleType) -> Handlers:
    """All handlers of a contract. Raises ContractError that names every function that is missing."""
    missing: list[tuple[str, Place, str]] = []

    def found(names: Iterable[tuple[str, Place]], arguments: str) -> dict[str, Function]:
        functions = {}
        for name, place in names:
            function = getattr(module, name, None)
            if callable(function):
                functions[name] = function
            else:
                missing.append((name, place, f"def {name}({arguments})"))
        return functions

    operations = found(
        ((each.id, each.place) for each in contract.operations.values()), "work: Work, request: Request"
    )
    # What tells of a relation has its effect without a handler, and may have one for more.
    wanted = (each for each in contract.receives.values() if not each.relation or hasattr(module, each.id))
    messages = found(((each.id, each.place) for each in wanted), "work: Work, message: IncomingMessage")
    if missing:
        raise _missing(contract, module, missing)
    unique = {name: unique_names(keys) for name, keys in getattr(module, "UNIQUE", {}).items()}
    chained = frozenset(getattr(module, "CHAINED", ()))
    timers = _timers(contract, module)
    calls = frozenset(call for each in messages.values() for call in getattr(each, "calls", ()))
    return Handlers(module.__name__, operations, messages, timers, unique, chained, calls)


def _timers(contract: Contract, module: ModuleType) -> dict[tuple[str, str], Function]:
    """The handlers of timed transitions: ``after<Schema><To>``, where there are any."""
    functions = {}
    for lifecycle in contract.lifecycles.values():
        for edge in lifecycle.transitions:
            function = getattr(module, f"after{pascal(lifecycle.schema)}{pascal(edge.to)}", None)
            if edge.timed and callable(function):
                functions[lifecycle.schema, edge.to] = function
    return functions


def _missing(contract: Contract, module: ModuleType, missing: list[tuple[str, Place, str]]) -> ContractError:
    name, place, signature = missing[0]
    others = ", ".join(each for each, _, _ in missing[1:])
    also = f" (nor have {others})" if others else ""
    return ContractError(
        str(place) if place.file else contract.service,
        f"operation {name} of contract {contract.service} has no handler{also}",
        f"{signature} in {module.__name__}",
        "Write it, or take the operation out of the contract",
    )
