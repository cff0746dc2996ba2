"""Messaging: what patients and their care team write to one another; one handler for each operation."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable, Sequence

from harness.contract.model import JSON
from harness.serving.admission import acceptable
from harness.serving.exchange import Answer, Request
from harness.serving.problems import Problem, Reason
from reference_services.messaging.content import SUFFIX, NotThis, content_of
from reference_services.messaging.people import (
    OTHER,
    UNSENT,
    caller,
    rename,
    side_of,
)
from reference_services.platform.discretion import discreet, of_patient
from reference_services.platform.values import instant, sortable, timestamp
from reference_services.platform.work import Aggregate, IncomingMessage, Page, Work
from reference_services.sources import HandingOver


def searchThreads(work: Work, request: Request) -> Page:
    query = request.query
    return work.page("Thread", request, {name: query.get(name) for name in ("status", "overdue")})


def startThread(work: Work, request: Request) -> Aggregate:
    asked = request.body
    confidentiality = asked.get("confidentiality", "N")
    if work.actor == "proxy" and confidentiality != "N":
        raise Problem(422, errors=[Reason("/confidentiality", "would hide it from who begins it")])
    begun = {"confidentiality": confidentiality, "overdue": False, "startedAt": timestamp(work.now)}
    return work.create("Thread", {**asked, **begun}, because="started")


def getThread(work: Work, request: Request) -> Aggregate:
    return discreet(work, work.get("Thread", request.path["threadId"]))


def listThreads(work: Work, request: Request) -> Page:
    return work.page("Thread", request, of_patient(work, request, "status", "overdue"))


def closeThread(work: Work, request: Request) -> Aggregate:
    thread = discreet(work, work.get("Thread", request.path["threadId"]))
    if side_of(work) == "care-team" and "unansweredSince" in thread:
        raise Problem(409, detail="The patient waits for an answer.")
    left = {"unansweredSince": None, "overdue": False}
    work.change(thread, because="closed", closedAt=timestamp(work.now), **left)
    _take_back(work, _waiting(work, threadId=thread.id), "thread-closed")
    return thread


def listMessages(work: Work, request: Request) -> Page:
    found = work.page("Message", request, of_patient(work, request, "threadId", "status", "recipient"))
    for message in found:
        _unless_unsent(side_of(work), message)
    return found


def reply(work: Work, request: Request) -> Aggregate:
    asked = request.body
    thread = discreet(work, work.get("Thread", request.path["threadId"]))
    message, now = work.new_id("Message"), timestamp(work.now)
    written = {**_part_of(thread), **_by(work, thread["patientId"]), **asked}
    if "sendAt" in asked:
        work.change(thread, because="scheduled")
        _must_lie_ahead(work, asked["sendAt"])
    else:
        written["sentAt"] = now
        said = _said(message, written["recipient"], thread, now)
        work.change(thread, because=_reason(written["recipient"]), **said)
    _must_be_attached(work, thread, asked.get("attachmentIds", ()))
    return work.create("Message", written, id=message, because="scheduled" if "sendAt" in asked else "sent")


def getMessage(work: Work, request: Request) -> Aggregate:
    return _unless_unsent(side_of(work), discreet(work, work.get("Message", request.path["messageId"])))


def markRead(work: Work, request: Request) -> Aggregate:
    message = discreet(work, work.get("Message", request.path["messageId"]))
    if side_of(work) != message["recipient"]:
        return message
    who = caller(work, message["patientId"])
    return work.change(message, because="read", readAt=timestamp(work.now), readBy=who)


def attach(work: Work, request: Request) -> Aggregate:
    asked = request.body
    thread = discreet(work, work.get("Thread", request.path["threadId"]))
    if thread.status != "in-progress":
        raise Problem(409, detail="It is closed.")
    try:
        content = content_of(asked["data"], asked["contentType"])
    except NotThis as error:
        raise Problem(422, errors=[Reason("/data", str(error))]) from None
    sender = caller(work, thread["patientId"])
    also = {"sender": sender, "size": len(content), "createdAt": timestamp(work.now)}
    return work.create("Attachment", {**asked, **_part_of(thread), **also})


def getAttachment(work: Work, request: Request) -> Answer:
    """The bytes, unless JSON is asked for by its name."""
    attachment = discreet(work, work.get("Attachment", request.path["attachmentId"]))
    kind, accept = attachment["contentType"], request.headers.get("accept", "*/*")
    if "application/json" in accept.lower() and acceptable(accept, ("application/json",)):
        shown = {name: value for name, value in attachment.document.items() if name != "data"}
        return Answer(200, shown, _to_be_saved(attachment.id, "json"))
    if not acceptable(accept, (kind,)):
        raise Problem(406, detail=f"It is {kind}.")
    content = b64decode(attachment.get("data", ""))
    return Answer(200, content, _to_be_saved(attachment.id, SUFFIX[kind]), kind)


def grantChanged(work: Work, message: IncomingMessage) -> None:
    """What a proxy has in preparation is not sent, once there is no grant for it."""
    change = message.payload
    patient, proxy = work.settled(change["patientId"]), work.settled(change["proxyId"])
    if not work.holds("granted", proxy, patient):
        whose = {"patientId": patient, "sender.id": proxy, "sender.role": "proxy"}
        _take_back(work, _waiting(work, **whose), "proxy-revoked")


def patientChanged(work: Work, message: IncomingMessage) -> None:
    """What a merged patient has here, and has written, is the surviving one's."""
    change = message.payload
    if change["to"] == "merged":
        work.resettle(change["id"], change["replacedBy"])
        rename(work, change["id"], change["replacedBy"])


