"""What a proxy keeps as example pairs: clean of secrets and of what is x-phi, valid, linked, read back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from harness.contract import load
from harness.contract.model import Contract
from harness.contract.recorded import with_recorded
from harness.contract.schema import compile_schema
from harness.errors import ContractError
from mocks.mock import build_mock
from mocks.proxy import pairs
from mocks.proxy.fakes import Fakes
from tests.unit.mocks.real_service import Proxied, proxied
from tests.unit.mocks.running import running
from tests.unit.mocks.test_proxy import CLINIC

EDITH = {
    "name": "Edith Marsh",
    "born": "1961-02-03",
    "sex": "female",
    "contact": {"email": "edith@marsh.example", "phones": ["5550123"]},
}
KEPT = {**EDITH, "id": "pat-abc123", "summary": "Edith Marsh (pat-abc123) was seen", "ward": "north"}
PERSONAL = ("Edith", "Marsh", "1961-02-03", "marsh.example", "5550123", "pat-abc123")


@pytest.fixture(scope="module")
def clinic() -> Contract:
    return load(CLINIC)


def recorded(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(file.read_text()) for file in sorted(folder.rglob("*.json"))]


def add_edith(through: Proxied) -> None:
    through.real.will(201, KEPT, location="/patients/pat-abc123")
    through.client.post("/patients", json=EDITH, headers={"Authorization": "Bearer secret-token-one"})


def test_nothing_personal_is_kept_and_ids_still_link(clinic: Contract, tmp_path: Path) -> None:
    with proxied(clinic, tmp_path) as through:
        add_edith(through)
        through.real.will(200, KEPT)
        through.client.get("/patients/pat-abc123")
        through.real.will(200, [KEPT], x_total="1")
        through.client.get("/patients", params={"name": "Edith Marsh"}, headers={"X-Api-Key": "secret-key"})
    assert through.findings == []
    text = "".join(file.read_text() for file in tmp_path.rglob("*.json"))
    assert not [each for each in (*PERSONAL, "secret") if each in text]
    one, added, listed = (next(p for p in recorded(tmp_path) if p["operation"] == name) for name in
                          ("getPatient", "addPatient", "listPatients"))  # fmt: skip
    fake = one["response"]["example"]["value"]
    assert one["parameters"] == [{"in": "path", "name": "patientId", "example": {"value": fake["id"]}}]
    assert added["response"]["example"]["value"] == fake
    assert added["request"]["example"]["value"]["name"] == fake["name"]
    assert added["response"]["headers"] == {"Location": {"value": f"/patients/{fake['id']}"}}
    assert listed["response"]["example"]["value"] == [fake]
    assert listed["parameters"] == [{"in": "query", "name": "name", "example": {"value": fake["name"]}}]
    assert fake["summary"] == f"{fake['name']} ({fake['id']}) was seen"
    assert fake["ward"] == "north"
    assert compile_schema(clinic.schemas["Patient"]).is_valid(fake)


def test_a_mock_answers_with_what_was_recorded(clinic: Contract, tmp_path: Path) -> None:
    with proxied(clinic, tmp_path) as through:
        for number in range(3):
            patient = {**KEPT, "id": f"pat-abc12{number}", "ward": f"ward {number}"}
            through.real.will(200, patient)
            through.client.get(f"/patients/pat-abc12{number}")
    contract = with_recorded(load(CLINIC), tmp_path)
    with running([build_mock(contract)]) as urls:
        for pair in recorded(tmp_path):
            value = pair["response"]["example"]["value"]
            assert httpx.get(f"{urls['clinic']}/patients/{value['id']}").json() == value
            chosen = {"Prefer": f"example={pair['name']}"}
            other = httpx.get(f"{urls['clinic']}/patients/{value['id']}", headers=chosen)
            assert other.json()["ward"] == value["ward"]
    assert len(recorded(tmp_path)) == 3


def test_a_contract_may_refer_to_what_was_recorded(clinic: Contract, tmp_path: Path) -> None:
    with proxied(clinic, tmp_path / "recorded") as through:
        through.real.will(200, KEPT)
        through.client.get("/patients/pat-abc123")
    text = (CLINIC / "openapi.yaml").read_text()
    ends = "A patient\n          content: {application/json: {schema: {$ref: '#/components/schemas/Patient'}"
    shown = ", examples: {kept: {$ref: 'recorded/getPatient/recorded-1.json#/response/example'}}"
    assert ends in text
    (tmp_path / "openapi.yaml").write_text(text.replace(ends, ends + shown))
    (media,) = load(tmp_path).operations["getPatient"].responses["200"].content.values()
    assert media.examples[0].name == "kept"
    assert media.examples[0].value["ward"] == "north"


def test_what_is_known_to_be_personal_later_is_taken_out_of_what_was_kept_before(
    clinic: Contract, tmp_path: Path
) -> None:
    with proxied(clinic, tmp_path) as through:
        through.real.will(404)
        through.client.get("/patients/pat-abc123")
        through.real.will(200, [KEPT], x_total="1")
        through.client.get("/patients")
    listed, missed = sorted(recorded(tmp_path), key=lambda pair: str(pair["operation"]), reverse=True)
    (patient,) = listed["response"]["example"]["value"]
    assert patient["id"] != "pat-abc123"
    assert missed["parameters"][0]["example"]["value"] == patient["id"]


def test_the_same_again_is_kept_once_and_what_drifts_not_at_all(clinic: Contract, tmp_path: Path) -> None:
    for _ in range(2):
        with proxied(clinic, tmp_path) as through:
            for _ in range(2):
                through.real.will(404)
                through.client.get("/patients/pat-abc123")
            through.real.will(200, {"id": 7})
            through.client.get("/patients/pat-abc999")
    assert len(recorded(tmp_path)) == 1


def test_secrets_of_bodies_go(clinic: Contract, tmp_path: Path) -> None:
    with proxied(clinic, tmp_path) as through:
        through.real.will(200, {"access_token": "very-secret-token", "kind": "for sent-credential"})
        through.client.post("/token", headers={"Cookie": "session=sent-credential"})
    (pair,) = recorded(tmp_path)
    value = pair["response"]["example"]["value"]
    assert value["kind"] == "for removed"
    assert len(value["access_token"]) >= 8
    assert "secret" not in json.dumps(pair)


def test_only_so_many_are_kept(clinic: Contract, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "MOST_OF_ONE", 2)
    with proxied(clinic, tmp_path) as through:
        for number in range(4):
            through.real.will(404)
            through.client.get(f"/patients/pat-abc12{number}")
    assert len(recorded(tmp_path)) == 2


def test_different_people_get_different_fakes_of_the_same_form(clinic: Contract) -> None:
    fakes = Fakes(clinic)
    schema = clinic.schemas["Patient"]
    people = [{"id": f"pat-{n:06}", "name": f"Person {n}", "sex": "other"} for n in range(30)]
    made = [fakes.replaced(schema, each) for each in people]
    assert len({each["id"] for each in made}) == len({each["name"] for each in made}) == 30
    assert made == [fakes.replaced(schema, each) for each in people]
    assert all(compile_schema(schema).is_valid(each) for each in made)


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        ({"operation": "getPatent", "name": "a"}, "no operation of clinic"),
        ({"operation": "getPatient", "name": "a", "response": {"status": 418}}, "documents no status 418"),
        (
            {
                "operation": "getPatient",
                "name": "a",
                "response": {
                    "status": 200,
                    "contentType": "application/json",
                    "example": {"value": {"id": "pat-abc123"}},
                },
            },
            "the property 'name' is missing",
        ),
        ({"operation": "getPatient", "name": "a", "parameters": [{"in": "query", "name": "x"}]}, "query x"),
    ],
)
def test_a_recording_that_does_not_fit_the_contract_is_one_clear_error(
    pair: dict[str, Any], said: str, clinic: Contract, tmp_path: Path
) -> None:
    (tmp_path / "getPatient").mkdir()
    file = tmp_path / "getPatient" / "a.json"
    file.write_text(json.dumps(pair))
    with pytest.raises(ContractError) as caught:
        with_recorded(clinic, tmp_path)
    assert said in caught.value.paragraph()
    assert str(file) in caught.value.paragraph()
