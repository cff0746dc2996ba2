"""What ``http_throughput`` compares; ``python -m tests.benchmarks.http_servers NAME`` runs one server."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson
import uvicorn
import uvloop

from harness.serving.protocol import BoundedProtocol
from harness.serving.server import bind

GET, POST = "GET", "validated POST"
COUNTER = "@@@@@@@@@@@@"
"""Stands for twelve digits."""

THING = "7d0f4c1e-9b1a-4f61-8f0e-2f8d1a6b9c01"
ANSWER = {"id": THING, "status": "booked", "start": "2031-03-03T09:00:00Z", "tags": ["first", "second"]}
BODY = orjson.dumps(
    {
        "slotId": "slt-10000001",
        "patientId": "pat-00000001",
        "status": "pending",
        "start": "2031-03-03T09:00:00Z",
        "reason": "follow-up visit after the operation",
        "contacts": [{"kind": "phone", "value": "555-0100"}, {"kind": "mail", "value": "a@example.org"}],
    }
)

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["slotId", "patientId", "status", "start"],
    "additionalProperties": False,
    "properties": {
        "slotId": {"type": "string", "pattern": "^slt-[0-9a-z]{8,26}$"},
        "patientId": {"type": "string", "pattern": "^pat-[0-9a-z]{8,26}$"},
        "status": {"type": "string", "enum": ["pending", "booked"]},
        "start": {"type": "string", "format": "date-time"},
        "reason": {"type": "string", "maxLength": 500},
        "contacts": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["kind", "value"],
                "properties": {
                    "kind": {"type": "string", "enum": ["phone", "mail"]},
                    "value": {"type": "string"},
                },
            },
        },
    },
}

DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "Throughput", "version": "1.0.0"},
    "servers": [{"url": "/v1"}],
    "paths": {
        "/things/{thingId}": {
            "get": {
                "operationId": "getThing",
                "parameters": [
                    {
                        "name": "thingId",
                        "in": "path",
                        "required": True,
                        "schema": {"type": "string", "format": "uuid"},
                    },
                    {
                        "name": "limit",
                        "in": "query",
                        "schema": {"type": "integer", "minimum": 1, "maximum": 100},
                    },
                ],
                "responses": {"200": {"description": "it", "content": {"application/json": {}}}},
            }
        },
        "/things": {
            "post": {
                "operationId": "addThing",
                "requestBody": {"required": True, "content": {"application/json": {"schema": SCHEMA}}},
                "responses": {"201": {"description": "made", "content": {"application/json": {}}}},
            }
        },
    },
}

SECURED = {
    **DOCUMENT,
    "security": [{"portal": ["things.read"]}],
    "components": {"securitySchemes": {"portal": {"type": "http", "scheme": "bearer"}}},
}


async def bare(scope: Any, receive: Any, send: Any) -> None:
    """What uvicorn alone can do: no routing, no checks."""
    if scope["type"] != "http":
        return
    status = 200
    if scope["method"] == "POST":
        orjson.loads((await receive())["body"])
        status = 201
    body = orjson.dumps(ANSWER)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def stock() -> Any:
    """Connexion as it comes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import connexion

    async def get_thing(thingId: str, limit: int = 20) -> Any:
        return ANSWER

    async def add_thing(body: Any) -> Any:
        return ANSWER, 201

    functions = {"getThing": get_thing, "addThing": add_thing}
    app = connexion.AsyncApp(
        "throughput", resolver=connexion.Resolver(functions.__getitem__), strict_validation=True
    )
    app.add_api(DOCUMENT)
    return app


