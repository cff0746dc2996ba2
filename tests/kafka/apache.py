"""Starts a real Apache Kafka of one KRaft node, as often as a test likes, on the same data and address."""

from __future__ import annotations

import base64
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.errors import BrokerError, ProcessError
from harness.kafka.broker import Broker, reach
from harness.processes import Child
from tests import fetched
from tests.conftest import ROOT
from tests.kafka import artifacts
from tests.kafka.properties import LOOPBACK, single_node, written

START_SECONDS = 90.0
STOP_SECONDS = 30.0

HEAP = "512m"
# Serial collector and first compiler only: a broker that lives for minutes starts in half the time with them.
_JVM = (f"-Xmx{HEAP}", "-Xms64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true")
_QUIET = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
_LOOK_EVERY = 0.05
_LOOK = 2.0
# Below the ports that the system hands out by itself: there, while the broker is down, somebody else's
# connection could take its port, even a client's that tries to reach it.
_PORTS = range(15_000, 32_000)


class ApacheKafka:
    """Apache Kafka for as long as the context lasts, or until our process is gone, however it ends.

    In between it may be stopped or killed and started again: what it holds, and its addresses, stay.
    ``more``: given a folder for files, properties beside or instead of those of ``single_node``;
    ``listeners``: further ones by name and what they speak, such as SASL_SSL. What cannot be raises
    ProcessError with what the broker said last.
    """

    def __init__(
        self,
        more: Callable[[Path], Mapping[str, str]] = lambda folder: {},
        listeners: Mapping[str, str] | None = None,
    ) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="portal-apache-kafka-", ignore_cleanup_errors=True)
        self.folder = Path(self._folder.name)
        self._child: Child | None = None
        self._broker: Broker | None = None
        protocols = dict(listeners or {})
        names = ("PLAINTEXT", "CONTROLLER", *protocols)
        self._ports = dict(zip(names, free_ports(len(names)), strict=True))
        node = single_node(self._ports, self.folder / "data", protocols)
        self._properties = self.folder / "server.properties"
        self._properties.write_text(written({**node, **more(self.folder)}))

    def at(self, listener: str) -> str:
        """The address of a listener, for clients."""
        return f"{LOOPBACK}:{self._ports[listener]}"

    @property
    def bootstrap(self) -> str:
        """The address of the plain listener."""
        return self.at("PLAINTEXT")

    @property
    def broker(self) -> Broker:
        """As found out when it was first started."""
        if self._broker is None:
            raise BrokerError("Apache Kafka", "it has not been started")
        return self._broker

    @property
    def alive(self) -> bool:
        return self._child is not None and self._child.alive

    @property
    def pid(self) -> int:
        """A process that lives as long as the broker; its parent, in fact."""
        return self._running().pid

    @property
    def output(self) -> str:
        """The last lines of what the broker said."""
        return "" if self._child is None else self._child.output

    def __enter__(self) -> Self:
        try:
            self._format()
            if not artifacts.archive().exists():
                self._keep_classes()
            self.start()
        except BaseException:
            self._folder.cleanup()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()  # nobody needs what it holds any more, and a clean end takes a second or two
        self._folder.cleanup()

    def start(self) -> None:
        """Start it and wait until it answers; on the data of last time, if it has run before."""
        self._run(f"-XX:SharedArchiveFile={artifacts.archive()}")

    def stop(self) -> None:
        """End it in good order (SIGTERM)."""
        if self._child is not None:
            self._child.stop(grace=STOP_SECONDS)

    def kill(self) -> None:
        """SIGKILL."""
        if self._child is not None and self._child.alive:
            os.killpg(self._child.pid, signal.SIGKILL)
            self._child.stop()

    def restart(self) -> None:
        """Stop it and start it again."""
        self.stop()
        self.start()

    def _running(self) -> Child:
        if self._child is None:
            raise BrokerError("Apache Kafka", "it has not been started")
        return self._child

    def _run(self, option: str) -> None:
        tied = [sys.executable, "-m", "tests.kafka.tied", str(self.folder)]
        command = [*tied, *self._java("kafka.Kafka", option), str(self._properties)]
        self._child = Child.start(command, env={"PYTHONPATH": str(ROOT)})
        try:
            self._broker = self._answering(self._child)
        except BaseException:
            self.kill()
            raise

    def _keep_classes(self) -> None:
        """Run it once for the archive that it leaves at a clean end."""
        made = self.folder / "classes.jsa"
        self._run(f"-XX:ArchiveClassesAtExit={made}")
        self.stop()
        if made.exists():
            beside = artifacts.archive().with_suffix(f".{uuid.uuid4().hex}")
            shutil.copyfile(made, beside)
            beside.replace(artifacts.archive())

    def _format(self) -> None:
        """Make the storage: a node starts on nothing else."""
        id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        tool = self._java("kafka.tools.StorageTool")
        # With "=": an id may begin with a dash.
        command = [*tool, "format", f"--cluster-id={id}", f"--config={self._properties}"]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode:
            raise ProcessError("Apache Kafka", f"its storage could not be made: {done.stderr.strip()}")

    def _java(self, main: str, *options: str) -> list[str]:
        return [fetched.java(), *_JVM, _QUIET, *options, "-cp", f"{artifacts.jars()}/*", main]

    def _answering(self, child: Child) -> Broker:
        host, port = self.bootstrap.split(":")
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection((host, int(port)), timeout=_LOOK).close()
                return reach(self.bootstrap, _LOOK)
            except (OSError, BrokerError) as error:
                if not child.alive or time.monotonic() > deadline:
                    raise ProcessError("Apache Kafka", f"it does not answer: {child.output}") from error
            time.sleep(_LOOK_EVERY)


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on, and that nobody is given by chance."""
    found: list[int] = []
    for port in random.sample(_PORTS, 500):
        if len(found) == count:
            return found
        try:
            socket.create_server((LOOPBACK, port)).close()
        except OSError:
            continue
        found.append(port)
    raise ProcessError("Apache Kafka", "no port is free for it")
