"""One call to a target, and what came back."""

from __future__ import annotations

import json
import re
import shlex
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

import httpx

from harness.contract.expressions import Context
from harness.contract.model import EMPTY, JSON, Operation
from harness.contract.phi import WITHHELD
from harness.driving.phi import SHORTEST, Discretion, phi_values
from harness.driving.proxies import is_loopback
from harness.driving.trust import certificates
from harness.driving.urls import header_text, is_phi, url_of, without_phi
from harness.errors import TargetError, TokenError
from harness.target import Claims, Limits, Target

CORRELATION = "X-Correlation-Id"
MOST_BYTES = 4 * 1024 * 1024
"""An answer longer than this is not read to its end."""

SHORTEST_PAUSE = 0.05
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request to be made; values are JSON, written into the URL by their parameter's style.

    ``body`` is sent as JSON unless it is bytes; None sends none. Names of headers keep their spelling.
    """

    operation: Operation
    path: Mapping[str, JSON] = field(default=EMPTY)
    query: Mapping[str, JSON] = field(default=EMPTY)
    headers: Mapping[str, JSON] = field(default=EMPTY)
    body: JSON | bytes | None = None

    def header(self, name: str) -> JSON:
        """The header's value whatever the case of its name, or None."""
        return next((v for k, v in self.headers.items() if k.lower() == name.lower()), None)

    def with_headers(self, **headers: JSON) -> Call:
        """The same call with headers set (None removes); underscores in names become hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        lowered = {name.lower() for name in named}
        kept = {k: v for k, v in self.headers.items() if k.lower() not in lowered}
        kept |= {k: v for k, v in named.items() if v is not None}
        return Call(self.operation, self.path, self.query, kept, self.body)


@dataclass(frozen=True)
class Exchange:
    """A call with its answer. ``headers`` have lower-case names; ``elapsed`` is seconds.

    ``body`` is decoded JSON, None if the answer is empty or no JSON (``raw`` has the bytes).
    """

    call: Call
    url: str
    shown_url: str
    sent_headers: Mapping[str, str]
    status: int
    headers: Mapping[str, str]
    raw: bytes
    elapsed: float
    correlation: str
    authorized: bool

    @cached_property
    def body(self) -> JSON:
        try:
            return json.loads(self.raw) if self.raw else None
        except ValueError:
            return None

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    def context(self) -> Context:
        """What runtime expressions are evaluated over."""
        return Context(
            method=self.call.operation.method,
            url=self.url,
            status=self.status,
            request_path=self.call.path,
            request_query=self.call.query,
            request_headers=self.sent_headers,
            request_body=self.call.body,
            response_headers=self.headers,
            response_body=self.body,
        )

    def curl(self) -> str:
        """A line to paste: the token is ``$TOKEN``, and what the contract marks ``x-phi`` is replaced."""
        words = ["curl", "-sS", "-i", "-X", self.call.operation.method.upper(), shlex.quote(self.shown_url)]
        if self.authorized:
            words += ["-H", '"Authorization: Bearer $TOKEN"']
        for name, value in self.sent_headers.items():
            shown = WITHHELD if is_phi(self.call.operation.parameter("header", name)) else value
            words += ["-H", shlex.quote(f"{name}: {shown}")]
        if isinstance(self.call.body, bytes):
            words += ["--data-binary", "@BODY"]
        elif self.call.body is not None:
            words += ["--data", shlex.quote(json.dumps(self._discretion.request, ensure_ascii=False))]
        return " ".join(words)

    def briefly(self) -> str:
        """The answer in a few words: its status, and what a problem (RFC 9457) says is wrong."""
        problem = self.body if isinstance(self.body, Mapping) else {}
        why = problem.get("detail") or problem.get("title")
        return f"{self.status} ({self._discretion.text(why)})" if isinstance(why, str) else str(self.status)

    def received(self, most: int = 600) -> str:
        """The answer in short, for a report: status, content type and the beginning of the body.

        What the contract marks ``x-phi`` is left out.
        """
        text = self._discretion.answer_text(self.raw)
        kind = self.headers.get("content-type", "")
        shown = text if len(text) <= most else text[:most] + " …"
        return " ".join(part for part in (str(self.status), kind, shown) if part)

    @property
    def secrets(self) -> set[str]:
        """Its ``x-phi`` texts, those that no chance would write."""
        asked = None if isinstance(self.call.body, bytes) else self.call.body
        found = phi_values(self.call.operation, asked, self.body)
        return {each for each in found if len(each) >= SHORTEST}

    @property
    def _discretion(self) -> Discretion:
        asked = None if isinstance(self.call.body, bytes) else self.call.body
        return Discretion(self.call.operation, asked, self.body)


class Caller:
    """Sends calls to one target: bounded in time and size, redirects are not followed.

    Every call carries an ``X-Correlation-Id`` of its own, remembered in ``correlations``; ``secrets`` are
    the ``x-phi`` texts that were sent or received, those that no chance would write. Close it, or use it in
    a ``with``. Several threads may send at once.
    """

    def __init__(self, target: Target, limits: Limits) -> None:
        self.target, self.limits = target, limits
        self.correlations: set[str] = set()
        self.secrets: set[str] = set()
        self._tokens: dict[str, str] = {}
        self._lock = threading.Lock()
        elsewhere = not is_loopback(target.url)
        self._client = httpx.Client(
            verify=certificates(elsewhere),
            timeout=limits.timeout,
            follow_redirects=False,
            trust_env=elsewhere,
            limits=httpx.Limits(max_connections=32, keepalive_expiry=2.0),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._client.close()

    def send(self, call: Call, claims: Claims | str | None = None) -> Exchange:
        """Send one call. ``claims`` are turned into a token by the target's source; a text is sent as
        the bearer token as it is; None sends no token. A service that says when to come back (503 with
        ``Retry-After``) has begun nothing: it is asked again then.

        Raises TargetError if there is no whole answer in time, or it stays too busy for as long; TokenError
        if no token can be had.
        """
        correlation = str(call.header(CORRELATION) or uuid.uuid4())
        self.correlations.add(correlation)
        url = url_of(self.target.url, call.operation, call.path, call.query)
        sent = self._headers(call, correlation)
        token = claims if isinstance(claims, str) or claims is None else self.token(claims)
        secret = {} if token is None else {"Authorization": f"Bearer {token}"}
        ends = (started := time.monotonic()) + self.limits.timeout
        status, headers, raw = self._exchange(call, url, {**sent, **secret}, started)
        while (pause := come_back(status, headers)) is not None:
            if time.monotonic() + pause > ends:
                raise self._busy(call)
            time.sleep(pause)
            started = time.monotonic()
            status, headers, raw = self._exchange(call, url, {**sent, **secret}, started)
        exchange = Exchange(
            call=call,
            url=url,
            shown_url=url_of(
                self.target.url, call.operation, call.path, without_phi(call.operation, call.query)
            ),
            sent_headers=sent,
            status=status,
            headers=headers,
            raw=raw,
            elapsed=time.monotonic() - started,
            correlation=correlation,
            authorized=token is not None,
        )
        self.secrets |= exchange.secrets
        return exchange

    def send_together(self, calls: Sequence[tuple[Call, Claims | str | None]]) -> list[Exchange]:
        """Send several calls at the same moment, each from a thread; answers stand in order."""
        for _, claims in calls:
            if claims is not None and not isinstance(claims, str):
                self.token(claims)
        barrier = threading.Barrier(len(calls))

        def one(call: Call, claims: Claims | str | None) -> Exchange:
            barrier.wait(self.limits.timeout)
            return self.send(call, claims)

        with ThreadPoolExecutor(len(calls)) as pool:
            return [each.result() for each in [pool.submit(one, *pair) for pair in calls]]

    def token(self, claims: Claims) -> str:
        """A bearer token for claims, from the target's source; one each for the life of this caller."""
        if self.target.tokens is None:
            raise TokenError(
                self.target.url,
                f"{self.target.service} wants a token and there is no source of tokens",
                remedy="Give one with --token-command CMD",
            )
        key = json.dumps(dict(claims), sort_keys=True, default=str)
        with self._lock:
            if key not in self._tokens:
                self._tokens[key] = self.target.tokens(claims)
            return self._tokens[key]

    def _headers(self, call: Call, correlation: str) -> dict[str, str]:
        sent = {
            name: header_text(call.operation.parameter("header", name), value)
            for name, value in call.headers.items()
        }
        names = {name.lower() for name in sent}
        if CORRELATION.lower() not in names:
            sent[CORRELATION] = correlation
        if "traceparent" not in names:
            sent["traceparent"] = f"00-{uuid.uuid4().hex}-{uuid.uuid4().hex[:16]}-01"
        if "accept" not in names:
            sent["Accept"] = "application/json, application/problem+json, */*;q=0.1"
        if call.body is not None and "content-type" not in names:
            sent["Content-Type"] = _content_type(call)
        return sent

    def _exchange(
        self, call: Call, url: str, headers: Mapping[str, str], started: float
    ) -> tuple[int, Mapping[str, str], bytes]:
        content = call.body if isinstance(call.body, bytes) else None
        if call.body is not None and content is None:
            content = json.dumps(call.body, ensure_ascii=False).encode()
        try:
            with self._client.stream(
                call.operation.method.upper(),
                url,
                headers=[(name.encode(), value.encode()) for name, value in headers.items()],
                content=content,
            ) as answer:
                raw = read_bounded(answer, started, self.limits.timeout)
                return answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, raw
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise self._unreachable(call, str(error) or type(error).__name__) from error

    def _busy(self, call: Call) -> TargetError:
        operation = call.operation
        return TargetError(
            self.target.url,
            f"{self.target.service} was too busy for {operation.method.upper()} {operation.path} "
            f"({operation.id}): it answered 503 with Retry-After, again and again",
            expected=f"another answer within {self.limits.timeout:g} s",
            remedy="Check what keeps it busy, and run it again",
        )

    def _unreachable(self, call: Call, why: str) -> TargetError:
        operation = call.operation
        return TargetError(
            self.target.url,
            f"{self.target.service} did not answer {operation.method.upper()} {operation.path} "
            f"({operation.id}): {why}",
            expected=f"a whole answer within {self.limits.timeout:g} s",
            remedy="Check that the service runs and that the address is right",
        )


