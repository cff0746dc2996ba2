"""Accesses, told through the outbox.

A change and its access are one transaction; a read, or a refusal, has a small one of its own before it is
answered. Nothing here makes a failure of a good answer: what cannot be told is logged, by its correlation id.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from harness.errors import ContractError
from harness.serving.accesses import Access, denied, granted, record_of
from harness.serving.exchange import Answer, Denial, Request
from harness.serving.sight import sight_of
from reference_services.platform.clock import Clock
from reference_services.platform.events import put, put_and_take_back
from reference_services.platform.situation import Knowledge
from reference_services.platform.store import Store, Transaction

LOG = logging.getLogger(__name__)


class Accesses:
    """What one service tells of accesses: nothing if its contract says no ``x-records``."""

    def __init__(self, store: Store, knowledge: Knowledge, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._record = record_of(knowledge.contract)

    def granted(
        self, request: Request, answer: Answer, seen: str | None, transaction: Transaction | None
    ) -> None:
        """Tell of a success. ``seen`` is the patient whose thing was got, for an answer that does not say it;
        ``transaction`` that of the change, None for a read."""
        if self._record is not None and (access := granted(request, answer, seen)) is not None:
            self._tell(access, transaction)

    def denied(self, denial: Denial) -> None:
        """Tell of a refusal because of who asked.

        Where there is nothing, as much is done as where something is hidden, or time would tell which it was.
        """
        if self._record is None:
            return
        if (access := denied(denial)) is not None:
            self._tell(access, None)
        elif denial.status == 404 and sight_of(denial.operation, denial.claims).people is not None:
            supposed = denied(replace(denial, patient=self._record.anybody))
            if supposed is not None:
                self._tell(supposed, None, in_vain=True)

    def _tell(self, access: Access, transaction: Transaction | None, *, in_vain: bool = False) -> None:
        if self._record is None:
            return
        correlation = access.cause.correlation
        try:
            event = self._record.event(access, self._clock.now())
        except ContractError as error:
            LOG.warning("correlation %s: %s", correlation, error.paragraph())
            return
        if transaction is not None:
            put(transaction, event.topic, event.key, event.headers, event.value)
            return
        try:
            with self._store.transaction(write=True) as own:
                if in_vain:
                    put_and_take_back(own, event)
                else:
                    put(own, event.topic, event.key, event.headers, event.value)
        except Exception as error:  # whoever may see it has been given it
            if not in_vain:
                LOG.error("correlation %s: an access is not told: %s", correlation, type(error).__name__)
