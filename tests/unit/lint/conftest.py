"""A system of two services in which lint finds nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

VISITS = """\
openapi: 3.1.0
info: {title: Visits, version: 1.0.0}
servers: [{url: /v1}]
security: [{portal: [visits.write]}]
paths:
  /patients/{patientId}/visits:
    get:
      operationId: listVisits
      x-access: {patient: own, staff: any}
      x-subject: $request.path.patientId
      x-requires: []
      parameters:
        - {name: patientId, in: path, required: true, schema: {type: string}, example: p-1}
        - {name: limit, in: query, schema: {type: integer, minimum: 1, default: 20}, example: 10}
      responses:
        '200':
          description: visits
          content:
            application/json:
              schema: {type: array, items: {$ref: '#/components/schemas/Visit'}}
              example: [{id: v-1, state: open, patientId: p-1}]
  /visits:
    post:
      operationId: openVisit
      x-access: {patient: own}
      x-subject: $request.body#/patientId
      x-emits:
        - operation: visitSeen
          "on": ['201']
          when: "$response.body#/state == 'open'"
          key: $response.body#/id
      requestBody:
        content:
          application/json:
            schema: {$ref: '#/components/schemas/Visit'}
            examples: {first: {value: {state: open, patientId: p-1}}}
      responses:
        '201':
          description: opened
          headers: {ETag: {schema: {type: string}, example: '"1"'}}
          content: {application/json: {schema: {$ref: '#/components/schemas/Visit'}}}
          links: {read: {operationId: closeVisit, parameters: {visitId: $response.body#/id}}}
  /visits/{visitId}:
    delete:
      operationId: closeVisit
      x-access: {staff: any}
      parameters: [{name: visitId, in: path, required: true, schema: {type: string}}]
      responses: {'204': {description: closed}}
components:
  securitySchemes:
    portal: {type: oauth2, flows: {clientCredentials: {tokenUrl: /t, scopes: {visits.write: w}}}}
  schemas:
    Visit:
      type: object
      required: [id, state, patientId]
      properties:
        id: {type: string, readOnly: true}
        state: {type: string, enum: [open, waiting, closed], default: open}
        patientId: {type: string}
        complaint: {type: string, x-phi: true}
      examples: [{id: v-2, state: closed, patientId: p-2}]
      x-lifecycle:
        property: state
        emits: visitChanged
        states: {waiting: {x-deadline: PT1H}}
        transitions:
          - {to: open, by: openVisit}
          - {from: [open], to: waiting, by: paid, id: $message.payload#/visitId, when: $message.payload#/ok}
          - {from: [open, waiting], to: closed, by: closeVisit}
          - {from: [waiting], to: closed, by: {after: P1D}, when: $response.body#/patientId != null}
"""

VISIT_EVENTS = """\
asyncapi: 3.0.0
info: {title: Visits, version: 1.0.0}
channels:
  visit:
    address: visits
    messages: {visitChanged: {$ref: '#/components/messages/VisitChanged'}}
  bill: {$ref: '../bills/asyncapi.yaml#/channels/bill'}
  dead: {address: visits-dead}
operations:
  visitChanged: {action: send, channel: {$ref: '#/channels/visit'}}
  visitSeen: {action: send, channel: {$ref: '#/channels/visit'}}
  paid: {action: receive, channel: {$ref: '#/channels/bill'}, x-dead-letter: dead, x-retry: {attempts: 2},
    x-relation: {relation: granted, actor: $message.payload#/visitId, subject: $message.payload#/visitId,
      begins: $message.payload#/ok, ends: '!$message.payload#/ok'}}
components:
  messages:
    VisitChanged:
      x-subject: $message.payload#/patientId
      correlationId: {location: '$message.header#/ce_correlationid'}
      headers: {type: object, properties: {ce_correlationid: {type: string}}}
      payload:
        type: object
        properties: {id: {type: string}, patientId: {type: string}, count: {type: integer}}
      bindings: {kafka: {key: {type: string}}}
      examples: [{name: one, headers: {ce_correlationid: c-1}, payload: {id: v-1, patientId: p-1, count: 1}}]
"""

BILLS = """\
asyncapi: 3.0.0
info: {title: Bills, version: 1.0.0}
channels:
  bill:
    address: bills
    messages:
      billed: {payload: {type: object, properties: {ok: {type: boolean}, visitId: {type: string}}}}
  visit: {$ref: '../visits/asyncapi.yaml#/channels/visit'}
operations:
  billed: {action: send, channel: {$ref: '#/channels/bill'}}
  visitChanged: {action: receive, channel: {$ref: '#/channels/visit'}}
"""

FILES = {
    "visits/openapi.yaml": VISITS,
    "visits/asyncapi.yaml": VISIT_EVENTS,
    "bills/asyncapi.yaml": BILLS,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path
