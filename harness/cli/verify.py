"""``portal verify``: the main job. Holds services to their contracts and reports."""

from __future__ import annotations

import functools
import time
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.ending import Ended
from harness.cli.extras import need
from harness.cli.hosting import check_kafka
from harness.cli.options import (
    AllowRemote,
    Contracts,
    Exchanges,
    Kafka,
    Maps,
    check_service,
    chosen,
    contracts_folder,
    creatable,
    reading,
    sources_of,
    suggestion,
    system_of,
    urls,
    writable_folder,
)
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.checks.check import Check
    from harness.cli.targets import Wanted
    from harness.contract.model import System
    from harness.findings import Event
    from harness.runner import Opened, Plan
    from harness.target import Kind, Limits

Services = Annotated[
    list[str] | None,
    typer.Argument(metavar="SERVICE", help="Names of folders of contracts. Default: all."),
]
TargetOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TARGET",
        help="What to verify: 'reference' (the default) or 'mock', started for this run, or SERVICE=URL; "
        "repeat it for several addresses.",
    ),
]
CheckOption = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME", help="Only this check; repeat it for several. --explain lists them."),
]
ControlOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="SERVICE=URL", help="Where a service at an address lets tests make states and move its clock."
    ),
]
TokenCommand = Annotated[
    str | None,
    typer.Option(
        metavar="CMD",
        help="Makes the tokens for services at addresses: claims as JSON on its standard input, a token on "
        "its output. Default: such tokens as portal token prints.",
    ),
]
Cases = Annotated[int, typer.Option(min=1, max=100_000, metavar="N", help="Generated cases an operation.")]
Seed = Annotated[int, typer.Option(min=0, metavar="N", help="The same seed generates the same cases.")]
Boundaries = Annotated[
    float,
    typer.Option(
        min=0.01,
        max=1,
        metavar="SHARE",
        help="Try only this share of each operation's boundary values, most of what http_properties sends: "
        "0.2 is a fifth, chosen by the seed.",
    ),
]
Budget = Annotated[
    float | None,
    typer.Option(
        min=1,
        max=86_400,
        metavar="SECONDS",
        help="How long http_properties may take for one service. Default: a minute, and half a second for "
        "each case of each operation.",
    ),
]
Settle = Annotated[
    float,
    typer.Option(
        min=0.1,
        max=60,
        metavar="SECONDS",
        help="How long no further event may come before it counts as absent.",
    ),
]
ReportFolder = Annotated[
    Path,
    typer.Option(
        metavar="FOLDER", help="For junit.xml, report.json and report.html; what they held is replaced."
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=64,
        metavar="N",
        help="Services verified side by side, each with a broker of its own. Default: two a core where "
        "we start the services and an embedded broker, else 1.",
    ),
]
EventsOption = Annotated[
    int | None, typer.Option(hidden=True, metavar="FD", help="Write events there, and no report.")
]
Explain = Annotated[
    bool,
    typer.Option("--explain", help="Say what each check can and cannot see, and stop."),
]


def verify(
    services: Services = None,
    target: TargetOption = None,
    check: CheckOption = None,
    kafka: Kafka = "embedded",
    control: ControlOption = None,
    token_command: TokenCommand = None,
    cases: Cases = 25,
    seed: Seed = 1,
    boundaries: Boundaries = 1.0,
    budget: Budget = None,
    settle: Settle = 2.0,
    contracts: Contracts = None,
    allow_remote: AllowRemote = False,
    maps: Maps = None,
    report: ReportFolder = Path("report"),
    exchanges: Exchanges = None,
    jobs: Jobs = None,
    events: EventsOption = None,
    explain: Explain = False,
) -> int:
    """Verify services against their contracts, over HTTP and Kafka.

    Exit code 0: clean. 1: findings, a service is wrong. 2: something could not be told.
    """
    need("verify", "verify")
    from harness import runner
    from harness.cli.jobs import at_once, side_by_side, tell
    from harness.runner import Plan
    from harness.target import Limits

    checks = _checks(check)
    if explain:
        return _explain(checks)
    system = system_of(contracts, sources_of(allow_remote, maps))
    kind, addresses = _targets(system, target)
    names = chosen(system, services or (list(addresses) if addresses and kind is None else None))
    wanted = _wanted(system, contracts_folder(contracts), kafka, addresses, control, token_command, exchanges)
    wanted = replace(wanted, reading=tuple(reading(allow_remote, maps)))
    opened = {name: _opening(wanted, name, kind, addresses.get(name)) for name in names}
    _check_use(names, addresses)
    own = [name for name in names if name not in addresses]
    if own:
        need("verify", "verify", "mock" if kind == "mock" else "reference")
    writable_folder(report, "--report")
    if kafka == "embedded" and not own:
        kafka = "none"  # an embedded broker is for what we start ourselves
    limits = Limits(cases=cases, seed=seed, settle=settle, boundaries=boundaries, budget=budget)
    plan = Plan(system, opened, checks, limits, _settings(limits, kafka))
    if events is not None:
        return tell(plan, events)
    together = at_once(jobs, len(names), kafka, shared=bool(addresses))
    if together == 1:
        return _run(plan, runner.run(plan), report)
    return _run(plan, side_by_side(plan, wanted, kind or "reference", together), report)


