"""What AsyncAPI 2.x and 3.x documents hold alike: information, security schemes, schemas by their format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.contract.node import Node
from harness.lint.forms.holding import Check, Fault, Holding, Table, wrong
from harness.lint.forms.schema_languages import SCHEMA_LANGUAGES

_MINORS = ("2.0.0", "2.1.0", "2.2.0", "2.3.0", "2.4.0", "2.5.0", "2.6.0", "3.0.0", "3.1.0")


def formats(newest: str) -> Mapping[str, str]:
    """``schemaFormat`` → the language that a document of this version is held to in it.

    Others may stand, and say nothing about the schema's form (AsyncAPI 3.0, Multi Format Schema Object).
    """
    own = (each for each in _MINORS if each <= newest)
    media = {
        **{f"application/vnd.aai.asyncapi{{}};version={each}": "Schema" for each in own},
        "application/vnd.oai.openapi{};version=3.0.0": "OpenapiSchema",
        "application/vnd.apache.avro{};version=1.9.0": "AvroSchema",
    }
    found = {each.format(form): kind for each, kind in media.items() for form in ("", "+json", "+yaml")}
    for form in ("json", "yaml"):
        found[f"application/schema+{form};version=draft-07"] = "Draft7Schema"
    return found


_TYPE = "type! description"
_KINDS: Mapping[str, str] = {
    "userPassword": "PlainScheme",
    "apiKey": "ApiKeyScheme",
    "X509": "PlainScheme",
    "symmetricEncryption": "PlainScheme",
    "asymmetricEncryption": "PlainScheme",
    "http": "HttpScheme",
    "httpApiKey": "HttpApiKeyScheme",
    "oauth2": "OauthScheme",
    "openIdConnect": "OpenIdScheme",
    "plain": "PlainScheme",
    "scramSha256": "PlainScheme",
    "scramSha512": "PlainScheme",
    "gssapi": "PlainScheme",
}
SASL = ("plain", "scramSha256", "scramSha512", "gssapi")
"""The kinds that came with 2.1."""


def security_scheme(kinds: tuple[str, ...]) -> Check:
    """Security Scheme Object: what it may hold hangs on its ``type``, and for ``http`` on its ``scheme``."""

    def check(holding: Holding, node: Node) -> Iterator[Fault]:
        said = node.value.get("type") if isinstance(node.value, dict) else None
        if not isinstance(said, str) or said not in kinds:
            if isinstance(node.value, dict) and "type" in node.value:
                yield from holding.faults(node.child("type"), f"={','.join(kinds)}")
            else:
                yield wrong(node, f"a security scheme with type: {', '.join(kinds)}")
            return
        name = _KINDS[said]
        if name == "HttpScheme" and node.value.get("scheme") == "bearer":
            name = "BearerScheme"
        yield from holding.faults(node, name)

    return check


def flows(scopes: str) -> dict[str, str]:
    """The shapes of OAuth flows, whose offered scopes are called ``scopes`` in 2.x."""
    return {
        "OauthFlows": "implicit:ImplicitFlow password:TokenFlow clientCredentials:TokenFlow "
        "authorizationCode:CodeFlow",
        "ImplicitFlow": f"authorizationUrl!:uri refreshUrl:uri {scopes}!:{{str}} +x",
        "TokenFlow": f"tokenUrl!:uri refreshUrl:uri {scopes}!:{{str}} +x",
        "CodeFlow": f"authorizationUrl!:uri tokenUrl!:uri refreshUrl:uri {scopes}!:{{str}} +x",
    }


KINDS = tuple(_KINDS)

PARTS: Table = {
    **SCHEMA_LANGUAGES,
    "Reference": "$ref!:uriref +any",
    "Contact": "name url:uri email:email +x",
    "License": "name! url:uri +x",
    "ExternalDocs": "description url!:uri +x",
    "ServerVariable": "enum:[str]u default description examples:[str] +x",
    "CorrelationId": "description location!:expr +x",
    "PlainScheme": f"{_TYPE} +x",
    "ApiKeyScheme": f"{_TYPE} in!:=user,password +x",
    "HttpScheme": f"{_TYPE} scheme! +x",
    "BearerScheme": f"{_TYPE} scheme! bearerFormat +x",
    "HttpApiKeyScheme": f"{_TYPE} name! in!:=header,query,cookie +x",
}


def example_says_something(holding: Holding, node: Node) -> Iterator[Fault]:
    """Message Example Object: at least one of payload and headers."""
    if "payload" not in node.value and "headers" not in node.value:
        yield Fault(
            node.place,
            "this example has neither payload nor headers",
            ", ".join(node.value) or "nothing",
            "payload or headers",
        )
