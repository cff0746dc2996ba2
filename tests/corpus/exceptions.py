"""What the loop's judges say against the mock and is not the mock's fault, each with its reason."""

from __future__ import annotations

import re

from harness.contract.model import Operation
from harness.findings import Finding
from tests.corpus.exchanges import Exchange

CONTRADICTORY = {
    ("openapi/openehr/system.yaml", "options", "Allow header mismatch"): (
        "the example of its Allow names methods that the path does not have"
    ),
}
"""Findings on documents that contradict themselves."""

UNTOLD = {
    "excluded by filters": "the few operations that CI tries are not linked",
    "Invalid expression: $response.path#/code": "FAPI-PAR: an answer has no path to take a code from",
    "AST constructor recursion depth": "CPython 3.11 miscounts its stack (gh-106905)",
    "return character(s) in header value: 'a4t2|": "the same example, when it is sent",
    "use-context": "booking and referral: the example of this header ends in a line feed, as no header can",
}
"""What Schemathesis cannot tell, by what it says, and why."""

BY_EVENTS = {
    ("contracts/scheduling/openapi.yaml", "markNoShow"): "coverage's answer books what nobody came to",
}
"""Operations that succeed when an event has come, which no mock without Kafka hears: see
``tests/e2e/test_verify.py``."""

ENDLESS = "not everything was tried within"
"""What is said of models that hold themselves in many ways (openEHR's compositions and parties): Schemathesis
writes down all boundary values of a body before it sends the first, and was not done after 15 minutes. Each
of these operations gets its success, which we prepare, and what can be tried in two minutes."""

TOO_LARGE = {"openapi/openehr/demographic.yaml": "Schemathesis takes minutes to begin with its models"}
"""Documents that CI leaves out, and why."""

LARGE = ("openapi/openehr/ehr.yaml", "openapi/openehr/demographic.yaml")


def takes_long(name: str, operation: Operation) -> bool:
    """Whether Schemathesis needs tens of seconds for the bodies of one operation, so that CI leaves it out:
    models that hold themselves in many ways, and bundles of everything."""
    return operation.body is not None and (name in LARGE or operation.id == "processMessage")


def beyond(exchange: Exchange) -> bool:
    """Whether openapi-core does not read an exchange: it holds an XML element itself to the schema, takes
    whatever text of a form for a true boolean, and looks into no bytes that are no text."""
    sent = exchange["headers"].get("content-type", "")
    received = exchange["response_headers"].get("content-type", "")
    refused = "form" in sent and exchange["status"] >= 400
    garbage = "\ufffd" in exchange["body"] or "\ufffd" in exchange["response_body"]
    return "xml" in sent or "xml" in received or refused or garbage


def excepted(name: str, finding: Finding, operation: Operation | None) -> bool:
    """Whether a finding of Schemathesis' is known to say nothing against the mock."""
    return (
        by_problem_details(finding)
        or nothing_but_refusals(finding, operation)
        or without_types(finding)
        or undocumented_header(finding)
        or shared_path(finding)
        or encoded_twice(finding)
        or (name, finding.operation, finding.title) in CONTRADICTORY
    )


def by_problem_details(finding: Finding) -> bool:
    """Where a contract documents no answer to what is refused, problem details are the answer."""
    refused = finding.received.startswith("4") and '"about:blank"' in finding.received
    return finding.title == "Undocumented status code" and refused


def nothing_but_refusals(finding: Finding, operation: Operation | None) -> bool:
    """A contract that documents no success of an operation is answered with what it does document."""
    return (
        finding.title == "Schema-valid request rejected" and operation is not None and not operation.successes
    )


def without_types(finding: Finding) -> bool:
    """A form and XML know neither empty lists nor types: what Schemathesis made of a list is not there, or is
    one text, which is a list of one."""
    if not re.search(
        r"Content-Type: (application|text)/(x-www-form-urlencoded|([\w.-]+\+)?xml)", finding.reproduce
    ):
        return False
    lost = finding.title == "Schema-valid request rejected" and "is missing" in finding.received
    alike = "ncorrect type" in finding.documented or "incorrect type" in finding.documented
    return lost or (finding.title == "Schema-violating request accepted" and alike)


def undocumented_header(finding: Finding) -> bool:
    """A header that no contract names may always be sent (RFC 9110, 5.1)."""
    return (
        finding.title == "Schema-violating request accepted"
        and "unexpected properties" in finding.documented
        and "in header" in finding.documented
    )


def shared_path(finding: Finding) -> bool:
    """``POST /pet/findByStatus`` where only ``/pet/{petId}`` takes POST: Schemathesis wants 405, openapi-core
    finds the templated path, as we do (OpenAPI says which path is preferred, not what of its methods)."""
    wrong = finding.title == "Wrong response to undeclared method" and finding.received.startswith("400")
    return wrong or (finding.title == "Allow header mismatch" and finding.received.startswith("204"))


def encoded_twice(finding: Finding) -> bool:
    """A parameter with ``content: application/json``: Schemathesis' coverage phase encodes what is encoded
    already, and sends the text ``"{}"`` for an empty object."""
    rejected = (
        finding.title == "Schema-valid request rejected" and "must be of type object" in finding.received
    )
    return rejected and "=%22%7B%7D%22" in finding.reproduce
