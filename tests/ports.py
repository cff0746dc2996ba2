"""Ports that are free until somebody listens on them on purpose."""

from __future__ import annotations

import random
import socket

_RANGE = range(20_000, 32_000)
"""Below those that connections going out are given: nobody gets one of these by chance."""


def free_port() -> int:
    """A loopback port on which nobody listens."""
    chance = random.SystemRandom()
    while True:
        port = chance.choice(_RANGE)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
