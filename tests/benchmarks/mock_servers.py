"""What ``mock_speed`` measures; ``python -m tests.benchmarks.mock_servers NAME`` runs one server."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson
import uvicorn
import uvloop

from harness.contract.model import MessageOperation
from harness.kafka.broker import Broker
from harness.serving.protocol import connections
from harness.serving.server import bind
from mocks.journal import Journal
from tests.benchmarks.mock_contract import (
    ANSWER,
    BARE,
    BODY,
    DOCUMENT,
    GET,
    SCHEMA,
    THING,
    Load,
    bare,
    loads,
)

_CONTRACTS = Path(__file__).parents[2] / "contracts"
_STEP = 0.05


@dataclass(frozen=True)
class Serving:
    """What a server's process tells of itself."""

    port: int
    pid: int
    loads: tuple[Load, ...]


def serving_of(line: str) -> Serving:
    """From the line that it prints."""
    told = json.loads(line)
    return Serving(told["port"], told["pid"], tuple(Load(**each) for each in told["loads"]))


def document(*, secured: bool) -> dict[str, Any]:
    """The small contract that all are measured by, with answers documented as examples."""
    told = json.loads(json.dumps(DOCUMENT))
    names = ("slotId", "patientId", "status", "start", "reason")
    kept = {name: {"type": "string"} for name in names}
    many = {"tags": {"type": "array", "items": {"type": "string"}}, "contacts": {"type": "array"}}
    thing = {"type": "object", "required": ["id", "status", "start"]}
    identified = {"id": {"type": "string", "format": "uuid"}, **kept, **many}
    told["components"] = {"schemas": {"Thing": {**thing, "properties": identified}}}
    for path, method, status, example in (
        ("/things/{thingId}", "get", "200", ANSWER),
        ("/things", "post", "201", {**ANSWER, "id": "7d0f4c1e-9b1a-4f61-8f0e-2f8d1a6b9c02"}),
    ):
        media = {"schema": {"$ref": "#/components/schemas/Thing"}, "example": example}
        told["paths"][path][method]["responses"][status]["content"]["application/json"] = media
    if secured:
        told["security"] = [{"portal": ["things.read"]}]
        told["components"]["securitySchemes"] = {"portal": {"type": "http", "scheme": "bearer"}}
    return dict(told)


def mock_of(*, state: bool, secured: bool = False) -> tuple[Any, tuple[Load, ...]]:
    """The mock of the small contract."""
    with tempfile.TemporaryDirectory() as folder:
        return _mock(Path(folder), json.dumps(document(secured=secured)), state, loads)


def many(operations: int) -> tuple[Any, tuple[Load, ...]]:
    """The mock of a contract of that many operations, asked for the last of them."""
    from tests.benchmarks.generated_contract import OPERATIONS_A_RESOURCE, contract

    last = operations // OPERATIONS_A_RESOURCE - 1

    def asked(token: str) -> tuple[Load, ...]:
        return (Load(GET, "GET", f"/v1/things{last}/some-id", {"Authorization": f"Bearer {token}"}),)

    with tempfile.TemporaryDirectory() as folder:
        return _mock(Path(folder), contract(operations, "json"), False, asked)


def _mock(
    folder: Path, text: str, state: bool, asked: Callable[[str], tuple[Load, ...]]
) -> tuple[Any, tuple[Load, ...]]:
    from harness.contract import load
    from harness.serving.keys import KeyStore
    from mocks.conduct import Conduct
    from mocks.mock import build_mock

    file = folder / "openapi.json"
    file.write_text(text, encoding="utf-8")
    keys = KeyStore(folder)
    token = keys.mint({"actor": "service", "scope": "things.read things.write"}, 7 * 24 * 3600)
    contract = load(file)
    secured = any(each.security for each in contract.operations.values())
    return build_mock(contract, keys=keys, conduct=Conduct(state=state)).app, asked(token if secured else "")


SERVERS: dict[str, Callable[[], tuple[Any, tuple[Load, ...]]]] = {
    BARE: lambda: (bare, loads()),
    "stateless": lambda: mock_of(state=False),
    "stateful": lambda: mock_of(state=True),
    "stateless, with a token": lambda: mock_of(state=False, secured=True),
    "stateful, with a token": lambda: mock_of(state=True, secured=True),
    "12 operations": lambda: many(12),
    "1200 operations": lambda: many(1200),
}


