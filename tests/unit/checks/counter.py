"""The ticket shop's HTTP operations, and whom they serve."""

from __future__ import annotations

import base64
import json
import re
import threading
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from harness.target import Claims
from tests.unit.checks.stock import JSON, Asked, Refused, Shop, Thing

AUDIENCE, ISSUER = "tickets", "https://shop.example"


@cache
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def token(claims: Claims) -> str:
    """The shop's token source."""
    now = int(datetime.now(UTC).timestamp())
    whole = {"aud": AUDIENCE, "iss": ISSUER, "iat": now, "exp": now + 600, **claims}
    return jwt.encode(whole, _key(), algorithm="RS256", headers={"kid": "shop"})


SCOPES = {
    "searchSeats": "user/Seat.read",
    "getSeat": "user/Seat.read",
    "holdSeat": "user/Seat.write",
    "releaseSeat": "user/Seat.write",
}
ACTORS = {
    "searchSeats": ("patient", "staff"),
    "getSeat": ("patient", "staff"),
    "holdSeat": ("patient", "staff"),
    "releaseSeat": ("patient", "staff"),
    "buyTicket": ("patient", "proxy", "staff"),
    "listTickets": ("patient", "proxy", "staff"),
    "getTicket": ("patient", "proxy", "staff"),
    "noteTicket": ("patient",),
    "returnTicket": ("patient", "staff"),
}
ROUTES = [
    ("GET", re.compile(r"/seats$"), "searchSeats"),
    ("GET", re.compile(r"/seats/(?P<seatId>[^/]+)$"), "getSeat"),
    ("POST", re.compile(r"/seats/(?P<seatId>[^/]+)/hold$"), "holdSeat"),
    ("POST", re.compile(r"/seats/(?P<seatId>[^/]+)/release$"), "releaseSeat"),
    ("POST", re.compile(r"/tickets$"), "buyTicket"),
    ("GET", re.compile(r"/tickets$"), "listTickets"),
    ("GET", re.compile(r"/tickets/(?P<ticketId>[^/]+)$"), "getTicket"),
    ("PATCH", re.compile(r"/tickets/(?P<ticketId>[^/]+)$"), "noteTicket"),
    ("POST", re.compile(r"/tickets/(?P<ticketId>[^/]+)/return$"), "returnTicket"),
]
BODIES = {"holdSeat": {"owner"}, "buyTicket": {"owner", "seatId"}, "noteTicket": {"note"}}
Reply = tuple[int, JSON, dict[str, str]]


