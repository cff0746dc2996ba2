"""A secured cluster: TLS, principals with passwords or certificates, and who may do what."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from harness.kafka.broker import Broker, reach
from harness.kafka.clients import admin_client
from harness.kafka.security import Security
from tests.kafka.apache import ApacheKafka
from tests.kafka.properties import LOOPBACK
from tests.kafka.until import until

PASSWORDS = {
    "team": "open-sesame-4711",
    "stranger": "let-me-in-0815",
    "newcomer": "knock-knock-42",
    "coverage": "cover-me-1234",
}
"""Principals that can log in; what they may do is up to ``SecuredKafka.allow``."""

LISTENERS = {"SASL": "SASL_SSL", "MUTUAL": "SSL"}
"""TLS and a password; TLS and a client's certificate."""

_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate with its key; ``file`` holds both in PEM, as Apache Kafka reads them."""

    name: str
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    @property
    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)


class SecuredKafka(ApacheKafka):
    """An Apache Kafka that asks who you are, and refuses what you may not do."""

    def __init__(self) -> None:
        self._authority = _issued("Portal test authority", None)
        own = _issued("broker", self._authority)
        super().__init__(lambda folder: _server_properties(folder, self._authority, own), LISTENERS)

    def with_password(self, principal: str, **other: str) -> dict[str, str]:
        """librdkafka's settings to log in at the listener SASL; ``other`` (underscores for dots) instead."""
        return {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "PLAIN",
            "sasl.username": principal,
            "sasl.password": PASSWORDS[principal],
            "ssl.ca.location": str(self.folder / "authority.pem"),
            **{name.replace("_", "."): value for name, value in other.items()},
        }

    def with_certificate(self, principal: str) -> dict[str, str]:
        """librdkafka's settings for the listener MUTUAL."""
        client = _issued(principal, self._authority)
        certificate, key = self.folder / f"{principal}.crt", self.folder / f"{principal}.key"
        certificate.write_bytes(client.certificate_pem)
        key.write_bytes(client.key_pem)
        return {
            "security.protocol": "SSL",
            "ssl.certificate.location": str(certificate),
            "ssl.key.location": str(key),
            "ssl.ca.location": str(self.folder / "authority.pem"),
        }

    def another_authority(self) -> Path:
        """The certificate of one that has nothing to do with this cluster."""
        file = self.folder / "another.pem"
        file.write_bytes(_issued("Another authority", None).certificate_pem)
        return file

    def for_principal(self, principal: str) -> Broker:
        """The cluster as this principal reaches it, by password."""
        return reach(self.at("SASL"), 10.0, Security(tuple(self.with_password(principal).items())))

    def allow(
        self, principal: str, kind: str, name: str, operations: Iterable[str], pattern: str = "PREFIXED"
    ) -> None:
        """Let a principal do this with topics or groups (``kind``) whose names begin so; LITERAL: are so."""
        from confluent_kafka.admin import (
            AclBinding,
            AclBindingFilter,
            AclOperation,
            AclPermissionType,
            ResourcePatternType,
            ResourceType,
        )

        bindings = [
            AclBinding(
                ResourceType[kind],
                name,
                ResourcePatternType[pattern],
                f"User:{principal}",
                "*",
                AclOperation[operation],
                AclPermissionType.ALLOW,
            )
            for operation in operations
        ]
        client = admin_client(self.broker)
        for made in client.create_acls(bindings).values():
            made.result(10)
        # They are decided on; that the broker heeds them too is seen when it tells of them.
        anywhere: Any = None
        every = AclBindingFilter(
            ResourceType[kind],
            name,
            ResourcePatternType[pattern],
            f"User:{principal}",
            anywhere,
            AclOperation.ANY,
            AclPermissionType.ANY,
        )
        assert until(lambda: set(bindings) <= set(client.describe_acls(every).result(10)))

    def properties_file(self, settings: Mapping[str, str]) -> Path:
        """A file for ``PORTAL_KAFKA_CONFIG``."""
        file = self.folder / "client.properties"
        file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        return file


def _server_properties(folder: Path, trusted: Identity, own: Identity) -> dict[str, str]:
    """Beside ``single_node``: who speaks on ``LISTENERS`` is known, and may do what an ACL allows, no more.

    Whoever comes by the plain listener may do everything: tests make topics and ACLs there.
    """
    store, trust = folder / "broker.pem", folder / "authority.pem"
    store.write_bytes(own.key_pem + own.certificate_pem)
    trust.write_bytes(trusted.certificate_pem)
    users = " ".join(f'user_{name}="{password}"' for name, password in PASSWORDS.items())
    plain = "org.apache.kafka.common.security.plain.PlainLoginModule"
    return {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(store),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(trust),
        "listener.name.sasl.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.sasl.plain.sasl.jaas.config": f"{plain} required {users};",
        "listener.name.mutual.ssl.client.auth": "required",
        "listener.name.mutual.ssl.principal.mapping.rules": "RULE:^CN=([^,]+).*$/$1/",
    }


def _issued(name: str, by: Identity | None) -> Identity:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + _DAY)
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
    )
    if by is not None:
        addresses = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(LOOPBACK))])
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        builder = builder.add_extension(addresses, critical=False).add_extension(usage, critical=False)
    certificate = builder.sign(by.key if by else key, hashes.SHA256())
    return Identity(name, key, certificate)
