"""How a secured cluster is reached: what the file named by ``PORTAL_KAFKA_CONFIG`` says. Read here alone."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import UsageError

VARIABLE = "PORTAL_KAFKA_CONFIG"
"""The environment variable that names a file of librdkafka's properties; empty is as good as not set."""

_ALLOWED = ("security.", "sasl.", "ssl.", "enable.ssl.", "enable.sasl.", "https.ca.")
_EXPECTED = (
    "lines NAME=VALUE with librdkafka's own names: security.protocol, sasl.*, ssl.*, "
    "enable.ssl.certificate.verification"
)


@dataclass(frozen=True, slots=True)
class Security:
    """librdkafka's settings for TLS and log-in, none for a cluster that asks for neither.

    Its repr shows none of them: there are passwords and keys among them.
    """

    settings: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def __bool__(self) -> bool:
        return bool(self.settings)

    def tls(self) -> ssl.SSLContext | None:
        """For the one question that we ask by ourselves (``kafka.protocol``); None where TLS is not spoken.

        Verifies nobody: that question holds nothing that is secret, and whoever answers it is verified by
        librdkafka before anything else is said. Raises UsageError if a certificate of ours cannot be read.
        """
        told = dict(self.settings)
        if told.get("security.protocol", "").lower() not in {"ssl", "sasl_ssl"}:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if own := told.get("ssl.certificate.location"):
            key = told.get("ssl.key.location") or own
            try:
                context.load_cert_chain(own, key, told.get("ssl.key.password", ""))
            except (OSError, ValueError) as error:
                raise UsageError(
                    f"{VARIABLE}: ssl.certificate.location, ssl.key.location",
                    f"the certificate {own} and its key cannot be used ({type(error).__name__})",
                    "two PEM files that belong together, and the key's password if it has one",
                ) from None
        return context


NONE = Security()
"""For the embedded broker, whatever the environment says."""


def read(environment: Mapping[str, str] = os.environ) -> Security:
    """What the user's file says, checked; NONE without one. Raises UsageError, which never quotes a value."""
    named = environment.get(VARIABLE, "")
    if not named:
        return NONE
    file = Path(named).expanduser()
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not text"
        raise UsageError(f"{VARIABLE}={file}", f"it cannot be read: {why}", "a properties file") from None
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.lstrip().startswith("#"):
            name, value = _property(line, f"{file}:{number}")
            found[name] = value
    _accepted_by_librdkafka(found, file)
    return Security(tuple(found.items()))


def _property(line: str, place: str) -> tuple[str, str]:
    name, equals, value = (part.strip() for part in line.partition("="))
    if not (equals and name):
        raise UsageError(place, "this is not NAME=VALUE", _EXPECTED)
    if not name.startswith(_ALLOWED):
        raise UsageError(
            place,
            f"{name} does not say how a cluster is secured",
            _EXPECTED,
            "Leave it out: everything else is set by Portal, and the address by --kafka",
        )
    return name, value


def _accepted_by_librdkafka(settings: Mapping[str, str], file: Path) -> None:
    from confluent_kafka import KafkaException, Producer

    from harness.kafka.clients import LOG

    try:
        Producer(dict(settings), logger=LOG)  # with no address it connects to nothing
    except KafkaException as error:
        text = str(error.args[0].str()).removeprefix("Failed to create producer: ")
        for value in sorted(settings.values(), key=len, reverse=True):
            if value:
                text = re.sub(rf"(?<![\w.]){re.escape(value)}(?![\w.])", "…", text)
        raise UsageError(str(file), f"librdkafka says: {text}", _EXPECTED) from None
