"""What can be tried from a client's side, the same way on every tool: an attempt says what came of it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import httpx
import jsonschema_rs

from harness.serving.keys import KeyStore
from tests.benchmarks.peers.asked import BAD_BODY, BODY, COVERAGE, LIST, WRONG_MEMBERS, Asked, get, post
from tests.benchmarks.peers.bench import Bench, send

YES, NO = "yes", "no"
CHECK = "/eligibility-checks/"
APPOINTMENT = "/appointments/apt-20000003/cancel"
READ = f"/coverage/{COVERAGE}"
_BEFORE, _AFTER = "Northern Mutual Family", "Edited While Served"
_RELOAD_SECONDS = 30.0


@dataclass(frozen=True)
class Trial:
    """A running tool, to be asked."""

    to: httpx.Client
    bench: Bench

    def ask(self, asked: Asked, number: int | None = None) -> httpx.Response:
        return send(self.to, asked, number)

    def get(self, path: str, headers: Mapping[str, str] = MappingProxyType({})) -> httpx.Response:
        return self.ask(get(self.bench.token, path, headers))

    def follows(self, value: Any, pointer: str) -> bool:
        """Whether a value is what a schema of the contract says."""
        schema = {"$ref": f"#{pointer}", "components": self.bench.document["components"]}
        return jsonschema_rs.Draft202012Validator(schema).is_valid(value)


def refused(answer: httpx.Response) -> bool:
    """Whether it is an answer to a client's mistake."""
    return 400 <= answer.status_code < 500


def said(whether: bool) -> str:
    return YES if whether else NO


def query(trial: Trial) -> str:
    """``limit=0``, where the least is 1."""
    return said(not refused(trial.get(LIST)) and refused(trial.get(f"{LIST}?limit=0")))


def body(trial: Trial) -> str:
    """Three members that break their schemas."""
    token = trial.bench.token
    return said(not refused(trial.ask(post(token))) and refused(trial.ask(post(token, BAD_BODY))))


def unknown(trial: Trial) -> str:
    """A member that ``unevaluatedProperties: false`` forbids."""
    token = trial.bench.token
    more = {**BODY, "surprise": 1}
    return said(not refused(trial.ask(post(token))) and refused(trial.ask(post(token, more))))


def security(trial: Trial) -> str:
    """No token; a token that nobody signed; a good one without the scope."""
    poor = KeyStore().mint({"actor": "staff", "scope": "patient/Slot.read"})
    answers = [trial.ask(get(token)).status_code for token in ("", "x.y.z", poor)]
    if answers[0] != 401:
        return NO
    return "token and scope" if answers[1:] == [401, 403] else "that there is one"


def own_words(trial: Trial) -> str:
    """A refusal that is what the contract documents for its status, and speaks of this request."""
    answer = trial.ask(post(trial.bench.token, BAD_BODY))
    status = f"{answer.status_code}"
    documented = trial.bench.document["paths"]["/patients/{patientId}/coverage"]["post"]["responses"]
    if not refused(answer) or status not in documented or "json" not in answer.headers["content-type"]:
        return NO
    if not trial.follows(answer.json(), "/components/schemas/Problem"):
        return NO
    return YES if answer.json()["status"] == answer.status_code else "an example of it"


def all_at_once(trial: Trial) -> str:
    """Three violations, each named in the answer, its headers included."""
    answer = trial.ask(post(trial.bench.token, BAD_BODY))
    told = f"{answer.headers} {answer.text}"
    return said(refused(answer) and all(each in told for each in WRONG_MEMBERS))


def remembers(trial: Trial) -> str:
    """What was POSTed stands in the list."""
    number = uuid.uuid4().int % 10**12
    trial.ask(post(trial.bench.token), number)
    return said(f"HD-{number:012d}" in trial.get(LIST).text)


def pages(trial: Trial) -> str:
    """``limit=1`` gives one of two and where the next is, ``payerId`` that payer's alone."""
    one, payers = trial.get(f"{LIST}?limit=1"), trial.get(f"{LIST}?payerId=pay-90000002")
    if refused(one) or refused(payers):
        return NO
    found = {each["payerId"] for each in payers.json()["items"]}
    return said(len(one.json()["items"]) == 1 and "next" in one.json() and found == {"pay-90000002"})