def come_back(status: int, headers: Mapping[str, str]) -> float | None:
    """Seconds after which a service that is too busy asks to be called again; None if it does not.

    ``headers`` have lower-case names. Source: RFC 9110, sections 10.2.3 and 15.6.4.
    """
    told = headers.get("retry-after", "")
    return max(float(told[:9]), SHORTEST_PAUSE) if status == 503 and re.fullmatch("[0-9]+", told) else None


def read_bounded(answer: httpx.Response, started: float, timeout: float) -> bytes:
    """The whole body of a streamed answer. ``started`` is monotonic, ``timeout`` seconds for all of it.

    Raises httpx.TransportError beyond that, and beyond ``MOST_BYTES``.
    """
    raw = bytearray()
    for chunk in answer.iter_bytes():
        raw += chunk
        if len(raw) > MOST_BYTES:
            raise httpx.ReadError(f"the answer is longer than {MOST_BYTES} bytes")
        if time.monotonic() - started > timeout:
            raise httpx.ReadTimeout(f"the answer took longer than {timeout:g} s")
    return bytes(raw)


def _content_type(call: Call) -> str:
    """The first JSON media type that the operation documents for its body, else the first."""
    documented = list(call.operation.body.content) if call.operation.body else []
    if isinstance(call.body, bytes):
        return documented[0] if documented else "application/octet-stream"
    json_types = [each for each in documented if "json" in each.lower()]
    return (json_types or ["application/json"])[0]
