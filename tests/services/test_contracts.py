"""The shipped contracts: valid by the formats' own schemas, their examples true of a fresh seed."""

from __future__ import annotations

import json
import os
import re
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from harness.contract import load_system
from harness.contract.documents import read_yaml
from harness.contract.model import JSON, Contract, Example, Operation, System
from harness.contract.schema import compile_schema, expand, properties
from harness.contract.styles import scalar_text
from harness.driving.actors import claims_for
from harness.driving.calls import Call
from harness.driving.things import evaluate_text
from tests.conftest import ROOT
from tests.services.portal import STAFF, Portal

SERVICES = sorted(path.parent.name for path in (ROOT / "contracts").glob("*/openapi.yaml"))
JUDGE = Path(os.environ.get("ASYNCAPI_SCHEMAS", ROOT.parent / "shared" / "specs")) / "asyncapi-3.0.0.json"


@pytest.fixture(scope="module")
def system(contracts: Path) -> System:
    return load_system(contracts)


def _instances(contract: Contract, name: str) -> list[dict[str, JSON]]:
    raw = expand(contract.schemas[name]).raw
    assert isinstance(raw, Mapping)
    return list(raw["examples"])


def _strings(value: JSON) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)


@pytest.mark.parametrize("service", SERVICES)
def test_openapi_is_valid(contracts: Path, service: str) -> None:
    path = contracts / service / "openapi.yaml"
    errors = OpenAPIV31SpecValidator(read_yaml(path), base_uri=path.as_uri()).iter_errors()
    assert [error.message for error in errors] == []


@pytest.mark.skipif(not JUDGE.exists(), reason="AsyncAPI's own schemas are not here (ASYNCAPI_SCHEMAS)")
@pytest.mark.parametrize("service", SERVICES)
def test_asyncapi_is_valid(contracts: Path, service: str) -> None:
    judge = jsonschema_rs.validator_for(json.loads(JUDGE.read_text()))
    document = read_yaml(contracts / service / "asyncapi.yaml")
    assert [list(each.instance_path) for each in judge.iter_errors(document)] == []


@pytest.mark.parametrize("service", SERVICES)
def test_seeds_keep_their_schemas_and_cover_every_state(system: System, service: str) -> None:
    contract = system.contracts[service]
    for name, lifecycle in contract.lifecycles.items():
        instances = _instances(contract, name)
        validator = compile_schema(contract.schemas[name])
        assert [violation for each in instances for violation in validator.violations(each)] == []
        states = {str(each[lifecycle.status]) for each in instances}
        assert set(lifecycle.states) <= states, name
        assert len({each["id"] for each in instances}) == len(instances)


def test_the_slot_of_an_appointment_is_taken_while_it_needs_it(system: System) -> None:
    scheduling = system.contracts["scheduling"]
    slots = {each["id"]: each for each in _instances(scheduling, "Slot")}
    taken = []
    for each in _instances(scheduling, "Appointment"):
        if each["status"] in {"pending", "booked", "arrived", "checked-in", "fulfilled", "noshow"}:
            slot = slots[each["slotId"]]
            assert slot["status"] == "busy", each["id"]
            assert all(each[name] == slot[name] for name in ("start", "end", "providerId", "specialty"))
            taken.append(slot["id"])
    assert len(set(taken)) == len(taken)
    assert sorted(taken) == sorted(id for id, slot in slots.items() if slot["status"] == "busy")


def test_every_patient_of_an_example_is_one_of_the_people(system: System) -> None:
    people = {each.id for each in system.personas}
    named = {
        text
        for contract in system.contracts.values()
        for tree in contract.documents.values()
        for text in _strings(tree)
        if re.fullmatch(r"pat-[0-9a-z]{8,26}", text)
    }
    assert named == people


def _named(examples: tuple[Example, ...], name: str) -> JSON:
    """The example of this name, else the only or first one, else None."""
    found = {each.name: each.value for each in examples}
    return found.get(name, next(iter(found.values()), None))


def _requests(system: System) -> Iterator[Any]:
    """(service, operation, the name of an example of its answer)."""
    for service, contract in system.contracts.items():
        for operation in contract.operations.values():
            medias = [media for each in operation.successes for media in each.content.values()]
            names = [example.name for media in medias for example in media.examples] or [""]
            for name in names:
                yield pytest.param(service, operation, name, id=f"{operation.id}-{name}")


@pytest.mark.parametrize(("service", "operation", "name"), list(_requests(load_system(ROOT / "contracts"))))
def test_an_example_succeeds_on_a_fresh_seed(
    portal: Portal, service: str, operation: Operation, name: str
) -> None:
    path, query, headers = operation.path.removeprefix("/v1"), [], {"Accept": "application/json"}
    named: dict[str, JSON] = {}
    for parameter in operation.parameters:
        value = _named(parameter.examples, name) if parameter.location != "query" else None
        if parameter.location == "path":
            named[parameter.name] = value
            path = path.replace(f"{{{parameter.name}}}", str(value))
        elif parameter.location == "header" and value is not None:
            headers[parameter.name] = value
        elif parameter.location == "query":
            exact = {each.name: each.value for each in parameter.examples}
            query += [f"{parameter.name}={scalar_text(exact[name], None)}"] if name in exact else []
    if "Idempotency-Key" in headers:
        headers["Idempotency-Key"] = str(uuid.uuid4())
    body = None
    if operation.body is not None:
        (media,) = operation.body.content.values()
        body = next(each.value for each in media.examples if each.name == name)

    url = f"{path}?{'&'.join(query)}" if query else path
    shown = [each.examples for answer in operation.successes for each in answer.content.values()]
    call = Call(operation, named, body=body)
    subject = evaluate_text(operation, operation.subject, call, _named(shown[0], name) if shown else None)
    claims = STAFF if "staff" in operation.access or not operation.access else claims_for(operation, subject)
    answer = portal.call(service, operation.method, url, claims, body, **headers)

    expected = operation.response_for(answer.status_code)
    assert answer.is_success and expected is not None, answer.text
    if operation.method.upper() == "GET":
        media = expected.content["application/json"]  # it may be had in other forms too
        assert answer.json() == next(each.value for each in media.examples if each.name == name)


def test_whoever_keeps_something_of_patients_follows_their_merge(system: System) -> None:
    """A thirteenth service that forgets it would leave what it keeps with a record that is gone."""
    (owner,) = [each for each in system.contracts.values() if "patientChanged" in each.sends]
    topic = owner.sends["patientChanged"].channel.address
    keeping = {
        name
        for name, contract in system.contracts.items()
        for schema in contract.schemas.values()
        if "id" in properties(schema) and "patientId" in properties(schema) and contract is not owner
    }
    following = {
        name
        for name, contract in system.contracts.items()
        for receive in contract.receives.values()
        if receive.channel.address == topic
    }
    assert keeping
    assert keeping <= following
