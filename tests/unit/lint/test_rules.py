"""Every rule: silent on the clean system, and heard when one thing in it is changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.contract import load_system
from harness.findings import Finding
from harness.lint import lint


def findings(folder: Path) -> list[Finding]:
    return list(lint(load_system(folder)))


def changed(folder: Path, file: str, written: str, instead: str) -> tuple[list[Finding], Path, str]:
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert written in text, "the test changes nothing"
    text = text.replace(written, instead, 1)
    path.write_text(text, encoding="utf-8")
    return findings(folder), path, text


def test_a_clean_system_is_silent(folder: Path) -> None:
    assert findings(folder) == []


HTTP, KAFKA, BILLS = "visits/openapi.yaml", "visits/asyncapi.yaml", "bills/asyncapi.yaml"

CASES = [
    # rule, file, what is written, instead, title, documented
    ("structure", HTTP, "complaint: {type: string", "complaint: {type: strnig", "does not know", "'string'"),
    ("example", HTTP, "example: 10", "example: ten", "breaks its schema", "allows"),
    ("example", HTTP, "example: [{id: v-1, ", "example: [{", "breaks its schema", "allows"),
    ("example", HTTP, "first: {value: {state: open", "first: {value: {state: begun", "'first' breaks",
     "allows"),
    ("example", HTTP, "example: '\"1\"'", "example: 1", "breaks its schema", "allows"),
    ("example", KAFKA, "count: 1}", "count: one}", "'one' breaks its schema", "allows"),
    ("example", KAFKA, "ce_correlationid: c-1", "ce_correlationid: 7", "'one' breaks its schema", "allows"),
    ("example", HTTP, "default: 20", "default: 0", "own default breaks it", "a default that"),
    ("example", HTTP, "[{id: v-2, state: closed", "[{id: v-2, state: shut", "own example breaks it",
     "allows"),
    ("operation-id", HTTP, "      operationId: closeVisit\n", "", "has no operationId", "an operationId"),
    ("operation-id", HTTP, "      operationId: closeVisit", "      operationId: openVisit",
     "'openVisit' is taken", "own"),
    ("operation-id", HTTP, "      operationId: closeVisit", "      operationId: paid", "'paid' is taken",
     "own"),
    ("path-parameter", HTTP, "/visits/{visitId}:", "/visits/{visit}:", "'visit' is not declared",
     "'visitId'"),
    ("path-parameter", HTTP, "/visits/{visitId}:", "/visits/one:", "has no '{visitId}'", "in the path"),
    ("security", HTTP, "[{portal: [visits.write]}]", "[{portals: []}]", "'portals' is not defined",
     "'portal'"),
    ("security", HTTP, "[{portal: [visits.write]}]", "[{portal: [visit.write]}]", "scope", "'visits.write'"),
    ("word", HTTP, "  /visits:\n", "  /visits:\n    x-requires: []\n", "means nothing here", "an HTTP"),
    ("word", KAFKA, "channel: {$ref: '#/channels/visit'}}",
     "channel: {$ref: '#/channels/visit'}, x-retry: {}}",
     "'x-retry' means nothing here", "a receive operation"),
    ("emits", HTTP, "operation: visitSeen", "operation: visitSen", "is no send operation", "'visitSeen'"),
    ("emits", HTTP, "\"on\": ['201']", "\"on\": ['202']", "never answers 202", "201"),
    ("lifecycle", HTTP, "emits: visitChanged", "emits: paid", "'paid' is no send operation",
     "send operation"),
    ("lifecycle", HTTP, "property: state", "property: stat", "has no property 'stat'", "'state'"),
    ("lifecycle", HTTP, "{to: open, by", "{to: opened, by", "'opened' is no state", "'open'"),
    ("lifecycle", HTTP, "states: {waiting:", "states: {wait:", "'wait' is no state", "'waiting'"),
    ("lifecycle", HTTP, "by: closeVisit}", "by: closVisit}", "'closVisit' is no operation", "'closeVisit'"),
    ("lifecycle", HTTP, "{after: P1D}", "{after: P1D, of: Bill}, id: $response.body#/id",
     "Bill has no transition", "a lifecycle"),
    ("lifecycle", HTTP, "{after: P1D}", "{at: patientId}", "has no moment 'patientId'", "date-time"),
    ("lifecycle", HTTP, "{after: P1D}", "{at: endsAt}", "has no moment 'endsAt'", "date-time"),
    ("lifecycle", HTTP, "by: closeVisit}", "by: closeVisit, each: {patientId: $request.path.visitId}}",
     "'closeVisit' is a request", "a receive operation"),
    ("lifecycle", HTTP, "by: closeVisit}", "by: paid, each: {patentId: $message.payload#/visitId}}",
     "has no property 'patentId'", "'patientId'"),
    ("expression", HTTP, "by: closeVisit}", "by: paid, each: {patientId: $message.payload#/vsitId}}",
     "a transition's each names what is not there", "'visitId'"),
    ("requires", HTTP, "x-requires: []", "x-requires: [bill]", "no service or topic 'bill'", "'bills'"),
    ("dead-letter", KAFKA, "x-dead-letter: dead", "x-dead-letter: deed", "no channel 'deed'", "'dead'"),
    ("expression", HTTP, "$request.path.patientId", "$request.path", "x-subject is malformed", "a name"),
    ("expression", HTTP, "$request.path.patientId", "$request.path.patient", "not there", "'patientId'"),
    ("expression", HTTP, "$request.body#/patientId", "$request.body#/patient", "not there", "'patientId'"),
    ("expression", HTTP, "$request.body#/patientId", "$message.payload#/id", "not there",
     "an HTTP operation"),
    ("expression", HTTP, "key: $response.body#/id", "key: $response.header.Etags", "not there", "'etag'"),
    ("expression", HTTP, "state == 'open'\"", "state = 'open'\"", "when is malformed", "=="),
    ("expression", HTTP, "#/state == 'open'\"", "#/stat == 'open'\"", "not there", "'state'"),
    ("expression", HTTP, "$message.payload#/visitId", "$message.payload#/vsitId", "not there", "'visitId'"),
    ("expression", HTTP, "when: $message.payload#/ok", "when: $response.body#/ok", "not there", "a message"),
    ("expression", HTTP, "#/patientId != null", "#/patent != null", "not there", "'patientId'"),
    ("expression", HTTP, "visitId: $response.body#/id", "visitId: $response.boody#/id", "malformed", "body"),
    ("expression", KAFKA, "actor: $message.payload#/visitId", "actor: $message.payload#/by", "not there",
     "visitId"),
    ("expression", KAFKA, "begins: $message.payload#/ok", "begins: ok ==", "begins is malformed", ""),
    ("word", KAFKA, "channel: {$ref: '#/channels/visit'}}",
     "channel: {$ref: '#/channels/visit'}, x-relation: {}}", "'x-relation' means nothing here", "a receive"),
    ("word", KAFKA, "x-retry: {attempts: 2}", "x-records: accesses", "'x-records' means nothing here",
     "a send"),
    ("link", HTTP, "{operationId: closeVisit,", "{operationId: closeVist,", "no operation", "'closeVisit'"),
    ("link", HTTP, "{visitId: $response", "{visit: $response", "does not have", "'visitId'"),
    ("topic-owner", KAFKA, "Seen: {action: send, channel: {$ref: '#/channels/visit'}}",
     "Seen: {action: send, channel: {$ref: '#/channels/bill'}}", "has two owners", "one service"),
    ("phi", KAFKA, "patientId: {type: string}", "patientId: {type: string, x-phi: true}", "carries", "ids"),
    ("phi", KAFKA, "{kafka: {key: {type: string}}}", "{kafka: {key: {x-phi: true}}}", "the key of", "ids"),
    ("phi", KAFKA, "count: {type: integer}", "complaint: {type: string}", "'complaint'", "ids"),
    ("phi", HTTP, "{name: limit, in: query", "{name: complaint, in: query", "query parameter", "opaque ids"),
    ("phi", HTTP, "schema: {type: integer, minimum", "schema: {x-phi: true, minimum", "query parameter",
     "opaque"),
    ("access", HTTP, "      x-subject: $request.body#/patientId\n", "", "whose data it touches", "x-subject"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "file", "written", "instead", "title", "documented"), CASES)
def test_a_mistake_is_found_where_it_stands(
    folder: Path, rule: str, file: str, written: str, instead: str, title: str, documented: str
) -> None:
    found, path, text = changed(folder, file, written, instead)
    mine = [each for each in found if each.check == f"lint/{rule}" and title in each.title]
    assert mine, found
    for each in mine:
        assert each.severity == "error"
        assert documented in each.documented
        assert each.received
        assert each.where.file == str(path)
        assert 1 <= each.where.line <= text.count("\n") + 1


WARNINGS = [
    ("expression", KAFKA, "header#/ce_correlationid", "header#/ce_correlation", "not there"),
    ("link", HTTP, ", parameters: {visitId: $response.body#/id}", "", "does not say 'visitId'"),
    ("topic", BILLS, "  visitChanged: {action: receive", "  visitSent: {action: send", "nobody listens to"),
    ("topic", BILLS, "  billed: {action: send, channel: {$ref: '#/channels/bill'}}\n", "", "nobody sends on"),
    ("access", HTTP, "      x-access: {staff: any}\n", "", "does not say who may call it"),
]


@pytest.mark.parametrize(("rule", "file", "written", "instead", "title"), WARNINGS)
def test_what_may_be_intended_is_a_warning(
    folder: Path, rule: str, file: str, written: str, instead: str, title: str
) -> None:
    found, _, _ = changed(folder, file, written, instead)
    mine = [each for each in found if each.check == f"lint/{rule}" and title in each.title]
    assert [each.severity for each in mine] == ["warning"] * len(mine) and mine


def test_paths_that_a_router_cannot_tell_apart(folder: Path) -> None:
    more = """\
  /visits/{id}:
    delete:
      operationId: removeVisit
      x-access: {staff: any}
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses: {'204': {description: gone}}
components:
"""
    found, _, _ = changed(folder, HTTP, "components:\n", more)
    assert [(each.check, each.operation) for each in found] == [("lint/same-path", "/visits/{id}")]


def test_a_topic_that_its_owner_receives_may_be_fed_by_many(folder: Path) -> None:
    """Both send on the visits' own topic: that is a conflict, unless visits is who receives from them."""
    fed = "{action: %s, channel: {$ref: '#/channels/visit'}}"
    found, _, _ = changed(folder, BILLS, fed % "receive", fed % "send")
    assert "lint/topic-owner" in {each.check for each in found}
    found, _, _ = changed(folder, KAFKA, f"visitSeen: {fed % 'send'}", f"visitSeen: {fed % 'receive'}")
    assert "lint/topic-owner" not in {each.check for each in found}


