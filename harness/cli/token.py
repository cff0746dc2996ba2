"""``portal token``: a development token for curl and for other tools."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Literal

import typer

from harness.cli.options import AllowRemote, Contracts, Maps, sources_of, system_of
from harness.errors import UsageError


def token(
    actor: Annotated[
        Literal["patient", "proxy", "clinician", "staff", "service"],
        typer.Option(metavar="ACTOR", help="Who calls: patient, proxy, clinician, staff or service."),
    ] = "staff",
    patient: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="Whom it is about: the patient who calls, a proxy's ward, or whom a clinician treats.",
        ),
    ] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SCOPE", help="A scope; repeat it for several. Default: all that the contracts name."
        ),
    ] = None,
    lifetime: Annotated[
        int, typer.Option(min=1, max=86_400, metavar="N", help="Seconds until it expires.")
    ] = 3600,
    jwks: Annotated[
        bool, typer.Option("--jwks", help="Print the key's public half instead, for a service of yours.")
    ] = False,
    contracts: Contracts = None,
    allow_remote: AllowRemote = False,
    maps: Maps = None,
) -> None:
    """Print a token signed with this machine's development key.

    Reference services and mocks that run on this machine accept it; nothing else should, unless it is
    to be verified here: give it the public half, which --jwks prints as a JWK set (RFC 7517).
    """
    from harness.driving.actors import related
    from harness.serving.keys import KeyStore

    if jwks:
        sys.stdout.write(json.dumps(KeyStore().jwks()) + "\n")
        return
    if patient is not None and actor in ("staff", "service"):
        raise UsageError(
            f"--patient {patient}",
            f"an actor '{actor}' is nobody's in particular",
            "--actor patient, proxy or clinician with it",
        )
    if scope is None:
        system = system_of(contracts, sources_of(allow_remote, maps))
        schemes = (s for c in system.contracts.values() for s in c.security_schemes.values())
        scope = sorted({name for scheme in schemes for name in scheme.scopes})
    sys.stdout.write(KeyStore().mint(related(actor, patient, scope), lifetime=lifetime) + "\n")
