"""Ids that nothing has, of whatever form a contract's paths ask for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.contract import load_system
from harness.contract.schema import compile_schema
from harness.driving.bench import Bench
from harness.target import Limits, Target

CONTRACT = """
openapi: 3.1.0
info: {{title: Things, version: '1'}}
paths:
  /things/{{thingId}}:
    get:
      operationId: readThing
      parameters: [{{name: thingId, in: path, required: true, schema: {path}}}]
      responses:
        '200':
          description: ok
          content: {{application/json: {{schema: {{$ref: '#/components/schemas/Thing'}}}}}}
components:
  schemas:
    Thing:
      type: object
      properties: {{id: {held}, status: {{enum: [a, b]}}}}
      x-lifecycle: {{property: status, transitions: [{{from: [a], to: b, by: {{after: PT1H}}}}]}}
"""


@pytest.mark.parametrize(
    ("held", "path"),
    [
        ({"type": "integer"}, {"type": "integer"}),
        ({"type": "integer", "format": "int64"}, {"type": "integer", "minimum": 1, "maximum": 999999}),
        ({"type": "integer"}, {"type": "integer", "format": "int32", "maximum": 2147483647}),
        ({"type": "string"}, {"type": "string", "format": "uuid"}),
        ({"type": "string"}, {"type": "string", "pattern": "^[0-9]{4,12}$"}),
        (
            {"type": "string", "example": "thg-0a1b2c3d"},
            {"type": "string", "pattern": "^thg-[0-9a-f]{8,26}$"},
        ),
        ({"type": "string"}, {"type": "string", "pattern": "^[A-Z]{3}$"}),
    ],
)
def test_an_unknown_id_is_one_that_the_path_takes(
    tmp_path: Path, held: dict[str, object], path: dict[str, object]
) -> None:
    file = tmp_path / "things.yaml"
    file.write_text(CONTRACT.format(held=json.dumps(held), path=json.dumps(path)))
    system = load_system(file)
    (service,) = system.contracts
    bench = Bench(system, Target(service, "http://127.0.0.1:1", "external", frozenset()), Limits())
    operation = system.contracts[service].operations["readThing"]
    address = bench.anatomy.acts_on(operation)
    parameter = operation.parameter("path", "thingId")
    assert address is not None
    assert parameter is not None
    ids = [bench.unknown_id(operation, address) for _ in range(5)]
    assert [compile_schema(parameter.schema).violations(each) for each in ids] == [()] * 5
    assert len(set(ids)) == 5
