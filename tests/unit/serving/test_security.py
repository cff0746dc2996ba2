"""Tokens, scopes, actors and relations: who gets in, and how the others are told."""

from __future__ import annotations

import hmac
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from harness.contract.model import JSON, Operation
from harness.serving import security
from harness.serving.access import allowed, stands_for
from harness.serving.exchange import Answer, Request
from harness.serving.keys import ISSUER, KeyStore
from harness.serving.problems import Problem
from tests.unit.serving.live import client_of, contract_from, echo, echoing

CONTRACT = """
openapi: 3.1.0
info: {title: Guarded, version: 1.0.0}
security: [{portal: [read]}]
paths:
  /records/{patientId}:
    get:
      operationId: getRecord
      x-subject: $request.path.patientId
      x-access: {patient: own, proxy: granted, clinician: treating, staff: any}
      parameters: [{name: patientId, in: path, required: true, schema: {type: string, pattern: '^p[0-9]$'}}]
      responses: {'200': {description: ok, content: {application/json: {}}}}
  /records:
    post:
      operationId: addRecord
      security: [{portal: [write]}, {portal: [admin]}]
      x-subject: $request.body#/patientId
      x-access: {patient: own, service: declared}
      requestBody:
        required: true
        content:
          application/json:
            schema: {type: object, required: [patientId, note], properties: {note: {type: string}}}
      responses: {'201': {description: ok, content: {application/json: {}}}}
  /open:
    get:
      operationId: getOpen
      security: []
      responses: {'200': {description: ok, content: {application/json: {}}}}
  /maybe:
    get:
      operationId: getMaybe
      security: [{}, {portal: []}]
      responses: {'200': {description: ok, content: {application/json: {}}}}
components:
  securitySchemes:
    portal:
      type: oauth2
      flows:
        clientCredentials: {tokenUrl: 'https://portal.example/token', scopes: {read: r, write: w, admin: a}}
"""


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyStore:
    return KeyStore(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def client(keys: KeyStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    contract = contract_from(tmp_path_factory.mktemp("contracts"), CONTRACT)
    with client_of(echoing(contract, keys.authenticator())) as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def own(**more: JSON) -> dict[str, JSON]:
    return {"actor": "patient", "patient": "p1", "scope": "read write", **more}


def part(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def by_hand(algorithm: str, claims: dict[str, Any], secret: bytes = b"") -> str:
    """What a forger makes where a library would not."""
    head = part(json.dumps({"alg": algorithm, "typ": "JWT"}).encode())
    signed = f"{head}.{part(json.dumps(claims).encode())}"
    return f"{signed}.{part(hmac.digest(secret, signed.encode(), 'sha256')) if secret else ''}"


def test_a_good_token_is_let_in_with_its_claims(client: httpx.Client, keys: KeyStore) -> None:
    answer = client.get("/records/p1", headers=bearer(keys.mint(own())))
    assert answer.status_code == 200
    assert answer.json()["claims"]["patient"] == "p1"


def test_the_scheme_is_read_whatever_its_case(client: httpx.Client, keys: KeyStore) -> None:
    answer = client.get("/records/p1", headers={"Authorization": f"bEaReR {keys.mint(own())}"})
    assert answer.status_code == 200


def tokens_to_refuse(keys: KeyStore) -> dict[str, str]:
    now = int(time.time())
    whole = {**own(), "iss": ISSUER, "aud": "portal", "sub": "p1", "iat": now, "exp": now + 60}
    stranger = ec.generate_private_key(ec.SECP256R1())
    genuine = keys.mint(own())
    head, body, signature = genuine.split(".")
    other = part(json.dumps({**whole, "patient": "p2"}).encode())
    pem = keys.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return {
        "no signature": by_hand("none", whole),
        "no signature, spelt otherwise": by_hand("nOnE", whole),
        "another key": jwt.encode(whole, stranger, algorithm="ES256", headers={"kid": keys.kid}),
        "the public key as a secret": by_hand("HS256", whole, pem),
        "other claims under a genuine signature": f"{head}.{other}.{signature}",
        "a damaged signature": f"{head}.{body}.{signature[:-6]}AAAAAA",
        "expired": keys.mint({**own(), "exp": now - 1}),
        "expires now": keys.mint({**own(), "exp": now}),
        "another audience": keys.mint({**own(), "aud": "somebody-else"}),
        "another issuer": keys.mint({**own(), "iss": "https://elsewhere.invalid"}),
        "from the future": keys.mint({**own(), "iat": now + 600}),
        "not yet": keys.mint({**own(), "nbf": now + 600}),
        "no token at all": "nonsense",
        "three empty parts": "..",
        "far too long": "a" * 8000,
    }


def test_every_token_that_is_not_genuine_is_refused_with_401(client: httpx.Client, keys: KeyStore) -> None:
    for name, token in tokens_to_refuse(keys).items():
        answer = client.get("/records/p1", headers=bearer(token))
        assert answer.status_code == 401, name
        assert 'error="invalid_token"' in answer.headers["www-authenticate"], name
        assert answer.headers["content-type"] == "application/problem+json"
        assert token not in answer.text


@pytest.mark.parametrize("absent", ["exp", "sub", "iss", "aud", "iat"])
def test_a_token_without_a_registered_claim_is_refused(
    client: httpx.Client, keys: KeyStore, absent: str
) -> None:
    now = int(time.time())
    whole = {**own(), "iss": ISSUER, "aud": "portal", "sub": "p1", "iat": now, "exp": now + 60}
    del whole[absent]
    token = jwt.encode(whole, keys._private, algorithm="ES256")
    assert client.get("/records/p1", headers=bearer(token)).status_code == 401


def test_a_token_that_was_good_is_refused_once_it_has_expired(client: httpx.Client, keys: KeyStore) -> None:
    token = keys.mint(own(), lifetime=1)
    deadline = time.monotonic() + 5
    seen = {client.get("/records/p1", headers=bearer(token)).status_code}
    while 401 not in seen:
        assert time.monotonic() < deadline, "a remembered token outlives its expiry"
        seen.add(client.get("/records/p1", headers=bearer(token)).status_code)
    assert seen == {200, 401}


def test_a_token_is_verified_once_and_only_by_the_key_that_signed_it(
    keys: KeyStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[str] = []
    decode = jwt.decode

    def counted(token: str, *rest: Any, **options: Any) -> Any:
        verified.append(token)
        return decode(token, *rest, **options)

    monkeypatch.setattr(jwt, "decode", counted)
    monkeypatch.setattr(security, "REMEMBERED", 2)
    authenticator, token = keys.authenticator(), keys.mint(own())
    for _ in range(3):
        assert authenticator.claims(token)["patient"] == "p1"
    assert verified == [token]
    for number in range(2):  # which take its place
        authenticator.claims(keys.mint(own(nonce=number)))
    authenticator.claims(token)
    assert verified.count(token) == 2
    with pytest.raises(Problem):
        KeyStore(tmp_path / "rotated").authenticator().claims(token)


@pytest.mark.parametrize("header", [{}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer"}])
def test_missing_credentials_are_challenged(client: httpx.Client, header: dict[str, str]) -> None:
    answer = client.get("/records/p1", headers=header)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith('Bearer realm="portal"')


def test_a_missing_scope_is_named(client: httpx.Client, keys: KeyStore) -> None:
    answer = client.get("/records/p1", headers=bearer(keys.mint(own(scope="write"))))
    assert answer.status_code == 403
    assert 'error="insufficient_scope", scope="read"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize(("scope", "status"), [("write", 200), ("admin", 200), ("read", 403), ("", 403)])
def test_either_alternative_of_a_requirement_will_do(
    client: httpx.Client, keys: KeyStore, scope: str, status: int
) -> None:
    body = {"patientId": "p1", "note": "n"}
    answer = client.post("/records", json=body, headers=bearer(keys.mint(own(scope=scope))))
    assert answer.status_code == status


def test_open_operations_need_nothing_and_optional_ones_take_no_bad_token(
    client: httpx.Client, keys: KeyStore
) -> None:
    assert client.get("/open").status_code == 200
    assert client.get("/open", headers=bearer("nonsense")).status_code == 200
    assert client.get("/maybe").json()["claims"] == {}
    assert client.get("/maybe", headers=bearer(keys.mint(own()))).json()["claims"]["patient"] == "p1"
    assert client.get("/maybe", headers=bearer("nonsense")).status_code == 401


MATRIX: tuple[tuple[dict[str, JSON], int], ...] = (
    ({"actor": "patient", "patient": "p1"}, 200),
    ({"actor": "patient", "patient": "p2"}, 403),
    ({"actor": "patient"}, 403),
    ({"actor": "proxy", "patient": "p1"}, 403),
    ({"actor": "proxy", "proxy_for": ["p2", "p1"]}, 200),
    ({"actor": "proxy", "proxy_for": ["p2"]}, 403),
    ({"actor": "proxy", "proxy_for": "p1"}, 403),
    ({"actor": "clinician", "treats": ["p1"]}, 200),
    ({"actor": "clinician", "treats": []}, 403),
    ({"actor": "clinician", "proxy_for": ["p1"]}, 403),
    ({"actor": "staff"}, 200),
    ({"actor": "service"}, 403),
    ({"actor": "nobody"}, 403),
    ({"actor": ["staff"]}, 403),
    ({"patient": "p1"}, 403),
)


@pytest.mark.parametrize(("claims", "status"), MATRIX)
def test_the_relation_that_the_contract_asks_for_decides(
    client: httpx.Client, keys: KeyStore, claims: dict[str, JSON], status: int
) -> None:
    answer = client.get("/records/p1", headers=bearer(keys.mint({"scope": "read", **claims})))
    assert answer.status_code == status


def test_refusals_come_in_the_documented_order(client: httpx.Client, keys: KeyStore) -> None:
    """401, then 403 for actor and scope, then 403 for another's data, then what is wrong with the request."""
    foreign = bearer(keys.mint(own(patient="p2")))
    assert client.get("/records/invalid").status_code == 401
    assert client.get("/records/invalid", headers=bearer(keys.mint(own(scope="")))).status_code == 403
    assert client.post("/records", json={"patientId": "p1"}, headers=foreign).status_code == 403
    assert client.post("/records", json={"note": 7}, headers=foreign).status_code == 400
    mine = bearer(keys.mint(own()))
    assert client.post("/records", json={"patientId": "p1"}, headers=mine).status_code == 400


def test_refused_callers_never_reach_the_handler(keys: KeyStore, tmp_path: Path) -> None:
    reached: list[str] = []

    def handler(request: Request) -> Answer:
        reached.append(request.operation.id)
        return echo(request)

    contract = contract_from(tmp_path, CONTRACT)
    app = echoing(contract, keys.authenticator(), getRecord=handler)
    with client_of(app) as client:
        for claims, status in MATRIX:
            if status != 200:
                client.get("/records/p1", headers=bearer(keys.mint({"scope": "read", **claims})))
    assert not reached


FOREIGN = """
openapi: 3.0.3
info: {title: Foreign, version: 1.0.0}
paths:
  /things:
    get:
      operationId: getThings
      security: [{key: []}, {basic: []}, {header: [], session: []}]
      x-access: {patient: own}
      responses: {'200': {description: ok, content: {application/json: {}}}}
components:
  securitySchemes:
    key: {type: apiKey, in: query, name: api_key}
    header: {type: apiKey, in: header, name: X-Key}
    session: {type: apiKey, in: cookie, name: session}
    basic: {type: http, scheme: basic}
"""

PRESENCE: tuple[tuple[str, dict[str, str], int], ...] = (
    ("", {}, 401),
    ("?api_key=", {}, 401),
    ("?api_key=anything", {}, 200),
    ("", {"Authorization": "Basic YTpi"}, 200),
    ("", {"Authorization": "Bearer YTpi"}, 401),
    ("", {"X-Key": "k"}, 401),
    ("", {"X-Key": "k", "Cookie": "a=b; session=s"}, 200),
)


@pytest.mark.parametrize(("query", "headers", "status"), PRESENCE)
def test_without_an_authenticator_credentials_need_only_be_there(
    tmp_path: Path, query: str, headers: dict[str, str], status: int
) -> None:
    with client_of(echoing(contract_from(tmp_path, FOREIGN))) as client:
        assert client.get(f"/things{query}", headers=headers).status_code == status


def test_what_is_not_known_is_refused() -> None:
    operation = Operation("o", "GET", "/", access={"patient": "own", "clinician": "misspelt"})
    assert not allowed(operation, {"actor": "patient", "patient": None}, None)
    assert not allowed(operation, {"actor": "patient", "patient": ""}, "")
    assert not allowed(operation, {"actor": "patient", "patient": ["p1"]}, ["p1"])
    assert not allowed(operation, {"actor": "clinician", "treats": ["p1"]}, "p1")
    assert allowed(Operation("o", "GET", "/"), {}, None)


def test_one_kind_of_actor_does_not_borrow_the_relation_of_another() -> None:
    everything: dict[str, JSON] = {"patient": "p1", "proxy_for": ["p2"], "treats": ["p3"]}
    for actor, whose in (("patient", "p1"), ("proxy", "p2"), ("clinician", "p3")):
        claims = {**everything, "actor": actor}
        assert [each for each in ("p1", "p2", "p3", "p4") if stands_for(claims, each)] == [whose]
    assert stands_for({"actor": "staff"}, "p4")
    assert not stands_for({**everything, "actor": "visitor"}, "p1")
    assert not stands_for(everything, "p1")


@pytest.mark.parametrize("exp", ["4102444800", 4102444800.5])
def test_an_expiry_written_otherwise_holds_on_every_use(
    keys: KeyStore, client: httpx.Client, exp: JSON
) -> None:
    token = keys.mint({"actor": "staff", "scope": "read", "exp": exp})
    for _ in range(2):
        answer = client.get("/records/p1", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200


def test_an_expiry_without_end_is_no_expiry(keys: KeyStore, client: httpx.Client) -> None:
    token = keys.mint({"actor": "staff", "scope": "read", "exp": float("inf")})
    assert client.get("/records/p1", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def typed(keys: KeyStore, kind: JSON) -> str:
    """A genuine token that says what it is for."""
    claims = jwt.decode(keys.mint(own()), options={"verify_signature": False})
    return jwt.encode(claims, keys._private, algorithm="ES256", headers={"typ": kind})


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (None, 200),
        ("JWT", 200),
        ("at+jwt", 200),
        ("application/at+JWT", 200),
        ("logout+jwt", 401),
        ("JWE", 401),
    ],
)
def test_a_token_for_something_else_gives_no_access(
    client: httpx.Client, keys: KeyStore, kind: JSON, status: int
) -> None:
    assert client.get("/records/p1", headers=bearer(typed(keys, kind))).status_code == status


def test_huge_tokens_are_not_remembered(keys: KeyStore) -> None:
    authenticator = keys.authenticator()
    for size, kept in ((10, 1), (5000, 0)):
        token = keys.mint(own(more="x" * size))
        assert authenticator.claims(token)["more"] == "x" * size
        assert (token in authenticator._known) == bool(kept)
