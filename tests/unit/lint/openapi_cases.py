"""What is changed in the documents of ``api``, and what lint says to it."""

# ruff: noqa: E501 - a table, a line a case

from __future__ import annotations

BOOK = "        year: {"
EMMA = "    Emma: {value: {title: Emma}}\n"
PATHS = "paths:\n"


CAUGHT = [
    # rule, what is written, instead, part of title, received or documented
    ("structure", "summary: All books", "sumary: All books", "Did you mean 'summary'?"),
    ("structure", "info: {title: Library, version: '1', ", "info: {title: Library, ", "has no 'version'"),
    ("structure", "version: '1'", "version: 1", "'version' is a number"),
    ("structure", "openapi: 3.1.1", "openapi: 3.1.x", "no version of OpenAPI"),
    ("structure", "in: header, name: X-Key", "name: X-Key", "needs 'in'"),
    ("structure", "in: header, name: X-Key", "in: header, name: X-Key, scheme: basic", "'scheme' says nothing"),
    ("structure", "tokenUrl: 'https://example.org/t', ", "", "needs 'tokenUrl'"),
    ("structure", "in: path, required: true", "in: path", "always required"),
    ("structure", "in: query, schema: {type: integer", "in: quary, schema: {type: integer", "'query'"),
    ("structure", "in: query, schema: {type: string", "in: query, style: simple, schema: {type: string", "style"),
    ("structure", "example: 10}", "example: 10, examples: {}}", "exclude each other"),
    ("structure", "  /books:\n", "  books:\n", "'/books'"),
    ("structure", "      responses: {'204'", "      responses: {'2004'", "no status"),
    ("structure", "{'204': {description: Gone}}", "{}", "no response"),
    ("structure", "{'204': {description: Gone}}", "{'204': {}}", "has no 'description'"),
    ("structure", "operationId: getBook, parameters", "parameters", "neither"),
    ("structure", "minLength: 1", "minLength: -1", "less than 0"),
    ("structure", "minLength: 1", "minLength: one", "a whole number"),
    ("structure", "required: [id, title]", "required: [id, id]", "twice"),
    ("structure", "title: {type: string", "title: {type: strnig", "Did you mean 'string'?"),
    ("structure", EMMA, EMMA + "    'a b': {value: 1}\n", "characters"),
    ("structure", "url: 'https", "uri: 'https", "has no 'url'"),
    ("reference", "#/components/schemas/Book'}}\n              example", "#/components/schemas/Bok'}}\n"
     "              example", "Did you mean 'Book'?"),
    ("reference", "{$ref: '#/components/examples/Emma'}", "{$ref: '#/components/schemas/Book'}", "leads to a schema"),
    ("reference", "      example: {id: b2", "      discriminator: {propertyName: id, mapping: {x: Buch}}\n"
     "      example: {id: b2", "Buch"),
    ("reference-siblings", "{$ref: '#/components/responses/Problem'}",
     "{$ref: '#/components/responses/Problem', headers: {}}", "ignored"),
    ("unused-component", EMMA, EMMA + "    Other: {value: 1}\n", "'Other'"),
    ("unused-component", EMMA, EMMA + "  headers: {A: {schema: {$ref: '#/components/schemas/B'}}}\n", "header 'A'"),
    ("example", "example: 10}", "example: 1000}", "at most 100"),
    ("example", "default: 20", "default: 200", "own default"),
    ("example", "{one: {value: title}}", "{one: {value: isbn}}", "'one'"),
    ("example", "example: 3}", "example: few}", "integer"),
    ("example", "[{id: b1, title: Emma}]", "[{id: b1}]", "/0 the property 'title' is missing"),
    ("example", "{value: {title: Emma}}", "{value: {title: ''}}", "/title"),
    ("example", "{id: b2, title: Ulysses, year: 1922}", "{id: b2, title: Ulysses, year: 22}", "/year"),
    ("example", "schema: {type: string}, example: b1", "schema: {type: string}, example: 1", "string"),
    ("example", "region: {default: eu", "region: {default: uk", "not among its values"),
    ("enum", "enum: [title, year]", "enum: [title, 7]", "2nd value"),
    ("impossible", "minimum: 1450, maximum: 2100", "minimum: 2450, maximum: 2100", "above"),
    ("impossible", "minLength: 1", "minLength: 3, maxLength: 2", "above"),
    ("impossible", "enum: [title, year]", "enum: [1, 2]", "no value of 'enum'"),
    ("impossible", "title: {type: string", "title: {const: 1, type: string", "'const' is not of type"),
    ("impossible", "required: [id, title]", "additionalProperties: false\n      required: [id, isbn]", "excludes it"),
    ("impossible", "title: {type: string, minLength: 1}", "title: false", "no value of it is allowed"),
    ("impossible", "required: [id, title]", "maxProperties: 1\n      required: [id, title]", "2 properties"),
    ("impossible", "minItems: 1, items: {$ref: '#/components/schemas/Book'}",
     "minItems: 3, uniqueItems: true, items: {type: boolean}", "2 different items"),
    ("impossible", "required: [id, title]", "required: [id, title, parts]", "each must hold another one"),
    ("impossible", BOOK, "        odd: {allOf: [{type: string}, {type: integer}]}\n" + BOOK, "differ in 'type'"),
    ("impossible", BOOK, "        odd: {allOf: [{type: object, additionalProperties: false}, {required: [x]}]}\n"
     + BOOK, "excludes it"),
    ("impossible", BOOK, "        odd: {allOf: [{enum: [a]}, {enum: [b]}]}\n" + BOOK, "'enum'"),
    ("keyword", "title: {type: string, minLength: 1}", "title: {type: string, minimum: 1}", "'minimum' says nothing"),
    ("keyword", "title: {type: string, minLength: 1}", "title: {type: string, minLenght: 1}", "'minLength'"),
    ("keyword", "title: {type: string, ", "title: {type: string, nullable: true, ", "since OpenAPI 3.1"),
    ("pattern", "'^b[0-9]+$'", "'^b[0-9+$'", "never closed"),
    ("pattern", "'^b[0-9]+$'", "'(?i)^b[0-9]+$'", "another dialect"),
    ("pattern-cost", "'^b[0-9]+$'", "'^b(0*[0-9]+)*$'", "explodes"),
    ("operation-id", "      operationId: removeBook\n", "", "no operationId"),
    ("operation-id", "operationId: removeBook", "operationId: getBook", "taken"),
    ("path-parameter", "/books/{bookId}:", "/books/{book}:", "'book' is not declared"),
    ("path-parameter", "/books/{bookId}:", "/books/one:", "no '{bookId}'"),
    ("parameter-twice", "name: sort, in: query, schema: {type: string, enum: [title, year]},\n           examples: {one: {value: title}}", "name: limit, in: query, schema: {}", "twice"),
    ("same-path", PATHS, PATHS + "  /books/{id}:\n    parameters: [{name: id, in: path, required: true, "
     "schema: {}}]\n", "the same"),
    ("ambiguous-path", PATHS, PATHS + "  /{kind}/new:\n    get: {operationId: make, parameters: [{name: kind, in: path, "
     "required: true, schema: {}}], responses: {'200': {description: it}}}\n", "one URL fits"),
    ("security", "[{key: []}, ", "[{kee: []}, ", "'kee' is not defined"),
    ("security", "login: [read]", "login: [write]", "'write' is not defined"),
    ("server-variable", "{region}.example", "{zone}.example", "'{zone}'"),
    ("link", "{operationId: getBook, parameters: {bookId", "{operationId: getBok, parameters: {bookId", "'getBook'"),
    ("link", "parameters: {bookId: $response.body#/id}", "parameters: {bookId: 7}", "must be of type string"),
    ("expression", "$response.body#/id", "$response.body#/isbn", "not there"),
    ("success-response", "{'204': {description: Gone}}", "{'404': {description: Gone}}", "no success"),
    ("body-without-meaning", "{'204': {description: Gone}}", "{'204': {description: Gone, content: {text/plain: {}}}}",
     "has no body"),
    ("body-without-meaning", "operationId: removeBook", "operationId: removeBook\n      requestBody: {content: "
     "{text/plain: {}}}", "no meaning"),
    ("path-form", "/books/{bookId}:", "/books/{bookId}/:", "ends in '/'"),
    ("path-form", "  /books:\n", "  /books?all=1:\n", "has a query"),
    ("tag", "tags: [books]", "tags: [book]", "not defined"),
    ("tag", "tags: [books]", "tags: [books, books]", "twice"),
    ("tag", "tags: [{name: books}]", "tags: [{name: books}, {name: books}]", "defined twice"),
    ("response-description", "description: Gone", "description: ''", "says nothing"),
    ("script-in-text", "description: Gone", "description: <script>a</script>", "script"),
    ("operation-description", "      summary: One less\n", "", "what it does"),
    ("contact", ", contact: {name: Desk}", "", "nobody answers"),
]  # fmt: skip

