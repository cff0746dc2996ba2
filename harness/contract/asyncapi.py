"""AsyncAPI 2.0 to 2.6, 3.0 and 3.1 to the model."""

from __future__ import annotations

import re
from collections.abc import Mapping

from harness.contract.asyncapi2 import read_asyncapi2
from harness.contract.asyncapi3 import read_asyncapi3
from harness.contract.message_parts import Messaging
from harness.contract.model import Lifecycle
from harness.contract.nearest import did_you_mean
from harness.contract.node import Node

__all__ = ["VERSIONS", "Messaging", "read_asyncapi"]

VERSIONS = ("2.0.0", "2.1.0", "2.2.0", "2.3.0", "2.4.0", "2.5.0", "2.6.0", "3.0.0", "3.1.0")

_VERSION = re.compile(r"(2\.[0-6]|3\.[01])\.\d+(-[0-9A-Za-z.-]+)?\Z")


def read_asyncapi(root: Node, lifecycles: Mapping[str, Lifecycle]) -> Messaging:
    """An AsyncAPI document, followed through its ``$ref``s; ``lifecycles`` are the service's.

    Raises ContractError for what cannot be told truly: a version that is not known, an operation without
    action or channel, a ``$ref`` that leads nowhere. What is written in a wrong form elsewhere is left out;
    lint's rule ``asyncapi-structure`` names it.
    """
    version = root.text("asyncapi")
    if not _VERSION.match(version):
        where = root.raw("asyncapi") or root
        known = f"asyncapi: {', '.join(VERSIONS)}"
        raise where.error(f"AsyncAPI version '{version or 'none'}'", known, did_you_mean(version, VERSIONS))
    if version.startswith("2."):
        return read_asyncapi2(root, lifecycles)
    return read_asyncapi3(root, lifecycles)
