"""The mocks in a consumer's own tests, as pytest runs them."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable
from importlib import metadata
from textwrap import dedent

import pytest

from mocks import pytest_plugin
from tests.conftest import ROOT

pytest_plugins = ("pytester",)

INSTALLED = bool(metadata.entry_points(group="pytest11", name="portal"))
LIBRARY = ROOT / "tests" / "unit" / "mocks" / "contracts" / "library"

ONCE = (
    "mocks.intercepting",
    "mocks.kafka_here",
    "jwt",
    "confluent_kafka.admin",
    "faker",
    "cryptography.hazmat.primitives.asymmetric.ec",
    "cryptography.hazmat.primitives.serialization",
)
"""What cannot be imported twice in one process, as pytester would have it."""

Run = Callable[[str], pytest.RunResult]


@pytest.fixture(scope="module", autouse=True)
def imported() -> None:
    for name in ONCE:
        importlib.import_module(name)


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    """Runs a consumer's test file, warnings being errors, as they are for us."""

    def run_file(source: str) -> pytest.RunResult:
        pytester.makepyfile(f"import httpx, pytest\nLIBRARY = {str(LIBRARY)!r}\n{dedent(source)}")
        plugin = () if INSTALLED else ("-p", "mocks.pytest_plugin")
        # Plain: what this process has imported already cannot be rewritten, which would be a warning.
        return pytester.runpytest_inprocess(
            "-W", "error", "--assert=plain", "-p", "no:cacheprovider", *plugin
        )

    return run_file


def examples() -> list[str]:
    """The examples of the plugin's documentation."""
    text = str(pytest_plugin.__doc__)
    return [dedent(found) for found in re.findall(r"::\n\n((?:    .*\n|\n)+)", text)]


def test_the_examples_of_the_documentation_run(run: Run) -> None:
    assert len(examples()) == 2
    run("\n".join(examples())).assert_outcomes(passed=2)


def test_synchronous_and_asynchronous_clients_are_answered(run: Run) -> None:
    run(
        """
        import asyncio

        def test_both(portal_mock):
            library = portal_mock(LIBRARY, base_url="https://library.example/v1")
            with httpx.Client(base_url=library.url) as client:
                assert client.get("/books/book-1").json()["title"] == "Emma"
                assert client.head("/books/book-1").content == b""

            async def ask():
                async with httpx.AsyncClient(base_url=library.url) as client:
                    return await asyncio.gather(*(client.get("/books/book-2") for _ in range(5)))

            assert {each.json()["id"] for each in asyncio.run(ask())} == {"book-2"}
            library.assert_called("getBook", times=7)
            assert sum(entry.operation == "getBook" for entry in library.journal) == 7
        """
    ).assert_outcomes(passed=1)


def test_several_services_answer_each_at_its_address(run: Run) -> None:
    run(
        """
        def test_two(portal_mock):
            one = portal_mock(LIBRARY)
            other = portal_mock(LIBRARY, base_url="http://other.test/inner")
            assert httpx.get(f"{one.url}/v1/books/book-1").status_code == 200
            assert httpx.get("http://other.test/inner/v1/books/book-1").status_code == 200
            assert (len(one.calls), len(other.calls)) == (1, 1)
            with pytest.raises(Exception, match="answers there already"):
                portal_mock(LIBRARY)
        """
    ).assert_outcomes(passed=1)


