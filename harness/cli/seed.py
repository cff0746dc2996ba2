"""``portal seed``: many people's records for the reference services' databases."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from harness.cli.databases import Databases
from harness.cli.extras import need
from harness.cli.options import AllowRemote, Contracts, Maps, chosen, sources_of, system_of
from harness.cli.serve import references
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.contract.model import Persona
    from reference_services.platform.populating import Population
    from reference_services.platform.service import ReferenceService

_SAY_EVERY = 5.0


def seed(
    services: Annotated[
        list[str] | None,
        typer.Argument(metavar="SERVICE", help="Names of folders of contracts. Default: all."),
    ] = None,
    patients: Annotated[
        int, typer.Option(min=1, max=10_000_000, metavar="N", help="How many people.")
    ] = 1_000,
    data: Annotated[
        Path,
        typer.Option(metavar="FOLDER", help="Where the databases are, as for portal serve --data."),
    ] = Path("data"),
    seed_: Annotated[
        int, typer.Option("--seed", min=0, metavar="N", help="The same seed makes the same people.")
    ] = 1,
    contracts: Contracts = None,
    allow_remote: AllowRemote = False,
    maps: Maps = None,
) -> None:
    """Fill the databases of reference services with people who do not exist.

    Each lives through the story of one of the contracts' personas, under a name and ids and at a time of
    their own, the same in every service. Nothing may run on the databases meanwhile.
    """
    need("seed", "reference")
    from reference_services.platform.records import Taken

    system = system_of(contracts, sources_of(allow_remote, maps))
    names = chosen(system, services)
    databases = Databases(data)
    with databases.held(names, "embedded"):
        everything = cast(
            "list[ReferenceService]", references(system, system.contracts, None, databases, None)
        )
        population = _population(everything, system.personas, seed_)
        for service in (each for each in everything if each.name in names):
            try:
                _fill(service, population, patients)
            except Taken as taken:
                raise UsageError(
                    f"--data {data}",
                    f"{service.name} has some of these people already ({taken.name} is taken)",
                    "a database that they are not in",
                    "Take another --seed, or another folder",
                ) from None


def _population(services: Iterable[ReferenceService], personas: Iterable[Persona], seed_: int) -> Population:
    from reference_services.platform.people import Crowd
    from reference_services.platform.populating import Population, owners, stories, today

    told = [stories(each.knowledge) for each in services]
    busy: dict[str, int] = {}
    for each in told:
        for persona, things in each.items():
            busy[persona] = busy.get(persona, 0) + len(things)
    return Population(Crowd(tuple(personas), busy, today(told), seed_), owners(told))


def _fill(service: ReferenceService, population: Population, patients: int) -> None:
    service.store.open()
    try:
        service.control_face.seed_if_empty()
        began = said = time.monotonic()
        done = 0
        for count in population.settle(service.store, service.knowledge, patients, service.chained):
            done += count
            if time.monotonic() - said > _SAY_EVERY:
                said = time.monotonic()
                sys.stdout.write(f"{service.name}: {done:,} records\n")
                sys.stdout.flush()
        seconds = max(time.monotonic() - began, 1e-6)
        sys.stdout.write(
            f"{service.name}: {done:,} records of {patients:,} people, {done / seconds:,.0f} a second\n"
        )
    finally:
        service.store.close()
