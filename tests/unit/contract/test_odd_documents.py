"""What changed documents (``tests.corpus.test_fuzz``) brought to light, each written down once."""

from __future__ import annotations

import pytest

from harness.contract import load, load_system
from harness.contract.schema import compile_schema
from harness.contract.tree import MAX_DEPTH
from harness.errors import ContractError
from harness.lint import lint
from tests.unit.contract.conftest import Write

HEAD = "openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths: {}\n"


@pytest.mark.parametrize(
    ("ref", "said"),
    [
        ("http://[", "is no URI"),
        ("//[::1/x", "is no URI"),
        ("a\\u0000b.yaml", "is no URI"),
        ("x" * 5000, "cannot be read"),
        ("/".join(["x" * 5000] * 2), "cannot be read"),
    ],
)
def test_a_reference_that_no_file_can_have_is_refused(write: Write, ref: str, said: str) -> None:
    path = write("a.yaml", f'{HEAD}components: {{schemas: {{A: {{$ref: "{ref}"}}}}}}\n')
    with pytest.raises(ContractError, match=said):
        load(path)


def test_an_id_that_is_no_uri_names_nothing(write: Write) -> None:
    path = write("a.yaml", f"{HEAD}components: {{schemas: {{A: {{$id: 'http://[', type: string}}}}}}\n")
    assert compile_schema(load(path).schemas["A"]).is_valid("x")


def test_properties_that_refer_to_what_holds_them_end(write: Write) -> None:
    schemas = "A: {properties: {$ref: '#/components/schemas'}}, B: {type: string}"
    path = write("a.yaml", f"{HEAD}components: {{schemas: {{{schemas}}}}}\n")
    validator = compile_schema(load(path).schemas["A"])
    assert validator.is_valid({"A": {"A": {"B": "x"}}})
    assert not validator.is_valid({"A": {"A": {"B": 1}}})


HEADS = (
    HEAD,
    "asyncapi: 3.0.0\ninfo: {title: t, version: '1'}\n",
    "asyncapi: 2.6.0\ninfo: {title: t, version: '1'}\nchannels: {}\n",
)


@pytest.mark.parametrize("word", ["not", "items", "additionalProperties"])
@pytest.mark.parametrize("head", HEADS)
def test_a_schema_nested_as_deep_as_documents_may_be_is_read_and_linted(
    write: Write, head: str, word: str
) -> None:
    schema = "true"
    for _ in range(MAX_DEPTH - 5):
        schema = f"{{{word}: {schema}}}"
    system = load_system(write("a.yaml", f"{head}components: {{schemas: {{A: {schema}}}}}\n"))
    assert all(each.check for each in lint(system))
    compile_schema(system.contracts["a"].schemas["A"])


ODD = (
    HEAD
    + "security: [{s: [[a], {}, 1]}]\n"
    + "components: {securitySchemes: {s: {type: oauth2, flows: {implicit: {scopes: {a: b}}}}}}\n",
    HEADS[1] + "servers: {s: {protocol: {a: b}}}\nchannels: {c: {address: a}}\n",
    HEAD + "components: {schemas: {A: {allOf: [1, null, [a]], properties: {b: 1.5}}}}\n",
)


@pytest.mark.parametrize("text", ODD)
def test_what_is_of_another_kind_is_refused_or_found(write: Write, text: str) -> None:
    path = write("a.yaml", text)
    try:
        assert list(lint(load_system(path)))
    except ContractError as error:
        assert error.where.startswith(str(path))
