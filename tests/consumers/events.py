"""An event as its consumers want it: CloudEvents headers, key and topic beside the payload."""

from __future__ import annotations

from collections.abc import Mapping

from pact import match
from pact.interaction import AsyncMessageInteraction

from harness.driving.message_metadata import KEY, TOPIC
from tests.consumers.wording import JSON_TYPE, id_like, one_of, text_like, time_like


def event(
    wanted: AsyncMessageInteraction,
    topic: str,
    ce_type: str,
    id: str,
    version: int,
    payload: Mapping[str, object],
) -> None:
    """A ``<Entity>Changed`` of the aggregate ``id``; ``payload`` is what is particular about it."""
    service = topic.split(".")[1]
    wanted.with_body(
        {
            "id": id_like(id),
            "version": match.int(version),
            "occurredAt": time_like("2031-02-20T08:02:00Z"),
            "confidentiality": one_of("N", "U", "L", "M", "R", "V"),
            **payload,
        },
        content_type=JSON_TYPE,
    )
    wanted.with_metadata(
        {
            TOPIC: topic,
            KEY: id_like(id),
            "ce_specversion": "1.0",
            "ce_id": text_like("7d0f4c1e-9b1a-4f61-8f0e-2f8d1a6b9c02"),
            "ce_type": ce_type,
            "ce_source": f"/portal/{service}",
            "ce_subject": id_like(id),
            "ce_time": time_like("2031-02-20T08:02:00Z"),
            "ce_correlationid": text_like("0d9c1c8a-5b1e-4c3f-8a52-3f2b6f9f7a11"),
            "ce_causationid": text_like("0d9c1c8a-5b1e-4c3f-8a52-3f2b6f9f7a11"),
            "ce_sequence": match.regex(str(version), regex="^[0-9]{1,19}$"),
            "traceparent": text_like("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        }
    )
