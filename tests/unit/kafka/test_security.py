"""What a user says of a secured cluster is read strictly, used everywhere, and shown nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.kafka.broker import Broker, Capabilities
from harness.kafka.clients import settings
from harness.kafka.security import NONE, VARIABLE, Security, read

SECRET = "hunter2-and-more"


def said(folder: Path, text: str) -> Security:
    file = folder / "kafka.properties"
    file.write_text(text)
    return read({VARIABLE: str(file)})


def test_nothing_said_is_no_security() -> None:
    assert read({}) is NONE
    assert read({VARIABLE: ""}) is NONE, "a child is told so by an empty value"
    assert not NONE


def test_comments_blank_lines_and_equals_signs_in_values(tmp_path: Path) -> None:
    found = said(
        tmp_path,
        "# ours\n\nsecurity.protocol = SASL_SSL\nsasl.mechanism=PLAIN\nsasl.username=team\n"
        f"  sasl.password={SECRET}==\n",
    )
    assert dict(found.settings) == {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "PLAIN",
        "sasl.username": "team",
        "sasl.password": f"{SECRET}==",
    }


def test_every_client_gets_it_and_no_repr_shows_it(tmp_path: Path) -> None:
    login = f"sasl.mechanism=PLAIN\nsasl.username=team\nsasl.password={SECRET}\n"
    found = said(tmp_path, f"security.protocol=SASL_PLAINTEXT\n{login}")
    broker = Broker("localhost:1", "there", Capabilities(True, True, True, True, True, True), found)
    assert settings(broker)["sasl.password"] == SECRET
    assert settings(broker)["bootstrap.servers"] == "localhost:1"
    assert SECRET not in f"{found!r} {broker!r} {broker}"


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("security.protocol", "kafka.properties:2: this is not NAME=VALUE"),
        ("=ssl", "kafka.properties:2: this is not NAME=VALUE"),
        ("bootstrap.servers=elsewhere:9092", "kafka.properties:2: bootstrap.servers does not say how"),
        ("group.id=mine", "kafka.properties:2: group.id does not say how"),
        ("security.protocl=ssl", 'No such configuration property: "security.protocl"'),
        (f"security.protocol={SECRET}", 'Invalid value "…" for configuration property "security.protocol"'),
        (f"sasl.mechanism={SECRET}", "Unsupported SASL mechanism: …"),
        ("ssl.ca.location=/nowhere/at/all.pem\nsecurity.protocol=ssl", "ssl.ca.location failed"),
        (f"sasl.jaas.config={SECRET}", "JAAS"),
    ],
)
def test_what_makes_no_sense_is_said_without_its_value(tmp_path: Path, line: str, complaint: str) -> None:
    protocol = "" if "security.protocol" in line else "security.protocol=sasl_plaintext"
    with pytest.raises(UsageError) as told:
        said(tmp_path, f"{protocol}\n{line}\n")
    assert complaint in str(told.value)
    assert SECRET not in str(told.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"{VARIABLE}=.*absent: it cannot be read: No such file"):
        read({VARIABLE: str(tmp_path / "absent")})
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="it is not text"):
        read({VARIABLE: str(tmp_path / "binary")})


def test_tls_is_spoken_where_it_is_said() -> None:
    assert NONE.tls() is None
    assert Security((("security.protocol", "SASL_PLAINTEXT"),)).tls() is None
    assert Security((("security.protocol", "SASL_SSL"),)).tls() is not None


def test_a_certificate_of_ours_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "own.pem").write_text("not a certificate")
    ours = (("security.protocol", "ssl"), ("ssl.certificate.location", str(tmp_path / "own.pem")))
    with pytest.raises(UsageError, match=r"own\.pem and its key cannot be used"):
        Security(ours).tls()