def afterThreadInProgress(work: Work, thread: Aggregate) -> None:
    """Nobody has answered in time. It can still be answered, but it must not be forgotten."""
    work.change(thread, because="overdue", overdue=True)


def afterMessageInProgress(work: Work, message: Aggregate) -> None:
    """Its moment has come, unless it was taken back."""
    if "withdrawnAt" in message:
        return
    now = timestamp(work.now)
    work.change(message, because="sent", sentAt=now)
    thread = work.peek("Thread", message["threadId"])
    if thread is not None:
        work.save(thread, **_said(message.id, message["recipient"], thread, now))


def afterMessageNotDone(work: Work, message: Aggregate) -> None:
    work.change(message, because=message.get("statusReason", "withdrawn"))


def _said(id: str, recipient: str, thread: Aggregate, now: str) -> dict[str, JSON]:
    """What a thread says once this message was sent in it."""
    waits = recipient == "care-team"
    return {
        "lastMessageId": id,
        "lastMessageAt": now,
        "unansweredSince": thread.get("unansweredSince", now) if waits else None,
        "overdue": waits and thread["overdue"],
    }


def _reason(recipient: str) -> str:
    return "asked" if recipient == "care-team" else "answered"


def _by(work: Work, patient: str) -> dict[str, JSON]:
    """Who writes, to whom, and when."""
    sender, recipient = caller(work, patient), OTHER[side_of(work)]
    return {"sender": sender, "recipient": recipient, "writtenAt": timestamp(work.now)}


def _part_of(thread: Aggregate) -> dict[str, JSON]:
    also = {name: thread[name] for name in ("patientId", "confidentiality")}
    return {"threadId": thread.id, **also}


def _unless_unsent(side: str, message: Aggregate) -> Aggregate:
    theirs = side == message["recipient"]
    return message.hide("body", "attachmentIds") if theirs and message.status in UNSENT else message


def _waiting(work: Work, **where: JSON) -> list[Aggregate]:
    return work.find("Message", {**where, "status": "preparation"}, internal=True)


def _take_back(work: Work, messages: Iterable[Aggregate], why: str) -> None:
    """Each ends by itself, at once: an event may name one message only, and these may be many."""
    for message in messages:
        work.save(message, withdrawnAt=timestamp(work.now), statusReason=why)


def _must_lie_ahead(work: Work, moment: str) -> None:
    if sortable(moment) <= instant(work.now):
        raise Problem(422, errors=[Reason("/sendAt", "has passed")])


def _must_be_attached(work: Work, thread: Aggregate, ids: Sequence[str]) -> None:
    for place, each in enumerate(ids):
        attachment = work.peek("Attachment", each)
        if attachment is None or attachment["threadId"] != thread.id:
            raise Problem(422, errors=[Reason(f"/attachmentIds/{place}", "names none of this thread")])


def _to_be_saved(id: str, suffix: str) -> dict[str, str]:
    return {
        "Content-Disposition": f'attachment; filename="{id}.{suffix}"',
        "X-Content-Type-Options": "nosniff",
        "Vary": "Accept",
    }


def _as_shown(thing: Aggregate, reader: str) -> Aggregate:
    """Patients and proxies are of one side."""
    return _unless_unsent("patient", thing) if thing.type == "Message" else thing


exportChanged = HandingOver(_as_shown)
