"""Runs services of this project in this process: broker, services, addresses, a clean end."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.ending import Ended
from harness.cli.notes import note
from harness.cli.observing import observed
from harness.cli.options import creatable, unwritable
from harness.errors import UsageError
from harness.processes import end_with_parent, write_ready

if TYPE_CHECKING:
    from harness.contract.model import System
    from harness.kafka.broker import Broker
    from harness.serving.recording import Recorder
    from harness.serving.server import Hosted

    Build = Callable[[Broker | None], Sequence[Hosted]]


CONTAINER = "PORTAL_CONTAINER"
"""The environment variable that our image sets."""


@dataclass(frozen=True, slots=True)
class Stay:
    """How a hosting command runs. ``ports`` maps a service to a wished port; others get a free one. The
    same holds of ``control_ports`` for control endpoints.

    ``external`` services run elsewhere and are listed in the ready file with the rest. ``sockets`` are bound
    already, by service. Without ``told`` nothing is printed: somebody else tells the user. ``part``: only
    these services' topics are looked for on a cluster, which may show us no others. ``development``: whoever
    has the development key is let in.
    """

    kafka: str = "embedded"
    kafka_port: int = 0
    host: str = "127.0.0.1"
    ports: Mapping[str, int] = field(default_factory=dict)
    control_host: str = "127.0.0.1"
    control_ports: Mapping[str, int] = field(default_factory=dict)
    ready_file: Path | None = None
    external: Mapping[str, str] = field(default_factory=dict)
    sockets: Mapping[str, socket.socket] = field(default_factory=dict)
    told: bool = True
    part: tuple[str, ...] = ()
    development: bool = True


def _nothing() -> None:
    return None


def nobody(_: Mapping[str, str]) -> None:
    """Who wants to learn where services listen."""


def host(
    system: System,
    build: Build,
    stay: Stay,
    *,
    meanwhile: Callable[[], None] = _nothing,
    learn: Callable[[Mapping[str, str]], None] = nobody,
) -> None:
    """Run until a signal ends us. Raises HarnessError for whatever cannot be started.

    ``meanwhile`` is done while a broker of our own starts; ``learn`` is told, once all answer, where each
    service listens, here or elsewhere.
    """
    from harness.serving.server import Addresses, run

    end_with_parent()
    check(stay)
    with observed(), broker_for(system, stay.kafka, stay.kafka_port, stay.part, meanwhile) as broker:

        def ready(found: Addresses) -> None:
            learn({**found.services, **stay.external})
            tell_ready(stay, broker, found.services, found.control)

        run(
            build(broker),
            host=stay.host,
            ports=stay.ports,
            sockets=stay.sockets,
            control_host=stay.control_host,
            control_ports=stay.control_ports,
            on_ready=ready,
        )


def host_broker(system: System, stay: Stay) -> None:
    """Run the broker alone until a signal ends us. Raises HarnessError if it cannot be started."""
    end_with_parent()
    check(stay, serves=False)
    with broker_for(system, stay.kafka, stay.kafka_port) as broker:
        tell_ready(stay, broker, {}, {})
        with contextlib.suppress(Ended):
            threading.Event().wait()


def check(stay: Stay, serves: bool = True) -> None:
    """What can be said before anything starts. A ready file of an earlier run would be taken for ours."""
    if serves and stay.told and _is_loopback(stay.host) and os.environ.get(CONTAINER):
        note(
            f"{stay.host} is this container's own: nothing outside can reach what listens there. "
            "--host 0.0.0.0 lets the container's network in."
        )
    if stay.ready_file is not None:
        creatable(stay.ready_file, "--ready-file")
        stay.ready_file.unlink(missing_ok=True)
    if stay.told and stay.development and not _is_loopback(stay.host):
        note(
            f"--host {stay.host}: whoever reaches this machine can call these services, with tokens "
            "of a key that is made for development only. Do so in a network that you trust."
        )
    if not _is_loopback(stay.control_host):
        note(
            f"--control-host {stay.control_host}: whoever reaches this machine can read what the "
            "mocks were sent, and change what they answer. Do so in a network that you trust."
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@contextmanager
def broker_for(
    system: System,
    kafka: str,
    port: int = 0,
    part: Sequence[str] = (),
    meanwhile: Callable[[], None] = _nothing,
) -> Iterator[Broker | None]:
    """The broker that ``--kafka`` names, with the contracts' topics made; None for ``none``.

    On a cluster, ``part`` asks for no more than what these services have to do with.
    """
    channels = list(system.topics.values())
    if kafka == "none":
        yield None
    elif kafka == "embedded":
        from harness.kafka.embedded import EmbeddedBroker

        topics = {c.address: c.partitions for c in channels}
        with EmbeddedBroker(topics, port=port, meanwhile=meanwhile) as embedded:
            yield embedded.broker
    else:
        from harness.kafka.broker import create_topics, reach
        from harness.kafka.rights import rights_of

        check_kafka(kafka)
        broker = reach(kafka)
        own = [topic for name in part for topic in rights_of(system.contracts[name]).topics]
        create_topics(broker, own if part else channels)
        yield broker


def check_kafka(kafka: str) -> None:
    """Raises UsageError if ``--kafka`` is neither a word that it knows nor like an address."""
    if kafka not in ("none", "embedded") and ":" not in kafka:
        raise UsageError(f"--kafka {kafka}", "this is no address", "embedded, none or HOST:PORT")


@contextmanager
def recording(exchanges: Path | None) -> Iterator[Recorder | None]:
    """What ``--exchanges`` asks for. Raises UsageError if the file cannot be written."""
    if exchanges is None:
        yield None
        return
    from harness.serving.recording import Recorder

    try:
        recorder = Recorder(exchanges)
    except OSError as error:
        raise unwritable(f"--exchanges {exchanges}", error, "Name a file in a folder that exists") from error
    try:
        yield recorder
    finally:
        recorder.close()


def tell_ready(
    stay: Stay,
    broker: Broker | None,
    own: Mapping[str, str],
    control: Mapping[str, str],
    more: Mapping[str, object] | None = None,
) -> None:
    """Write the ready file, with ``more`` in it, and print who answers where."""
    services = {**own, **stay.external}
    if stay.ready_file is not None:
        bootstrap = broker.bootstrap if broker else None
        document = {
            "services": services,
            "control": dict(control),
            "kafka": bootstrap,
            "pid": os.getpid(),
            **(more or {}),
        }
        try:
            write_ready(stay.ready_file, document)
        except OSError as error:
            raise unwritable(
                f"--ready-file {stay.ready_file}", error, "Name a file in a folder that exists"
            ) from error
    if not stay.told:
        return
    lines = []
    width = max(map(len, (*services, "kafka")))
    for name, url in sorted(services.items()):
        controlled = f"   control {control[name]}" if name in control else ""
        elsewhere = "   runs elsewhere" if name in stay.external else ""
        lines.append(f"  {name:<{width}}  {url}{controlled}{elsewhere}")
    if broker is not None:
        lines.append(f"  {'kafka':<{width}}  {broker.bootstrap}   {broker.name}")
    print(*lines, "ready; Ctrl-C ends it", sep="\n", flush=True)  # noqa: T201 - not Rich's, which is large
