"""A mock with its control API on their sockets, for the tests that tell it what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from harness.contract.model import JSON
from mocks.mock import Mock
from tests.unit.serving.live import DEADLINE, served


@dataclass(frozen=True)
class Controlled:
    """A mock, a client of it and one of its control API."""

    mock: Mock
    client: httpx.Client
    control: httpx.Client

    def tell(self, path: str, document: JSON, status: int = 201) -> Any:
        """Post to the control API; returns the answer."""
        answer = self.control.post(path, json=document)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def journal(self, **query: Any) -> list[Any]:
        """The entries that are asked for."""
        answer = self.control.get("/journal", params=query)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["entries"])

    def verify(self, **expected: Any) -> Any:
        """The verdict on an expectation."""
        return self.tell("/verify", expected, 200)


@contextmanager
def controlled(mock: Mock) -> Iterator[Controlled]:
    """Serve it; ends it afterwards."""
    with (
        served([mock]) as addresses,
        httpx.Client(base_url=addresses.services[mock.name], trust_env=False, timeout=DEADLINE) as client,
        httpx.Client(base_url=addresses.control[mock.name], trust_env=False, timeout=DEADLINE) as control,
    ):
        yield Controlled(mock, client, control)
