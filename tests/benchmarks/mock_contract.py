"""The small contract by which ``mock_speed`` measures, its requests, and what uvicorn alone can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

BARE = "bare uvicorn"
GET, POST = "GET", "validated POST"

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


@dataclass(frozen=True)
class Load:
    """One kind of request."""

    name: str
    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


def loads(token: str = "") -> tuple[Load, ...]:
    """The two requests that the small contract takes."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    posted = {**headers, "Content-Type": "application/json"}
    return (
        Load(GET, "GET", f"/v1/things/{THING}?limit=10", headers),
        Load(POST, "POST", "/v1/things", posted, BODY.decode()),
    )
