"""AsyncAPI 2.0 to 2.6: what each object may hold, and what each version changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from harness.contract.bindings import is_avro
from harness.contract.node import Node
from harness.lint.forms.asyncapi_parts import (
    KINDS,
    PARTS,
    SASL,
    example_says_something,
    flows,
    formats,
    security_scheme,
)
from harness.lint.forms.holding import Check, Fault, Holding, Table, wrong

_BINDINGS = "serverBindings:{map} channelBindings:{map} operationBindings:{map} messageBindings:{map}"
_DOCUMENTED = "summary description tags:[Tag]u externalDocs:ExternalDocs"
_SPOKEN = f"{_DOCUMENTED} bindings:map"
_MESSAGE = (
    "schemaFormat contentType headers:HeadersSchema correlationId:CorrelationId& name title deprecated:bool "
    f"{_DOCUMENTED} bindings:MessageBindings"
)


def table2(minor: int) -> Table:
    """The table of AsyncAPI 2.``minor``. Bindings are free there: a mapping of anything."""
    later = {each: minor >= each for each in range(1, 7)}
    secured = " security:[SecurityRequirement]" if later[4] else ""
    message_id = " messageId" if later[4] else ""
    components = (
        "schemas:{Schema} messages:{Message} securitySchemes:{SecurityScheme&}@ parameters:{Parameter&} "
        "correlationIds:{CorrelationId&}@ operationTraits:{OperationTrait} messageTraits:{MessageTrait} "
        f"{_BINDINGS}{' servers:Servers channels:Channels' if later[3] else ''}"
        f"{' serverVariables:ServerVariables' if later[4] else ''} +x"
    )
    return {
        **PARTS,
        **flows("scopes"),
        "Document": (
            "asyncapi! id:uri info!:Info servers:Servers defaultContentType channels!:Channels "
            "components:Components tags:[Tag]u externalDocs:ExternalDocs +x"
        ),
        "Info": "title! version! description termsOfService:uri contact:Contact license:License +x",
        "SchemaDocs": "=> ExternalDocs",
        "Tag": "name! description externalDocs:ExternalDocs +x",
        "Servers": "=> {Server&}" if later[3] else "=> {Server}",
        "Server": (
            "url! description protocol! protocolVersion variables:ServerVariables "
            f"security:[SecurityRequirement] bindings:map{' tags:[Tag]u' if later[5] else ''} +x"
        ),
        "ServerVariables": "=> {ServerVariable&}" if later[5] else "=> {ServerVariable}",
        "SecurityRequirement": "=> {[str]u}",
        "Channels": "=> {Channel}~",
        "Channel": (
            f"$ref:uriref parameters:{{Parameter&}} description{' servers:[str]u' if later[2] else ''} "
            "publish:Operation subscribe:Operation deprecated:bool bindings:map +x"
        ),
        "Parameter": f"description schema:Schema location:expr{'' if later[5] else ' $ref:uriref'} +x +loose",
        "Operation": f"traits:[OperationTrait&] {_SPOKEN} operationId message:Message{secured} +x",
        "OperationTrait": f"{_SPOKEN} operationId{secured} +x",
        "Message": _message(formats(f"2.{minor}.0")),
        "MessageChoice": "oneOf!:[Message]",
        "MessageObject": (
            f"{_MESSAGE}{message_id} payload:any examples:[MessageExample] traits:[MessageTrait&] +x"
        ),
        "MessageTrait": f"{_MESSAGE}{message_id} examples:[{_example_of_a_trait(minor)}] +x",
        "MessageExample": (
            "headers:map payload:any name summary ?ExampleSaysSomething"
            if later[1]
            else "headers:map payload:any"
        ),
        "ExampleSaysSomething": example_says_something,
        "HeadersSchema": _headers,
        "MessageBindings": _bindings,
        "Components": components,
        "SecurityScheme": security_scheme(KINDS if later[1] else tuple(k for k in KINDS if k not in SASL)),
        "OauthScheme": "type! description flows!:OauthFlows +any",
        "OpenIdScheme": "type! description openIdConnectUrl!:uri +x",
    }


def _example_of_a_trait(minor: int) -> str:
    """2.1 and 2.6 hold a trait's examples to the same form as a message's; the others let any map stand."""
    return "MessageExample" if minor in (1, 6) else "map"


def _message(languages: object) -> Check:
    known = dict(languages) if isinstance(languages, dict) else {}

    def check(holding: Holding, node: Node) -> Iterator[Fault]:
        """Message Object: a reference, a choice, or one whose payload is in the language of its format."""
        if not isinstance(node.value, dict):
            yield wrong(node, "a message")
            return
        if "$ref" in node.value:
            yield from holding.faults(node, "Reference")
            return
        if "oneOf" in node.value:
            yield from holding.faults(node, "MessageChoice")
            return
        yield from holding.faults(node, "MessageObject")
        format_ = node.value.get("schemaFormat")
        language = known.get(format_) if isinstance(format_, str) else None
        if "schemaFormat" not in node.value:
            language = "Schema"
        if language is not None and "payload" in node.value:
            yield from holding.faults(node.child("payload"), language)

    return check


def _bindings(holding: Holding, node: Node) -> Iterator[Fault]:
    """Bindings are free; of a Kafka key that is no schema the reader makes nothing."""
    yield from holding.faults(node, "map")
    kafka = node.value.get("kafka") if isinstance(node.value, dict) else None
    if isinstance(kafka, dict) and isinstance(kafka.get("key"), dict):
        key = node.child("kafka").child("key")
        if "$ref" in key.value or not is_avro(key):
            yield from (replace(fault, sure=False) for fault in holding.faults(key, "Schema"))


def _headers(holding: Holding, node: Node) -> Iterator[Fault]:
    """The schema of headers is an object's."""
    yield from holding.faults(node, "Schema")
    if isinstance(node.value, dict) and "type" in node.value and node.value["type"] != "object":
        yield wrong(node.child("type"), "object")
