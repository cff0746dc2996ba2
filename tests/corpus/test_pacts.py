"""What a consumer of somebody else's service wrote down, from that contract's example, holds of its mock."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from harness.checks.http_pacts import run
from harness.contract import load_system
from harness.contract.model import JSON, Contract, Operation
from harness.contract.schema import compile_schema, says
from harness.contract.styles import is_json
from harness.errors import ContractError
from harness.findings import Passed
from harness.serving.keys import KeyStore
from harness.target import Limits, Target
from mocks.mock import build_mock
from tests.corpus.exchanges import request_of
from tests.corpus.test_openapi import UNSATISFIABLE, documents, named
from tests.unit.mocks.running import running

IN_CI = 4
"""Documents in CI; ``--unbounded`` takes all. Each costs a second of Pact's."""
MOST = 3
"""Interactions of one document."""


def examples(name: str, contract: Contract) -> Iterator[tuple[Operation, int, str, JSON]]:
    """Operations with a success that shows a JSON example which keeps its schema."""
    for operation in contract.operations.values():
        if (name, operation.id) in UNSATISFIABLE:
            continue
        for response in operation.successes:
            for kind, media in response.content.items():
                own = says(media.schema, "example") if media.schema is not None else None
                value = media.examples[0].value if media.examples else own
                valid = media.schema is None or compile_schema(media.schema, "response").is_valid(value)
                if not is_json(kind):
                    continue
                paired = operation.body is not None and len(media.examples) > 1  # which is whose answer?
                if value and response.status.isdigit() and valid and not paired:
                    yield operation, int(response.status), kind, value
                    break


def interaction(
    contract: Contract, operation: Operation, status: int, kind: str, value: JSON
) -> dict[str, Any]:
    """What a consumer that relies on the types of an example would write (Pact specification, version 4)."""
    request = request_of("http://provider", contract, operation)
    asked = urlsplit(str(request.url))
    sent: dict[str, Any] = {"method": operation.method, "path": asked.path, "query": parse_qs(asked.query)}
    apart = {
        "host",
        "accept-encoding",
        "connection",
        "content-length",
        "user-agent",
        "authorization",
        "accept",
    }
    headers = {name: [text] for name, text in request.headers.items() if name not in apart}
    if request.content and is_json(request.headers["content-type"]):
        content = json.loads(request.content)
        sent["body"] = {"content": content, "contentType": "application/json", "encoded": False}
    return {
        "type": "Synchronous/HTTP",
        "description": f"{operation.id} as it is shown",
        "request": {**sent, "headers": headers},
        "response": {
            "status": status,
            "headers": {"Content-Type": [kind.partition(";")[0]]},
            "body": {"content": value, "contentType": kind.partition(";")[0], "encoded": False},
            "matchingRules": {
                "header": {
                    "Content-Type": {"combine": "AND", "matchers": [{"match": "include", "value": "json"}]}
                },
                "body": {"$": {"combine": "AND", "matchers": [{"match": "type"}]}},
            },
        },
    }


def promised(name: str, contract: Contract) -> Iterator[dict[str, Any]]:
    for operation, status, kind, value in examples(name, contract):
        try:
            made = interaction(contract, operation, status, kind, value)
        except ContractError:
            continue  # no request keeps it
        sent = made["request"].get("body", {}).get("content")
        if operation.body is None or (isinstance(sent, dict) and agree(sent, value)):
            yield made


def agree(sent: dict[str, JSON], shown: JSON) -> bool:
    """Whether the examples of request and answer can be of one exchange."""
    return isinstance(shown, dict) and all(sent[name] == shown[name] for name in sent.keys() & shown.keys())


@pytest.mark.parametrize("number", range(len(documents())), ids=[named(each) for each in documents()])
def test_a_consumers_pact_holds_of_the_mock(
    number: int, unbounded: bool, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = documents()[number]
    if not unbounded and number % (len(documents()) // IN_CI):
        pytest.skip("--unbounded takes every document")
    system = load_system(file)
    (contract,) = system.contracts.values()
    wanted = list(promised(named(file), contract))[:MOST]
    if not wanted:
        pytest.skip("this document shows no JSON that an operation answers")
    pact = tmp_path / "consumer.json"
    document = {
        "consumer": {"name": "somebody"},
        "provider": {"name": contract.service},
        "interactions": wanted,
        "metadata": {"pactSpecification": {"version": "4.0"}},
    }
    pact.write_text(json.dumps(document))
    keys = KeyStore(tmp_path_factory.mktemp("keys"))
    with running([build_mock(contract, keys=keys)]) as urls:
        target = Target(contract.service, urls[contract.service], "mock", frozenset(), tokens=keys.mint)
        results = list(run(replace(system, pacts=(pact,)), target, Limits()))
    wrong = "\n".join(repr(each)[:3000] for each in results if not isinstance(each, Passed))
    assert not wrong, wrong
    assert len(results) == len(wanted)
