"""What OpenAPI demands of parameters, headers, media types, encodings and XML, version by version."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.lint.api import findings

Q, J = (
    "{name: q, in: querystring, content: {application/json: {schema: {}}}}",
    "{name: j, in: query, schema: {}}",
)
TYPED = "application/json: {schema: {}}"

PARAMETERS = [
    # versions, a parameter, what is said of it; nothing for one that is right
    (
        "3.1 3.2",
        "{name: h, in: header, schema: {}, allowReserved: true}",
        "'allowReserved' means nothing on a header",
    ),
    (
        "3.1",
        "{name: p, in: path, required: true, schema: {}, allowReserved: true}",
        "'allowReserved' means nothing",
    ),
    ("3.2", "{name: p, in: path, required: true, schema: {}, allowReserved: true}", ""),
    (
        "3.1 3.2",
        "{name: c, in: cookie, schema: {}, allowEmptyValue: true}",
        "'allowEmptyValue' means nothing",
    ),
    ("3.2", "{name: c, in: cookie, schema: {}, allowReserved: true}", ""),
    (
        "3.2",
        "{name: c, in: cookie, style: cookie, schema: {}, allowReserved: true}",
        "'allowReserved' means nothing",
    ),
    ("3.0 3.1 3.2", "{name: q, in: query, schema: {}, allowReserved: true, allowEmptyValue: true}", ""),
    ("3.0 3.1 3.2", f"{{name: q, in: query, explode: true, content: {{{TYPED}}}}}", "'explode' says nothing"),
    ("3.0 3.1", f"{{name: q, in: query, example: 1, content: {{{TYPED}}}}}", "'example' says nothing"),
    ("3.2", f"{{name: q, in: query, example: 1, content: {{{TYPED}}}}}", ""),
    ("3.0 3.1 3.2", "{name: '{p}', in: path, required: true, schema: {}}", "no braces"),
    ("3.2", "{name: 'a[b]', in: header, schema: {}}", "no name of a header"),
    ("3.2", "{name: q, in: querystring, schema: {}}", "described by 'content'"),
]
REST = [
    (
        "3.1 3.2",
        "headers: {H: {schema: {}, allowReserved: true}}",
        "'allowReserved' means nothing on a header",
    ),
    (
        "3.1 3.2",
        "headers: {H: {schema: {}, allowEmptyValue: true}}",
        "'allowEmptyValue' means nothing on a header",
    ),
    ("3.0", "headers: {H: {schema: {}, allowReserved: true}}", ""),
    ("3.2", "responses: {R: {description: r, headers: {'a=b': {schema: {}}}}}", "no name of a header"),
    ("3.2", f"pathItems: {{P: {{parameters: [{Q}, {J}]}}}}", "the whole query"),
    ("3.2", f"pathItems: {{P: {{get: {{parameters: [{J}, {Q}]}}}}}}", "the whole query"),
    (
        "3.2",
        f"pathItems: {{P: {{get: {{parameters: [{Q}, {Q}]}}}}}}",
        "two parameters",
    ),
    ("3.2", "mediaTypes: {M: {encoding: {}, prefixEncoding: []}}", "exclude each other"),
    ("3.2", "mediaTypes: {M: {prefixEncoding: [{encoding: {}, itemEncoding: {}}]}}", "exclude each other"),
    ("3.2", "mediaTypes: {M: {description: what it is, prefixEncoding: [], itemEncoding: {}}}", ""),
    (
        "3.2",
        "schemas: {S: {type: string, xml: {attribute: true, nodeType: attribute}}}",
        "exclude each other",
    ),
    ("3.2", "schemas: {S: {type: array, xml: {wrapped: true, nodeType: element}}}", "exclude each other"),
]
CASES = [
    (version, components, said)
    for versions, components, said in [
        *((versions, f"parameters: {{X: {each}}}", said) for versions, each, said in PARAMETERS),
        *REST,
    ]
    for version in versions.split()
]


@pytest.mark.parametrize(("version", "components", "said"), CASES)
def test_what_describes_a_value_is_of_its_version(
    tmp_path: Path, version: str, components: str, said: str
) -> None:
    found = _structure(tmp_path, version, components)
    assert bool(found) == bool(said), found
    assert all(said in each for each in found)


def _structure(folder: Path, version: str, components: str) -> list[str]:
    head = f"openapi: {version}.0\ninfo: {{title: t, version: '1'}}\npaths: {{}}\n"
    found = findings(folder, f"{head}components: {{{components}}}\n")
    return [each.title for each in found if each.check == "lint/structure"]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("contact: {url: 'a b'}", "'url' is not a URI"),
        ("contact: {url: ../people}", ""),
        ("contact: {email: nobody}", "'email' is not an email address"),
        ("license: {name: MIT, url: 'https://example.org/{x}'}", "'url' is not a URI"),
    ],
)
def test_addresses_are_written_as_such(tmp_path: Path, written: str, said: str) -> None:
    text = f"openapi: 3.1.0\ninfo: {{title: t, version: '1', {written}}}\npaths: {{}}\n"
    titles = [each.title for each in findings(tmp_path, text) if each.check == "lint/structure"]
    assert len(titles) == bool(said)
    assert all(said in each for each in titles)


def test_every_edition_of_openapis_dialect_is_known(tmp_path: Path) -> None:
    for edition in ("3.1/dialect/base", "3.1/dialect/2024-11-10", "3.2/dialect/2031-01-01"):
        text = (
            "openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths: {}\n"
            f"jsonSchemaDialect: https://spec.openapis.org/oas/{edition}\n"
            "components: {schemas: {A: {type: strin}}}\n"
        )
        assert [each.check for each in findings(tmp_path, text) if each.severity == "error"] == [
            "lint/structure"
        ]
