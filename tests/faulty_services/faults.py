"""Every fault that a check must find. One more is one more entry in its group's file."""

from __future__ import annotations

from tests.faulty_services import access, events, lifecycles, schema_and_status, state, validation
from tests.faulty_services.fault import Fault

FAULTS: tuple[Fault, ...] = (
    *schema_and_status.FAULTS,
    *validation.FAULTS,
    *state.FAULTS,
    *lifecycles.FAULTS,
    *access.FAULTS,
    *events.FAULTS,
)