class Face:
    """The HTTP operations."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    def authenticate(self, header: str, operation: str) -> Mapping[str, JSON]:
        raw = header.removeprefix("Bearer ")
        faults = self.shop.faults
        if "any-token" in faults and raw:
            body = raw.split(".")[1] if raw.count(".") == 2 else ""
            claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)) or b"{}")
        else:
            try:
                claims = jwt.decode(
                    raw,
                    _key().public_key(),
                    ["RS256"],
                    audience=AUDIENCE,
                    issuer=ISSUER,
                    options={
                        "verify_exp": "no-expiry" not in faults,
                        "verify_aud": "any-audience" not in faults,
                    },
                )
            except jwt.PyJWTError:
                raise Refused(401) from None
        write = operation in {"buyTicket", "noteTicket", "returnTicket"}
        needed = SCOPES.get(operation, "user/Ticket.write" if write else "user/Ticket.read")
        if needed not in claims.get("scope", "").split() and "any-scope" not in faults:
            raise Refused(403)
        if claims.get("actor") not in ACTORS[operation]:
            raise Refused(403)
        if claims["actor"] == "proxy" and "refuses-proxies" in faults:
            raise Refused(403)
        return dict(claims)

    def may(self, asked: Asked, owner: str | None, status: int) -> None:
        claims = asked.claims
        own, granted = claims.get("patient") == owner, owner in claims.get("proxy_for", ())
        related = own if claims["actor"] == "patient" else granted
        if "crossed-relations" in self.shop.faults:
            related = own or granted
        if claims["actor"] != "staff" and owner is not None and not related:
            if "anybody" in self.shop.faults:
                return
            detail = "This is not yours." if "tells-apart" in self.shop.faults else ""
            raise Refused(403 if "says-it-exists" in self.shop.faults else status, detail)

    def owned(self, asked: Asked) -> Thing:
        thing = self.shop.get("Ticket", asked.path["ticketId"])
        try:
            self.may(asked, thing.document["owner"], 404)
        except Refused as refused:
            if "phi-in-refusal" in self.shop.faults:
                refused.detail = str(thing.document)
            raise
        return thing

    def matches(self, asked: Asked, thing: Thing) -> None:
        match = asked.headers.get("if-match")
        if "no-if-match" in self.shop.faults:
            return
        if match is None:
            raise Refused(428)
        if match != f'"{thing.version}"':
            raise Refused(412)

    def once(self, asked: Asked, make: Callable[[], Reply]) -> Reply:
        key = asked.headers.get("idempotency-key")
        if key is None:
            raise Refused(400)
        if "no-idempotency" in self.shop.faults:
            return make()
        said = json.dumps([asked.operation, asked.path, asked.body], sort_keys=True)
        if "key-and-body" in self.shop.faults:
            key = f"{key} {said}"
        if key in self.shop.answers:
            before, known = self.shop.answers[key]
            if before != said and "any-body" not in self.shop.faults:
                if "done-and-refused" in self.shop.faults:
                    make()
                raise Refused(422)
            if "event-on-repeat" in self.shop.faults:
                seat = self.shop.get("Seat", asked.path.get("seatId") or asked.body["seatId"])
                self.shop.emit(seat, None, asked.correlation, asked.correlation)
            return known
        answer = make()
        self.shop.answers[key] = (said, answer)
        return answer

    def shown(self, thing: Thing, status: int = 200) -> Reply:
        return status, dict(thing.document), {"ETag": f'"{thing.version}"'}

    def getSeat(self, asked: Asked) -> Reply:
        seat = self.shop.get("Seat", asked.path["seatId"])
        if seat.document["status"] == "sold" and "breaks-when-read" in self.shop.faults:
            raise Refused(500)
        return self.shown(seat)

    def holdSeat(self, asked: Asked) -> Reply:
        self.may(asked, asked.body["owner"], 403)

        def make() -> Reply:
            seat = self.shop.get("Seat", asked.path["seatId"])
            sources = ("free", "held") if "two-holds" in self.shop.faults else ("free",)
            c = asked.correlation
            self.shop.move(seat, sources, "held", c, c, heldBy=asked.body["owner"])
            return self.shown(seat)

        return self.once(asked, make)

    def releaseSeat(self, asked: Asked) -> Reply:
        seat = self.shop.get("Seat", asked.path["seatId"])
        if seat.document.get("heldBy"):
            self.may(asked, seat.document["heldBy"], 404)
        self.shop.move(seat, ("held",), "free", asked.correlation, asked.correlation, heldBy=None)
        return self.shown(seat)

    def buyTicket(self, asked: Asked) -> Reply:
        owner = asked.body["owner"]
        self.may(asked, owner, 403)

        def make() -> Reply:
            seat = self.shop.get("Seat", asked.body["seatId"])
            if seat.document["status"] == "held" and seat.document.get("heldBy") != owner:
                raise Refused(409, "held for somebody else")
            c = asked.correlation
            self.shop.move(seat, ("held",), "sold", c, c)
            id = str(uuid.uuid4())
            document = {"id": id, "owner": owner, "seatId": asked.body["seatId"], "status": "pending"}
            ticket = self.shop.put("Ticket", document)
            ticket.correlation = c
            if "before-commit" in self.shop.faults:  # it can be read only some time after its event
                del self.shop.things["Ticket", id]
                threading.Timer(0.3, lambda: self.shop.things.update({("Ticket", id): ticket})).start()
            self.shop.emit(ticket, None, c, c)
            return self.shown(ticket, 201)

        return self.once(asked, make)

    def listTickets(self, asked: Asked) -> Reply:
        owner = asked.query.get("owner", "")
        self.may(asked, owner, 403)
        found = [t.document for t in self.shop.things.values() if t.type == "Ticket"]
        if "shows-nothing" in self.shop.faults:
            found = []
        if "leaks-list" not in self.shop.faults:
            found = [each for each in found if each["owner"] == owner]
        return self.page(asked, found)

    def searchSeats(self, asked: Asked) -> Reply:
        return self.page(asked, [t.document for t in self.shop.things.values() if t.type == "Seat"])

    def page(self, asked: Asked, found: list[dict[str, JSON]]) -> Reply:
        total = len(found)
        if "status" in asked.query and "no-filter" not in self.shop.faults:
            found = [each for each in found if each["status"] == asked.query["status"]]
            found = found[1:] if "hides-match" in self.shop.faults else found
            total = len(found) if "wrong-total" not in self.shop.faults else total
        limit, start = int(asked.query.get("limit", "20")), 0
        if asked.query.get("cursor"):
            try:
                start = int(base64.urlsafe_b64decode(asked.query["cursor"].encode()))
            except ValueError:
                if "any-cursor" not in self.shop.faults:
                    raise Refused(400) from None
        return 200, self.cut(found, total, start, limit), {}

    def cut(self, found: list[dict[str, JSON]], total: int, start: int, limit: int) -> JSON:
        faults = self.shop.faults
        if "newest-first" in faults:  # what is put in front moves all that follow
            found.reverse()
        limit += "one-too-many" in faults
        end, begin = start + limit, start - (start > 0 and "page-overlaps" in faults)
        shown = found[begin : end - (end < len(found) and "page-gaps" in faults)]
        body: dict[str, JSON] = {"items": shown, "total": len(shown) if "total-of-page" in faults else total}
        if end < len(found) or "endless" in faults:
            body["next"] = base64.urlsafe_b64encode(str(end % len(found)).encode()).decode()
        return body

    def getTicket(self, asked: Asked) -> Reply:
        return self.shown(self.owned(asked))

    def noteTicket(self, asked: Asked) -> Reply:
        ticket = self.owned(asked)
        self.matches(asked, ticket)
        ticket.document["note"] = asked.body["note"]
        ticket.version += 1
        return self.shown(ticket)

    def returnTicket(self, asked: Asked) -> Reply:
        ticket, c = self.owned(asked), asked.correlation
        self.matches(asked, ticket)
        self.shop.move(ticket, ("pending", "paid"), "void", c, c)
        seat = self.shop.things.get(("Seat", ticket.document["seatId"]))
        if seat is not None and seat.document["status"] == "sold" and "no-release" not in self.shop.faults:
            self.shop.move(seat, ("sold",), "free", c, c, heldBy=None)
        return self.shown(ticket)

    def answer(self, method: str, target: str, headers: Mapping[str, str], raw: bytes) -> Reply:
        url = urlsplit(target)
        for verb, route, operation in ROUTES:
            match = route.match(url.path)
            if match and verb == method:
                claims = self.authenticate(headers.get("authorization", ""), operation)
                body = json.loads(raw) if raw else None
                wanted = BODIES.get(operation)
                if wanted is not None and (
                    not isinstance(body, dict)
                    or set(body) != wanted
                    or not all(isinstance(value, str) for value in body.values())
                ):
                    raise Refused(400)
                query = {k: v[0] for k, v in parse_qs(url.query).items()}
                correlation = headers.get("x-correlation-id") or str(uuid.uuid4())
                asked = Asked(operation, match.groupdict(), query, headers, body, claims, correlation)
                with self.shop.lock:
                    handler: Callable[[Asked], Reply] = getattr(self, operation)
                    return handler(asked)
        raise Refused(404)
