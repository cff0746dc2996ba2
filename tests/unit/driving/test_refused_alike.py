"""When two refusals can be told apart, and what forged tokens are made of."""

from __future__ import annotations

import json
from dataclasses import replace

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from harness.contract.model import JSON, Contract, Operation
from harness.driving.calls import Call, Caller, Exchange
from harness.driving.relations import difference, leaked, standings
from harness.driving.tokens import bad_tokens
from harness.target import Claims, Limits, Target

KEY = ec.generate_private_key(ec.SECP256R1())


def refusal(body: JSON, status: int = 404, **headers: str) -> Exchange:
    raw = json.dumps(body).encode()
    call = Call(Operation("read", "get", "/x"))
    return Exchange(call, "http://h/x", "http://h/x", {}, status, headers, raw, 0.0, "c", True)


def problem(**more: JSON) -> dict[str, JSON]:
    return {"type": "about:blank", "title": "Not Found", "status": 404, **more}


@pytest.mark.parametrize(
    "other",
    [
        refusal(problem(instance="/x/2", detail="no t-2")),
        refusal(problem(detail="no t-2"), date="later"),
    ],
)
def test_an_echo_of_the_request_is_no_difference(other: Exchange) -> None:
    one = refusal(problem(instance="/x/1", detail="no t-1"))
    assert difference(one, other, {"t-1": "ID", "t-2": "ID"}) is None


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (refusal(problem(), status=403), "404 and 403"),
        (refusal(problem(detail="no")), "the bodies"),
        (refusal(problem(), etag='"3"'), "the headers etag"),
    ],
)
def test_whatever_else_differs_says_that_the_thing_exists(other: Exchange, words: str) -> None:
    told = difference(refusal(problem()), other, {})
    assert told is not None
    assert words in told


def test_a_refusal_that_repeats_what_was_sent_reveals_nothing() -> None:
    exchange = refusal(problem(detail="no appointment of pat-4k7m2q9x1a on Tuesday"))
    document = {"patientId": "pat-4k7m2q9x1a", "day": "Tuesday", "reason": "Palpitations"}
    assert leaked(exchange, document, "GET /patients/pat-4k7m2q9x1a") == {"Tuesday"}


def test_every_actor_stands_in_every_relation(tickets: Contract) -> None:
    found = standings(tickets.operations["getTicket"], "ann", "bob")
    assert {each.name for each in found if each.allowed} == {"patient, own", "proxy, granted", "staff, any"}
    stranger = next(each for each in found if each.name == "proxy of somebody else")
    assert stranger.claims["proxy_for"] == ["bob"]
    crossed = next(each for each in found if each.name == "patient with another actor's relation")
    assert crossed.claims["patient"] == "bob"
    assert crossed.claims["proxy_for"] == ["ann"]
    everybody = {"patient", "proxy", "clinician", "staff", "service"}
    assert {each.actor for each in found} == everybody
    assert {each.actor for each in standings(tickets.operations["getSeat"], None, None)} == everybody


def mint(claims: Claims) -> str:
    return jwt.encode({"aud": "shop", "iss": "us", **claims}, KEY, algorithm="ES256", headers={"kid": "k"})


def test_forged_tokens_have_one_fault_each() -> None:
    target = Target("shop", "http://127.0.0.1:9", "external", frozenset(), tokens=mint)
    with Caller(target, Limits()) as caller:
        bad = {each.name: each for each in bad_tokens(caller, {"actor": "staff", "scope": "a.read"})}
    assert all(each.missing is None for each in bad.values())
    forged = bad["a token signed with another key"].token or ""
    assert jwt.get_unverified_header(forged)["kid"] == "k"
    claims = jwt.decode(forged, options={"verify_signature": False})
    assert claims == jwt.decode(
        mint({"actor": "staff", "scope": "a.read"}), options={"verify_signature": False}
    )
    for each in bad.values():
        with pytest.raises((jwt.PyJWTError, AssertionError)):
            good = jwt.decode(each.token or "", KEY.public_key(), ["ES256"], audience="shop", issuer="us")
            assert good["scope"] == "a.read"


def test_what_a_source_cannot_forge_is_named() -> None:
    target = Target("shop", "http://127.0.0.1:9", "external", frozenset(), tokens=lambda _: "opaque")
    with Caller(target, Limits()) as caller:
        bad = list(bad_tokens(caller, {"actor": "staff"}))
    assert "a forged token" in {each.name for each in bad if each.missing}
    stubborn = replace(target, tokens=lambda claims: mint({k: v for k, v in claims.items() if k != "aud"}))
    with Caller(stubborn, Limits()) as caller:
        missing = {each.name for each in bad_tokens(caller, {"actor": "staff"}) if each.missing}
    assert missing == {"a token for another audience"}
