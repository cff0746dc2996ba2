"""The portal's web client where patients and their care teams write to one another."""

from __future__ import annotations

from dataclasses import dataclass

from tests.consumers.portal_web import PortalWeb, once


@dataclass(frozen=True)
class Said:
    """A message. ``by`` is who wrote it, ``text`` None while the other side has not sent it."""

    id: str
    by: str
    text: str | None


class PortalMessages(PortalWeb):
    """One patient's session with messaging."""

    def threads(self) -> dict[str, bool]:
        """Whether each has waited too long for an answer."""
        found = self._ask("GET", f"/patients/{self.patient}/threads").json()
        return {str(each["id"]): bool(each["overdue"]) for each in found["items"]}

    def begin(self, subject: str, topic: str) -> str:
        """The id of a thread in which nothing is said yet."""
        body = {"patientId": self.patient, "subject": subject, "topic": topic}
        return str(self._ask("POST", "/threads", json=body, headers=once()).json()["id"])

    def say(self, thread: str, text: str) -> str:
        """The message's status."""
        path = f"/threads/{thread}/messages"
        return str(self._ask("POST", path, json={"body": text}, headers=once()).json()["status"])

    def said(self, thread: str) -> list[Said]:
        found = self._ask("GET", f"/patients/{self.patient}/messages", params={"threadId": thread}).json()
        return [Said(each["id"], each["sender"]["role"], each.get("body")) for each in found["items"]]

    def mark_read(self, message: str) -> str:
        """When that was."""
        return str(self._ask("POST", f"/messages/{message}/read").json()["readAt"])

    def saved_as(self, attachment: str, content_type: str) -> str:
        """The name under which a browser saves a file that it does not show."""
        answer = self._ask("GET", f"/attachments/{attachment}", headers={"Accept": content_type})
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        return answer.headers["Content-Disposition"].removeprefix("attachment; filename=").strip('"')
