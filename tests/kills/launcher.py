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


def nursery() -> ForkServerContext:
    """Where lives begin; the server itself starts with the first of them."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    return context


def begin(life: Life) -> ForkServerProcess:
    """Start it; returns at once."""
    process = nursery().Process(target=live, args=(life,), daemon=True)
    process.start()
    return process


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
