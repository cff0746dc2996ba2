"""The provider directory: who works here, where, and what is offered; one handler for each operation."""

from __future__ import annotations

from harness.serving.exchange import Request
from harness.serving.problems import Problem, Reason
from reference_services.platform.work import Aggregate, Page, Work


def searchProviders(work: Work, request: Request) -> Page:
    compared = ("status", "specialty", "locationIds", "npi", "acceptingPatients")
    return work.page("Provider", request, {name: request.query.get(name) for name in compared})


def getProvider(work: Work, request: Request) -> Aggregate:
    return work.get("Provider", request.path["providerId"])


def updateProvider(work: Work, request: Request) -> Aggregate:
    provider = work.get("Provider", request.path["providerId"])
    for place, id in enumerate(request.body.get("locationIds", ())):
        if work.peek("Location", id) is None:
            raise Problem(422, errors=[Reason(f"/locationIds/{place}", "names no location")])
    return work.change(provider, because="updated", **request.body)


def deactivateProvider(work: Work, request: Request) -> Aggregate:
    provider = work.get("Provider", request.path["providerId"])
    return work.change(provider, because="deactivated", acceptingPatients=False, phone=None)


def listLocations(work: Work, request: Request) -> Page:
    return work.page("Location", request, {"status": request.query.get("status")})


def getLocation(work: Work, request: Request) -> Aggregate:
    return work.get("Location", request.path["locationId"])


def listServices(work: Work, request: Request) -> Page:
    compared = ("active", "specialty", "locationIds")
    return work.page("HealthcareService", request, {name: request.query.get(name) for name in compared})


def getService(work: Work, request: Request) -> Aggregate:
    return work.get("HealthcareService", request.path["serviceId"])
