"""AsyncAPI documents have the form of their version, and their Avro schemas are Avro."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from harness.contract.avro import defaults_of_avro, schema_of_avro
from harness.contract.model import Place
from harness.contract.node import Node
from harness.contract.payloads import language_of
from harness.contract.references import words
from harness.errors import ContractError
from harness.findings import Finding
from harness.lint.forms.asyncapi2 import table2
from harness.lint.forms.asyncapi3 import table3
from harness.lint.forms.holding import Fault, Holding, Table
from harness.lint.rule import Rule, finding
from harness.lint.source import Source

_NEWEST = {"2": 6, "3": 1}


@lru_cache(maxsize=16)
def _table(version: str) -> Table | None:
    """The table of a version such as ``2.6.0``; None for one that the reader refuses."""
    major, _, rest = version.partition(".")
    minor = rest.partition(".")[0]
    if major not in _NEWEST or not minor.isdecimal() or int(minor) > _NEWEST[major]:
        return None
    return table2(int(minor)) if major == "2" else table3(int(minor))


def faults_of(root: Node) -> Iterator[Fault]:
    """Every fault in the form of an AsyncAPI document, in its own file alone; none of another format's."""
    version = root.value.get("asyncapi") if isinstance(root.value, dict) else None
    table = _table(version) if isinstance(version, str) else None
    if table is not None:
        yield from Holding(table).faults(root, "Document")


def document_has_its_form(source: Source) -> Iterator[Finding]:
    """Every key is known, there where it must be, and of its kind."""
    for fault in faults_of(source.root) if source.format == "asyncapi" else ():
        yield finding(
            "asyncapi-structure",
            source,
            fault.where,
            fault.title,
            received=fault.received,
            documented=fault.documented,
            severity="error" if fault.sure else "warning",
        )


def avro_schemas_make_sense(source: Source) -> Iterator[Finding]:
    """Names are defined once and before they are used, unions hold each type once, defaults fit."""
    for node in words(source.root) if source.format == "asyncapi" else ():
        schema = _avro_of(node, source.version)
        for error in _avro_errors(schema) if schema is not None else ():
            yield _avro_finding(source, error)


def _avro_of(node: Node, version: tuple[int, int]) -> Node | None:
    """The Avro schema of a message (2.x) or of a wrapped schema (3.x), if it is one and can be read."""
    format_ = node.value.get("schemaFormat")
    if not isinstance(format_, str) or language_of(format_) != "avro":
        return None
    schema = node.raw("schema" if version >= (3, 0) else "payload")
    try:
        return schema.follow() if schema is not None else None
    except ContractError:
        return None  # the rule "reference", or the reader, says so


def _avro_errors(schema: Node) -> Iterator[ContractError]:
    try:
        schema_of_avro(schema)
    except ContractError as error:
        yield error
    else:
        yield from defaults_of_avro(schema)


def _avro_finding(source: Source, error: ContractError) -> Finding:
    file, _, line = error.where.rpartition(":")
    where = Place(file, int(line)) if line.isdecimal() else Place(error.where, 0)
    expected = f"{error.expected}. {error.remedy}".strip(". ")
    return finding("avro", source, where, "this is not valid Avro", received=error.found, documented=expected)


RULES = (
    Rule(
        "asyncapi-structure",
        "an AsyncAPI document has the form of its version",
        source=document_has_its_form,
    ),
    Rule("avro", "every Avro schema makes sense", source=avro_schemas_make_sense),
)
