"""A call of another service is a span of its own, between what caused it and what it caused there."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from tests.e2e.collector import CLIENT, CONSUMER, SERVER, Told, collecting
from tests.e2e.test_telemetry import SOON, Hosted, hosting, phi
from tests.services.portal import AMARA, eventually, patient

PART = "PUT /v1/exports/{exportId}/parts/{source}"


def asked_for_an_export(hosted: Hosted) -> str:
    answer = hosted.call(
        "export-audit", "POST", f"/patients/{AMARA}/exports", patient(AMARA), {"sources": ["scheduling"]},
        Idempotency_Key="a-copy-1",
    )  # fmt: skip
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def waiting(hosted: Hosted) -> list[float]:
    text = httpx.get(f"{hosted.ready['services']['scheduling']}/metrics").text
    return [float(each) for each in re.findall(r"^portal_calls_waiting (\S+)$", text, re.MULTILINE)]


def test_a_call_is_a_span_between_its_cause_and_its_effect(tmp_path: Path) -> None:
    with (
        collecting() as collector,
        hosting(
            tmp_path, "serve", "export-audit", "scheduling", OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, **SOON
        ) as hosted,
    ):
        export = asked_for_an_export(hosted)

        def of_kind(kind: int) -> list[Told]:
            return [each for each in collector.spans() if (each.kind, each.name) == (kind, PART)]

        eventually(lambda: (of_kind(CLIENT) and of_kind(SERVER)) or None)
        eventually(lambda: waiting(hosted) == [0] or None)
        (call,), (taken,) = of_kind(CLIENT), of_kind(SERVER)
        causes = {each.id for each in collector.spans() if each.kind == CONSUMER}
        hosted.end()
    where = urlsplit(hosted.ready["services"]["export-audit"])
    assert (call.service, taken.service, taken.parent) == ("scheduling", "export-audit", call.id)
    assert call.parent in causes, "what told scheduling of the export"
    assert call.attributes == {
        "http.request.method": "PUT",
        "server.address": where.hostname,
        "server.port": where.port,
        "url.template": PART.removeprefix("PUT "),
        "http.response.status_code": 201,
        "portal.operation": "deliverPart",
    }
    exported = b"".join(collector.bodies).decode("utf-8", "replace")
    assert export not in exported and AMARA not in exported
    assert not phi().in_text(exported)