def ours(document: dict[str, Any], *, plain: bool = False) -> tuple[Any, str]:
    """This project's app, with asynchronous or plain handlers, with or without tokens."""
    from harness.contract import load
    from harness.serving.app import build_app
    from harness.serving.exchange import Answer, Request
    from harness.serving.keys import KeyStore

    async def get_thing(request: Request) -> Answer:
        return Answer(200, ANSWER)

    async def add_thing(request: Request) -> Answer:
        return Answer(201, ANSWER)

    def get_plainly(request: Request) -> Answer:
        return Answer(200, ANSWER)

    def add_plainly(request: Request) -> Answer:
        return Answer(201, ANSWER)

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "openapi.json"
        file.write_text(json.dumps(document), encoding="utf-8")
        contract = load(file)
        keys = KeyStore(Path(folder))
        token = keys.mint({"actor": "service", "scope": "things.read"}) if document is SECURED else ""
        authenticator = keys.authenticator()
    if plain:
        return build_app(contract, {"getThing": get_plainly, "addThing": add_plainly}, authenticator), token
    return build_app(contract, {"getThing": get_thing, "addThing": add_thing}, authenticator), token


@dataclass(frozen=True)
class Load:
    """One kind of request; ``COUNTER`` in it becomes a number that no other request has."""

    name: str
    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


@dataclass(frozen=True)
class Running:
    """What a server's process tells of itself."""

    url: str
    loads: tuple[Load, ...]


def loads(token: str = "") -> tuple[Load, ...]:
    """The two requests that every small server answers."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    posted = {**headers, "Content-Type": "application/json"}
    return (
        Load(GET, "GET", f"/v1/things/{THING}?limit=10", headers),
        Load(POST, "POST", "/v1/things", posted, BODY.decode()),
    )


def reference() -> tuple[Any, tuple[Load, ...]]:
    """The notifications reference service: a read and a creation with idempotency key, on SQLite."""
    from harness.contract import load
    from harness.serving.keys import KeyStore
    from reference_services.platform.service import build_service

    contract = load(Path(__file__).parents[2] / "contracts" / "notifications")
    with tempfile.TemporaryDirectory() as folder:
        keys = KeyStore(Path(folder))
        scope = "patient/Communication.read patient/Device.write"
        token = keys.mint({"actor": "staff", "scope": scope})
        service = build_service(contract, None, keys)
    service.start()
    example = (
        contract.operations["getDelivery"].responses["200"].content["application/json"].examples[0].value
    )
    headers = {"Authorization": f"Bearer {token}"}
    posted = {**headers, "Content-Type": "application/json", "Idempotency-Key": f"throughput-{COUNTER}"}
    body = json.dumps({"platform": "web", "token": f"45c48cce2e2d7fbdea1a{COUNTER}"})
    return service.app, (
        Load(GET, "GET", f"/v1/deliveries/{example['id']}", headers),
        Load(POST, "POST", f"/v1/patients/{example['patientId']}/devices", posted, body),
    )


def small(app: Any, token: str = "") -> tuple[Any, tuple[Load, ...]]:
    """A server of the two small operations."""
    return app, loads(token)


@dataclass(frozen=True)
class Server:
    """``build`` gives the application and its loads; ``own`` runs it under our bounded protocol."""

    build: Callable[[], tuple[Any, tuple[Load, ...]]]
    own: bool = True


BARE = "bare uvicorn"

SERVERS = {
    BARE: Server(lambda: small(bare), own=False),
    "stock Connexion": Server(lambda: small(stock()), own=False),
    "Portal": Server(lambda: small(*ours(DOCUMENT))),
    "Portal, with a token": Server(lambda: small(*ours(SECURED))),
    "Portal, plain handler in a thread": Server(lambda: small(*ours(DOCUMENT, plain=True))),
    "reference service on SQLite": Server(reference),
}


def main(name: str) -> None:
    """Serve until terminated; the first line on standard output tells a ``Running`` as JSON."""
    server = SERVERS[name]
    app, offered = server.build()
    held = bind("127.0.0.1", 0, name)
    running = Running(f"http://127.0.0.1:{held.getsockname()[1]}", offered)
    http: Any = BoundedProtocol if server.own else "httptools"
    lifespan: Any = "off" if name == BARE else "on"
    config = uvicorn.Config(
        app, http=http, ws="none", lifespan=lifespan, log_config=None, access_log=False, server_header=False
    )
    sys.stdout.write(json.dumps(asdict(running)) + "\n")
    sys.stdout.flush()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(uvicorn.Server(config).serve(sockets=[held]))


if __name__ == "__main__":
    main(sys.argv[1])
