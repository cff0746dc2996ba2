"""Why there is work, and what the platform knows when it begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from harness.contract.expressions import Context
from harness.contract.lifecycles import Driver
from harness.contract.model import EMPTY, JSON, Contract, Message, MessageOperation
from harness.serving.emitting import Cause
from harness.serving.exchange import Request
from harness.serving.sight import EVERYTHING, Sight
from reference_services.platform.events import SendPlan
from reference_services.platform.kinds import Kind, plain_kind
from reference_services.platform.operations import OperationPlan


@dataclass(frozen=True, slots=True)
class IncomingMessage:
    """A message that passed validation. ``headers`` have lower-case names; ``sequence`` is None if absent."""

    operation: MessageOperation
    message: Message
    topic: str
    key: str | None
    id: str
    payload: JSON
    headers: Mapping[str, str] = field(default=EMPTY)
    sequence: int | None = None
    correlation: str = ""
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What the contract decides, looked up while working."""

    contract: Contract
    kinds: dict[str, Kind]
    sends: Mapping[str, SendPlan]

    def kind(self, type: str) -> Kind:
        found = self.kinds.get(type)
        if found is None:
            found = self.kinds[type] = plain_kind(type)
        return found


@dataclass(frozen=True, slots=True)
class Situation:
    """Why there is work: its cause in every sense. ``plan`` and ``sight`` belong to a request.
    ``current``: whether all that was told of relations is known, where nobody's token was asked."""

    driver: Driver
    cause: Cause
    now: datetime
    context: Context
    request: Request | None = None
    message: IncomingMessage | None = None
    plan: OperationPlan | None = None
    sight: Sight = EVERYTHING
    current: bool = True
