"""Requests that are taken although the contract does not admit them, or not taken at their word."""

from __future__ import annotations

from dataclasses import replace

from harness.serving.exchange import Request
from harness.serving.problems import Problem
from reference_services.coverage.handlers import listCoverage
from reference_services.notifications.handlers import listDevices, registerDevice
from reference_services.platform.work import Aggregate, Page, Work
from tests.faulty_services.breaking import anything, handlers, narrow_body, open_body
from tests.faulty_services.fault import Fault


def _unasked(request: Request, name: str) -> Request:
    """The request without one of its query parameters."""
    return replace(request, query={key: value for key, value in request.query.items() if key != name})


def _incurious_device(work: Work, request: Request) -> Aggregate:
    known = {name: value for name, value in request.body.items() if name in {"platform", "token"}}
    return registerDevice(work, replace(request, body=known))


def _forgiving_devices(work: Work, request: Request) -> Page:
    try:
        return listDevices(work, request)
    except Problem:
        return listDevices(work, _unasked(request, "cursor"))


def _clamped_coverage(work: Work, request: Request) -> Page:
    """Any limit is taken and quietly made a valid one."""
    asked = str(request.query.get("limit", 20))
    limit = int(asked) if asked.isdigit() else 20
    return listCoverage(work, replace(request, query={**request.query, "limit": min(max(limit, 1), 100)}))


FAULTS = (
    Fault(
        "a parameter is not validated",
        "validation",
        "notifications",
        "http_properties",
        "listDeliveries",
        "Schema-violating request accepted",
        anything("listDeliveries", "status"),
        ("access", "concurrency"),
    ),
    Fault(
        "a body with unknown properties is taken",
        "validation",
        "notifications",
        "http_properties",
        "registerDevice",
        "Schema-violating request accepted",
        replace(open_body("registerDevice"), handlers={"registerDevice": _incurious_device}),
    ),
    Fault(
        "a number out of its range is taken",
        "validation",
        "coverage",
        "http_properties",
        "listCoverage",
        "Schema-violating request accepted",
        replace(anything("listCoverage", "limit"), handlers={"listCoverage": _clamped_coverage}),
        ("access", "concurrency"),
    ),
    Fault(
        "an optional property is refused",
        "validation",
        "coverage",
        "http_properties",
        "addCoverage",
        "Schema-valid request rejected",
        narrow_body("addCoverage", "groupNumber"),
    ),
    Fault(
        "a limit is ignored",
        "validation",
        "coverage",
        "paging",
        "listCoverage",
        "A page holds more items than its limit",
        handlers(listCoverage=lambda work, request: listCoverage(work, _unasked(request, "limit"))),
        ("access", "concurrency"),
    ),
    Fault(
        "a filter is ignored",
        "validation",
        "notifications",
        "paging",
        "listDevices",
        "The filter 'platform' lets through what does not match",
        handlers(listDevices=lambda work, request: listDevices(work, _unasked(request, "platform"))),
        ("access", "concurrency"),
    ),
    Fault(
        "a cursor of nobody's is taken",
        "validation",
        "notifications",
        "paging",
        "listDevices",
        "A cursor that was never given out is accepted",
        handlers(listDevices=_forgiving_devices),
        ("access", "concurrency"),
    ),
)
