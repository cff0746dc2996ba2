"""One life of a service: ``portal serve`` in a process of its own, armed to die or made faulty beforehand.

Processes are forked from one that has everything imported (``multiprocessing``'s fork server), so that a
restart costs a third of what it costs from nothing.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerContext, ForkServerProcess
from multiprocessing.process import parent_process
from pathlib import Path

from tests.kills import faults, points

PRELOADED = (
    "tests.kills.launcher",
    "confluent_kafka",
    "connexion",
    "harness.cli.main",
    "harness.serving.server",
    "reference_services.coverage.handlers",
    "reference_services.notifications.handlers",
    "reference_services.platform.service",
    "reference_services.scheduling.handlers",
    "sqlalchemy.dialects.sqlite",
)

_ONE_AT_A_TIME = threading.Lock()
"""How a process ended can be read once. Whoever starts one reads it of all others too (multiprocessing's
``_cleanup``), and of two threads that read at once the second is told 255."""

LOG_FORMAT = "%(created).3f %(levelname)s %(name)s %(message)s"


@dataclass(frozen=True, slots=True)
class Life:
    """``arguments`` of ``portal``; its output goes to ``log``. ``place`` and ``passage``: see ``points``."""

    arguments: tuple[str, ...]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    place: str | None = None
    passage: int = 1
    faults: tuple[str, ...] = ()


class Living:
    """A begun life. Any number of threads may hold lives; each hears truly how its own ended."""

    def __init__(self, process: ForkServerProcess) -> None:
        with _ONE_AT_A_TIME:
            process.start()
        self._process = process

    @property
    def pid(self) -> int:
        pid = self._process.pid
        assert pid is not None
        return pid

    @property
    def exitcode(self) -> int | None:
        """None while it lives; negative if a signal ended it."""
        with _ONE_AT_A_TIME:
            return self._process.exitcode

    def is_alive(self) -> bool:
        return self.exitcode is None

    def join(self, timeout: float | None = None) -> None:
        """Wait until it has ended, or this many seconds."""
        wait([self._process.sentinel], timeout)

    def kill(self) -> None:
        self._process.kill()


def nursery() -> ForkServerContext:
    """Where lives begin; the server itself starts with the first of them."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    return context


def begin(life: Life) -> Living:
    """Start it; returns at once."""
    return Living(nursery().Process(target=live, args=(life,), daemon=True))


def live(life: Life) -> None:
    """In the child: be the service until it is ended, or until our parent is gone."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ.update(life.environment)
    log = os.open(life.log, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    _log_to_stderr()
    if life.place is not None:
        points.arm(life.place, life.passage)
    for name in life.faults:
        faults.FAULTS[name]()
    from harness.cli.main import main

    main(list(life.arguments))


def _log_to_stderr() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(LOG_FORMAT))
    logging.getLogger().addHandler(handler)
    logging.getLogger("reference_services").setLevel(logging.INFO)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
