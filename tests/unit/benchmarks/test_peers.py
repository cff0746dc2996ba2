"""The comparison with other mocks, as far as it needs none of them: its tables, its load, our own cells."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import ProcessError
from tests.benchmarks.peers import measuring, readme, report
from tests.benchmarks.peers.asked import GET, POST, get
from tests.benchmarks.peers.bench import Bench, Cores, Running
from tests.benchmarks.peers.document import bench, downgraded
from tests.benchmarks.peers.features import table, tried
from tests.benchmarks.peers.features.attempts import ON_A_COPY, ON_COVERAGE, ON_SCHEDULING
from tests.benchmarks.peers.features.rows import ROWS, TOOLS
from tests.benchmarks.peers.load import Measured, measure
from tests.benchmarks.peers.measuring import Figures, Plan
from tests.benchmarks.peers.servers import BARE, SERVERS, STATEFUL, STATELESS
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PORTAL_STATE", str(tmp_path_factory.mktemp("state")))
        with bench(Cores()) as made:
            yield made


def test_our_cells_are_what_our_mock_does(monkeypatch: pytest.MonkeyPatch, place: Bench) -> None:
    """What the README says of us without a link."""
    monkeypatch.setattr(tried, "TOOLS", {"Portal": tried.TOOLS["Portal"]})
    found = tried.everything(place)
    assert not found.absent
    assert not list(table.surprises(found))
    assert {name for name, _ in found.outcomes} == {*ON_COVERAGE, *ON_SCHEDULING, *ON_A_COPY}


def test_a_cell_that_is_wrong_is_told() -> None:
    found = tried.Found(outcomes={("query", "Portal"): "no", ("body", "WireMock"): "yes"})
    assert list(table.surprises(found)) == [
        "Portal, query parameters: the table says 'yes', query found 'no'"
    ]


def test_every_cell_is_tried_or_cited() -> None:
    attempts = {*ON_COVERAGE, *ON_SCHEDULING, *ON_A_COPY}
    for row in ROWS:
        assert set(row.cells) == set(TOOLS)
        assert row.attempt in attempts or all(cell.source for cell in row.cells.values()), row.feature
        for tool, cell in row.cells.items():
            ours = tool == "Portal"
            assert not cell.source or cell.source.startswith("https://") != ours, (row.feature, tool)


def test_the_readme_has_the_table() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme.features(text) == "\n".join(table.markdown())


def test_writing_the_features_keeps_the_figures(tmp_path: Path) -> None:
    file = tmp_path / "README.md"
    file.write_text(f"before\n{readme.BEGIN}\nfigures\n\n{readme.BETWEEN}\nold\n{readme.END}\nafter\n")
    readme.write(file, None)
    text = file.read_text(encoding="utf-8")
    assert text.startswith(f"before\n{readme.BEGIN}\nfigures\n\n{readme.BETWEEN}\n| |")
    assert text.endswith(f"\n{readme.END}\nafter\n")
    assert readme.features(text) == "\n".join(table.markdown())


def test_a_server_that_cannot_be_had_is_told_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, place: Bench
) -> None:
    @contextmanager
    def absent(_: Bench) -> Iterator[Running]:
        raise ProcessError("Mock", "it needs Java 99, and there is none here")
        yield

    monkeypatch.setattr(measuring, "SERVERS", {"Mock": absent})
    figures = measuring.measured(place, Plan(("Mock",), rounds=2, seconds=1, warm_up=0))
    assert figures.servers == []
    (line,) = report.notes(figures)
    assert line.startswith("Mock: not measured. Mock: it needs Java 99")


def test_a_reason_of_many_lines_is_one_row_of_the_table() -> None:
    made = Figures()
    made.absent["Mock"] = "it ended with 1:\n  {'oneOf': 'a | b'}\n" + 300 * "and so on "
    *_, row = report.markdown(made)
    assert row.startswith("| Mock | | not measured: it ended with 1: {'oneOf': 'a \\| b'} and so on")
    assert "\n" not in row
    assert len(row) < report.LONGEST_REASON + 50


def figures(**rates: float) -> Figures:
    """Figures as if they had been measured; p99 is what a rate of a million leaves of 10 ms."""
    made = Figures()
    for name, rate in rates.items():
        made.running[name] = Running("", "1")
        made.answered[name] = 200, 201, 201 if name == BARE else 400
        for load in (GET, POST):
            made.measured[name, load] = [Measured(rate, 1.0, 10.0, 0.5)]
    return made


def test_what_is_too_slow_is_told() -> None:
    fast = {BARE: 100.0, STATELESS: 50.0, STATEFUL: 25.0, "Prism": 49.0}
    assert list(report.missed(figures(**fast))) == []
    slow = list(report.missed(figures(**{**fast, STATELESS: 40.0})))
    assert [each.partition(":")[0] for each in slow[:2]] == [STATELESS, STATELESS]
    assert "Prism validates and is faster than Portal's mock, stateless on GET" in slow


def test_a_slow_tail_is_told() -> None:
    found = figures(**{BARE: 100.0, STATELESS: 60.0})
    found.measured[STATELESS, GET] = [replace(found.of(STATELESS, GET), p99=30.1)]
    assert list(report.missed(found)) == [f"{STATELESS}: p99 of GET is 3.0 times bare uvicorn's"]


def test_the_load_without_wrk(monkeypatch: pytest.MonkeyPatch, place: Bench) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with SERVERS[BARE](place) as running:
        found = measure(running.base, get(""), connections=4, seconds=1)
    assert found.rate > 10
    assert 0 < found.p50 <= found.p99


def test_what_is_no_success_is_no_figure(monkeypatch: pytest.MonkeyPatch, place: Bench) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with (
        SERVERS[STATELESS](place) as running,
        pytest.raises(ProcessError, match="a request was answered with 401"),
    ):
        measure(running.base, get(""), connections=1, seconds=1)


def test_a_document_for_readers_of_3_0() -> None:
    thing = {
        "type": ["string", "null"], "const": "a", "examples": ["a"],
    }  # fmt: skip
    whole = {"thing": thing, "never": False, "any": True}
    held = {"type": "object", "properties": whole, "unevaluatedProperties": False}
    info = {"title": "t", "summary": "s", "version": "1", "license": {"name": "n", "identifier": "i"}}
    older = downgraded({"openapi": "3.1.0", "info": info, "components": {"schemas": {"Held": held}}})
    assert older["openapi"] == "3.0.3"
    assert older["info"] == {"title": "t", "version": "1", "license": {"name": "n"}}
    assert older["components"]["schemas"]["Held"] == {
        "type": "object",
        "properties": {
            "thing": {"type": "string", "nullable": True, "enum": ["a"], "example": "a"},
            "never": {"not": {}},
            "any": {},
        },
        "additionalProperties": False,
    }
