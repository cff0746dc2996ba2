"""How a Kafka record stands in a pact: the one mapping between topic, key, headers and Pact's metadata.

Pact knows a message as contents and metadata, not what a topic is. Ours: ``kafka_topic``, ``kafka_key``, each
header under its own name, and the ``content-type`` header under Pact's own word, ``contentType``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from harness.contract.model import EMPTY, JSON

TOPIC = "kafka_topic"
KEY = "kafka_key"
CONTENT_TYPE = "contentType"
CONTENT_TYPE_HEADER = "content-type"


@dataclass(frozen=True, slots=True)
class Envelope:
    """What of a record is not its value. ``topic`` is empty and ``key`` None where a pact leaves them out."""

    topic: str = ""
    key: str | None = None
    headers: Mapping[str, str] = field(default=EMPTY)


def metadata_of(topic: str, key: str | None, headers: Iterable[tuple[str, bytes | str]]) -> dict[str, str]:
    """A record as Pact's metadata; of a header that stands there twice the last one counts."""
    metadata = {TOPIC: topic}
    if key is not None:
        metadata[KEY] = key
    for name, value in headers:
        text = value if isinstance(value, str) else value.decode("utf-8", "backslashreplace")
        metadata[CONTENT_TYPE if name.lower() == CONTENT_TYPE_HEADER else name] = text
    return metadata


def envelope_of(metadata: Mapping[str, JSON]) -> Envelope:
    """Pact's metadata as a record's. What Pact took for JSON, such as a number, is text again."""
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in metadata.items()}
    topic, key = texts.pop(TOPIC, ""), texts.pop(KEY, None)
    content_type = texts.pop(CONTENT_TYPE, None)
    if content_type is not None:
        texts[CONTENT_TYPE_HEADER] = content_type
    return Envelope(topic, key, texts)