def idempotent(trial: Trial) -> str:
    """One key: the same answer for the same body, a refusal for another; another key makes another."""
    key = f"{uuid.uuid4().int % 10**12:012d}"
    first, again = (trial.ask(post(trial.bench.token, key=key), 1) for _ in range(2))
    other, new = trial.ask(post(trial.bench.token, key=key), 2), trial.ask(post(trial.bench.token), 3)
    if refused(first) or refused(new):
        return NO
    return said(first.json() == again.json() and refused(other) and first.json()["id"] != new.json()["id"])


def isolated(trial: Trial) -> str:
    """What one test made, the other does not see; ``X-Portal-Session`` says which is which."""
    number = uuid.uuid4().int % 10**12
    one, two = {"X-Portal-Session": "one"}, {"X-Portal-Session": "two"}
    trial.ask(post(trial.bench.token, headers=one), number)
    seen = [f"HD-{number:012d}" in trial.get(LIST, who).text for who in (one, two)]
    return said(seen == [True, False])


def example_by_request(trial: Trial) -> str:
    """Two eligibilities, each of which is an example."""
    names = ["elg-40000001", "elg-40000002"]
    found = [trial.get(f"{CHECK}{name}") for name in names]
    fits = [
        answer.is_success and answer.json()["id"] == name for answer, name in zip(found, names, strict=True)
    ]
    return said(all(fits))


def preferred(trial: Trial) -> str:
    """``Prefer: code=404``."""
    return said(trial.get(READ, {"Prefer": "code=404"}).status_code == 404)


def generated(trial: Trial) -> str:
    """``Prefer: dynamic=true`` twice: as the schema says, and the same."""
    first, again = (trial.get(READ, {"Prefer": "dynamic=true"}) for _ in range(2))
    if first.text == trial.get(READ).text or not first.is_success:
        return NO
    if not trial.follows(first.json(), "/components/schemas/Coverage"):
        return "breaks the schema"
    return said(first.json() == again.json())


def stale(trial: Trial) -> str:
    """A change with an ETag of long ago."""
    return said(_cancelled(trial, '"99"').status_code == 412)


def illegal(trial: Trial) -> str:
    """An appointment that is cancelled, cancelled again."""
    first, again = _cancelled(trial, "*"), _cancelled(trial, "*")
    return said(first.is_success and again.status_code == 409)


def _cancelled(trial: Trial, version: str) -> httpx.Response:
    reason = {"cancellationReason": "pat-cpp"}
    return trial.ask(post(trial.bench.token, reason, APPOINTMENT, headers={"If-Match": version}))


def reloaded(trial: Trial) -> str:
    """The contract's file is edited while it is served, and asked for until the edit is seen."""
    text = trial.bench.contract.read_text(encoding="utf-8")
    trial.get(READ)
    trial.bench.contract.write_text(text.replace(_BEFORE, _AFTER), encoding="utf-8")
    end, away = time.monotonic() + _RELOAD_SECONDS, False
    while time.monotonic() < end:
        try:
            if _AFTER in trial.get(READ).text:
                return "by a restart" if away else YES
        except httpx.TransportError:
            away = True
        time.sleep(0.1)
    return NO


def served(trial: Trial) -> str:
    """The contract, which is OpenAPI 3.1, as it is."""
    return said(trial.get(READ).is_success)


Attempt = Callable[[Trial], str]

ON_COVERAGE: Mapping[str, Attempt] = MappingProxyType(
    {
        each.__name__: each
        for each in (
            query, body, unknown, security, own_words, all_at_once, remembers, pages, idempotent, isolated,
            example_by_request, preferred, generated, served,
        )
    }
)  # fmt: skip
ON_SCHEDULING: Mapping[str, Attempt] = MappingProxyType({each.__name__: each for each in (stale, illegal)})
ON_A_COPY: Mapping[str, Attempt] = MappingProxyType({reloaded.__name__: reloaded})