def main(name: str) -> None:
    """Serve until killed; the first line on standard output tells a ``Serving`` as JSON."""
    app, offered = SERVERS[name]()
    held = bind("127.0.0.1", 0, name)
    http: Any = "httptools" if name == BARE else connections()
    config = uvicorn.Config(
        app,
        http=http,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )
    sys.stdout.write(json.dumps(asdict(Serving(held.getsockname()[1], os.getpid(), offered))) + "\n")
    sys.stdout.flush()
    gc.collect()
    gc.freeze()  # as ``harness.serving.server`` does
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(uvicorn.Server(config).serve(sockets=[held]))


def receive(amount: int) -> None:
    """Print how fast a mock takes messages from a broker that cause nothing, and some that begin a thing."""
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "asyncapi.json"
        plain.write_text(json.dumps(RECEIVING), encoding="utf-8")
        _receive("that cause nothing", plain, "thingChanged", amount)
    begins = "that begin a thing each, and cause its events"
    _receive(begins, _CONTRACTS / "coverage", "appointmentChanged", amount // 5)


def _receive(name: str, place: Path, received: str, amount: int) -> None:
    from harness.contract import load
    from harness.kafka.broker import create_topics
    from harness.kafka.embedded import EmbeddedBroker
    from mocks.conduct import Conduct
    from mocks.mock import build_mock

    contract = load(place)
    operation = contract.receives[received]
    with EmbeddedBroker({}) as embedded:
        create_topics(embedded.broker, [each.channel for each in contract.receives.values()])
        first = build_mock(contract, embedded.broker, conduct=Conduct(journal_kept=10_000))
        first.start()
        _publish(embedded.broker, operation, range(1))
        _until(lambda: len(first.journal) > 0)
        first.stop()
        _publish(embedded.broker, operation, range(1, amount))
        mock = build_mock(contract, embedded.broker, before=first)  # it finds them all there
        mock.start()
        count = _Received(mock.journal)
        _until(lambda: count() > 1)
        began, cpu, before = time.perf_counter(), time.process_time(), count()
        _until(lambda: count() >= amount)
        wall, spent = time.perf_counter() - began, time.process_time() - cpu
        kinds = " and ".join(sorted({each.kind for each in mock.journal}))
        mock.stop()
    taken = amount - before
    sys.stdout.write(f"{taken:,} {name} ({kinds})\t{taken / wall:,.0f}\t{taken / spent:,.0f}\n")


class _Received:
    """How many messages a journal has told of; it is asked often enough to have forgotten none unseen."""

    def __init__(self, journal: Journal) -> None:
        self._journal, self._seen, self._count = journal, 0, 0

    def __call__(self) -> int:
        fresh = [each for each in self._journal.entries()[0] if each.number > self._seen]
        assert not fresh or not self._seen or min(each.number for each in fresh) == self._seen + 1
        self._seen = max((each.number for each in fresh), default=self._seen)
        self._count += sum(each.kind == "received" for each in fresh)
        return self._count


def _publish(broker: Broker, operation: MessageOperation, numbers: range) -> None:
    from harness.kafka.wire import Publisher

    example = operation.messages[0].examples[0]
    shown = str(example.payload["id"])
    with Publisher(broker) as publisher:
        for number in numbers:
            id = f"{shown[:-8]}{number:08d}"
            headers = {**example.headers, "ce_id": f"00000000-0000-4000-8000-{number:012d}"}
            texts = {name: str(each).replace(shown, id) for name, each in headers.items()}
            publisher.send(operation.channel.address, id, texts, orjson.dumps({**example.payload, "id": id}))
            if number % 1000 == 0:
                publisher.flush(30)
        publisher.flush(30)


RECEIVING: dict[str, Any] = {
    "asyncapi": "3.0.0",
    "info": {"title": "Throughput", "version": "1.0.0"},
    "channels": {
        "things": {
            "address": "things.v1",
            "messages": {
                "thing": {
                    "contentType": "application/json",
                    "payload": {**SCHEMA, "required": ["id"], "additionalProperties": True},
                    "examples": [{"payload": {"id": THING, **orjson.loads(BODY)}, "headers": {}}],
                }
            },
        }
    },
    "operations": {
        "thingChanged": {"action": "receive", "channel": {"$ref": "#/channels/things"}},
    },
}


def _until(true: Callable[[], bool]) -> None:
    ends = time.monotonic() + 300
    while not true():
        if time.monotonic() > ends:
            raise TimeoutError
        time.sleep(_STEP)


if __name__ == "__main__":
    if sys.argv[1] == "--kafka":
        receive(int(sys.argv[2]))
    else:
        main(sys.argv[1])
