"""What cannot be read is one paragraph with place, found, expected and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.contract import load, load_system
from harness.errors import ContractError
from tests.unit.contract.conftest import OPENAPI, Write


def refused(path: Path) -> ContractError:
    with pytest.raises(ContractError) as caught:
        load(path)
    return caught.value


def line_of(text: str, needle: str) -> int:
    return text[: text.index(needle)].count("\n") + 1


@pytest.mark.parametrize(
    ("written", "instead", "at", "says"),
    [
        ("    post:", "   post:", "   post:", "not valid YAML"),
        ("operationId: openTicket", "operationId: 'open", "operationId: 'open", "not valid YAML"),
        ("schemas/Page'", "schemas/Pag'", "schemas/Pag'", "Did you mean 'Page'?"),
        ("x-emits:", "x-emit:", "x-emit:", "Did you mean 'x-emits'?"),
        ("x-subject:", "x-subjects:", "x-subjects:", "Did you mean 'x-subject'?"),
        ("x-lifecycle:", "x-life-cycle:", "x-life-cycle:", "Did you mean 'x-lifecycle'?"),
        ("staff: any}", "stuff: any}", "stuff: any}", "Did you mean 'staff'?"),
        ("patient: own", "patient: owned", "patient: owned", "own or any"),
        ("within: PT0.5S", "withing: PT0.5S", "withing: PT0.5S", "Did you mean 'within'?"),
        ("within: PT0.5S", "within: 5s", "within: 5s", "ISO 8601 duration such as PT10M"),
        ("{after: P7D}", "{after: P1M}", "{after: P1M}", "ISO 8601 duration"),
        ("{after: P7D}", "{after: P7D, at: endsAt}", "{after: P7D, at: endsAt}", "or {at: property}"),
        ("{after: P7D}", "{at: endsAt, of: Ticket}", "{at: endsAt, of: Ticket}", "or {at: property}"),
        ("{after: P7D}}", "mailAnswered, each: {a: $x, b: $y}}", "{a: $x, b: $y}", "{property: expression}"),
        ("{after: P7D}}", "{after: P7D}, each: {a: $x}}", "each: {a: $x}}", "and no 'id'"),
        ("{to: open, by: openTicket}", "{to: open, by: b, each: {a: $x}}", "each: {a: $x}}", "'from' and"),
        ("on: ['201']", "on: ['created']", "on: ['created']", "statuses such as '201'"),
        ("{to: open, by: openTicket}", "{to: open}", "{to: open}", "'to' and 'by'"),
        ("openapi: 3.1.0", "openapi: 4.0.0", "openapi: 4.0.0", "3.0.x, 3.1.x or 3.2.x"),
        ("in: query", "in: url", "- {name: limit", "in: path, query, header, cookie"),
        (
            "'#/components/schemas/Page'",
            "'https://example.org/x.yaml'",
            "'https://example.org/x",
            "another machine",
        ),
        ("'#/components/schemas/Page'", "'pages.yaml#/Page'", "'pages.yaml", "cannot be read"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_remedy(
    write: Write, written: str, instead: str, at: str, says: str
) -> None:
    text = OPENAPI.replace(written, instead, 1)
    path = write("tickets/openapi.yaml", text)
    error = refused(path)
    named, _, line = error.where.rpartition(":")
    assert named == str(path)
    # A YAML parser may notice an unclosed quote or a lost indentation only further down.
    assert line == str(line_of(text, at)) or ("not valid YAML" in says and int(line) >= line_of(text, at))
    assert says in str(error)
    assert error.found and error.expected


@pytest.mark.parametrize(
    ("instead", "says"),
    [
        ("x-record: accesses", "Did you mean 'x-records'?"),
        ("x-records: access", "'x-records' is 'access'. Expected: accesses."),
        ("x-records: [accesses]", "Expected: accesses."),
    ],
)
def test_what_is_recorded_is_said_by_one_word(folder: Path, instead: str, says: str) -> None:
    path = folder / "tickets" / "asyncapi.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("x-records: accesses", instead), encoding="utf-8")
    error = refused(folder / "tickets")
    assert says in str(error)
    assert error.where == f"{path}:{line_of(text, 'x-records')}"


def test_a_duplicate_key_names_both_places(write: Write) -> None:
    path = write("openapi.yaml", "openapi: 3.1.0\ninfo: {}\npaths: {}\ninfo: {}\n")
    error = refused(path)
    assert error.where == f"{path}:4"
    assert "'info' is written twice in one mapping: here and in line 2" in error.found


def test_integer_and_text_status_are_the_same_key(write: Write) -> None:
    path = write("openapi.yaml", "a:\n  200: x\n  '200': y\n")
    assert "'200' is written twice" in refused(path).found


def test_references_in_a_circle_are_refused(write: Write) -> None:
    path = write(
        "openapi.yaml",
        """\
        openapi: 3.1.0
        info: {title: t, version: '1'}
        paths: {/a: {$ref: '#/paths/~1b'}, /b: {$ref: '#/paths/~1a'}}
        """,
    )
    assert "leads in a circle" in refused(path).found


def test_references_through_one_another_in_a_circle_are_refused(write: Write) -> None:
    path = write(
        "openapi.yaml",
        "openapi: 3.1.0\ncomponents: {schemas: {a: {$ref: '#/components/schemas/b/x'}, "
        "b: {$ref: '#/components/schemas/a/y'}}}\n",
    )
    assert "leads nowhere" in refused(path).found


def test_a_dangling_reference_in_a_file_that_is_referred_to_names_that_file(write: Write) -> None:
    shared = write("shared/http.yaml", "problem:\n  description: x\n  headers: {A: {$ref: '#/heders/A'}}\n")
    path = write(
        "tickets/openapi.yaml",
        """\
        openapi: 3.1.0
        info: {title: t, version: '1'}
        paths: {/a: {get: {responses: {'400': {$ref: '../shared/http.yaml#/problem'}}}}}
        """,
    )
    error = refused(path)
    assert error.where == f"{shared}:3"
    assert "'#/heders/A' leads nowhere" in error.found


def test_data_that_looks_like_words_is_left_alone(write: Write) -> None:
    path = write(
        "openapi.yaml",
        """\
        openapi: 3.1.0
        info: {title: t, version: '1'}
        paths:
          /a:
            post:
              operationId: a
              requestBody:
                content:
                  application/json:
                    example: {$ref: '#/nowhere', x-emit: 1}
                    schema:
                      properties: {x-emit: {type: string}, $ref: {type: string}, example: {type: string}}
                      const: {$ref: '#/nowhere'}
              responses: {'200': {description: x, headers: {X-Subjects: {schema: {type: string}}}}}
        """,
    )
    assert load(path).operations["a"].body is not None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: &a [*a]", "inside what it stands for"),
        ("[" * 300, "nested deeper than 100"),
        ("a: 1\n---\nb: 2\n", "second YAML document"),
        ("a: !python/object:os.system x", "means nothing in a contract"),
        ("- 1\n- 2\n", "a mapping"),
        ("", "a mapping"),
        ("title: x\n", "'openapi:' or 'asyncapi:'"),
    ],
)
def test_what_no_contract_needs_is_refused(write: Write, text: str, says: str) -> None:
    assert says in str(refused(write("openapi.yaml", text)))


def test_aliases_that_multiply_are_refused(write: Write) -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert "its aliases expanded" in refused(write("openapi.yaml", "\n".join(rows))).found


def test_bytes_that_are_no_text_are_refused_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "openapi.yaml"
    path.write_bytes(b"openapi: 3.1.0\ninfo: {title: \xff}\n")
    error = refused(path)
    assert (error.where, error.found) == (f"{path}:2", "this is not valid UTF-8")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"a": 1,}', "a name in double quotes"),
        ('{"a": 1', "',' or '}'"),
        ('{"a": nan}', "a JSON value"),
        ("{} {}", "the end of the document"),
    ],
)
def test_json_is_read_strictly(write: Write, text: str, says: str) -> None:
    error = refused(write("openapi.json", text))
    assert "not valid JSON" in error.found and says in error.expected


def test_a_missing_path_names_its_neighbour(folder: Path) -> None:
    assert "Did you mean 'tickets'?" in str(refused(folder / "ticket"))
    with pytest.raises(ContractError, match=r"Did you mean 'contracts'\?"):
        load_system(folder.parent / "contract")


def test_a_folder_without_contracts_says_what_belongs_there(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"openapi\.yaml or asyncapi\.yaml"):
        load_system(tmp_path)


def test_a_message_that_its_channel_does_not_list_is_refused(folder: Path, write: Write) -> None:
    text = (folder / "tickets/asyncapi.yaml").read_text()
    operation = "{action: send, channel: {$ref: '#/channels/ticket'}, x-records: accesses}"
    listed = "messages: [{$ref: '#/channels/mail/messages/answered'}]"  # through the channel's own $ref
    other = operation.replace("x-records: accesses", listed)
    write("contracts/tickets/asyncapi.yaml", text.replace(operation, other))
    assert "its channel 'ticket' does not list" in refused(folder / "tickets").found
