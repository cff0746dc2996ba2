"""AsyncAPI 2.x as the model tells it: turned round, so that an operation says what the service does."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.contract import load
from harness.contract.model import Contract
from harness.contract.schema import compile_schema

DOCUMENT = """\
asyncapi: 2.6.0
info: {title: Accounts, version: '2'}
servers:
  production:
    url: 'kafka://{host}:9092/base'
    protocol: kafka
    variables: {host: {default: broker.example}}
    security: [{oauth: ['read', 'write']}, {plain: []}]
channels:
  accounts.opened:
    parameters: {}
    subscribe:
      traits: [{$ref: '#/components/operationTraits/told'}]
      summary: its own
      message: {$ref: '#/components/messages/Opened'}
    publish:
      operationId: close
      security: [{oauth: ['write']}]
      message:
        oneOf:
          - {$ref: '#/components/messages/Opened'}
          - {payload: {type: integer}}
          - {oneOf: [{payload: {type: boolean}}, {name: Named, messageId: n-1, payload: {type: string}}]}
    bindings: {kafka: {topic: opened.v1, partitions: 2}}
  'accounts.{kind}.changed':
    parameters:
      kind: {schema: {type: string, enum: [savings, current]}, location: $message.payload#/kind}
    publish: {operationId: close, message: {payload: {type: object}}}
  aliased: {$ref: '#/components/channels/aliased'}
components:
  channels: {aliased: {subscribe: {operationId: tellAliased, message: {payload: true}}}}
  operationTraits: {told: {summary: of the trait, bindings: {kafka: {groupId: {const: accounts}}}}}
  messageTraits: {plain: {contentType: text/plain, headers: {type: object, required: [a]}}}
  messages:
    Opened:
      contentType: application/json
      traits: [{$ref: '#/components/messageTraits/plain'}]
      headers: {type: object, required: [b], properties: {a: {type: string}}}
      schemaFormat: application/vnd.oai.openapi;version=3.0.0
      payload: {type: string, nullable: true}
      bindings: {kafka: {key: {type: string}}}
      examples: [{payload: x, headers: {a: '1'}}, {other: {payload: y}}]
  securitySchemes:
    plain: {type: plain}
    oauth:
      type: oauth2
      flows: {implicit: {authorizationUrl: 'https://a.example', scopes: {read: r, write: w}}}
"""


def read(folder: Path, text: str) -> Contract:
    path = folder / "accounts.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path)


@pytest.fixture(scope="module")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    return read(tmp_path_factory.mktemp("accounts"), DOCUMENT)


def test_what_others_subscribe_to_is_sent_and_what_they_publish_received(accounts: Contract) -> None:
    assert set(accounts.sends) == {"send accounts.opened", "tellAliased"}
    assert set(accounts.receives) == {"close", "receive accounts.{kind}.changed"}


def test_a_trait_wins_over_what_it_is_put_on(accounts: Contract) -> None:
    send = accounts.sends["send accounts.opened"]
    assert (send.summary, send.group) == ("of the trait", "accounts")
    (opened,) = send.messages
    assert opened.content_type == "text/plain"
    assert opened.headers is not None
    headers = compile_schema(opened.headers)
    assert headers.is_valid(
        {"a": "x"}
    )  # the trait's list of what is required takes the place of the message's
    assert not headers.is_valid({"b": "x"})
    assert not headers.is_valid({"a": 5})  # what only the message says stays


def test_alternatives_are_messages_with_names_of_their_own(accounts: Contract) -> None:
    channel = accounts.channels["accounts.opened"]
    names = [each.name for each in accounts.receives["close"].messages]
    assert names[0] == "Opened" and names[3] == "Named" and len(set(names)) == 4
    assert set(channel.messages) == set(names)
    assert channel.messages["Named"].id == "n-1"
    assert accounts.receives["close"].messages[0] is accounts.sends["send accounts.opened"].messages[0]


def test_a_channel_of_kafka(accounts: Contract) -> None:
    channel = accounts.channels["accounts.opened"]
    assert (channel.address, channel.partitions, channel.id) == ("opened.v1", 2, "accounts.opened")
    changed = accounts.channels["accounts.{kind}.changed"]
    assert (changed.template, changed.address) == ("accounts.{kind}.changed", "accounts.savings.changed")
    assert changed.parameters["kind"].choices == ("savings", "current")


def test_a_format_beside_the_payload(accounts: Contract) -> None:
    (opened,) = accounts.sends["send accounts.opened"].messages
    assert opened.payload is not None and compile_schema(opened.payload).is_valid(None)
    assert not compile_schema(opened.payload).is_valid(5)


def test_examples_of_the_documented_form(accounts: Contract) -> None:
    (opened,) = accounts.sends["send accounts.opened"].messages
    assert [(each.name, each.payload) for each in opened.examples] == [("0", "x")]


def test_servers_and_security(accounts: Contract) -> None:
    server = accounts.message_servers["production"]
    assert (server.host, server.pathname) == ("broker.example:9092", "/base")
    assert server.security == ({"oauth": ("read", "write")}, {"plain": ()})
    assert accounts.receives["close"].security == ({"oauth": ("write",)},)
    assert accounts.security_schemes["oauth"].scopes == ("read", "write")


@pytest.mark.parametrize("minor", range(7))
def test_every_minor_version_reads(tmp_path: Path, minor: int) -> None:
    text = f"asyncapi: 2.{minor}.0\ninfo: {{title: t, version: '1'}}\nchannels: {{a: {{publish: {{}}}}}}\n"
    assert set(read(tmp_path, text).receives) == {"receive a"}


def test_a_choice_that_holds_itself_ends(tmp_path: Path) -> None:
    text = """\
asyncapi: 2.6.0
info: {title: t, version: '1'}
channels: {a: {publish: {message: {$ref: '#/components/messages/M'}}}}
components: {messages: {M: {oneOf: [{$ref: '#/components/messages/M'}, {name: N}]}}}
"""
    assert [each.name for each in read(tmp_path, text).receives["receive a"].messages] == ["N"]
