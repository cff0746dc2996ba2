"""Other services as this one calls them: where they listen, what their contracts say, and by which token.

A handler names a service and an operation of its contract. Where that listens is configuration, and may be
known only once everything runs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from harness.contract.model import EMPTY, Contract, Operation
from harness.contract.styles import path_text
from harness.errors import ContractError, UsageError
from harness.serving.keys import KeyStore

REPEATABLE = ("PUT", "DELETE")
"""Methods that change something, and of which a second request does no more (RFC 9110, 9.2.2)."""

_LONGEST_TOKEN = 16 * 1024


class Tokens(Protocol):
    """Gives the token by which a service shows itself to another."""

    def __call__(self, service: str, scopes: Collection[str]) -> str: ...


@dataclass(frozen=True, slots=True)
class DevelopmentTokens:
    """Tokens of this machine's development key, made anew for each call."""

    keys: KeyStore

    def __call__(self, service: str, scopes: Collection[str]) -> str:
        claims = {"actor": "service", "sub": service, "scope": " ".join(scopes)}
        return self.keys.mint(claims, lifetime=60)


@dataclass(frozen=True, slots=True)
class TokenFile:
    """A token that somebody else keeps fresh in a file: it is read at each call."""

    file: Path

    def __call__(self, service: str, scopes: Collection[str]) -> str:
        """Raises UsageError, which never quotes the file."""
        where, expected = f"--peer-token {self.file}", "one token, as Authorization: Bearer takes it"
        try:
            with self.file.open("rb") as opened:
                token = opened.read(_LONGEST_TOKEN + 1).decode("ascii").strip()
        except (OSError, UnicodeError) as error:
            said = error.strerror if isinstance(error, OSError) else None
            raise UsageError(where, f"it cannot be read: {said or 'it is no text'}", expected) from None
        if not token or len(token) > _LONGEST_TOKEN or len(token.split()) != 1:
            raise UsageError(where, "this is no token", expected)
        return token


@dataclass(slots=True)
class Peers:
    """All services that there are contracts of. Until ``learn``, nobody's address is known yet; who is none
    of ``addresses`` (base URLs) then is not to be reached."""

    contracts: Mapping[str, Contract] = field(default_factory=dict)
    tokens: Tokens | None = None
    addresses: Mapping[str, str] | None = None

    def learn(self, addresses: Mapping[str, str]) -> None:
        self.addresses = {name: url.rstrip("/") for name, url in addresses.items()}

    def reached(self, service: str, operation: str) -> Operation | None:
        """The operation, if it is known where and how it is called."""
        contract = self.contracts.get(service)
        if contract is None or self.tokens is None or service not in (self.addresses or EMPTY):
            return None
        return contract.operations.get(operation)

    def check(self, calls: Iterable[tuple[str, str]]) -> None:
        """Raises ContractError for what a handler would call and its owner's contract does not offer so."""
        for service, name in calls:
            contract = self.contracts.get(service)
            if contract is None:
                continue
            operation = contract.operations.get(name)
            if operation is None or operation.method.upper() not in REPEATABLE:
                found = "there is no such operation" if operation is None else f"it is a {operation.method}"
                raise ContractError(
                    f"{service}: {name}",
                    f"another service calls this, and {found}",
                    f"an operation by {' or '.join(REPEATABLE)}: it may be called twice",
                    "Name another in the handler, or see to the contract",
                )

    def url(self, service: str, operation: Operation, path: Mapping[str, str]) -> str:
        """Where an operation is called that is ``reached``."""
        text = operation.path
        for name, value in path.items():
            if (parameter := operation.parameter("path", name)) is not None:
                text = text.replace("{" + name + "}", path_text(parameter, value))
        return (self.addresses or EMPTY)[service] + text

    def token(self, caller: str, operation: Operation) -> str | None:
        """What the caller shows for it; None where the operation asks for nothing."""
        if self.tokens is None or not operation.security or not operation.security[0]:
            return None
        scopes = sorted({scope for each in operation.security[0].values() for scope in each})
        return self.tokens(caller, scopes)
