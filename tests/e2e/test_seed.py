"""``portal seed``: many people, the same for the same seed, whose records fit together across services."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from harness.contract import load_system
from harness.contract.schema import compile_schema
from harness.serving.keys import KeyStore
from tests.conftest import ROOT
from tests.e2e.portal import portal, running

PATIENTS = 200


def _held(database: Path) -> dict[tuple[str, str], Any]:
    """Every aggregate by type and id."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        rows = connection.execute("SELECT type, id, document FROM aggregates")
        return {(type, id): json.loads(document) for type, id, document in rows}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("seeded")
    ran = portal("seed", "--patients", str(PATIENTS), "--data", str(found), timeout=120)
    assert ran.code == 0, ran.text
    return found


def test_everything_keeps_its_contract(folder: Path) -> None:
    for name, contract in load_system(ROOT / "contracts").contracts.items():
        held = _held(folder / f"{name}.db")
        for (type, id), document in held.items():
            if type in contract.schemas:
                public = {key: value for key, value in document.items() if not key.startswith("_")}
                assert compile_schema(contract.schemas[type]).violations(public) == (), (type, id)


def test_people_differ_as_people_do(folder: Path) -> None:
    patients = [each for (type, _), each in _held(folder / "patient-profile.db").items() if type == "Patient"]
    own = len(load_system(ROOT / "contracts").personas)
    assert len(patients) >= PATIENTS
    names, years = {each["name"] for each in patients}, [int(each["birthDate"][:4]) for each in patients]
    assert len(names) > PATIENTS * 0.9
    assert min(years) < 1950
    assert max(years) > 2025
    assert any(not name.isascii() for name in names)
    records = Counter(
        document["patientId"]
        for service in ("coverage", "medications", "encounters-records")
        for document in _held(folder / f"{service}.db").values()
        if "patientId" in document
    )
    assert 0 < len(records) < PATIENTS + own, "some have nothing"
    assert max(records.values()) > 3 * sorted(records.values())[len(records) // 2], "a few have much"


def test_what_one_service_refers_to_another_has(folder: Path) -> None:
    known = {id for type, id in _held(folder / "patient-profile.db") if type == "Patient"}
    appointments = {id for type, id in _held(folder / "scheduling.db") if type == "Appointment"}
    slots = {id for type, id in _held(folder / "scheduling.db") if type == "Slot"}
    for (type, id), each in _held(folder / "scheduling.db").items():
        if type == "Appointment":
            assert each["patientId"] in known, id
            assert each.get("slotId", next(iter(slots))) in slots, id
    asked = [each for (type, _), each in _held(folder / "coverage.db").items() if type == "EligibilityCheck"]
    named = [each["appointmentId"] for each in asked if "appointmentId" in each]
    assert len(named) > 5
    assert sum(each in appointments for each in named) > len(named) / 2


def test_the_same_seed_makes_the_same_people(folder: Path, tmp_path: Path) -> None:
    for number, same in ((1, True), (2, False)):
        again = tmp_path / str(number)
        ran = portal(
            "seed", "coverage", "--patients", str(PATIENTS), "--seed", str(number), "--data", str(again)
        )
        assert ran.code == 0, ran.text
        assert (_held(again / "coverage.db") == _held(folder / "coverage.db")) is same
    twice = portal("seed", "coverage", "--patients", "10", "--seed", "2", "--data", str(tmp_path / "2"))
    assert twice.code == 2
    assert "some of these people already" in twice.text
    assert "Traceback" not in twice.text


def test_the_services_serve_them(folder: Path, tmp_path: Path) -> None:
    patient = next(
        id
        for (type, id), each in _held(folder / "patient-profile.db").items()
        if type == "Patient" and each["status"] == "active" and id not in _personas()
    )
    with running(["serve", "patient-profile", "--data", str(folder), "--kafka", "none"], tmp_path) as (
        _,
        ready,
    ):
        token = KeyStore().mint({"actor": "patient", "patient": patient, "scope": "patient/Patient.read"})
        answer = httpx.get(
            f"{ready['services']['patient-profile']}/v1/patients/{patient}",
            headers={"Authorization": f"Bearer {token}"},
            trust_env=False,
        )
    assert (answer.status_code, answer.json()["id"]) == (200, patient)


def _personas() -> set[str]:
    return {each.id for each in load_system(ROOT / "contracts").personas}
