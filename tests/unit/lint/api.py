"""An OpenAPI document in which lint finds nothing, in each version, and what changes to it are found."""

from __future__ import annotations

from pathlib import Path

from harness.findings import Finding
from harness.lint import lint
from harness.lint.reading import read
from harness.lint.severity import DEFAULT, Severities

V31 = """\
openapi: 3.1.1
info: {title: Library, version: '1', contact: {name: Desk}}
servers: [{url: 'https://{region}.example.org/v1', variables: {region: {default: eu, enum: [eu, us]}}}]
tags: [{name: books}]
security: [{key: []}, {login: [read]}]
paths:
  /books:
    get:
      operationId: listBooks
      summary: All books
      tags: [books]
      parameters:
        - {name: limit, in: query, schema: {type: integer, maximum: 100, default: 20}, example: 10}
        - {name: sort, in: query, schema: {type: string, enum: [title, year]},
           examples: {one: {value: title}}}
      responses:
        '200':
          description: The books
          headers: {X-Total: {schema: {type: integer}, example: 3}}
          content:
            application/json:
              schema: {type: array, items: {$ref: '#/components/schemas/Book'}}
              example: [{id: b1, title: Emma}]
        default: {$ref: '#/components/responses/Problem'}
    post:
      operationId: addBook
      summary: One more
      requestBody:
        required: true
        content:
          application/json:
            schema: {$ref: '#/components/schemas/Book'}
            examples: {emma: {$ref: '#/components/examples/Emma'}}
      responses:
        '201':
          description: Added
          content: {application/json: {schema: {$ref: '#/components/schemas/Book'}}}
          links: {read: {operationId: getBook, parameters: {bookId: $response.body#/id}}}
  /books/{bookId}:
    parameters: [{$ref: '#/components/parameters/BookId'}]
    get:
      operationId: getBook
      summary: One book
      responses:
        '200':
          description: The book
          content: {application/json: {schema: {$ref: '#/components/schemas/Book'}}}
    delete:
      operationId: removeBook
      summary: One less
      responses: {'204': {description: Gone}}
components:
  parameters:
    BookId: {name: bookId, in: path, required: true, schema: {type: string}, example: b1}
  examples:
    Emma: {value: {title: Emma}}
  responses:
    Problem: {description: What went wrong, content: {application/problem+json: {schema: {type: object}}}}
  securitySchemes:
    key: {type: apiKey, in: header, name: X-Key}
    login: {type: oauth2, flows: {clientCredentials: {tokenUrl: 'https://example.org/t', scopes: {read: r}}}}
  schemas:
    Book:
      type: object
      required: [id, title]
      properties:
        id: {type: string, readOnly: true, pattern: '^b[0-9]+$'}
        title: {type: string, minLength: 1}
        year: {type: integer, minimum: 1450, maximum: 2100}
        parts: {type: array, minItems: 1, items: {$ref: '#/components/schemas/Book'}}
      example: {id: b2, title: Ulysses, year: 1922}
"""

V30 = V31.replace("openapi: 3.1.1", "openapi: 3.0.4")


def findings(folder: Path, text: str, severities: Severities = DEFAULT) -> list[Finding]:
    """What lint says about one document."""
    path = folder / "library.yaml"
    path.write_text(text, encoding="utf-8")
    subject = read([path])
    return list(lint(subject.system, subject.sources, severities))
