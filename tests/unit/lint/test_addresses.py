"""Channels of AsyncAPI: parameters, addresses, servers and ids that the published schemas cannot judge."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.lint.api import findings

TWO = """\
asyncapi: 2.6.0
info: {title: t, version: '1'}
servers: {main: {url: example.org, protocol: kafka}}
channels:
  users.{id}:
    parameters: {id: {schema: {type: string}}}
    servers: [main]
    publish: {operationId: a, message: {$ref: '#/components/messages/m'}}
    subscribe: {operationId: b, message: {messageId: n}}
components: {messages: {m: {messageId: m, payload: {type: string}, examples: [{payload: x}]}}}
"""

THREE = """\
asyncapi: 3.0.0
info: {title: t, version: '1'}
servers: {main: {host: example.org, protocol: kafka}}
channels:
  c:
    address: users.{id}
    parameters: {id: {}}
    servers: [{$ref: '#/servers/main'}]
    messages: {m: {payload: {type: object}}}
operations: {o: {action: send, channel: {$ref: '#/channels/c'}}}
components:
  channels: {d: {$ref: '#/channels/c'}}
  servers: {other: {$ref: '#/servers/main'}}
  messages: {spare: {payload: {type: string}, examples: [{payload: x}]}}
"""

RULES = (
    "lint/channel-parameter",
    "lint/channel-address",
    "lint/channel-server",
    "lint/asyncapi-id",
    "lint/example",
)


def told(folder: Path, text: str) -> list[tuple[str, str]]:
    return [(each.check[5:], each.title) for each in findings(folder, text) if each.check in RULES]


@pytest.mark.parametrize("text", [TWO, THREE])
def test_a_good_document_is_left_alone(tmp_path: Path, text: str) -> None:
    assert told(tmp_path, text) == []


@pytest.mark.parametrize(
    ("text", "written", "instead", "rule", "title"),
    [
        (
            TWO,
            "{id: {schema",
            "{it: {schema",
            "channel-parameter",
            "the channel's parameter 'id' is not declared",
        ),
        (TWO, "{id: {schema", "{it: {schema", "channel-parameter", "the channel's address has no '{it}'"),
        (THREE, "{id: {}}", "{id: {}, x: {}}", "channel-parameter", "the channel's address has no '{x}'"),
        (THREE, "{id: {}}", "{}", "channel-parameter", "the channel's parameter 'id' is not declared"),
        (THREE, "users.{id}", "null", "channel-parameter", "the channel's address has no '{id}'"),
        (TWO, "users.{id}:", "'users.{id}?x=1':", "channel-address", "a channel's address has a query"),
        (THREE, "users.{id}", "'users.{id}#x'", "channel-address", "a channel's address has a fragment"),
        (TWO, "[main]", "[mian]", "channel-server", "there is no server 'mian'"),
        (
            THREE,
            "/servers/main'}]",
            "/components/servers/other'}]",
            "channel-server",
            "this refers to a component",
        ),
        (
            THREE,
            "/channels/c'}}}",
            "/components/channels/d'}}}",
            "channel-server",
            "this refers to a component",
        ),
        (TWO, "operationId: b", "operationId: a", "asyncapi-id", "the operationId 'a' is taken"),
        (TWO, "operationId: b", "traits: [{operationId: a}]", "asyncapi-id", "the operationId 'a' is taken"),
        (TWO, "messageId: n", "messageId: m", "asyncapi-id", "the messageId 'm' is taken"),
        (THREE, "[{payload: x}]", "[{payload: 1}]", "example", "breaks its schema"),
    ],
)
def test_a_mistake_is_found(
    tmp_path: Path, text: str, written: str, instead: str, rule: str, title: str
) -> None:
    assert text.count(written), "the test changes nothing"
    found = told(tmp_path, text.replace(written, instead, 1))
    assert any(each[0] == rule and title in each[1] for each in found), found


def test_a_message_that_several_channels_refer_to_has_its_id_once(tmp_path: Path) -> None:
    again = "  more: {subscribe: {operationId: c, message: {$ref: '#/components/messages/m'}}}\ncomponents:"
    assert told(tmp_path, TWO.replace("components:", again)) == []


def test_a_channel_without_parameters_is_left_alone(tmp_path: Path) -> None:
    assert told(tmp_path, THREE.replace("    parameters: {id: {}}\n", "")) == []
