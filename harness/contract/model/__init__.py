"""What a contract says, free of the version and format it was written in.

Everything here is frozen and holds no behaviour beyond look-ups: readers build it, everybody else
reads it. Runtime expressions, criteria and durations keep their meaning but not their spelling:
expressions stay text (``contract.expressions`` compiles them), durations are seconds.
"""

from __future__ import annotations

from harness.contract.model.causes import Emission, Lifecycle, Transition
from harness.contract.model.http import (
    IGNORED_HEADERS,
    Body,
    Callback,
    Encoding,
    Header,
    Link,
    MediaType,
    Operation,
    Parameter,
    Response,
    SecurityScheme,
)
from harness.contract.model.messages import (
    Channel,
    ChannelParameter,
    Message,
    MessageExample,
    MessageOperation,
    MessageServer,
    Relation,
    Reply,
    SecurityNeeds,
)
from harness.contract.model.system import Contract, Persona, System
from harness.contract.model.values import EMPTY, JSON, NOWHERE, Dialect, Example, Place, Schema

__all__ = [
    "EMPTY",
    "IGNORED_HEADERS",
    "JSON",
    "NOWHERE",
    "Body",
    "Callback",
    "Channel",
    "ChannelParameter",
    "Contract",
    "Dialect",
    "Emission",
    "Encoding",
    "Example",
    "Header",
    "Lifecycle",
    "Link",
    "MediaType",
    "Message",
    "MessageExample",
    "MessageOperation",
    "MessageServer",
    "Operation",
    "Parameter",
    "Persona",
    "Place",
    "Relation",
    "Reply",
    "Response",
    "Schema",
    "SecurityNeeds",
    "SecurityScheme",
    "System",
    "Transition",
]
