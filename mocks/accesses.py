"""Accesses, told by a mock: what ``x-records`` asks for, on the way that all its events take."""

from __future__ import annotations

from datetime import datetime

from harness.errors import BrokerError, ContractError
from harness.serving.accesses import Access, AccessRecord, denied, granted
from harness.serving.exchange import Answer, Denial, Request
from mocks.event_faults import Outgoing
from mocks.publishing import NextVersion, Outlet, session_headers


class Accesses:
    """Tells of what a mock granted and refused. Safe to use from several threads."""

    def __init__(self, record: AccessRecord, outlet: Outlet) -> None:
        self._record, self._outlet = record, outlet

    def granted(self, request: Request, answer: Answer, seen: str | None) -> None:
        """Tell of a success. ``seen`` is whose thing was asked for, for an answer that does not say it."""
        if (access := granted(request, answer, seen)) is not None:
            self._tell(access, request.headers.get("x-portal-session", ""))

    def denied(self, denial: Denial) -> None:
        """Tell of a refusal because of who asked."""
        if (access := denied(denial)) is not None:
            self._tell(access, denial.headers.get("x-portal-session", ""))

    def _tell(self, access: Access, session: str) -> None:
        """What cannot be told is journalled and logged: the request is answered all the same."""
        record, correlation = self._record, access.cause.correlation

        def made(_: NextVersion, now: datetime) -> tuple[Outgoing, str]:
            event = record.event(access, now)
            headers = event.headers + session_headers(session, record.message)
            name, message = record.send.id, record.message
            return Outgoing(name, message, event.topic, event.key, headers, event.value), correlation

        try:
            self._outlet.say(made)
        except (BrokerError, ContractError) as error:
            self._outlet.failed(record.send.id, error, correlation)
