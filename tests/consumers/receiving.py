"""A reference service as the consumer of a message: its real receive path, over its real store."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
from sqlalchemy import select

from harness.contract.model import JSON, Contract
from harness.contract.schema import compile_schema
from harness.driving.message_metadata import envelope_of
from harness.kafka.wire import Record
from harness.serving.keys import KeyStore
from reference_services.platform import tables
from reference_services.platform.service import ReferenceService, build_service


@dataclass(frozen=True)
class Receiver:
    """A service that nobody serves and no broker feeds: messages are handed to what its inbox calls."""

    contract: Contract
    service: ReferenceService
    keys: KeyStore

    def take(self, contents: str | bytes | None, metadata: dict[str, object]) -> None:
        """A message of a pact as the record that carries it; it must keep the consumer's own contract."""
        envelope = envelope_of(metadata)
        value = contents.encode() if isinstance(contents, str) else contents or b""
        headers = tuple((name, text.encode()) for name, text in envelope.headers.items())
        record = Record(envelope.topic, 0, 0, envelope.key, headers, value)
        self._expected(record, envelope.headers)
        self.service.taker.take(record)

    def exists(self, schema: str, **parameters: JSON) -> None:
        self.service.control_face.change_state(schema, "setup", parameters)

    def get(self, path: str) -> JSON:
        """What a GET answers to staff. It must succeed."""
        answer = asyncio.run(self._get(path, {"actor": "staff", "sub": "staff-1"}))
        assert answer.status_code == 200, answer.text
        return answer.json()

    def status(self, path: str, **claims: JSON) -> int:
        """With what a GET is answered to whoever has these claims."""
        return asyncio.run(self._get(path, claims)).status_code

    def published(self, topic: str) -> list[JSON]:
        """The payloads that wait in the outbox for a topic."""
        import orjson

        wanted = select(tables.outbox.c.value).where(tables.outbox.c.topic == topic)
        with self.service.store.transaction(write=False) as transaction:
            return [orjson.loads(value) for value in transaction.connection.execute(wanted).scalars()]

    def called(self, service: str, operation: str) -> list[tuple[JSON, JSON]]:
        """Path parameters and body of each call of another service's operation that waits."""
        import orjson

        c = tables.calls.c
        wanted = select(c.path, c.body).where(c.service == service, c.operation == operation)
        with self.service.store.transaction(write=False) as transaction:
            rows = transaction.connection.execute(wanted).all()
        return [(orjson.loads(path), orjson.loads(body)) for path, body in rows]

    def _expected(self, record: Record, headers: Mapping[str, str]) -> None:
        """Key, headers and payload against the receive operation of the consumer's AsyncAPI contract."""
        (operation,) = [
            each for each in self.contract.receives.values() if each.channel.address == record.topic
        ]
        (message,) = operation.messages
        for schema, value in (
            (message.payload, record.json()),
            (message.headers, dict(headers)),
            (message.key, record.key),
        ):
            assert schema is not None
            assert compile_schema(schema).violations(value) == ()

    async def _get(self, path: str, claims: Mapping[str, JSON]) -> httpx.Response:
        scopes = {scope for each in self.contract.security_schemes.values() for scope in each.scopes}
        token = self.keys.mint({**claims, "scope": " ".join(sorted(scopes))})
        transport = httpx.ASGITransport(app=self.service.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://consumer") as client:
            return await client.get(f"/v1{path}", headers={"Authorization": f"Bearer {token}"})


@contextmanager
def receiving(contract: Contract) -> Iterator[Receiver]:
    """The reference service of a contract with an empty store, alone."""
    keys = KeyStore()
    service = build_service(contract, None, keys)
    service.start()
    try:
        service.control_face.reset(seed=False)
        yield Receiver(contract, service, keys)
    finally:
        service.stop()
