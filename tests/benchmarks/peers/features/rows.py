"""What the README says each tool can do: a cell is tried by an attempt, or cited.

A cell without a source is what the row's attempt must find on that tool; for WireMock, whose stubs are
written by hand, "by hand" stands for "yes". A source is the tool's own documentation, for us a test.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

TOOLS = ("Portal", "Prism", "WireMock", "Microcks", "Specmatic")
BY_HAND = "by hand"

_PRISM_DOCS = "https://github.com/stoplightio/prism/blob/master/docs/"
_PRISM = f"{_PRISM_DOCS}guides/"
_WIREMOCK = "https://wiremock.org/docs/"
_MICROCKS = "https://microcks.io/documentation/"
_SPECMATIC = "https://docs.specmatic.io/"
_OURS = "tests/unit/mocks/"

_PRISM_MOCKING = f"{_PRISM}01-mocking.md"
_STUBS = f"{_WIREMOCK}stubbing/"
_MICROCKS_ASYNC = f"{_MICROCKS}references/artifacts/asyncapi-conventions/"
_MICROCKS_DEMO = "https://github.com/microcks/microcks-quarkus-demo/blob/main/step-5-write-async-tests.md"
_SPECMATIC_MOCK = f"{_SPECMATIC}references/configuration/mock-configuration"
_SPECMATIC_ASYNC = f"{_SPECMATIC}supported_protocols/asyncapi"
_SPECMATIC_STATE = f"{_SPECMATIC}documentation/virtual_service.html"


@dataclass(frozen=True)
class Cell:
    """``source`` is a link, or empty if an attempt tries it."""

    says: str
    source: str = ""


@dataclass(frozen=True)
class Row:
    """``attempt`` names what tries it; none where every cell is cited."""

    group: str
    feature: str
    cells: Mapping[str, Cell]
    attempt: str = ""


_Told = str | tuple[str, str]


def _row(group: str, feature: str, attempt: str, *told: _Told) -> Row:
    """Cells in the order of ``TOOLS``: what was tried as a text, what is cited with its source."""
    cells = [Cell(each) if isinstance(each, str) else Cell(*each) for each in told]
    return Row(group, feature, dict(zip(TOOLS, cells, strict=True)), attempt)


_CHECKS = "checks a request"
_BEHAVES = "behaves as the service will"
_ANSWERS = "chooses an answer"
_EVENTS = "events"
_FAULTS = "faults on demand"
_SHOWS = "shows what happened"
_USE = "use"

_MATCHED = (BY_HAND, f"{_WIREMOCK}request-matching/")
_SCENARIOS = (BY_HAND, f"{_WIREMOCK}stateful-behaviour/")
_NO_KAFKA = ("no", _PRISM_MOCKING), ("no", _WIREMOCK)
_NO_WIREMOCK = ("no", _STUBS)

ROWS = (
    _row(_CHECKS, "query parameters", "query", "yes", "yes", _MATCHED, "no", "yes"),
    _row(_CHECKS, "the body", "body", "yes", "yes", BY_HAND, "yes", "yes"),
    _row(_CHECKS, "`unevaluatedProperties` in the body", "unknown", "yes", "no", BY_HAND, "no", "yes"),
    _row(_CHECKS, "credentials", "security", "token and scope", "that there is one", _MATCHED, "no", "no"),
    _row(
        _CHECKS,
        "a refusal is what the contract documents",
        "own_words",
        "yes",
        "an example of it",
        (BY_HAND, _STUBS),
        "no",
        "no",
    ),
    _row(
        _CHECKS,
        "names every violation at once",
        "all_at_once",
        "yes",
        "yes",
        ("the difference to the nearest stub", f"{_WIREMOCK}verifying/"),
        "no",
        "yes",
    ),
    _row(
        _BEHAVES,
        "what was POSTed can be read",
        "remembers",
        "yes",
        "no",
        _SCENARIOS,
        "no",
        ("no; its virtual-service does", _SPECMATIC_STATE),
    ),
    _row(_BEHAVES, "pages and filters", "pages", "yes", "no", _SCENARIOS, "no", "no"),
    _row(_BEHAVES, "an illegal transition is a 409", "illegal", "yes", "no", _SCENARIOS, "no", "no"),
    _row(_BEHAVES, "a stale `If-Match` is a 412", "stale", "yes", "no", _SCENARIOS, "no", "no"),
    _row(_BEHAVES, "`Idempotency-Key`", "idempotent", "yes", "no", _SCENARIOS, "no", "no"),
    _row(_BEHAVES, "tests that run at once do not meet", "isolated", "yes", "no", _MATCHED, "no", "no"),
    _row(
        _BEHAVES,
        "state by scripts of one's own",
        "",
        ("no", "contracts/README.md"),
        ("no", _PRISM_MOCKING),
        ("extensions in Java", f"{_WIREMOCK}extending-wiremock/"),
        ("scripts", f"{_MICROCKS}guides/usage/stateful-mocks/"),
        ("hooks", f"{_SPECMATIC}features"),
    ),
    _row(
        _ANSWERS,
        "the example that fits the request",
        "example_by_request",
        "yes",
        "no",
        _MATCHED,
        "yes",
        "yes",
    ),
    _row(_ANSWERS, "`Prefer: code=404`", "preferred", "yes", "yes", _MATCHED, "no", "no"),
    _row(
        _ANSWERS,
        "`Prefer: dynamic=true`: generated, valid, the same for the same seed",
        "generated",
        "yes",
        "yes",
        ("templates", f"{_WIREMOCK}response-templating/"),
        "no",
        "no",
    ),
    _row(
        _ANSWERS,
        "stubs without a contract",
        "",
        ("no", "README.md"),
        ("no", _PRISM_MOCKING),
        ("yes", _STUBS),
        ("from collections and recordings", f"{_MICROCKS}references/artifacts/postman-conventions/"),
        ("no", _SPECMATIC_MOCK),
    ),
    _row(
        _EVENTS,
        "AsyncAPI",
        "",
        ("2.x, 3.x", f"{_OURS}test_asyncapi_alone.py"),
        *_NO_KAFKA,
        ("2.x, 3.0", _MICROCKS_ASYNC),
        ("yes, commercial", _SPECMATIC_ASYNC),
    ),
    _row(
        _EVENTS,
        "an HTTP call publishes what it causes to Kafka",
        "",
        ("yes", f"{_OURS}test_events.py"),
        ("callbacks over HTTP", f"{_PRISM}callbacks.md"),
        ("webhooks by hand", f"{_WIREMOCK}webhooks-and-callbacks/"),
        ("examples, on a schedule", _MICROCKS_ASYNC),
        ("not documented", _SPECMATIC_ASYNC),
    ),
    _row(
        _EVENTS,
        "messages received are validated, bad ones dead-lettered",
        "",
        ("yes", f"{_OURS}test_messages.py"),
        *_NO_KAFKA,
        ("validated in its tests", f"{_MICROCKS}references/test-endpoints/"),
        ("validated", _SPECMATIC_ASYNC),
    ),
    _row(
        _EVENTS,
        "checks which HTTP call causes which event",
        "",
        ("on mock and provider", "harness/checks/"),
        *_NO_KAFKA,
        (BY_HAND, _MICROCKS_DEMO),
        ("on a provider, by overlays", f"{_SPECMATIC}features/testing_event_flows-and_behaviors.html"),
    ),
    _row(
        _EVENTS,
        "other brokers than Kafka",
        "",
        ("no", "harness/kafka/"),
        *_NO_KAFKA,
        ("MQTT, AMQP, NATS, SQS, …", _MICROCKS_ASYNC),
        ("SQS, SNS, Pub/Sub, JMS, …", f"{_SPECMATIC}supported_protocols/asyncapi.html"),
    ),
    _row(
        _FAULTS,
        "latency",
        "",
        ("yes", f"{_OURS}test_faults_http.py"),
        ("no", _PRISM_MOCKING),
        ("yes", f"{_WIREMOCK}simulating-faults/"),
        ("yes", f"{_MICROCKS}guides/usage/delays/"),
        ("yes", _SPECMATIC_MOCK),
    ),
    _row(
        _FAULTS,
        "connections reset, empty and broken answers",
        "",
        ("yes", f"{_OURS}test_faults_http.py"),
        ("no", _PRISM_MOCKING),
        ("yes", f"{_WIREMOCK}simulating-faults/"),
        ("no", f"{_MICROCKS}guides/usage/"),
        ("no", _SPECMATIC_MOCK),
    ),
    _row(
        _FAULTS,
        "answers that break the schema",
        "",
        ("yes", f"{_OURS}test_faults_http.py"),
        ("no", _PRISM_MOCKING),
        (BY_HAND, _STUBS),
        ("examples that do", f"{_MICROCKS}references/artifacts/openapi-conventions/"),
        ("no", _SPECMATIC_MOCK),
    ),
    _row(
        _FAULTS,
        "events lost, late, doubled, out of order",
        "",
        ("yes", f"{_OURS}test_faults_events.py"),
        *_NO_KAFKA,
        ("no", _MICROCKS_ASYNC),
        ("no", _SPECMATIC_ASYNC),
    ),
    _row(
        _SHOWS,
        "a journal that can be asked, counts, near misses",
        "",
        ("yes", f"{_OURS}test_verifying.py"),
        ("a log", _PRISM_MOCKING),
        ("yes", f"{_WIREMOCK}verifying/"),
        ("counts", f"{_MICROCKS}references/apis/open-api/"),
        ("a log", _SPECMATIC_MOCK),
    ),
    _row(
        _SHOWS,
        "a proxy that reports drift from the contract",
        "",
        ("yes", f"{_OURS}test_proxy.py"),
        ("yes", f"{_PRISM}03-validation-proxy.md"),
        ("a proxy, no contract", f"{_WIREMOCK}proxying/"),
        ("a proxy; drift by its tests", f"{_MICROCKS}explanations/conformance-testing/"),
        ("drift by its tests", f"{_SPECMATIC}documentation/"),
    ),
    _row(
        _SHOWS,
        "records examples, what is marked private replaced",
        "",
        ("yes", f"{_OURS}test_recording_pairs.py"),
        ("no", f"{_PRISM}03-validation-proxy.md"),
        ("records as it is", f"{_WIREMOCK}record-playback/"),
        ("reads recordings (HAR)", f"{_MICROCKS}references/artifacts/har-conventions/"),
        ("records as it is", f"{_SPECMATIC}documentation/"),
    ),
    _row(
        _USE,
        "in process, in a test of",
        "",
        ("Python", f"{_OURS}test_pytest_plugin.py"),
        ("none", _PRISM_MOCKING),
        ("Java", f"{_WIREMOCK}junit-jupiter/"),
        ("none; containers", f"{_MICROCKS}references/testcontainers-modules/"),
        ("Java", f"{_SPECMATIC}getting_started.html"),
    ),
    _row(
        _USE,
        "an edited contract is served at once",
        "reloaded",
        "yes",
        "by a restart",
        _NO_WIREMOCK,
        ("by an import", f"{_MICROCKS}guides/usage/importing-content/"),
        "by a restart",
    ),
    _row(_USE, "reads OpenAPI 3.1", "served", "yes", "yes", _NO_WIREMOCK, "yes", "yes"),
    _row(
        _USE,
        "gRPC, GraphQL, SOAP",
        "",
        ("no", "README.md"),
        ("no", _PRISM_MOCKING),
        ("gRPC, GraphQL by extensions", f"{_WIREMOCK}grpc/"),
        ("all three", f"{_MICROCKS}references/artifacts/"),
        ("all three, some commercial", f"{_SPECMATIC}supported_protocols"),
    ),
    _row(
        _USE,
        "a page to look at it",
        "",
        ("reports only", "harness/reports/"),
        ("no", _PRISM_MOCKING),
        ("in its cloud", f"{_WIREMOCK}"),
        ("yes", f"{_MICROCKS}guides/usage/"),
        ("yes", f"{_SPECMATIC}getting_started.html"),
    ),
    _row(
        _USE,
        "needs",
        "",
        ("Python", "pyproject.toml"),
        ("Node", f"{_PRISM_DOCS}getting-started/01-installation.md"),
        ("Java or a container", f"{_WIREMOCK}standalone/java-jar/"),
        ("containers, MongoDB", f"{_MICROCKS}guides/installation/"),
        ("Java or a container", f"{_SPECMATIC}getting_started.html"),
    ),
)
