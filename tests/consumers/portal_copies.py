"""The portal's web client where patients take their data along, and see who looked at it."""

from __future__ import annotations

from dataclasses import dataclass

from tests.consumers.portal_web import PortalWeb, once


@dataclass(frozen=True)
class Copy:
    """What was put together: how many things each part holds, and which parts are missing, since when."""

    parts: dict[str, int]
    missing: dict[str, str]


class PortalCopies(PortalWeb):
    """One patient's session with export and audit."""

    def ask_for_copy(self, *sources: str) -> str:
        """The id of the export."""
        path, body = f"/patients/{self.patient}/exports", {"sources": list(sources)}
        return str(self._ask("POST", path, json=body, headers=once()).json()["id"])

    def export(self, id: str) -> tuple[str, list[str], str]:
        """Its status, what it waits for, and the ETag that a change must name."""
        answer = self._ask("GET", f"/exports/{id}")
        told = answer.json()
        return str(told["status"]), list(told["awaited"]), answer.headers["ETag"]

    def copy(self, export: str) -> Copy:
        told = self._ask("GET", f"/exports/{export}/content").json()
        parts = {str(each["source"]): len(each["entries"]) for each in told["parts"]}
        return Copy(parts, {str(each["source"]): str(each["since"]) for each in told.get("partial", ())})

    def call_off(self, export: str, version: str) -> str:
        """The export's status afterwards."""
        path = f"/exports/{export}/cancel"
        return str(self._ask("POST", path, headers={"If-Match": version}).json()["status"])

    def seen_by(self) -> list[tuple[str, str, str]]:
        """Who asked for something, of which service, and what came of it; the newest first."""
        found = self._ask("GET", f"/patients/{self.patient}/access-log").json()
        return [(each["agentId"], each["service"], each["outcome"]) for each in found["items"]]
