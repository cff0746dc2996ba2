"""Which topics and groups a contract's service needs, read from the contract alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.contract import load, load_system
from harness.contract.model import System
from harness.kafka.rights import rights_of

ACCESSES = "portal.export-audit.access.v1"
"""The one topic that services may tell on although it is another's: who looked at what."""


@pytest.fixture(scope="module")
def system(contracts: Path) -> System:
    return load_system(contracts)


def test_one_service(system: System) -> None:
    rights = rights_of(system.contracts["scheduling"])
    assert [each.address for each in rights.writes] == [
        ACCESSES,
        "portal.scheduling.appointment.v1",
        "portal.scheduling.dead-letter.v1",
        "portal.scheduling.slot.v1",
    ]
    assert "portal.coverage.eligibility.v1" in [each.address for each in rights.reads]
    assert rights.groups == ("portal.scheduling",)


def test_nobody_writes_another_s_topics_or_joins_another_s_group(system: System) -> None:
    for name, contract in system.contracts.items():
        rights = rights_of(contract)
        assert rights.writes, name
        assert {each.address.split(".")[1] for each in rights.writes if each.address != ACCESSES} <= {name}
        assert not {each.address for each in rights.writes} & {each.address for each in rights.reads}
        assert rights.groups == ((f"portal.{name}",) if contract.receives else ())


def test_every_topic_is_somebody_s(system: System) -> None:
    needed = {each.address for contract in system.contracts.values() for each in rights_of(contract).topics}
    assert needed == set(system.topics)


ASKING = """
asyncapi: 3.0.0
info: {title: Asks, version: 1.0.0}
channels:
  questions: {address: q.v1, messages: {any: {payload: true}}}
  answers: {address: a.v1, messages: {any: {payload: true}}}
  socket: {address: /live, messages: {any: {payload: true}}, bindings: {ws: {}}}
operations:
  ask:
    action: ACTION
    channel: {$ref: '#/channels/questions'}
    reply: {channel: {$ref: '#/channels/answers'}}
  show: {action: receive, channel: {$ref: '#/channels/socket'}}
"""


@pytest.mark.parametrize(
    ("action", "writes", "reads", "groups"),
    [("send", ["q.v1"], ["a.v1"], ()), ("receive", ["a.v1"], ["q.v1"], ("portal.asks",))],
)
def test_an_answer_goes_the_other_way(
    tmp_path: Path, action: str, writes: list[str], reads: list[str], groups: tuple[str, ...]
) -> None:
    file = tmp_path / "asks" / "asyncapi.yaml"
    file.parent.mkdir()
    file.write_text(ASKING.replace("ACTION", action))
    rights = rights_of(load(file.parent))
    assert [each.address for each in rights.writes] == writes
    assert [each.address for each in rights.reads] == reads
    assert rights.groups == groups
