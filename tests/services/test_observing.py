"""What operators see of a service: health, readiness, and figures that Prometheus reads."""

from __future__ import annotations

import httpx
from prometheus_client.parser import text_string_to_metric_families

from harness.contract.model import JSON
from tests.services.portal import AMARA, Portal, eventually, patient


def _asked(portal: Portal, service: str, path: str) -> httpx.Response:
    """Without a token: it stands outside the contract."""
    return portal.client.get(portal.addresses.services[service] + path)


def _figure(portal: Portal, service: str, name: str, **labels: str) -> float:
    """The value of one sample; 0 where there is none yet."""
    text = _asked(portal, service, "/metrics").text
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                return sample.value
    return 0.0


def test_a_service_says_that_it_lives_and_is_ready(portal: Portal) -> None:
    for path, status in (("/health/live", "live"), ("/health/ready", "ready")):
        answer = _asked(portal, "coverage", path)
        assert (answer.status_code, answer.json()) == (200, {"status": status})


def test_requests_are_counted_by_operation_and_status(portal: Portal) -> None:
    def counted(operation: str, status: str) -> float:
        return _figure(portal, "coverage", "portal_http_requests_total", operation=operation, status=status)

    before = counted("listCoverage", "200"), counted("getCoverage", "404"), counted("none", "404")
    portal.get("coverage", f"/patients/{AMARA}/coverage", patient(AMARA))
    portal.call("coverage", "GET", "/coverage/cov-00000000", patient(AMARA))
    portal.call("coverage", "GET", "/no-such-path", patient(AMARA))

    after = counted("listCoverage", "200"), counted("getCoverage", "404"), counted("none", "404")
    assert [now - then for now, then in zip(after, before, strict=True)] == [1, 1, 1]
    assert _figure(portal, "coverage", "portal_http_request_seconds_count", operation="listCoverage") > 0


def test_messages_and_what_waits_are_counted(portal: Portal) -> None:
    labels = {"operation": "appointmentChanged", "outcome": "done"}
    before = _figure(portal, "coverage", "portal_messages_total", **labels)
    portal.booked(AMARA)

    def taken() -> bool | None:
        return _figure(portal, "coverage", "portal_messages_total", **labels) > before or None

    eventually(taken)
    eventually(lambda: _figure(portal, "scheduling", "portal_outbox_waiting") == 0 or None)
    assert _figure(portal, "coverage", "portal_relations_current") == 1


def test_figures_name_nobody(portal: Portal) -> None:
    portal.booked(AMARA)
    bodies: list[JSON] = [_asked(portal, each, "/metrics").text for each in portal.addresses.services]
    assert not any(AMARA in text or "pat-" in text or "apt-" in text for text in bodies)
