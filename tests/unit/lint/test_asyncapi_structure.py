"""What lint says of the form of AsyncAPI documents: each fault, with its line, what it is and the mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.contract import load_system
from harness.contract.documents import Documents
from harness.contract.node import Node
from harness.findings import Finding
from harness.lint import lint
from harness.lint.asyncapi_structure import faults_of
from harness.lint.forms.asyncapi2 import table2
from harness.lint.forms.asyncapi3 import table3
from harness.lint.forms.grammar import Either, Listed, Mapped, Named, Type, shape_of, type_of
from harness.lint.reading import read

THREE = """\
asyncapi: 3.0.0
info: {title: t, version: '1'}
channels:
  c:
    address: c
    messages:
      m: {payload: {type: object}}
    bindings: {kafka: {topic: c}}
operations:
  o: {action: send, channel: {$ref: '#/channels/c'}}
"""

TWO = """\
asyncapi: 2.4.0
info: {title: t, version: '1'}
channels:
  c:
    parameters: {p: {$ref: '#/components/parameters/p'}}
    publish: {message: {payload: {type: object}}}
components: {parameters: {p: {schema: {type: string}}}}
"""


def findings(folder: Path, text: str) -> list[Finding]:
    path = folder / "asyncapi.yaml"
    path.write_text(text, encoding="utf-8")
    rules = ("lint/asyncapi-structure", "lint/avro")
    return [each for each in lint(load_system(path)) if each.check in rules]


def faults(folder: Path, text: str) -> list[tuple[int, str, str]]:
    """Line, title and what should be, of a document that the reader may refuse."""
    path = folder / "asyncapi.yaml"
    path.write_text(text, encoding="utf-8")
    documents = Documents()
    found = faults_of(Node.at(documents, documents.open(path)))
    return [(each.where.line, each.title, each.documented) for each in found]


def test_a_good_document_has_no_fault(tmp_path: Path) -> None:
    assert findings(tmp_path, THREE) == []


@pytest.mark.parametrize(
    ("before", "after", "line", "title", "documented"),
    [
        ("title: t,", "titel: t,", 2, "info has no 'title'", "Did you mean 'titel'?"),
        ("title: t,", "title: t, titel: x,", 2, "'titel' means nothing in an info", "Did you mean 'title'?"),
        ("address: c", "address: 5", 5, "'address' is not text", "text or null"),
        ("action: send", "action: sent", 10, "'action' is not one of send, receive", "Did you mean 'send'?"),
        ("topic: c", "topic: c, partitions: 0", 8, "'partitions' is not a whole number from 1", "from 1"),
        ("topic: c", "topic: c, bindingVersion: 0.9.0", 8, "'bindingVersion' is not one of", "0.5.0, 0.4.0"),
        ("kafka: {", "kafkaa: {", 8, "'kafkaa' means nothing in channel bindings", "Did you mean 'kafka'?"),
        ("type: object", "type: objekt", 7, "'type' is not one of", "Did you mean 'object'?"),
        (
            "type: object",
            "type: object, maxLength: -1",
            7,
            "'maxLength' is not a whole number from 0",
            "from 0",
        ),
        ("m: {payload: {type: object}}", "m: 5", 7, "'m' is not a message", "a message"),
    ],
)
def test_a_fault_is_told_with_its_line_and_mend(
    tmp_path: Path, before: str, after: str, line: int, title: str, documented: str
) -> None:
    assert before in THREE
    found = faults(tmp_path, THREE.replace(before, after, 1))
    assert any(at == line and title in said and documented in mend for at, said, mend in found), found


def test_every_fault_is_told_not_the_first_alone(tmp_path: Path) -> None:
    broken = THREE.replace("title: t", "titel: t").replace("type: object", "type: 5").replace("send", "give")
    assert len({line for line, *_ in faults(tmp_path, broken)}) == 3


def test_a_reference_where_the_published_schema_takes_none(tmp_path: Path) -> None:
    ((line, title, documented),) = faults(tmp_path, TWO)
    assert line == 5 and "both as a reference and as a parameter" in title and "later version" in documented
    assert faults(tmp_path, TWO.replace("2.4.0", "2.5.0")) == []


def test_what_the_text_forbids_and_the_published_schema_lets_pass_is_a_warning(tmp_path: Path) -> None:
    text = THREE + "components: {messages: {'odd name': {payload: {type: string}}}}\n"
    ((finding),) = findings(tmp_path, text)
    assert finding.severity == "warning" and "odd name" in finding.title


@pytest.mark.parametrize(
    ("schema", "received"),
    [
        ("{type: record, name: R, fields: [{name: a, type: Unknown}]}", "no Avro type 'Unknown'"),
        (
            "{type: record, name: R, fields: [{name: a, type: int, default: x}]}",
            "default of the Avro field 'a'",
        ),
    ],
)
def test_avro_that_makes_no_sense(tmp_path: Path, schema: str, received: str) -> None:
    wrapped = f"payload: {{schemaFormat: application/vnd.apache.avro;version=1.9.0, schema: {schema}}}"
    (finding,) = findings(tmp_path, THREE.replace("payload: {type: object}", wrapped))
    assert finding.check == "lint/avro" and received in finding.received and finding.where.line == 7


def test_avro_on_another_machine_could_not_be_read_and_is_not_called_wrong(tmp_path: Path) -> None:
    remote = "schema: {$ref: 'https://example.org/user.avsc'}"
    wrapped = f"payload: {{schemaFormat: application/vnd.apache.avro;version=1.9.0, {remote}}}"
    text = THREE.replace("payload: {type: object}", wrapped)
    path = tmp_path / "asyncapi.yaml"
    path.write_text(text, encoding="utf-8")
    subject = read([path])
    assert [each.error.found for each in subject.refused] == [
        "the $ref 'https://example.org/user.avsc' leads to another machine"
    ]
    assert "lint/avro" not in {each.check for each in lint(subject.system, subject.sources)}


@pytest.mark.parametrize("table", [*(table2(minor) for minor in range(7)), table3(0), table3(1)])
def test_the_tables_name_what_they_hold(table: dict[str, object]) -> None:
    """A name that no table has would come to light only with the document that uses it."""

    def names(type_: Type) -> set[str]:
        match type_:
            case Named(name):
                return {name}
            case Listed() | Mapped():
                return names(type_.of)
            case Either(types):
                return {name for each in types for name in names(each)}
        return set()

    used = {"Document"}
    for entry in (each for each in table.values() if isinstance(each, str)):
        types = [type_of(entry[3:])] if entry.startswith("=> ") else list(shape_of(entry).keys.values())
        used |= {name for each in types for name in names(each)}
        used |= set() if entry.startswith("=> ") else set(shape_of(entry).rules)
    assert used <= table.keys()
