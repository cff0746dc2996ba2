"""What a mock knows of the world from its contract's examples."""

from __future__ import annotations

from pathlib import Path

from harness.contract import load
from mocks.known import Known, listing_of

CONTRACT = """
openapi: 3.1.0
info: {title: Copies, version: '1'}
paths:
  /copies:
    get:
      operationId: listCopies
      parameters: [{name: status, in: query, schema: {type: string}}]
      responses:
        '200':
          description: Copies
          content: {application/json: {schema: {$ref: '#/components/schemas/Copies'}}}
components:
  schemas:
    Copies:
      type: object
      properties: {items: {type: array, items: {$ref: '#/components/schemas/Copy'}}}
    Copy:
      type: object
      properties:
        id: {type: string}
        status: {type: string}
        held: {type: string, writeOnly: true}
      examples:
        - {id: copy-1, status: made, held: what nobody reads}
        - {id: copy-2, status: asked, held: what nobody reads}
"""


def test_what_is_only_written_is_shown_in_no_list(tmp_path: Path) -> None:
    (tmp_path / "openapi.yaml").write_text(CONTRACT)
    contract = load(tmp_path / "openapi.yaml")
    known = Known(contract)
    assert known.of("Copy") == {
        "copy-1": {"id": "copy-1", "status": "made"},
        "copy-2": {"id": "copy-2", "status": "asked"},
    }
    listing = listing_of(contract, contract.schemas["Copies"], ("status",))
    assert listing is not None
    shown = listing.applied({"items": [{"id": "copy-1", "status": "made"}]}, {"status": "asked"}, known)
    assert shown == {"items": [{"id": "copy-2", "status": "asked"}]}