def test_a_host_that_nobody_answers_for_fails(run: Run) -> None:
    result = run(
        """
        def test_lost(portal_mock):
            portal_mock(LIBRARY)
            httpx.get("http://nowhere.test/")
        """
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*nowhere.test*not mocked*"])


def line_of(text: str) -> int:
    """The line of the library's contract that holds this text; an operation begins above its id."""
    lines = (LIBRARY / "openapi.yaml").read_text().splitlines()
    found = next(number for number, line in enumerate(lines, 1) if text in line)
    return found - 1 if "operationId" in text else found


@pytest.mark.parametrize(
    ("call", "line", "said"),
    [
        (
            "get(f'{url}/v1/books?limit=0')",
            "name: limit",
            ["*/query/limit*at least 1*", "*sent *0", "*minimum*"],
        ),
        ("get(f'{url}/v1/boks')", "operationId: listBooks", ["*404*", "*GET /v1/books (listBooks)*"]),
        ("get(f'{url}/v1/books?shelv=a')", "operationId: listBooks", ["*/query/shelv*Did you mean 'shelf'*"]),
        ("put(f'{url}/v1/books/book-1')", "operationId: getBook", ["*405*"]),
        (
            "post(f'{url}/v1/loans/loan-1/return')",
            "operationId: returnLoan",
            ["*401*", "*credentials: staff*"],
        ),
        (
            "post(f'{url}/v1/books/book-1/loans', json={'reader': 'bob', 'days': 100})",
            "days: {type: integer, maximum: 99}",
            ["*/days*at most 99*", "*sent *100", "*documented *99*"],
        ),
        ("post(f'{url}/v1/books/book-1/loans', data={'reader': 'bob'})", "requestBody:", ["*415*"]),
    ],
)
def test_misuse_fails_the_test_with_the_line(call: str, line: str, said: list[str], run: Run) -> None:
    result = run(
        f"""
        def test_misuse(portal_mock):
            url = portal_mock(LIBRARY).url
            httpx.{call}
        """
    )
    result.assert_outcomes(failed=1)
    number = line_of(line)
    result.stdout.fnmatch_lines_random([f"*openapi.yaml:{number}*"])
    result.stdout.fnmatch_lines([*said, "*called at *test_misuse_fails*.py:6"])


def test_misuse_that_the_consumer_hid_fails_its_test_at_the_end(run: Run) -> None:
    result = run(
        """
        import threading

        def test_hidden(portal_mock):
            url = portal_mock(LIBRARY).url
            def ask():
                try:
                    httpx.get(f"{url}/v1/nothing")
                except BaseException:
                    pass
            thread = threading.Thread(target=ask)
            thread.start()
            thread.join()
        """
    )
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*the consumer breaks the contract of library*"])


def test_not_strict_leaves_the_documented_refusal(run: Run) -> None:
    run(
        """
        def test_refused(portal_mock):
            library = portal_mock(LIBRARY, strict=False)
            answer = httpx.get(f"{library.url}/v1/books?limit=0")
            assert answer.status_code == 400
            assert "/query/limit" in library.misuses[0]
        """
    ).assert_outcomes(passed=1)


def test_what_is_phi_is_not_shown(run: Run) -> None:
    result = run(
        """
        TOLD = {"patientId": "pat-4k7m2q9x1a", "slotId": 7, "reason": "Palpitations", "note": "Angina"}

        def test_phi(portal_mock):
            scheduling = portal_mock("scheduling")
            token = scheduling.token(patient="pat-4k7m2q9x1a")
            headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "booking-0001"}
            httpx.post(f"{scheduling.url}/v1/appointments", json=TOLD, headers=headers)

        def test_near_miss(portal_mock):
            scheduling = portal_mock("scheduling", strict=False)
            httpx.post(f"{scheduling.url}/v1/appointments", json=TOLD)
            scheduling.assert_called("bookAppointment", body={"reason": "Chest"})
        """
    )
    result.assert_outcomes(failed=2)
    shown = "\n".join(line for line in result.outlines if not line.startswith("TOLD"))
    assert "/slotId" in shown
    assert "Palpitations" not in shown
    assert "Angina" not in shown
    assert 'body/reason is "***", expected "Chest"' in shown


def test_what_was_called_is_asserted_and_near_misses_are_explained(run: Run) -> None:
    result = run(
        """
        @pytest.fixture
        def library(portal_mock):
            library = portal_mock(LIBRARY)
            for days in (3, 4):
                sent = {"reader": "bob", "days": days}
                assert httpx.post(f"{library.url}/v1/books/book-1/loans", json=sent).status_code == 201
            return library

        def test_called(library):
            library.assert_called("lendBook")
            library.assert_called("lendBook", times=2, path={"bookId": "book-1"}, body={"reader": "bob"})
            library.assert_called("lendBook", times=1, body={"days": 4})
            library.assert_called("getBook", times=0)

        def test_missed(library):
            library.assert_called("lendBook", body={"days": 5})

        def test_unknown(library):
            library.assert_called("lendBok")
        """
    )
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(["*lendBook of library was called 0 times*", "*body/days is 3, expected 5*"])


def test_each_test_begins_with_a_mock_of_its_own(run: Run) -> None:
    run(
        """
        @pytest.mark.parametrize("turn", [1, 2])
        def test_alone(portal_mock, turn):
            library = portal_mock(LIBRARY)
            httpx.get(f"{library.url}/v1/books")
            assert len(library.calls) == len(library.journal) == 1
        """
    ).assert_outcomes(passed=2)


def test_a_test_sees_its_own_records_only(run: Run) -> None:
    run(
        """
        TOPIC = "portal.scheduling.slot.v1"

        @pytest.mark.parametrize("turn", [1, 2])
        def test_published(portal_kafka, turn):
            portal_kafka.publish(TOPIC, {"turn": turn})
            assert [each.json() for each in portal_kafka.received(TOPIC)] == [{"turn": turn}]
            with pytest.raises(AssertionError, match="1 records came"):
                portal_kafka.received(TOPIC, count=2, within=0.05)
        """
    ).assert_outcomes(passed=2)


def test_a_file_that_is_no_contract_is_one_clear_error(run: Run) -> None:
    result = run(
        """
        def test_wrong(portal_mock):
            portal_mock("schedulling")
        """
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*schedulling*no such service*Did you mean 'scheduling'?*"])


WITHOUT = ("sqlalchemy", "schemathesis", "pact", "openapi_core", "hypothesis", "reference_services")


def test_the_mock_part_alone_is_enough_and_nothing_is_imported_unasked(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makeconftest(f"import sys\nsys.modules.update(dict.fromkeys({WITHOUT!r}))")
    pytester.makepyfile(
        f"""
        import sys

        HEAVY = {{"harness", "httpx", "respx", "connexion", "confluent_kafka", "jsonschema_rs"}}

        def test_untouched():
            assert "mocks.pytest_plugin" in sys.modules
            assert not HEAVY & sys.modules.keys()

        def test_used(portal_mock):
            library = portal_mock({str(LIBRARY)!r})
            import httpx
            assert httpx.get(library.url + "/v1/books/book-1").status_code == 200
        """
    )
    plugins = ["-p", "mocks.pytest_plugin"] if not INSTALLED else ["-p", "portal"]
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    result = pytester.run(sys.executable, "-m", "pytest", "-W", "error", *plugins)
    result.assert_outcomes(passed=2)
