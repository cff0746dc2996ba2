"""What was answered to an ``Idempotency-Key``: the same is answered again, and nothing happens again."""

from __future__ import annotations

from collections import OrderedDict

from harness.contract.model import Operation
from harness.serving.claims import Claim, used_for_another
from harness.serving.exchange import Answer
from harness.serving.wire import encode_json

MOST = 1_000
MOST_BYTES = 8 * 1024 * 1024
"""Bounds of what one state remembers; the oldest is forgotten first."""

_Name = tuple[str, str, str]


class Remembered:
    """The answers of one state."""

    def __init__(self) -> None:
        self._kept: OrderedDict[_Name, tuple[str, Answer, int]] = OrderedDict()
        self._bytes = 0

    def recall(self, claim: Claim, operation: Operation) -> Answer | None:
        """What was answered before. Raises Problem (422, else what is documented) if another request was."""
        found = self._kept.get((claim.operation, claim.caller, claim.key))
        if found is None:
            return None
        digest, answer, _ = found
        if digest != claim.digest:
            documented = operation.responses
            raise used_for_another(next((s for s in (422, 409, 400) if str(s) in documented), 422))
        return answer

    def keep(self, claim: Claim, answer: Answer) -> None:
        """Keep a success."""
        if answer.status >= 300:
            return
        body = answer.text if answer.text is not None else answer.body
        size = len(body if isinstance(body, bytes) else encode_json(body))
        self._kept[claim.operation, claim.caller, claim.key] = claim.digest, answer, size
        self._bytes += size
        while len(self._kept) > MOST or (self._bytes > MOST_BYTES and len(self._kept) > 1):
            _, (_, _, freed) = self._kept.popitem(last=False)
            self._bytes -= freed
