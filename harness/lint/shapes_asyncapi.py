"""Where schemas, messages, channels and references stand in AsyncAPI documents of versions 2 and 3.

Enough to go through a document; every object is open here. What else its structure must be is judged apart.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from harness.contract.model import JSON
from harness.lint.shape import Language, language, shapes
from harness.lint.shapes_openapi import JSON_SCHEMA

_SCHEMA = f"""
{JSON_SCHEMA.strip()}
+Schema~?: items:Schema|[Schema] additionalItems:Schema dependencies:{{Schema|[text]}} discriminator:any
    example:data
Wrapped~: schemaFormat:text schema:&Schema
Foreign~: schemaFormat:text
"""

_SHARED = """
Parameter~: schema:Schema
SecurityScheme~: flows:OAuthFlows
OAuthFlows~: implicit:OAuthFlow password:OAuthFlow clientCredentials:OAuthFlow authorizationCode:OAuthFlow
OAuthFlow~: authorizationUrl:text
CorrelationId~: location:text
Bindings~: kafka:KafkaBinding
KafkaBinding~: key:&Schema groupId:&Schema clientId:&Schema
Example~: payload:data headers:data
"""

_V2 = f"""
AsyncAPI~: servers:{{&Server}} channels:{{Channel}} components:Components
Components~: schemas:{{Schema}} messages:{{&Message}} securitySchemes:{{&SecurityScheme}}
    parameters:{{&Parameter}} correlationIds:{{&CorrelationId}} operationTraits:{{&Trait}}
    messageTraits:{{&MessageTrait}} servers:{{&Server}} channels:{{Channel}} serverBindings:{{&Bindings}}
    channelBindings:{{&Bindings}} operationBindings:{{&Bindings}} messageBindings:{{&Bindings}}
Server~: security:[any] bindings:&Bindings
Channel~: $ref:text subscribe:Operation publish:Operation parameters:{{&Parameter}} bindings:&Bindings
Operation~: message:&Message traits:[&Trait] bindings:&Bindings
Message~: oneOf:[&Message] headers:Schema payload:Schema correlationId:&CorrelationId traits:[&MessageTrait]
    bindings:&Bindings examples:[Example]
ForeignMessage~: headers:Schema correlationId:&CorrelationId traits:[&MessageTrait] bindings:&Bindings
    examples:[Example]
MessageTrait~: headers:Schema correlationId:&CorrelationId bindings:&Bindings examples:[Example]
Trait~: bindings:&Bindings
{_SHARED.strip()}
{_SCHEMA.strip()}
"""

_V3 = f"""
AsyncAPI~: servers:{{&Server}} channels:{{&Channel}} operations:{{&Operation}} components:Components
Components~: schemas:{{&Schema}} servers:{{&Server}} channels:{{&Channel}} operations:{{&Operation}}
    messages:{{&Message}} securitySchemes:{{&SecurityScheme}} parameters:{{&Parameter}}
    correlationIds:{{&CorrelationId}} replies:{{&Reply}} replyAddresses:{{&ReplyAddress}}
    operationTraits:{{&Trait}} messageTraits:{{&MessageTrait}} serverBindings:{{&Bindings}}
    channelBindings:{{&Bindings}} operationBindings:{{&Bindings}} messageBindings:{{&Bindings}}
    externalDocs:{{&Docs}} tags:{{&Tag}} serverVariables:{{&Variable}}
Server~: security:[&SecurityScheme] bindings:&Bindings tags:[&Tag] externalDocs:&Docs
    variables:{{&Variable}}
Channel~: messages:{{&Message}} servers:[&Server] parameters:{{&Parameter}} bindings:&Bindings tags:[&Tag]
    externalDocs:&Docs
Operation~: channel:&Channel messages:[&Message] reply:&Reply traits:[&Trait] security:[&SecurityScheme]
    bindings:&Bindings tags:[&Tag] externalDocs:&Docs
Reply~: address:&ReplyAddress channel:&Channel messages:[&Message]
ReplyAddress~: location:text
Message~: headers:&Schema payload:&Schema correlationId:&CorrelationId traits:[&MessageTrait]
    bindings:&Bindings examples:[Example] tags:[&Tag] externalDocs:&Docs
MessageTrait~: headers:&Schema correlationId:&CorrelationId bindings:&Bindings examples:[Example] tags:[&Tag]
    externalDocs:&Docs
Trait~: security:[&SecurityScheme] bindings:&Bindings tags:[&Tag] externalDocs:&Docs
Docs~: url:text
Tag~: name:text externalDocs:&Docs
Variable~: default:text
{_SHARED.strip()}
{_SCHEMA.strip()}
"""


@lru_cache
def asyncapi(major: int) -> Language:
    """The language of AsyncAPI 2 or 3."""
    found = language(shapes(_V2 if major == 2 else _V3), "AsyncAPI", {"AsyncAPI": "AsyncAPI document"})
    return replace(found, in_truth=_in_truth if major == 2 else _in_truth_of_3)


_JSON_SCHEMA = ("application/vnd.aai.asyncapi", "application/schema+json", "application/schema+yaml")


def _in_truth_of_3(kind: str, value: JSON) -> str:
    """There a message's own ``schemaFormat`` means nothing."""
    return kind if kind == "Message" else _in_truth(kind, value)


def _in_truth(kind: str, value: JSON) -> str:
    """``schemaFormat`` says whether a payload is a JSON Schema, in 2.x beside it, in 3.x around it."""
    if kind not in ("Schema", "Message") or not isinstance(value, dict) or "schemaFormat" not in value:
        return kind
    is_json = str(value["schemaFormat"]).startswith(_JSON_SCHEMA)
    if kind == "Message":
        return kind if is_json else "ForeignMessage"
    return "Wrapped" if is_json else "Foreign"
