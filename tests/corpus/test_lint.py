"""Lint on other people's documents: no crash, and no error that is not true.

What is said was read by hand against each document and its specification; ``REVIEWED`` counts it, so that
neither a new false alarm nor a rule that falls silent goes unnoticed.
"""

from __future__ import annotations

import os
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from harness.contract.documents import Documents
from harness.contract.node import Node
from harness.findings import Finding
from harness.lint import lint
from harness.lint.reading import read
from harness.lint.source import Source, format_of
from harness.lint.structure import misfits_of
from tests.unit.lint.test_judge import STRICTER, theirs

ROOT = Path(__file__).resolve().parents[2]
CORPUS = Path(os.environ.get("CONTRACT_CORPUS", ROOT.parent / "shared" / "corpus"))
pytestmark = pytest.mark.skipif(
    not CORPUS.is_dir(), reason=f"there is no corpus at {CORPUS}: CONTRACT_CORPUS names one"
)


@cache
def _documents() -> tuple[tuple[str, Node], ...]:
    found = []
    for path in sorted(CORPUS.glob("openapi/*/*.yaml")):
        documents = Documents()
        root = Node.at(documents, documents.open(path))
        if isinstance(root.value, dict) and "openapi" in root.value:
            found.append((str(path.relative_to(CORPUS)), root))
    return tuple(found)


def test_structure_is_what_the_official_schemas_say() -> None:
    """In the documents' own files; what they refer to the official schemas do not look at."""
    assert _documents()
    for name, root in _documents():
        version = format_of(root)
        assert version is not None
        own = [each for each in misfits_of(Source(name, root, *version)) if _is_own(each.node, root)]
        more = [each.title for each in own if not any(part in each.title for part in STRICTER)]
        official = theirs(str(root.value["openapi"])[:3], root.value)
        assert bool(official) == bool(more), (name, official[:2], more[:2])


def _is_own(node: Node, root: Node) -> bool:
    return node.document.uri == root.document.uri


def _found(path: Path) -> list[Finding]:
    subject = read([path])
    return list(lint(subject.system, subject.sources))


REVIEWED: dict[str, dict[str, int]] = {
    "openapi/microcks/APIPastry-openapi.yaml": {},
    "openapi/microcks/Petstore-webhooks-openapi.yaml": {"example": 1},  # a template where an object should be
    "openapi/microcks/UserRegistration-callbacks-openapi.yaml": {},
    "openapi/nhs-booking-and-referral/booking-and-referral-1.1.0.yaml": {"example": 1},
    "openapi/nhs-booking-and-referral/booking-and-referral-1.2.0.yaml": {"structure": 1, "example": 3},
    "openapi/nhs-booking-and-referral/booking-and-referral-1.3.0.yaml": {"structure": 1, "example": 3},
    "openapi/nhs-booking-and-referral/booking-and-referral-1.4.0.yaml": {"structure": 1, "example": 2},
    "openapi/nhs-booking-and-referral/booking-and-referral.yaml": {},
    "openapi/nhs-immunisation/immunisation-fhir-api.yaml": {},
    "openapi/openehr/admin.yaml": {"example": 1, "path-parameter": 1},  # {?ehr_id*} is no OpenAPI
    "openapi/openehr/definition.yaml": {"example": 8},
    "openapi/openehr/demographic.yaml": {"example": 13},
    "openapi/openehr/ehr.yaml": {"example": 19},
    "openapi/openehr/query.yaml": {},
    "openapi/openehr/system.yaml": {},
    "arazzo/1.0.0/FAPI-PAR.openapi.yaml": {"expression": 1, "link": 1},
    "arazzo/1.0.0/bnpl-openapi.yaml": {"impossible": 1},  # allOf asks for what its other half excludes
    "arazzo/1.0.0/oauth.openapi.yaml": {},
    "arazzo/1.0.0/pet-coupons.openapi.yaml": {},
}
"""Document → errors by rule. NHS: an array without items, examples that hold a $ref, that lack what is
required or that are no URI; openEHR: examples without the '_type' that their schema requires, or of another
type."""


@pytest.mark.parametrize("name", REVIEWED)
def test_every_error_is_true(name: str) -> None:
    errors = [each for each in _found(CORPUS / name) if each.severity == "error"]
    assert Counter(each.check.removeprefix("lint/") for each in errors) == REVIEWED[name], errors
