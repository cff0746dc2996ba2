"""Of what OpenAPI documents are made: 3.0.4, 3.1.1 and 3.2.0, section "Schema" of each specification."""

from __future__ import annotations

from functools import lru_cache

from harness.lint.shape import Language, Shapes, language, shapes

_V30 = """
OpenAPI: openapi!:text info!:Info servers:[Server] paths!:Paths components:Components security:[Security]
    tags:[Tag] externalDocs:ExternalDocumentation
Info: title!:text description:text termsOfService:uri contact:Contact license:License version!:text
Contact: name:text url:uri email:email
License: name!:text url:uri
Server: url!:text description:text variables:{ServerVariable}
ServerVariable: enum:[text] default!:text description:text
Components: schemas:{&Schema} responses:{&Response} parameters:{&Parameter} examples:{&Example}
    requestBodies:{&RequestBody} headers:{&Header} securitySchemes:{&SecurityScheme} links:{&Link}
    callbacks:{&Callback}
Paths: *:PathItem
PathItem: $ref:text summary:text description:text get:Operation put:Operation post:Operation delete:Operation
    options:Operation head:Operation patch:Operation trace:Operation servers:[Server] parameters:[&Parameter]
Operation: tags:[text] summary:text description:text externalDocs:ExternalDocumentation operationId:text
    parameters:[&Parameter] requestBody:&RequestBody responses!:Responses callbacks:{&Callback}
    deprecated:flag security:[Security] servers:[Server]
ExternalDocumentation: description:text url!:uri
Parameter: name!:text in!:=query,header,path,cookie description:text required:flag deprecated:flag
    allowEmptyValue:flag style:=matrix,label,form,simple,spaceDelimited,pipeDelimited,deepObject explode:flag
    allowReserved:flag schema:&Schema example:data examples:{&Example} content:{MediaType}
Header: description:text required:flag deprecated:flag allowEmptyValue:flag style:=simple explode:flag
    allowReserved:flag schema:&Schema example:data examples:{&Example} content:{MediaType}
RequestBody: description:text content!:{MediaType} required:flag
MediaType: schema:&Schema example:data examples:{&Example} encoding:{Encoding}
Encoding: contentType:text headers:{&Header} style:=form,spaceDelimited,pipeDelimited,deepObject explode:flag
    allowReserved:flag
Responses: *:&Response
Response: description!:text headers:{&Header} content:{MediaType} links:{&Link}
Callback: *:PathItem
Example: summary:text description:text value:data externalValue:uri
Link: operationRef:text operationId:text parameters:{any} requestBody:any description:text server:Server
Tag: name!:text description:text externalDocs:ExternalDocumentation
Schema: title:text multipleOf:number maximum:number exclusiveMaximum:flag minimum:number exclusiveMinimum:flag
    maxLength:integer minLength:integer pattern:text maxItems:integer minItems:integer uniqueItems:flag
    maxProperties:integer minProperties:integer required:[text] enum:[any]
    type:=array,boolean,integer,number,object,string allOf:[&Schema] oneOf:[&Schema] anyOf:[&Schema]
    not:&Schema items:&Schema properties:{&Schema} additionalProperties:flag|&Schema description:text
    format:text default:data
    nullable:flag discriminator:Discriminator readOnly:flag writeOnly:flag xml:XML
    externalDocs:ExternalDocumentation example:data deprecated:flag
Discriminator-: propertyName!:text mapping:{schema}
XML: name:text namespace:uri prefix:text attribute:flag wrapped:flag
SecurityScheme: type!:=apiKey,http,oauth2,openIdConnect description:text name:text in:=query,header,cookie
    scheme:text bearerFormat:text flows:OAuthFlows openIdConnectUrl:uri
OAuthFlows: implicit:OAuthFlow password:OAuthFlow clientCredentials:OAuthFlow authorizationCode:OAuthFlow
OAuthFlow: authorizationUrl:uri tokenUrl:uri refreshUrl:uri scopes!:{text}
Security-: *:[text]
"""

