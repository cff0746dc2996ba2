"""The checks, in the order in which they run. A new check is a file here and a line in ``CHECKS``."""

from __future__ import annotations

from harness.checks import (
    access,
    audit,
    cause_and_effect,
    concurrency,
    events,
    http_pacts,
    http_properties,
    lifecycle,
    message_pacts,
    paging,
    revocation,
)
from harness.checks.check import Check

CHECKS: tuple[Check, ...] = (
    http_properties.CHECK,
    http_pacts.CHECK,
    message_pacts.CHECK,
    events.CHECK,
    cause_and_effect.CHECK,
    lifecycle.CHECK,
    access.CHECK,
    revocation.CHECK,
    audit.CHECK,
    concurrency.CHECK,
    paging.CHECK,
)
