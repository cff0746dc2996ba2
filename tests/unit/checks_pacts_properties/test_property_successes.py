"""One request an operation that should succeed."""

from __future__ import annotations

from pathlib import Path

from harness.contract import load_system
from harness.driving.property_successes import successes
from harness.serving.keys import KeyStore
from harness.target import Limits, Target
from mocks.mock import build_mock
from tests.unit.serving.live import served

FOLDERS = """
openapi: 3.1.0
info: {title: Folders, version: '1'}
paths:
  /folders/{id}:
    parameters: [{name: id, in: path, required: true, example: f-1, schema: {type: string}}]
    delete:
      operationId: deleteFolder
      responses: &gone {'204': {description: gone}, '404': {description: none}}
  /folders/{id}/labels:
    parameters: [{name: id, in: path, required: true, example: f-1, schema: {type: string}}]
    get:
      operationId: getLabels
      responses:
        '200': {description: ok, content: {application/json: {schema: {type: array, items: {type: string}}}}}
        '404': {description: none}
    delete: {operationId: deleteLabels, responses: *gone}
"""


def test_nothing_is_taken_away_before_it_was_looked_at(tmp_path: Path) -> None:
    (tmp_path / "openapi.yaml").write_text(FOLDERS, encoding="utf-8")
    system = load_system(tmp_path / "openapi.yaml")
    [service] = system.contracts
    with served([build_mock(system.contracts[service], keys=KeyStore(tmp_path))]) as addresses:
        target = Target(
            service,
            addresses.services[service],
            "mock",
            frozenset({"state"}),
            control=addresses.control[service],
        )
        answered = [each for each in successes(system, target, Limits()) if isinstance(each, tuple)]
    assert [(operation.id, status) for operation, status in answered] == [
        ("getLabels", 200),
        ("deleteLabels", 204),
        ("deleteFolder", 204),
    ]
