"""``portal mock --proxy``: the real service behind, the contract between, what was found at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.hosting import Stay, host
from harness.cli.options import urls, writable_folder
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.contract.model import System
    from harness.findings import Result
    from harness.serving.recording import Recorder
    from mocks.conduct import Conduct
    from mocks.proxy.ledger import Ledger
    from mocks.proxy.pairs import Pairs


def check_proxy(url: str | None, of_proxy: Mapping[str, Path | None], examples: Path | None) -> None:
    """Raises UsageError for options that say nothing without, or together with, ``--proxy``."""
    for option, folder in of_proxy.items():
        if folder is not None and url is None:
            raise UsageError(
                f"{option} {folder}", "there is nothing of which it could be", "--proxy URL with it"
            )
    if url is not None and examples is not None:
        raise UsageError(f"--examples {examples}", "a proxy answers nothing itself", "--examples or --proxy")


def proxy(
    system: System,
    url: str,
    record: Path | None,
    report: Path | None,
    stay: Stay,
    recorder: Recorder | None,
    conduct: Conduct,
) -> int:
    """Forward until a signal ends us. Returns 0 if everything kept the contract, 1 after findings, 2 if
    something could not be told. Raises HarnessError for what cannot be started."""
    from mocks.proxy.pairs import Pairs
    from mocks.proxy.proxy import Proxy

    names = sorted(system.contracts)
    contract = system.contracts[names[0]]
    if len(names) != 1 or not contract.operations:
        found = f"a proxy stands before one service, not {', '.join(names)}"
        if len(names) == 1:
            found = f"the contract of {names[0]} describes nothing over HTTP"
        raise UsageError(f"--proxy {url}", found, "one contract with HTTP operations")
    service = urls([f"{names[0]}={url}"], "--proxy")[names[0]]
    for folder, option in ((record, "--record"), (report, "--report")):
        if folder is not None:
            writable_folder(folder, option)
    pairs = Pairs(contract, record) if record is not None else None
    with _telling(names[0], report, pairs) as ledger:
        hosted = Proxy(contract, service, ledger, pairs, recorder, conduct)
        host(system, lambda _: [hosted], replace(stay, kafka="none"))
    from harness.findings import exit_code

    return exit_code(ledger.results())


@contextmanager
def _telling(service: str, report: Path | None, pairs: Pairs | None) -> Iterator[Ledger]:
    """Prints what is found as it comes; at the end the sum of it, and the written reports."""
    from harness import reports
    from harness.cli.terminal import Terminal
    from harness.findings import CouldNotTell, Finding
    from harness.reports.console import ConsoleReport, visible
    from harness.reports.outcome import outcome
    from mocks.proxy.ledger import Ledger

    console = Terminal()
    shown = ConsoleReport(console)

    def tell(result: Result) -> None:
        if isinstance(result, Finding):
            shown.finding(result)
        elif isinstance(result, CouldNotTell):
            told = ": ".join(part for part in (result.operation, result.reason, result.remedy) if part)
            console.print(f"  could not tell {visible(told)}", markup=False)

    ledger = Ledger(service, tell)
    if report is not None:
        reports.remove(report)
    yield ledger
    whole = outcome(ledger.events())
    console.print(_summed(ledger), markup=False)
    if pairs is not None:
        console.print(f"recorded in {pairs.folder}: {pairs.count}", markup=False)
    if report is not None:
        written = reports.write(whole, report)
        console.print(f"reports: {', '.join(map(str, written))}", soft_wrap=True, markup=False)


def _summed(ledger: Ledger) -> str:
    from harness.findings import CouldNotTell, Finding, Passed, exit_code
    from harness.reports.outcome import counted

    results = ledger.results()
    word = {0: "clean", 1: "findings", 2: "could not tell"}[exit_code(results)]
    found = counted(sum(isinstance(each, Finding) for each in results), "finding")
    again = f" ({ledger.repeated()} more times the same)" if ledger.repeated() else ""
    unknown = sum(isinstance(each, CouldNotTell) for each in results)
    kept = counted(sum(each.cases for each in results if isinstance(each, Passed)), "exchange")
    return f"{word}: {found}{again}, {unknown} could not tell, {kept} kept the contract"
