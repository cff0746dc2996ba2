"""One self-contained document out, equal in meaning to the many that went in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from harness.cli.app import run
from harness.contract import bundling, load
from harness.contract.bundling import bundled
from harness.contract.documents import Documents, read_yaml, yaml_of
from harness.contract.model import JSON, Contract
from harness.contract.node import Node
from harness.contract.pointers import look_up
from harness.contract.schema import compile_schema
from harness.errors import ContractError
from tests.unit.contract.conftest import Write
from tests.unit.contract.sameness import differences

SHIPPED = sorted(Path("contracts").glob("*/*api.yaml"))
_NUMBERS = count()


def bundle(path: Path) -> Any:
    documents = Documents()
    return bundled(Node.at(documents, documents.open(path, path.name)))


def read_again(tree: JSON, original: Path, folder: Path) -> Contract:
    """The bundle as a contract, in a folder and a file of the same names."""
    path = folder / f"{next(_NUMBERS)}" / original.resolve().parent.name / f"{original.stem}.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(yaml_of(tree), encoding="utf-8")
    return load(path)


def foreign(tree: JSON) -> list[str]:
    """The references of a tree that leave it."""
    if isinstance(tree, Mapping):
        own = [tree["$ref"]] if isinstance(tree.get("$ref"), str) and not tree["$ref"].startswith("#") else []
        return own + [ref for each in tree.values() for ref in foreign(each)]
    return [ref for each in tree for ref in foreign(each)] if isinstance(tree, list) else []


@pytest.mark.parametrize("path", SHIPPED, ids=str)
def test_our_own_contracts_mean_the_same_in_one_document(path: Path, tmp_path: Path) -> None:
    tree = bundle(path)
    assert foreign(tree) == []
    assert list(differences(load(path), read_again(tree, path, tmp_path))) == []


def test_a_service_of_two_bundles_means_the_same(tmp_path: Path) -> None:
    for name in ("openapi", "asyncapi"):
        (tmp_path / "scheduling").mkdir(exist_ok=True)
        text = yaml_of(bundle(Path(f"contracts/scheduling/{name}.yaml")))
        (tmp_path / f"scheduling/{name}.yaml").write_text(text, encoding="utf-8")
    assert list(differences(load("contracts/scheduling"), load(tmp_path / "scheduling"))) == []


HEAD = "openapi: 3.1.0\ninfo: {title: t, version: '1'}\n"


def test_names_are_kept_where_they_are_free_and_numbered_where_not(write: Write) -> None:
    write("one.yaml", "components: {schemas: {Item: {type: integer}, 'odd name!': {type: 'null'}}}\n")
    write("two.json", '{"type": "boolean"}')
    path = write(
        "openapi.yaml",
        HEAD + "paths: {}\ncomponents:\n  schemas:\n"
        "    Item: {type: string}\n"
        "    All:\n      properties:\n"
        "        a: {$ref: '#/components/schemas/Item'}\n"
        "        b: {$ref: 'one.yaml#/components/schemas/Item'}\n"
        "        c: {$ref: 'one.yaml#/components/schemas/odd%20name!'}\n"
        "        d: {$ref: 'two.json'}\n"
        "        e: {$ref: 'one.yaml#/components/schemas/Item'}\n",
    )
    schemas = bundle(path)["components"]["schemas"]
    assert list(schemas) == ["Item", "All", "Item_2", "odd_name", "two"]
    referred = {name: each["$ref"].rpartition("/")[2] for name, each in schemas["All"]["properties"].items()}
    assert referred == {"a": "Item", "b": "Item_2", "c": "odd_name", "d": "two", "e": "Item_2"}


def test_a_component_that_is_only_a_reference_takes_what_it_leads_to(write: Write) -> None:
    write("parts.yaml", "Mine: {$ref: '#/Theirs'}\nTheirs: {properties: {next: {$ref: '#/Mine'}}}\n")
    path = write(
        "openapi.yaml",
        HEAD + "paths: {}\ncomponents: {schemas: {Own: {$ref: 'parts.yaml#/Mine'}, "
        "Other: {properties: {a: {$ref: 'parts.yaml#/Theirs'}}}}}\n",
    )
    assert bundle(path)["components"]["schemas"] == {
        "Own": {"properties": {"next": {"$ref": "#/components/schemas/Own"}}},
        "Other": {"properties": {"a": {"$ref": "#/components/schemas/Own"}}},
    }


@pytest.mark.parametrize(("version", "kept"), [("3.0.3", False), ("3.1.0", True)])
def test_path_items_are_components_where_the_version_has_them(write: Write, version: str, kept: bool) -> None:
    write(
        "item.yaml",
        """\
        post:
          operationId: p
          responses: {'200': {description: done}}
          callbacks: {told: {'{$request.body#/url}': {$ref: 'item.yaml'}}}
        """,
    )
    path = write(
        "openapi.yaml",
        f"openapi: {version}\ninfo: {{title: t, version: '1'}}\npaths: {{/a: {{$ref: item.yaml}}}}\n",
    )
    tree = bundle(path)
    assert foreign(tree) == []
    assert ("$ref" in tree["paths"]["/a"]) is kept
    assert ("components" in tree) is kept
    inside = "/components/pathItems/item" if kept else "/paths/~1a"
    callback = look_up(tree, f"{inside}/post/callbacks/told/{{$request.body#~1url}}")
    assert callback == {"$ref": f"#{inside}"}


def test_links_discriminators_and_addresses_of_examples_follow_what_moved(write: Write) -> None:
    write("pets/cat.yaml", "type: object\nproperties: {kind: {type: string}}\n")
    write(
        "pets/item.yaml",
        """\
        get:
          operationId: read
          responses:
            '200':
              description: done
              content:
                application/json:
                  schema:
                    oneOf: [{$ref: cat.yaml}]
                    discriminator: {propertyName: kind, mapping: {cat: cat.yaml, dog: 'nowhere.yaml'}}
                  examples: {one: {externalValue: 'one.json'}}
              links:
                again: {operationRef: '../openapi.yaml#/paths/~1a/get'}
                other: {operationRef: 'other.yaml#/paths/~1b/get'}
        """,
    )
    tree = bundle(write("openapi.yaml", HEAD + "paths: {/a: {$ref: pets/item.yaml}}\n"))
    answer = tree["components"]["pathItems"]["item"]["get"]["responses"]["200"]
    media = answer["content"]["application/json"]
    assert media["schema"]["discriminator"]["mapping"] == {
        "cat": "#/components/schemas/cat",
        "dog": "nowhere.yaml",
    }
    assert media["examples"]["one"]["externalValue"] == "pets/one.json"
    assert answer["links"]["again"]["operationRef"] == "#/paths/~1a/get"
    assert answer["links"]["other"]["operationRef"] == "pets/other.yaml#/paths/~1b/get"


def test_data_is_carried_over_as_it_is(write: Write) -> None:
    data = "{$ref: 'other.yaml', $id: x, deep: [{$ref: '#/nowhere'}]}"
    write("parts.yaml", f"A: {{default: {data}, examples: [{data}], const: {data}, x-own: {data}}}\n")
    path = write("openapi.yaml", HEAD + "paths: {}\ncomponents: {schemas: {B: {$ref: 'parts.yaml#/A'}}}\n")
    expected = {"$ref": "other.yaml", "$id": "x", "deep": [{"$ref": "#/nowhere"}]}
    schema = bundle(path)["components"]["schemas"]["B"]
    assert schema == {"default": expected, "examples": [expected], "const": expected, "x-own": expected}


def test_a_lifecycle_of_another_service_does_not_become_ours(write: Write, tmp_path: Path) -> None:
    lifecycle = "x-lifecycle: {property: s, transitions: [{to: a, by: p}]}"
    write("them.yaml", f"components: {{schemas: {{Theirs: {{properties: {{s: {{}}}}, {lifecycle}}}}}}}\n")
    path = write(
        "us/openapi.yaml",
        HEAD + "paths: {}\ncomponents: {schemas: {Ours: {properties: "
        "{a: {$ref: '../them.yaml#/components/schemas/Theirs'}}}}}\n",
    )
    assert list(differences(load(path), read_again(bundle(path), path, tmp_path))) == []


@pytest.mark.parametrize(
    "b",
    [
        "{$id: 'https://example.com/b', $ref: '#/$defs/c', $defs: {c: {$anchor: name, type: integer}}}",
        "{$id: 'https://example.com/b', $ref: '#name', $defs: {c: {$anchor: name, type: integer}}}",
    ],
)
def test_an_id_goes_where_it_would_bend_the_pointers(write: Write, tmp_path: Path, b: str) -> None:
    write("b.yaml", f"B: {b}\n")
    path = write(
        "openapi.yaml", HEAD + "paths: {}\ncomponents: {schemas: {A: {$id: a, items: {$ref: 'b.yaml#/B'}}}}\n"
    )
    tree = bundle(path)
    assert foreign(tree) == [] and "$id" not in json.dumps(tree)
    assert list(differences(load(path), read_again(tree, path, tmp_path))) == []


def test_dynamic_references_keep_their_scope(write: Write, tmp_path: Path) -> None:
    write(
        "lists.yaml",
        "list: {$id: 'https://example.com/list', type: array, items: {$dynamicRef: '#entry'}, "
        "$defs: {any: {$dynamicAnchor: entry}}}\n"
        "numbers: {$id: 'https://example.com/numbers', $ref: list, "
        "$defs: {entry: {$dynamicAnchor: entry, type: number}}}\n",
    )
    path = write(
        "openapi.yaml",
        HEAD + "paths: {}\ncomponents: {schemas: {A: {properties: {n: {$ref: 'lists.yaml#/numbers'}}}}}\n",
    )
    contract = read_again(bundle(path), path, tmp_path)
    assert list(differences(load(path), contract)) == []
    assert not compile_schema(contract.schemas["A"]).is_valid({"n": ["x"]})


def test_a_schema_of_another_dialect_is_not_taken_for_one_of_ours(write: Write) -> None:
    write("old.yaml", "openapi: 3.0.3\ncomponents: {schemas: {A: {type: string, nullable: true}}}\n")
    path = write(
        "openapi.yaml",
        HEAD + "paths: {}\ncomponents: {schemas: {B: {$ref: 'old.yaml#/components/schemas/A'}}}\n",
    )
    with pytest.raises(ContractError, match=r"means something else in this document"):
        bundle(path)


def test_what_multiplies_by_inclusion_is_refused(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundling, "MAX_NODES", 20_000)
    for number in range(30):
        both = f"{{$ref: 'p{number + 1}.yaml'}}"
        write(f"p{number}.yaml", f"post: {{responses: {{}}, callbacks: {{a: {{x: {both}, y: {both}}}}}}}\n")
    write("p30.yaml", "post: {responses: {}}\n")
    path = write("openapi.yaml", "openapi: 3.0.3\npaths: {/a: {$ref: p0.yaml}}\n")
    with pytest.raises(ContractError, match=r"the bundle would have more than"):
        bundle(path)


# At the front door.


def test_a_bundle_is_written_as_its_file_is_called(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write("a.yaml", "type: string\n")
    path = write("openapi.yaml", HEAD + "paths: {}\ncomponents: {schemas: {A: {$ref: a.yaml}}}\n")
    assert run(["bundle", str(path), "-o", str(tmp_path / "out.json")]) == 0
    tree = json.loads((tmp_path / "out.json").read_text())
    assert tree["components"]["schemas"]["A"] == {"type": "string"}
    assert run(["bundle", str(tmp_path), "-o", str(tmp_path / "out.yaml")]) == 0
    assert read_yaml(tmp_path / "out.yaml") == tree
    assert run(["bundle", str(path), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == tree
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        "a.yaml",
        "openapi.yaml",
        "out.json",
        "out.yaml",
    ]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere.yaml"], "there is no such file or folder"),
        (["."], "Name the document itself"),
        (["openapi.yaml", "-o", "a.yaml"], "the contract itself is read from this file"),
        (["openapi.yaml", "-o", "none/out.yaml"], "cannot be written"),
        (["a.yaml"], "neither OpenAPI nor AsyncAPI nor Arazzo"),
        (["remote.yaml"], "--allow-remote"),
    ],
)
def test_what_cannot_be_bundled_is_said(
    write: Write,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    says: str,
) -> None:
    write("a.yaml", "type: string\n")
    write("openapi.yaml", HEAD + "paths: {}\ncomponents: {schemas: {A: {$ref: a.yaml}}}\n")
    write("asyncapi.yaml", "asyncapi: 3.0.0\n")
    write("remote.yaml", HEAD + "paths: {}\ncomponents: {schemas: {A: {$ref: 'https://example.com/a'}}}\n")
    monkeypatch.chdir(tmp_path)
    assert run(["bundle", *arguments]) == 2
    assert says in capsys.readouterr().err


def test_a_map_is_taken_by_every_command_that_reads_contracts(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = write("copy.yaml", "type: string\n")
    path = write(
        "svc/openapi.yaml", HEAD + "paths: {}\ncomponents: {schemas: {A: {$ref: 'https://example.com/a'}}}\n"
    )
    given_map = f"--map=https://example.com/a={copy}"
    assert run(["lint", str(path.parent)]) == 2
    assert run(["lint", str(path.parent), given_map]) in (0, 1)
    assert run(["bundle", str(path), given_map]) == 0
    assert str(tmp_path) not in capsys.readouterr().out.partition("openapi:")[2]
    for command in ("verify", "mock", "serve", "up", "kafka", "token"):
        assert run([command, "--help"]) == 0
        assert "--allow-remote" in capsys.readouterr().out, command
