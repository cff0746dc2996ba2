"""The front door to schemas: compile and validate, walk, make examples.

``compile_schema`` compiles at the place of use, once for each place and direction: compiling a map of all
schemas beforehand costs seconds and gigabytes for large documents.
"""

from __future__ import annotations

from harness.contract.dialects import Direction
from harness.contract.examples import complete, example_of, examples_of
from harness.contract.generation import generate
from harness.contract.navigation import (
    ANYTHING,
    component,
    expand,
    items_of,
    phi_properties,
    properties,
    says,
    schema_of,
)
from harness.contract.validation import Validator, Violation, compile_schema

__all__ = [
    "ANYTHING",
    "Direction",
    "Validator",
    "Violation",
    "compile_schema",
    "complete",
    "component",
    "example_of",
    "examples_of",
    "expand",
    "generate",
    "items_of",
    "phi_properties",
    "properties",
    "says",
    "schema_of",
]
