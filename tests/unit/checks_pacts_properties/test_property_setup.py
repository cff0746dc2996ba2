"""What Schemathesis is told: where operations are, who asks, and what counts as a right answer."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import schemathesis
from schemathesis.config import GenerationConfig
from schemathesis.generation import GenerationMode

from harness.contract import load
from harness.contract.expressions import Context
from harness.contract.model import Contract, System
from harness.contract.schema import schema_of
from harness.driving.property_defects import body_is_valid, headers_are_valid, path_is_valid, schema_cause
from harness.driving.property_setup import (
    Credentials,
    Setup,
    broad_actor,
    right_refusals,
    subject_of,
)
from harness.errors import ContractError
from harness.target import Limits, Target

BARE = {
    "openapi": "3.0.3",
    "info": {"title": "Bare", "version": "1"},
    "paths": {"/things": {"get": {"responses": {"200": {"description": "Things"}}}}},
}
TARGET = Target("lending", "http://127.0.0.1:9", "external", frozenset())


@pytest.fixture
def lending(system: System) -> Contract:
    return system.contracts["lending"]


def test_operations_are_known_by_the_document_s_paths_and_found_below_the_server_s(lending: Contract) -> None:
    setup = Setup(lending, TARGET, Limits())

    assert setup.operations["POST /loans/{loanId}/return"].id == "returnBook"
    assert setup.settings()["base-url"] == "http://127.0.0.1:9/v1"


def test_a_contract_without_operation_ids_or_servers_has_labels_too(tmp_path: Path) -> None:
    (tmp_path / "openapi.json").write_text(json.dumps(BARE), encoding="utf-8")

    setup = Setup(load(tmp_path), TARGET, Limits())

    assert list(setup.operations) == ["GET /things"]
    assert setup.base == ""


def test_a_contract_of_messages_alone_has_nothing_for_schemathesis(lending: Contract) -> None:
    only = {uri: tree for uri, tree in lending.documents.items() if "asyncapi" in tree}

    with pytest.raises(ContractError, match="no OpenAPI document"):
        Setup(replace(lending, documents=only), TARGET, Limits())


def test_422_is_a_right_refusal_only_beside_400(lending: Contract) -> None:
    operations = lending.operations

    assert "422" in right_refusals(operations["lendBook"])
    alone = {k: v for k, v in operations["lendBook"].responses.items() if k != "400"}
    assert "422" not in right_refusals(replace(operations["lendBook"], responses=alone))
    assert set(right_refusals(operations["returnBook"])) == {"409", "412", "428"}


def test_a_class_of_statuses_documents_each_of_them(lending: Contract) -> None:
    success = {"200": lending.operations["getLoan"].responses["200"]}
    for documented, right in (
        ("4XX", {"409", "410", "412", "428"}),
        ("default", {"409", "410", "412", "428"}),
    ):
        refusal = replace(success["200"], status=documented)
        operation = replace(lending.operations["getLoan"], responses={**success, documented: refusal})
        assert set(right_refusals(operation)) == right
    assert right_refusals(replace(operation, responses=success)) == ()


def test_who_may_do_it_to_anybody_asks(lending: Contract) -> None:
    lend = lending.operations["lendBook"]

    assert broad_actor(lend) == "staff"
    assert broad_actor(replace(lend, access={"patient": "own", "proxy": "granted"})) == "proxy"
    assert broad_actor(replace(lend, access={})) is None


def test_the_patient_is_whom_the_request_names_else_whom_the_example_does(lending: Contract) -> None:
    lend, read = lending.operations["lendBook"], lending.operations["getLoan"]

    assert subject_of(lend, Context(request_body={"memberId": "m-0007"})) == "m-0007"
    assert subject_of(lend, Context(request_body=["nonsense"])) is None
    told = replace(read, responses={"200": lend.responses["201"]})
    assert subject_of(told, Context()) == "m-0001"


def test_a_header_that_schemathesis_took_for_valid_is_judged_again(lending: Contract) -> None:
    give_back = lending.operations["returnBook"]

    assert headers_are_valid(give_back, {"If-Match": '"7"'})
    assert headers_are_valid(give_back, {})
    assert not headers_are_valid(give_back, {"if-match": "7"})


def test_a_body_that_schemathesis_took_for_valid_is_judged_again(lending: Contract) -> None:
    lend, sent = lending.operations["lendBook"], {"Content-Type": "application/json; charset=utf-8"}
    good = json.dumps(lend.body.content["application/json"].examples[0].value if lend.body else None)

    assert body_is_valid(lend, sent, good.encode())
    assert not body_is_valid(lend, sent, b'{"memberId": 7}')
    assert not body_is_valid(lend, sent, b"{")
    assert body_is_valid(lend, {"content-type": "text/csv"}, b"{")  # not ours to judge
    assert body_is_valid(lend, sent, None)
    assert body_is_valid(lending.operations["getLoan"], sent, b"{}")


def test_a_path_that_schemathesis_took_from_an_answer_is_judged(lending: Contract) -> None:
    read = lending.operations["getLoan"]
    loan = next(each for each in read.parameters if each.location == "path")
    short = replace(loan, schema=schema_of({"type": "string", "pattern": "^[a-z /]{3}$"}))
    read = replace(read, parameters=(short,))
    address = "http://127.0.0.1:1/prefix" + read.path.replace("{" + loan.name + "}", "%s")

    assert path_is_valid(read, address % "a%2Fb")
    assert not path_is_valid(read, address % "a%3Fb")
    assert path_is_valid(replace(read, parameters=()), address % "a%3Fb")


def test_violations_in_different_items_of_a_list_are_one() -> None:
    assert schema_cause("/items/3/id", "type") == schema_cause("/items/14/id", "type")
    assert schema_cause("/items/3/id", "type") != schema_cause("/items/3/id", "pattern")


def test_chance_writes_no_header_of_the_connection_s_own(lending: Contract) -> None:
    """A server that knows no transfer coding ``xTt6Q`` answers 501, by right."""
    operation = schemathesis.openapi.from_dict(BARE)["/things"]["GET"]
    case = operation.Case(headers={"Transfer-Encoding": "xTt6Q", "content-length": "-1", "X-Odd": "0hdp"})
    Credentials({}, TARGET).get(case, None)
    assert dict(case.headers) == {"X-Odd": "0hdp"}


CHAIN = {
    "openapi": "3.1.0",
    "info": {"title": "Chain", "version": "1"},
    "paths": {
        "/things": {
            "get": {
                "parameters": [
                    {"name": "near", "in": "query", "schema": {"$ref": "#/components/schemas/Kind"}},
                    {"name": "far", "in": "query", "schema": {"$ref": "#/components/schemas/Far"}},
                    {"$ref": "#/components/parameters/Named"},
                    {"$ref": "other.json#/parameters/Other"},
                ],
                "responses": {"200": {"description": "Things"}},
            }
        }
    },
    "components": {
        "parameters": {
            "Named": {"name": "named", "in": "query", "schema": {"$ref": "#/components/schemas/Far"}}
        },
        "schemas": {
            "Far": {"$ref": "#/components/schemas/Further", "description": "Says no more"},
            "Further": {"$ref": "#/components/schemas/Kind"},
            "Kind": {"type": "string", "enum": ["a", "b", "c"]},
        },
    },
}
OTHER = {
    "parameters": {"Other": {"name": "other", "in": "query", "schema": {"$ref": "#/schemas/Far"}}},
    "schemas": {
        "Far": {"$ref": "#/schemas/Kind"},
        "Kind": {"type": "string", "enum": ["a", "b", "c"]},
    },
}


def test_a_chain_of_references_hides_no_value_that_is_to_be_tried(tmp_path: Path) -> None:
    (tmp_path / "openapi.json").write_text(json.dumps(CHAIN), encoding="utf-8")
    (tmp_path / "other.json").write_text(json.dumps(OTHER), encoding="utf-8")
    schema = Setup(load(tmp_path), TARGET, Limits()).schema()
    tried: dict[str, set[str]] = {}
    for case in schema.iter_coverage_cases(
        schema["/things"]["GET"],
        generation_modes=list(GenerationMode),
        generation_config=GenerationConfig(),
    ):
        name = getattr(case.meta.phase.data, "parameter", None) if case.meta else None
        if isinstance(name, str) and name in (case.query or {}):
            tried.setdefault(name, set()).add(str((case.query or {})[name]))
    assert {"b", "c"} < tried["near"]
    assert tried["far"] == tried["named"] == tried["other"] == tried["near"]
