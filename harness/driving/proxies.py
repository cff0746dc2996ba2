"""Keeping proxies of the user's environment away from what runs on this machine."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def is_loopback(url: str) -> bool:
    """Whether an address is on this machine, so that no proxy can reach it."""
    return urlsplit(url).hostname in LOOPBACK


def without_proxy(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Variables that keep loopback addresses off proxies, whatever proxies the environment names.

    For libraries that read the environment and cannot be told otherwise.
    """
    found = environment.get("NO_PROXY") or environment.get("no_proxy") or ""
    hosts = [each for each in found.split(",") if each]
    named = ",".join(dict.fromkeys([*hosts, *LOOPBACK]))
    return {"NO_PROXY": named, "no_proxy": named}


@contextlib.contextmanager
def off_proxies() -> Iterator[None]:
    """``without_proxy`` for this very process, as long as the block lasts."""
    before = {name: os.environ.get(name) for name in without_proxy()}
    os.environ.update(without_proxy())
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
