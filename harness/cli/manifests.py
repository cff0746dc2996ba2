"""``portal manifests``: what runs reference services on Kubernetes, and the topic rights that they need."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Annotated
from urllib.parse import parse_qsl, urlsplit

import typer

from harness.cli.extras import need
from harness.cli.options import AllowRemote, Contracts, Maps, chosen, sources_of, system_of
from harness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.cli.kubernetes import Need
    from harness.contract.model import System

_SERVICE = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
"""What a Service may be called (RFC 1035, 2.3.1)."""

_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,400}")
_PORT = 8080
_POSTGRES = 5432
_SECRET = frozenset({"user", "password", "passfile", "sslpassword"})

_Services = Annotated[
    list[str] | None,
    typer.Argument(metavar="SERVICE", help="Names of folders of contracts. Default: all."),
]
_Rights = Annotated[
    bool,
    typer.Option("--rights", help="Print the topics and the rights on them instead, as a shell script."),
]
_Image = Annotated[
    str | None, typer.Option(metavar="IMAGE", help="The image that the Dockerfile makes, by name and tag.")
]
_Kafka = Annotated[
    str | None, typer.Option(metavar="HOST:PORT", help="The Kafka cluster; several with commas.")
]
_KafkaSecret = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Secret whose client.properties says how the cluster is reached, and as whom. {service} in it "
        "stands for each one's name. Default: a cluster that wants neither TLS nor a log-in.",
    ),
]
_DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="The PostgreSQL, without a user: postgresql://HOST/DATABASE, in which each service has a "
        "schema, or with {service} in it, a database each.",
    ),
]
_DatabaseSecret = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Secret with username and password for it; {service} as above."),
]
_Jwks = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="ConfigMap whose jwks.json holds the public keys of who signs tokens."),
]
_Issuer = Annotated[
    str | None, typer.Option(metavar="ISSUER", help="What tokens say as iss. Default: as portal token's.")
]
_Audience = Annotated[
    str | None, typer.Option(metavar="AUDIENCE", help="What tokens say as aud. Default: portal.")
]
_PeerTokenSecret = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Secret whose token is what services show one another; {service} as above. Default: none calls "
        "another.",
    ),
]
_Namespace = Annotated[
    str | None, typer.Option(metavar="NAME", help="Where all goes. Default: where kubectl is.")
]
_Replicas = Annotated[int, typer.Option(min=2, max=20, metavar="N", help="Pods of each service.")]
_Principal = Annotated[
    str,
    typer.Option(metavar="NAME", help="With --rights: who a service is to the cluster; {service} as above."),
]


def manifests(
    services: _Services = None,
    rights: _Rights = False,
    image: _Image = None,
    kafka: _Kafka = None,
    kafka_secret: _KafkaSecret = None,
    database_url: _DatabaseUrl = None,
    database_secret: _DatabaseSecret = None,
    jwks: _Jwks = None,
    issuer: _Issuer = None,
    audience: _Audience = None,
    peer_token_secret: _PeerTokenSecret = None,
    namespace: _Namespace = None,
    replicas: _Replicas = 2,
    principal: _Principal = "User:{service}",
    contracts: Contracts = None,
    allow_remote: AllowRemote = False,
    maps: Maps = None,
) -> None:
    """Print what runs reference services on Kubernetes; kubectl apply --filename - takes it.

    Each gets a Deployment with probes and limits, a Service, a disruption budget, a network policy and an
    account without rights. Secrets are referred to by name, and none is printed.

    With --rights: the topics, and what each service may do with them by its contract, as commands for an
    administrator of the Kafka cluster.
    """
    from harness.cli.kubernetes import Setting
    from harness.contract.documents import yaml_of

    system = system_of(contracts, sources_of(allow_remote, maps))
    names = chosen(system, services)
    address = _given("--kafka", kafka, "--kafka HOST:PORT")
    brokers = _brokers(address)
    if rights:
        from harness.cli.rights import script

        sys.stdout.write(script([system.contracts[name] for name in names], address, principal))
        return
    live, ready, callees = _probed(system, names)
    url = _given("--database-url", database_url, "--database-url postgresql://HOST/DATABASE")
    database = _database(url)
    setting = Setting(
        image=_plain("--image", image, _IMAGE, "registry.example/portal:0.1.0"),
        port=_PORT,
        replicas=replicas,
        arguments=_arguments(address, url, issuer, audience),
        needs=(*brokers, database),
        database_secret=_plain("--database-secret", database_secret, _NAME, "portal-database"),
        jwks=_plain("--jwks", jwks, _NAME, "portal-jwks"),
        live=live,
        ready=ready,
        kafka_secret=kafka_secret and _plain("--kafka-secret", kafka_secret, _NAME, "portal-kafka-{service}"),
        peer_token=peer_token_secret
        and _plain("--peer-token-secret", peer_token_secret, _NAME, "portal-peers"),
        callees=callees,
        namespace=namespace and _plain("--namespace", namespace, _SERVICE, "portal"),
    )
    objects = [each for name in names for each in setting.objects(name)]
    sys.stdout.write("---\n".join(yaml_of(each) for each in objects))


def _arguments(kafka: str, url: str, issuer: str | None, audience: str | None) -> tuple[str, ...]:
    """What follows ``portal serve SERVICE`` in every pod."""
    from harness.cli.kubernetes import JWKS_FILE, JWKS_FOLDER
    from harness.serving.keys import AUDIENCE, ISSUER

    return (
        *("--host", "0.0.0.0", "--port", str(_PORT), "--no-control"),  # noqa: S104 - the pod's own address
        *("--kafka", kafka, "--database-url", url),
        *(() if "{service}" in url else ("--one-database",)),
        *("--jwks", f"{JWKS_FOLDER}/{JWKS_FILE}"),
        *("--issuer", issuer or ISSUER, "--audience", audience or AUDIENCE),
    )


def _given(option: str, value: str | None, expected: str) -> str:
    if not value:
        raise UsageError(option, "it is needed for this, and is missing", expected)
    return value


def _plain(option: str, value: str | None, form: re.Pattern[str], example: str) -> str:
    """A name without surprises. Raises UsageError."""
    named = _given(option, value, f"a name, e.g. {option} {example}")
    if not form.fullmatch(named.replace("{service}", "service")):
        raise UsageError(
            f"{option} {named}", "this is no name that Kubernetes takes there", f"e.g. {example}"
        )
    return named


def _brokers(address: str) -> list[Need]:
    from harness.cli.kubernetes import Need
    from harness.kafka.broker import addresses

    return [Need(host, port) for host, port in addresses(address)]


def _database(url: str) -> Need:
    """Where the server is. Raises UsageError, which does not quote what may be a password."""
    from harness.cli.kubernetes import Need

    expected = "postgresql://HOST/DATABASE"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or _POSTGRES
    except ValueError:
        raise UsageError("--database-url", "this is no URL", expected) from None
    if parts.username or parts.password or _SECRET & {name.lower() for name, _ in parse_qsl(parts.query)}:
        raise UsageError(
            "--database-url",
            "it names a user or a password, which everybody who may see a Deployment would see",
            expected,
            "Put them into the Secret that --database-secret names, as username and password",
        )
    if parts.scheme not in ("postgresql", "postgres") or not host or "," in host or len(parts.path) < 2:
        raise UsageError("--database-url", "this is not the URL of a PostgreSQL's database", expected)
    return Need(host, port)


def _probed(system: System, names: Sequence[str]) -> tuple[str, str, dict[str, tuple[str, ...]]]:
    """The paths of the probes, and whom each service calls, once it is certain that every one can run. Raises
    HarnessError."""
    need("manifests", "reference")
    from harness.contract.model import NOWHERE
    from reference_services.platform.handlers import import_handlers, resolve
    from reference_services.platform.observing import LIVE, READY

    callees = {}
    for name in names:
        if not _SERVICE.fullmatch(name):
            raise UsageError(
                name,
                "a service on Kubernetes cannot be called so",
                "at most 63 small letters, digits and hyphens, a letter first",
                "Rename the folder of its contract",
            )
        contract = system.contracts[name]
        module = import_handlers(name, next((each.place for each in contract.operations.values()), NOWHERE))
        callees[name] = tuple(sorted({service for service, _ in resolve(contract, module).calls}))
    return LIVE, READY, callees
