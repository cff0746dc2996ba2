"""A small contract of one service, written where a test can change it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

OPENAPI = """\
openapi: 3.1.0
info: {title: Tickets, version: 1.2.0}
servers: [{url: 'https://{host}/v1', variables: {host: {default: example.org}}}]
security: [{portal: [tickets.read]}]
paths:
  /tickets:
    parameters:
      - {name: X-Trace, in: header, schema: {type: string}}
    get:
      operationId: listTickets
      parameters:
        - {name: limit, in: query, schema: {type: integer, minimum: 1}}
        - {name: X-Trace, in: header, required: true, schema: {type: string, format: uuid}}
      responses:
        200: {description: a page, content: {application/json: {schema: {$ref: '#/components/schemas/Page'}}}}
    post:
      operationId: openTicket
      security: []
      x-subject: $request.body#/ownerId
      x-access: {patient: own, staff: any}
      x-requires: [mail]
      x-emits: [{operation: mailed, on: ['201'], when: "$response.body#/state == 'open'", within: PT0.5S}]
      requestBody:
        required: true
        content:
          application/json:
            schema: {$ref: '#/components/schemas/Ticket'}
            examples: {small: {value: {id: t-1, state: open, ownerId: p-1}}}
      responses:
        '201':
          description: opened
          headers: {ETag: {required: true, schema: {type: string}}}
          content: {application/json: {schema: {$ref: '#/components/schemas/Ticket'}}}
          links: {close: {operationId: closeTicket, parameters: {ticketId: $response.body#/id}}}
        default: {description: a problem}
  /tickets/{ticketId}:
    delete:
      operationId: closeTicket
      parameters: [{name: ticketId, in: path, required: true, schema: {type: string}}]
      responses: {'204': {description: closed}}
components:
  securitySchemes:
    portal:
      type: oauth2
      flows:
        clientCredentials:
          tokenUrl: 'https://example.org/t'
          scopes: {tickets.read: r, tickets.write: w}
  schemas:
    Page:
      type: object
      properties: {items: {type: array, items: {$ref: '#/components/schemas/Ticket'}}}
    Ticket:
      type: object
      required: [id, state, ownerId]
      properties:
        id: {type: string, readOnly: true}
        state: {type: string, enum: [open, waiting, closed]}
        ownerId: {type: string}
        note: {type: [string, 'null'], x-phi: true}
      x-lifecycle:
        property: state
        emits: ticketChanged
        states: {waiting: {x-deadline: PT24H}}
        transitions:
          - {to: open, by: openTicket}
          - {from: [open], to: waiting, by: mailAnswered, when: $message.payload#/ok == false}
          - {from: [open, waiting], to: closed, by: closeTicket}
          - {from: waiting, to: closed, by: {after: P7D}}
"""

ASYNCAPI = """\
asyncapi: 3.0.0
info: {title: Ticket events, version: 1.2.0}
defaultContentType: application/json
channels:
  ticket:
    address: portal.tickets.ticket.v1
    messages: {ticketChanged: {$ref: '#/components/messages/TicketChanged'}}
    bindings: {kafka: {partitions: 3}}
  mail:
    $ref: '../mail/asyncapi.yaml#/channels/answer'
  dead:
    address: portal.tickets.dead-letter.v1
operations:
  ticketChanged: {action: send, channel: {$ref: '#/channels/ticket'}}
  mailed: {action: send, channel: {$ref: '#/channels/ticket'}, x-records: accesses}
  mailAnswered:
    action: receive
    channel: {$ref: '#/channels/mail'}
    bindings: {kafka: {groupId: {type: string, const: portal.tickets}}}
    x-retry: {attempts: 5, backoff: PT0.2S}
    x-dead-letter: dead
    x-relation:
      {relation: granted, actor: $message.payload#/by, subject: $message.payload#/to,
       begins: $message.payload#/ok, ends: '!$message.payload#/ok'}
components:
  messages:
    TicketChanged:
      contentType: application/vnd.ticket+json
      headers: {type: object, properties: {ce_type: {const: portal.tickets.TicketChanged.v1}}}
      payload: {type: object, properties: {id: {type: string}}}
      correlationId: {location: '$message.header#/ce_correlationid'}
      bindings: {kafka: {key: {type: string}}}
      x-subject: $message.payload#/ownerId
      examples: [{name: opened, headers: {ce_type: portal.tickets.TicketChanged.v1}, payload: {id: t-1}}]
"""

MAIL = """\
asyncapi: 3.0.0
info: {title: Mail, version: 1.0.0}
channels:
  answer:
    address: portal.mail.answer.v1
    messages: {answered: {payload: {type: object, properties: {ok: {type: boolean}}}}}
operations:
  answered: {action: send, channel: {$ref: '#/channels/answer'}}
"""

PERSONAS = """\
personas:
  - {key: ada, id: p-1, name: Ada Example, story: has everything, born: 1990-02-03}
"""

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes one file below the test's folder and returns its path."""

    def written(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
        return path

    return written


@pytest.fixture
def folder(tmp_path: Path, write: Write) -> Path:
    """A folder with two services and people."""
    write("contracts/tickets/openapi.yaml", OPENAPI)
    write("contracts/tickets/asyncapi.yaml", ASYNCAPI)
    write("contracts/mail/asyncapi.yaml", MAIL)
    write("contracts/personas.yaml", PERSONAS)
    write("contracts/pacts/web-tickets.json", "{}")
    return tmp_path / "contracts"
