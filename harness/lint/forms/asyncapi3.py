"""AsyncAPI 3.0 and 3.1: what each object may hold."""

from __future__ import annotations

from collections.abc import Iterator

from harness.contract.node import Node
from harness.lint.forms.asyncapi_parts import (
    KINDS,
    PARTS,
    example_says_something,
    flows,
    formats,
    security_scheme,
)
from harness.lint.forms.bindings import bindings_table
from harness.lint.forms.holding import Check, Fault, Holding, Table, wrong

_DOCUMENTED = "tags:[Tag&]u externalDocs:ExternalDocs&"
_SPOKEN = f"title summary description {_DOCUMENTED}"
_COMPONENTS = {
    "schemas": "AnySchema",
    "servers": "Server&",
    "channels": "Channel&",
    "serverVariables": "ServerVariable&",
    "operations": "Operation&",
    "messages": "Message&",
    "securitySchemes": "SecurityScheme&",
    "parameters": "Parameter&",
    "correlationIds": "CorrelationId&",
    "operationTraits": "OperationTrait&",
    "messageTraits": "MessageTrait&",
    "replies": "Reply&",
    "replyAddresses": "ReplyAddress&",
    "serverBindings": "ServerBindings&",
    "channelBindings": "ChannelBindings&",
    "operationBindings": "OperationBindings&",
    "messageBindings": "MessageBindings&",
    "tags": "Tag&",
    "externalDocs": "ExternalDocs&",
}
_MESSAGE = (
    f"contentType headers:AnySchema correlationId:CorrelationId& name deprecated:bool {_SPOKEN} "
    "examples:[MessageExample] bindings:MessageBindings&"
)


def table3(minor: int) -> Table:
    """The table of AsyncAPI 3.``minor``."""
    return {
        **PARTS,
        **flows("availableScopes"),
        **bindings_table(minor),
        "Document": (
            "asyncapi! id:uri info!:Info servers:{Server&} defaultContentType channels:{Channel&} "
            "operations:{Operation&} components:Components +x"
        ),
        "Info": (
            f"title! version! description termsOfService:uri contact:Contact license:License {_DOCUMENTED} "
            "x-x x-linkedin:linkedin +x"
        ),
        "SchemaDocs": "=> ExternalDocs&",
        "Tag": "name! description externalDocs:ExternalDocs& +x",
        "Server": (
            "host! protocol! pathname protocolVersion variables:{ServerVariable&} "
            f"security:[SecurityScheme&] bindings:ServerBindings& {_SPOKEN} +x"
        ),
        "Channel": (
            "address:str/null messages:{Message&} parameters:{Parameter&} servers:[Reference]u "
            f"bindings:ChannelBindings& {_SPOKEN} +x"
        ),
        "Parameter": "description enum:[str] default examples:[str] location:expr +x +loose",
        "Operation": (
            "action!:=send,receive channel!:Reference messages:[Reference] reply:Reply& "
            f"traits:[OperationTrait&] security:[SecurityScheme&] bindings:OperationBindings& {_SPOKEN} +x"
        ),
        "OperationTrait": f"security:[SecurityScheme&] bindings:OperationBindings& {_SPOKEN} +x",
        "Reply": "address:ReplyAddress& channel:Reference messages:[Reference] +x",
        "ReplyAddress": "location!:expr description +x",
        "Message": f"payload:AnySchema traits:[MessageTrait&/TraitPair] {_MESSAGE} +x",
        "MessageTrait": f"{_MESSAGE} +x",
        "TraitPair": _trait_pair,
        "MessageExample": "name summary headers:map payload:any ?ExampleSaysSomething",
        "ExampleSaysSomething": example_says_something,
        "AnySchema": _any_schema(minor),
        "MultiFormatSchema": "schemaFormat schema:any +any",
        "Components": " ".join(f"{name}:{{{kind}}}@" for name, kind in _COMPONENTS.items()) + " +x",
        "SecurityScheme": security_scheme(KINDS),
        "OauthScheme": "type! description flows!:OauthFlows scopes:[str] +any",
        "OpenIdScheme": "type! description openIdConnectUrl!:uri scopes:[str] +x",
    }


def _trait_pair(holding: Holding, node: Node) -> Iterator[Fault]:
    """A trait with parameters, a form that 1.x left behind."""
    if not isinstance(node.value, list):
        yield wrong(node, "a message trait")
        return
    for index, type_ in enumerate(("MessageTrait&", "map")[: len(node.value)]):
        yield from holding.faults(node.child(index), type_)


def _any_schema(minor: int) -> Check:
    languages = formats(f"3.{minor}.0")

    def check(holding: Holding, node: Node) -> Iterator[Fault]:
        """Schema Object, or Multi Format Schema Object, whose mark is the key ``schema``."""
        if not isinstance(node.value, dict):
            yield wrong(node, "a schema")
            return
        if "schema" not in node.value:
            yield from holding.faults(node, "Schema")
            return
        yield from holding.faults(node, "MultiFormatSchema")
        format_ = node.value.get("schemaFormat")
        language = languages.get(format_) if isinstance(format_, str) else None
        if "schemaFormat" not in node.value:
            language = "Schema"
        if language in ("OpenapiSchema", "AvroSchema"):
            language += "&"
        if language is not None:
            yield from holding.faults(node.child("schema"), language)

    return check