def test_the_place_is_the_line_of_the_mistake(folder: Path) -> None:
    found, _, text = changed(folder, HTTP, "{to: open, by", "{to: opened, by")
    (mine,) = found
    assert "{to: opened, by" in text.splitlines()[mine.where.line - 1]


def test_an_example_in_another_format_is_left_alone(folder: Path) -> None:
    found, _, _ = changed(
        folder,
        HTTP,
        "examples: {first:",
        "examples: {first: {value: {state: open, patientId: p-1}}}\n"
        "          text/xml:\n"
        "            schema: {$ref: '#/components/schemas/Visit'}\n"
        "            examples: {xml: {value: <visit/>}, second:",
    )
    assert found == []


def test_contracts_that_use_no_words_are_told_once(folder: Path) -> None:
    text = "\n".join(line for line in (folder / HTTP).read_text().splitlines() if "x-access" not in line)
    text = "\n".join(line for line in text.splitlines() if "x-subject" not in line)
    (folder / HTTP).write_text(text + "\n")
    assert [(each.check, each.severity) for each in findings(folder)] == [("lint/access", "warning")]


def test_one_service_alone_is_not_blamed_for_the_others(folder: Path) -> None:
    assert list(lint(load_system(folder / "visits"))) == []


def test_findings_never_hold_an_examples_value(folder: Path) -> None:
    found, _, _ = changed(folder, HTTP, "example: 10", "example: SECRET")
    assert found and all("SECRET" not in repr(each) for each in found)