def _settings(limits: Limits, kafka: str) -> dict[str, str]:
    """As shown to people."""
    fewer = {"boundaries": f"{limits.boundaries:.0%}"} if limits.boundaries < 1 else {}
    settle = f"{limits.settle:g} s"
    return {"cases": str(limits.cases), **fewer, "seed": str(limits.seed), "settle": settle, "kafka": kafka}


def _wanted(
    system: System,
    folder: Path,
    kafka: str,
    addresses: Mapping[str, str],
    control: list[str] | None,
    token_command: str | None,
    exchanges: Path | None,
) -> Wanted:
    """How targets are to be reached. Raises UsageError for options that say nothing or contradict others."""
    from harness.cli import targets
    from harness.serving.keys import KeyStore

    check_kafka(kafka)
    controls = urls(control, "--control")
    for name, url in controls.items():
        check_service(system, name, f"--control {name}={url}")
        if name not in addresses:
            raise UsageError(
                f"--control {name}={url}",
                f"'{name}' is started for this run and brings its own control",
                f"--target {name}=URL with it",
            )
    if token_command is not None and not addresses:
        raise UsageError(
            f"--token-command {token_command}",
            "services that are started for this run take Portal's own tokens",
            "--target SERVICE=URL with it",
        )
    if exchanges is not None:
        creatable(exchanges, "--exchanges")
    tokens = targets.token_command(token_command) if token_command else KeyStore().mint
    return targets.Wanted(system, folder, kafka, controls, tokens, exchanges)


def _opening(wanted: Wanted, name: str, kind: Kind | None, url: str | None) -> Opened:
    from harness.cli import targets

    if url is not None:
        return functools.partial(targets.external, wanted, name, url)
    return functools.partial(targets.own, wanted, name, kind or "reference")


def _targets(system: System, values: list[str] | None) -> tuple[Kind | None, dict[str, str]]:
    """The kind for services without an address of their own (None: not said), and the addresses."""
    known: dict[str, Kind] = {"reference": "reference", "mock": "mock"}
    kinds = list(dict.fromkeys(value for value in values or () if "=" not in value))
    for kind in kinds:
        if kind not in known:
            remedy = suggestion(kind, known)
            if kind in system.contracts:
                remedy = f"The service to verify is an argument: portal verify {kind}"
            raise UsageError(
                f"--target {kind}", "this is no target", "reference, mock or SERVICE=URL", remedy
            )
    if len(kinds) > 1:
        raise UsageError("--target", "both reference and mock are named", "one of them", "Run verify twice.")
    addresses = urls([value for value in values or () if "=" in value], "--target")
    for name, url in addresses.items():
        check_service(system, name, f"--target {name}={url}")
    return (known[kinds[0]] if kinds else None), addresses


def _check_use(names: list[str], addresses: Mapping[str, str]) -> None:
    """Raises UsageError if an address is given for a service that is not verified."""
    for name, url in addresses.items():
        if name not in names:
            raise UsageError(
                f"--target {name}={url}",
                f"'{name}' is not among the services to verify: {', '.join(names)}",
                remedy=f"Name it as well: portal verify {' '.join((*names, name))}",
            )


def _checks(names: list[str] | None) -> tuple[Check, ...]:
    from harness.checks import CHECKS

    known = {check.name: check for check in CHECKS}
    for name in names or ():
        if name not in known:
            raise UsageError(
                f"--check {name}",
                "there is no such check",
                f"one of: {', '.join(known)}",
                suggestion(name, known),
            )
    return tuple(check for check in CHECKS if not names or check.name in names)


def _run(plan: Plan, events: Generator[Event], folder: Path) -> int:
    """Follow a run, show it, write it; also what was found until a signal ended it."""
    from harness import reports, runner
    from harness.cli.terminal import Terminal
    from harness.findings import RunFinished
    from harness.reports.console import ConsoleReport
    from harness.reports.outcome import Outcome

    console, outcome, began = Terminal(), Outcome(), time.monotonic()
    reports.remove(folder)
    ended: Ended | None = None
    with ConsoleReport(console) as shown, closing(events):
        try:
            for event in events:
                outcome.add(event)
                shown.add(event)
        except Ended as error:
            ended = error
    shown.close(ended=str(ended or ""))
    if ended is not None:
        seconds = time.monotonic() - began
        why = f"the run was ended by {ended}"
        for event in (*runner.unfinished(plan, plan.targets, outcome.done, why), RunFinished(seconds)):
            outcome.add(event)
    written = reports.write(outcome, folder)
    console.print(f"reports: {', '.join(str(path) for path in written)}", soft_wrap=True, markup=False)
    return outcome.exit_code if ended is None else ended.exit_code


def _explain(checks: tuple[Check, ...]) -> int:
    from rich.padding import Padding

    from harness.cli.terminal import Terminal

    console = Terminal()
    for check in checks:
        needs = ", ".join(sorted(check.needs)) or "an address"
        console.print(f"[bold]{check.name}[/]  needs {needs}")
        told = f"sees: {check.sees}\ncannot see: {check.misses}"
        console.print(Padding(told, (0, 0, 1, 2)), soft_wrap=False)
    return 0