LEFT_ALONE = [
    # what is written, instead: lint has nothing against it
    ("example: 10}", "example: 10, x-note: {any: thing}}"),
    ("summary: All books", "summary: All books\n      callbacks: {}"),
    ("schema: {type: object}", "schema: {type: object, example: {$ref: '#/nowhere'}}"),
    ("schema: {type: object}", "schema: {type: object, properties: {$ref: {type: string}}}"),
    ("title: {type: string, minLength: 1}", "title: {type: [string, 'null'], enum: [null, a, Emma, Ulysses]}"),
    ("title: {type: string, minLength: 1}", "title: {minLength: 1, minimum: 3}"),
    ("year: {type: integer, minimum: 1450", "year: {type: integer, exclusiveMinimum: 1450"),
    ("maximum: 2100", f"maximum: {'9' * 390}"),
    ("'^b[0-9]+$'", "'^b(?:[0-9]+)(?<n>\\d|\\w)?$|^b2$'"),
    ("'^b[0-9]+$'", "'^b[\\w\\-]+$'"),
    ("'^b[0-9]+$'", "'^b(?:[0-9]+-?)?$'"),
    ("application/problem+json: {schema: {type: object}}", "text/plain: {schema: {type: string}, example: '{'}"),
    (PATHS, PATHS + "  /books/new:\n    get: {operationId: fresh, responses: {'200': {description: it}}}\n"),
    ("security: [{key: []}, {login: [read]}]", "security: [{}, {key: [admin]}, {login: []}]"),
    ("{'204': {description: Gone}}", "{'3XX': {description: Elsewhere}}"),
    ("operationId: removeBook", "operationId: removeBook\n      security: []"),
    ("required: [id, title]", "allOf: [{required: [id]}, {properties: {title: {maxLength: 90}}}]\n"
     "      required: [title]"),
    ("      example: {id: b2, title: Ulysses, year: 1922}", "      example: {title: Ulysses, year: 1922}"),
]  # fmt: skip


ONLY_IN_30 = [
    ("structure", "title: {type: string", "title: {type: [string]", "'type' is a list"),
    ("structure", "title: {type: string", "title: {const: a, type: string", "'const' is not a key"),
    ("structure", "items: {$ref: '#/components/schemas/Book'}}\n              ex", "maxItems: 3}\n              ex",
     "what its items are"),
    ("structure", "openapi: 3.0.4", "openapi: 3.0.4\nwebhooks: {}", "'webhooks'"),
    ("structure", "minimum: 1450", "exclusiveMinimum: 1450", "true or false"),
    ("impossible", "minimum: 1450, maximum: 2100", "minimum: 3, exclusiveMinimum: true, maximum: 3", "nothing below"),
    ("reference-siblings", "items: {$ref: '#/components/schemas/Book'}}\n              ex",
     "items: {$ref: '#/components/schemas/Book', maxLength: 3}}\n              ex", "ignored"),
]  # fmt: skip