_TYPE = "array,boolean,integer,null,number,object,string"

JSON_SCHEMA = f"""
Schema~?: $id:text $schema:text $ref:text $anchor:text $dynamicRef:text $dynamicAnchor:text
    $vocabulary:{{flag}} $comment:text $defs:{{Schema}} definitions:{{Schema}} allOf:[Schema]
    anyOf:[Schema] oneOf:[Schema] not:Schema if:Schema then:Schema else:Schema dependentSchemas:{{Schema}}
    prefixItems:[Schema] items:Schema contains:Schema properties:{{Schema}} patternProperties:{{Schema}}
    additionalProperties:Schema propertyNames:Schema unevaluatedItems:Schema unevaluatedProperties:Schema
    type:={_TYPE}|[={_TYPE}] const:any enum:[any] multipleOf:number maximum:number exclusiveMaximum:number
    minimum:number exclusiveMinimum:number maxLength:integer minLength:integer pattern:text
    maxItems:integer minItems:integer uniqueItems:flag maxContains:integer minContains:integer
    maxProperties:integer minProperties:integer required:[text] dependentRequired:{{[text]}} title:text
    description:text default:data deprecated:flag readOnly:flag writeOnly:flag examples:[data] format:text
    contentEncoding:text contentMediaType:text contentSchema:Schema
"""
"""JSON Schema 2020-12: every keyword of its vocabularies; others are free."""

_V31 = f"""
+OpenAPI: jsonSchemaDialect:uri webhooks:{{&PathItem}} paths:Paths
+Info: summary:text
+License: identifier:text
+Components: pathItems:{{&PathItem}}
+Operation: responses:Responses
{JSON_SCHEMA.strip()}
+Schema: discriminator:Discriminator xml:XML externalDocs:ExternalDocumentation example:data
Discriminator: propertyName!:text mapping:{{schema}}
+SecurityScheme: type!:=apiKey,http,mutualTLS,oauth2,openIdConnect
"""

_V32 = """
+OpenAPI: $self:uri
+Server: name:text
+Components: mediaTypes:{&MediaType}
+PathItem: query:Operation additionalOperations:{Operation}
+Parameter: in!:=query,querystring,header,path,cookie content:{&MediaType}
    style:=matrix,label,form,simple,spaceDelimited,pipeDelimited,deepObject,cookie
+Header: content:{&MediaType}
+RequestBody: content!:{&MediaType}
+MediaType: description:text itemSchema:Schema prefixEncoding:[Encoding] itemEncoding:Encoding
+Encoding: encoding:{Encoding} prefixEncoding:[Encoding] itemEncoding:Encoding
+Response: summary:text description:text content:{&MediaType}
+Example: dataValue:data serializedValue:text
+Tag: summary:text parent:text kind:text
+Discriminator: propertyName!:text defaultMapping:schema
+XML: nodeType:=element,attribute,text,cdata,none
+SecurityScheme: deprecated:flag oauth2MetadataUrl:uri
+OAuthFlows: deviceAuthorization:OAuthFlow
+OAuthFlow: deviceAuthorizationUrl:uri
"""


_NAMES = {
    "OpenAPI": "OpenAPI document",
    "Paths": "list of paths",
    "OAuthFlows": "list of OAuth flows",
    "OAuthFlow": "OAuth flow",
    "Components": "list of components",
    "Responses": "list of responses",
    "Security": "security requirement",
    "XML": "XML object",
    "Info": "description of the API ('info')",
}


@lru_cache
def openapi(minor: int) -> Language:
    """The language of OpenAPI 3.``minor``; of the newest known where it is newer still."""
    found: Shapes = shapes(_V30)
    for text in (_V31, _V32)[:minor]:
        found = shapes(text, found)
    return language(found, "OpenAPI", _NAMES)
