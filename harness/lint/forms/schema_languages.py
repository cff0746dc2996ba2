"""What a schema may hold, in each language that AsyncAPI lets one be written in.

JSON Schema draft 7 (and AsyncAPI's superset of it, Schema Object), OpenAPI 3.0.3's Schema Object, and Avro.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.contract.avro import PRIMITIVES
from harness.contract.node import Node
from harness.lint.forms.grammar import Plain
from harness.lint.forms.holding import Fault, Holding, Table, wrong

_DRAFT_7 = (
    "$comment $id:uriref $ref:uriref $schema:uri title description default:any readOnly:bool writeOnly:bool "
    "examples:[any] multipleOf:Positive maximum:num exclusiveMaximum:num minimum:num exclusiveMinimum:num "
    "maxLength:int(0,) minLength:int(0,) pattern:regex maxItems:int(0,) minItems:int(0,) uniqueItems:bool "
    "maxProperties:int(0,) minProperties:int(0,) required:[str]u const:any enum:[any]u+ format "
    "type:JsonType/[JsonType]u+ contentMediaType contentEncoding additionalItems:Draft7Schema "
    "definitions:{Draft7Schema} dependencies:{Draft7Schema/[str]u} "
    "if:Draft7Schema then:Draft7Schema else:Draft7Schema +any"
)
"""JSON Schema draft 7 (Validation), but for the applicators that AsyncAPI's superset takes over."""

_APPLICATORS = (
    "contains:{0} items:{0}/[{0}]+ additionalProperties:{0} propertyNames:{0} properties:{{{0}}} "
    "patternProperties:{{{0}}}^ allOf:[{0}]+ anyOf:[{0}]+ oneOf:[{0}]+ not:{0}"
)

_OPENAPI = (
    "title multipleOf:Positive maximum:num exclusiveMaximum:bool minimum:num exclusiveMinimum:bool "
    "maxLength:int(0,) minLength:int(0,) pattern:regex maxItems:int(0,) minItems:int(0,) uniqueItems:bool "
    "maxProperties:int(0,) minProperties:int(0,) required:[str]u+ enum:[any]+ "
    "type:=array,boolean,integer,number,object,string not:OpenapiSchema& allOf:[OpenapiSchema&] "
    "oneOf:[OpenapiSchema&] anyOf:[OpenapiSchema&] items:OpenapiSchema& properties:{OpenapiSchema&} "
    "additionalProperties:OpenapiSchema&/bool description format default:any nullable:bool "
    "discriminator:Discriminator readOnly:bool writeOnly:bool example:any externalDocs:OpenapiDocumentation "
    "deprecated:bool xml:Xml +x"
)
"""OpenAPI 3.0.3, Schema Object."""

_AVRO_NAMED = "name!:avroname namespace:avrospace doc aliases:[avroname]"
_AVRO_PLAIN = "name:avroname namespace:avrospace doc aliases:[avroname]"


def _positive(holding: Holding, node: Node) -> Iterator[Fault]:
    if not holding.fit(node, Plain("num")) or node.value <= 0:
        yield wrong(node, "a number above 0")


def _avro(holding: Holding, node: Node) -> Iterator[Fault]:
    """An Avro type (Avro 1.9, "Schema Declaration"): a name, a union or a mapping by its ``type``."""
    value = node.value
    if isinstance(value, str):
        yield from holding.faults(node, "avrotype")
    elif isinstance(value, list):
        yield from holding.faults(node, "[AvroSchema]+")
    elif not isinstance(value, dict):
        yield wrong(node, "the name of an Avro type, a list of types or a mapping with 'type'")
    else:
        said = value.get("type")
        known = {each.lower(): f"Avro{each}" for each in ("Record", "Enum", "Array", "Map", "Fixed")}
        if isinstance(said, str) and said in known:
            yield from holding.faults(node, known[said])
        elif not (isinstance(said, str) and said in PRIMITIVES):
            at = node.child("type") if "type" in value else node
            yield wrong(at, f"one of {', '.join((*known, *PRIMITIVES))}")


SCHEMA_LANGUAGES: Table = {
    "Positive": _positive,
    "JsonType": "=> =array,boolean,integer,null,number,object,string",
    "Draft7Schema": "=> bool/Draft7SchemaObject",
    "Draft7SchemaObject": f"{_DRAFT_7} {_APPLICATORS.format('Draft7Schema')}",
    "Schema": "=> bool/SchemaObject",
    "SchemaObject": (
        f"{_DRAFT_7} {_APPLICATORS.format('Schema')} discriminator externalDocs:SchemaDocs deprecated:bool"
    ),
    "OpenapiSchema": _OPENAPI,
    "OpenapiDocumentation": "description url!:uriref +x",
    "Discriminator": "propertyName! mapping:{str} +any",
    "Xml": "name namespace:uri prefix attribute:bool wrapped:bool +x",
    "AvroSchema": _avro,
    "AvroRecord": f"type! {_AVRO_NAMED} fields!:[AvroField] +any",
    "AvroField": (
        "name!:avroname type!:AvroSchema doc default:any order:=ascending,descending,ignore "
        "aliases:[avroname] +any"
    ),
    "AvroEnum": f"type! {_AVRO_NAMED} symbols!:[avroname] +any",
    "AvroFixed": f"type! {_AVRO_NAMED} size!:num +any",
    "AvroArray": f"type! {_AVRO_PLAIN} items!:AvroSchema +any",
    "AvroMap": f"type! {_AVRO_PLAIN} values!:AvroSchema +any",
}
