"""Clusters behind TLS and a log-in, reached as a user reaches them: by ``PORTAL_KAFKA_CONFIG``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from harness.errors import BrokerError
from harness.kafka.broker import reach
from harness.kafka.embedded import EmbeddedBroker
from harness.kafka.security import VARIABLE
from tests.e2e.portal import portal
from tests.kafka.secured import PASSWORDS, SecuredKafka

pytestmark = pytest.mark.apache

WRONG = "wrong-password-1234"


def test_by_password_over_tls(secured_kafka: SecuredKafka, monkeypatch: pytest.MonkeyPatch) -> None:
    _say(monkeypatch, secured_kafka, secured_kafka.with_password("team"))
    assert reach(secured_kafka.at("SASL")).capabilities == secured_kafka.broker.capabilities


def test_by_certificate(secured_kafka: SecuredKafka, monkeypatch: pytest.MonkeyPatch) -> None:
    _say(monkeypatch, secured_kafka, secured_kafka.with_certificate("team"))
    assert reach(secured_kafka.at("MUTUAL")).capabilities == secured_kafka.broker.capabilities


@pytest.mark.parametrize(
    ("listener", "instead", "complaint"),
    [
        ("SASL", {"sasl_password": WRONG}, "Invalid username or password"),
        ("SASL", {"ssl_ca_location": "another.pem"}, "certificate verify failed"),
        ("SASL", {"sasl_mechanism": "SCRAM-SHA-256"}, "broker's supported mechanisms: PLAIN"),
        ("SASL", {"security_protocol": "SASL_PLAINTEXT"}, "not in the Kafka protocol"),
        ("MUTUAL", {"security_protocol": "SSL"}, "does not come to terms over TLS"),
        ("PLAINTEXT", {}, "does not come to terms over TLS"),
    ],
)
def test_what_is_wrong_is_said_in_one_paragraph(
    secured_kafka: SecuredKafka,
    monkeypatch: pytest.MonkeyPatch,
    listener: str,
    instead: dict[str, str],
    complaint: str,
) -> None:
    if instead.get("ssl_ca_location"):
        instead = {"ssl_ca_location": str(secured_kafka.another_authority())}
    _say(monkeypatch, secured_kafka, secured_kafka.with_password("team", **instead))
    with pytest.raises(BrokerError) as told:
        reach(secured_kafka.at(listener), 2.0)
    text = str(told.value)
    assert complaint in text
    assert VARIABLE in text, "where it can be put right"
    assert "\n" not in text
    assert WRONG not in text
    assert PASSWORDS["team"] not in text


def test_nothing_said_about_a_secured_cluster(
    secured_kafka: SecuredKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(BrokerError, match=f"if it wants TLS or a log-in, say how in a file that {VARIABLE}"):
        reach(secured_kafka.at("SASL"), 2.0)


def test_the_embedded_broker_is_not_meant(
    secured_kafka: SecuredKafka, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _say(monkeypatch, secured_kafka, secured_kafka.with_password("team"))
    with EmbeddedBroker({"portal.a.v1": 1}) as embedded:
        assert not embedded.broker.security
    ran = portal("verify", "coverage", "--check", "events", "--report", str(tmp_path / "report"))
    assert ran.code == 0, ran.text


def test_the_whole_way(secured_kafka: SecuredKafka, tmp_path: Path) -> None:
    """``portal verify`` with the rights that the README names, and with none."""
    secured_kafka.allow("team", "TOPIC", "portal.", ["CREATE", "DESCRIBE", "READ", "WRITE"])
    secured_kafka.allow("team", "GROUP", "portal.", ["READ"])
    for principal, code in (("team", 0), ("stranger", 2)):
        file = secured_kafka.properties_file(secured_kafka.with_password(principal))
        ran = portal(
            *(
                "verify",
                "coverage",
                "--kafka",
                secured_kafka.at("SASL"),
                "--report",
                str(tmp_path / "report"),
            ),
            *("--check", "events", "--check", "cause_and_effect", "--check", "message_pacts"),
            PORTAL_KAFKA_CONFIG=str(file),
        )
        assert ran.code == code, ran.text
        assert "Traceback" not in ran.text
        written = "".join(each.read_text() for each in (tmp_path / "report").iterdir())
        assert PASSWORDS[principal] not in ran.text + written
    assert "could not be created: " in ran.text


def _say(monkeypatch: pytest.MonkeyPatch, cluster: SecuredKafka, settings: Mapping[str, str]) -> None:
    monkeypatch.setenv(VARIABLE, str(cluster.properties_file(settings)))
