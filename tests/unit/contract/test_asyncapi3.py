"""AsyncAPI 3.x as the model tells it: traits, parameters, formats, replies, bindings."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from harness.contract import load
from harness.contract.model import Contract, Message
from harness.contract.schema import compile_schema, properties
from harness.errors import ContractError

DOCUMENT = """\
asyncapi: 3.1.0
info: {title: Lights, version: '1'}
defaultContentType: application/vnd.lights+json
servers:
  main:
    host: '{region}.kafka.example:9092'
    protocol: kafka-secure
    pathname: /{region}
    variables: {region: {enum: [eu, us]}}
    security: [{$ref: '#/components/securitySchemes/scram'}]
    tags: [{name: internal}]
    bindings: {kafka: {schemaRegistryUrl: 'https://registry.example', schemaRegistryVendor: apicurio}}
  hall: {host: mqtt.example, protocol: mqtt}
channels:
  measured:
    address: lights.{lamp}.{room}.measured
    title: Measured
    parameters:
      lamp: {$ref: '#/components/parameters/lamp'}
      room: {enum: [kitchen, hall], default: hall, location: $message.payload#/room}
    servers: [{$ref: '#/servers/main'}]
    messages:
      measured: {$ref: '#/components/messages/measured'}
      lost: {payload: {type: 'null'}, contentType: application/json}
    bindings: {kafka: {partitions: 3, replicas: 2, topicConfiguration: {retention.ms: 1000}}}
  answers: {address: null, messages: {answer: {payload: {type: integer}}}}
  hall: {address: hall/lamp, servers: [{$ref: '#/servers/hall'}], messages: {on: {payload: {type: boolean}}}}
operations:
  measure:
    action: receive
    channel: {$ref: '#/channels/measured'}
    messages: [{$ref: '#/channels/measured/messages/measured'}]
    traits: [{$ref: '#/components/operationTraits/kafka'}, {summary: of the trait, title: of the trait}]
    summary: its own
    security: [{$ref: '#/components/securitySchemes/oauth'}, {type: X509}]
    reply:
      address: {location: $message.header#/replyTo}
      channel: {$ref: '#/channels/answers'}
      messages: [{$ref: '#/channels/answers/messages/answer'}]
  tell: {action: send, channel: {$ref: '#/channels/measured'}}
components:
  parameters: {lamp: {description: Which one, examples: ['no/legal', l-1]}}
  operationTraits:
    kafka:
      bindings: {kafka: {groupId: {type: string, enum: [lights]}, clientId: {type: string, const: lamp}}}
  messageTraits:
    traced:
      correlationId: {location: $message.header#/trace/id}
      contentType: text/plain
      headers:
        type: object
        properties: {trace: {$ref: '#/components/schemas/Trace'}, kind: {type: integer}}
        required: [trace]
  messages:
    measured:
      name: Measured
      contentType: application/json
      traits: [{$ref: '#/components/messageTraits/traced'}]
      headers: {properties: {kind: {maximum: 9}, own: {type: string}}}
      payload: {$ref: '#/components/schemas/Measured'}
      examples:
        - {name: bright, summary: in the sun, payload: {lumens: 9}, headers: {kind: 1}}
        - {headers: {kind: 2}}
      bindings:
        kafka: {key: {type: string}, schemaIdLocation: payload, bindingVersion: 0.4.0}
        amqp: {messageType: a}
      tags: [{name: sensors}]
  schemas:
    Measured: {type: object, required: [lumens], properties: {lumens: {type: integer}, room: {type: string}}}
    Trace: {type: string, minLength: 2}
  securitySchemes:
    scram: {type: scramSha256}
    oauth:
      type: oauth2
      flows: {implicit: {authorizationUrl: 'https://a.example', availableScopes: {'lights:on': On}}}
      scopes: ['lights:on']
"""


def read(folder: Path, text: str) -> Contract:
    path = folder / "lights.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path)


@pytest.fixture(scope="module")
def lights(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    return read(tmp_path_factory.mktemp("lights"), DOCUMENT)


@pytest.fixture(scope="module")
def measured(lights: Contract) -> Message:
    return lights.channels["measured"].messages["measured"]


def test_what_an_operation_says_itself_wins_over_its_traits(lights: Contract) -> None:
    measure = lights.receives["measure"]
    assert (measure.summary, measure.title) == ("its own", "of the trait")
    assert (measure.group, measure.client) == ("lights", "lamp")
    assert measure.place.line == DOCUMENT[: DOCUMENT.index("  measure:")].count("\n") + 1


def test_a_trait_is_merged_into_a_message_as_a_merge_patch(measured: Message) -> None:
    assert measured.content_type == "application/json"
    assert measured.correlation == "$message.header#/trace/id"
    assert measured.headers is not None
    assert set(properties(measured.headers)) == {"trace", "kind", "own"}
    headers = compile_schema(measured.headers)
    assert headers.is_valid({"trace": "ab", "kind": 9, "own": ""})
    assert not headers.is_valid({"trace": "a"})  # of the schema that the trait refers to
    assert not headers.is_valid({"trace": "ab", "kind": 10})  # the message's maximum
    assert not headers.is_valid({"trace": "ab", "kind": "x"})  # the trait's type
    assert not headers.is_valid({})


def test_a_merged_place_is_where_it_is_written(measured: Message) -> None:
    assert measured.headers is not None
    line = DOCUMENT[: DOCUMENT.index("own: {type")].count("\n") + 1
    assert properties(measured.headers)["own"].place.line == line


def test_an_address_is_filled_with_what_the_contract_offers(lights: Contract) -> None:
    channel = lights.channels["measured"]
    assert channel.template == "lights.{lamp}.{room}.measured"
    assert channel.address == "lights.l-1.hall.measured"
    room = channel.parameters["room"]
    assert (room.choices, room.default, room.location) == (
        ("kitchen", "hall"),
        "hall",
        "$message.payload#/room",
    )
    assert room.schema is not None and not compile_schema(room.schema).is_valid("cellar")


def test_the_kafka_binding_of_a_channel(lights: Contract) -> None:
    channel = lights.channels["measured"]
    assert (channel.partitions, channel.replicas) == (3, 2)
    assert channel.topic_configuration == {"retention.ms": 1000}


def test_an_open_address_and_other_protocols_are_no_topics_of_their_own(lights: Contract) -> None:
    assert lights.channels["answers"].template is None
    assert lights.channels["measured"].on_kafka
    assert not lights.channels["hall"].on_kafka


def test_messages_are_those_that_the_operation_names_else_all(lights: Contract) -> None:
    assert [each.name for each in lights.receives["measure"].messages] == ["measured"]
    assert [each.name for each in lights.sends["tell"].messages] == ["measured", "lost"]
    assert lights.sends["tell"].messages[0] is lights.receives["measure"].messages[0]


def test_a_reply_says_where_and_what(lights: Contract) -> None:
    reply = lights.receives["measure"].reply
    assert reply is not None and reply.channel is lights.channels["answers"]
    assert reply.address == "$message.header#/replyTo"
    assert [each.name for each in reply.messages] == ["answer"]


def test_examples_with_and_without_a_payload(measured: Message) -> None:
    bright, bare = measured.examples
    assert (bright.name, bright.summary, bright.payload) == ("bright", "in the sun", {"lumens": 9})
    assert (bare.has_payload, dict(bare.headers)) == (False, {"kind": 2})


def test_bindings_of_a_message(measured: Message) -> None:
    assert measured.key is not None and measured.bindings["amqp"] == {"messageType": "a"}
    assert measured.registry == {"schemaIdLocation": "payload"}
    assert measured.tags == ("sensors",)


def test_servers_and_security(lights: Contract) -> None:
    main = lights.message_servers["main"]
    assert (main.host, main.pathname, main.protocol) == ("eu.kafka.example:9092", "/eu", "kafka-secure")
    assert (main.registry, main.vendor) == ("https://registry.example", "apicurio")
    assert main.security == ({"scram": ()},)
    assert lights.receives["measure"].security == ({"oauth": ("lights:on",)}, {"X509": ()})
    assert lights.security_schemes["oauth"].scopes == ("lights:on",)


FORMATS = {
    "application/vnd.aai.asyncapi;version=3.0.0": "{type: string}",
    "application/schema+json;version=draft-07": "{type: string}",
    "application/schema+yaml;version=draft-07": "{type: string}",
    "application/vnd.oai.openapi;version=3.0.0": "{type: string, nullable: true}",
    "application/vnd.apache.avro;version=1.9.0": "string",
    "application/vnd.apache.avro+yaml;version=1.11.0": "{type: string}",
}


def with_payload(folder: Path, format: str, schema: str, content: str = "application/json") -> Message:
    text = f"""\
        asyncapi: 3.0.0
        info: {{title: t, version: '1'}}
        channels:
          c:
            messages:
              m: {{contentType: {content}, payload: {{schemaFormat: '{format}', schema: {schema}}}}}
        """
    return read(folder, dedent(text)).channels["c"].messages["m"]


@pytest.mark.parametrize("format", FORMATS)
def test_every_schema_language_validates(tmp_path: Path, format: str) -> None:
    message = with_payload(tmp_path, format, FORMATS[format])
    assert message.payload is not None and (message.format, message.untold) == (format, "")
    assert compile_schema(message.payload).is_valid("text")
    assert not compile_schema(message.payload).is_valid(5)
    assert compile_schema(message.payload).is_valid(None) is ("openapi" in format)


def test_a_language_holds_for_what_its_schema_refers_to(tmp_path: Path) -> None:
    text = """\
asyncapi: 3.0.0
info: {title: t, version: '1'}
channels:
  c:
    messages:
      m:
        payload:
          schemaFormat: application/vnd.oai.openapi;version=3.0.0
          schema: {type: object, properties: {a: {$ref: '#/components/schemas/Text'}}}
components: {schemas: {Text: {type: string, nullable: true}}}
"""
    payload = read(tmp_path, text).channels["c"].messages["m"].payload
    assert payload is not None and compile_schema(payload).is_valid({"a": None})


@pytest.mark.parametrize(
    ("format", "schema", "content", "why"),
    [
        ("application/raml+yaml;version=1.0", "{}", "application/json", "RAML, which is not validated here"),
        ("application/vnd.google.protobuf;version=3", "message", "application/protobuf", "Protocol Buffers"),
        ("application/vnd.apache.avro;version=1.9.0", "string", "avro/binary", "Avro's binary encoding"),
        (
            "application/vnd.apache.avro;version=1.9.0",
            "nothing",
            "application/json",
            "no Avro type 'nothing'",
        ),
    ],
)
def test_what_cannot_be_judged_is_said(
    tmp_path: Path, format: str, schema: str, content: str, why: str
) -> None:
    assert why in with_payload(tmp_path, format, schema, content).untold


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("asyncapi: 3.1.0", "asyncapi: 3.2.0", "version '3.2.0'"),
        ("action: send", "action: give", "has action 'give'"),
        (
            "messages: [{$ref: '#/channels/measured/messages/measured'}]",
            "messages: [{payload: {}}]",
            "not list",
        ),
        ("channel: {$ref: '#/channels/answers'}", "channel: {$ref: '#/channels/answer'}", "leads nowhere"),
    ],
)
def test_what_cannot_be_told_truly_is_refused(tmp_path: Path, before: str, after: str, found: str) -> None:
    assert before in DOCUMENT
    with pytest.raises(ContractError, match=found):
        read(tmp_path, DOCUMENT.replace(before, after))
