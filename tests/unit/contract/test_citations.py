"""Where a contract cites a regulation, the citation reads like one: title, part or section, paragraphs in the
order of the Code of Federal Regulations, (a)(1)(i)(A)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT

FILES = sorted((ROOT / "contracts").rglob("*.yaml"))
PARTS = {"21": {"207"}, "42": {"2", "422", "431", "482", "493"}, "45": {"149", "162", "164", "171"}}
"""Of each title, what concerns a patient portal: a slip of the pen is hardly among them."""

_CITATION = re.compile(
    r"(?P<title>\d+) CFR (?:part (?P<part>\d+)"
    r"|(?P<section>\d+)\.\d+(?:\([a-z]\)(?:\(\d+\)(?:\([ivx]+\)(?:\([A-Z]\))?)?)?)?)(?![\w(])"
)
_LIKE_ONE = re.compile(r"(?:\w+ )?C\.? ?F\.? ?R\b\.?.{0,24}")


def wrong(text: str) -> list[str]:
    """What looks like a citation and is none, in YAML whose lines are folded."""
    folded = re.sub(r"\n\s+(?:# )?", " ", text)
    found = []
    for like in _LIKE_ONE.finditer(folded):
        cited = _CITATION.match(folded, like.start())
        if cited is None or (cited["part"] or cited["section"]) not in PARTS.get(cited["title"], set()):
            found.append(like[0])
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda each: each.relative_to(ROOT).as_posix())
def test_citations_are_well_formed(path: Path) -> None:
    assert wrong(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "text",
    [
        "HIPAA (CFR 164.528)",
        "(45 CFR §164.528)",
        "(45 C.F.R. 164.528)",
        "(45 CFR 146.528)",
        "(164.528 CFR)",
        "(45 CFR 164.528(1)(a))",
        "(45 CFR 164.528(a)(1)(1))",
        "(42 CFR\n      Part 2)",
    ],
)
def test_what_is_none_is_found(text: str) -> None:
    assert wrong(text)


def test_what_regulations_shape_cites_them() -> None:
    """One for each that the services stand on."""
    everything = re.sub(r"\n\s+", " ", "\n".join(each.read_text(encoding="utf-8") for each in FILES))
    for cited in (
        "42 CFR 422.568(b)(1)",  # seven days for a prior authorization
        "42 CFR 422.572(a)",  # 72 hours for an urgent one
        "CMS-0057-F",
        "42 CFR 482.24(c)(4)(vii)",  # a summary at discharge
        "42 CFR 493.1291(g)",  # an alert for a critical result
        "42 CFR part 2)",  # substance use
        "42 CFR 2.51",  # emergencies
        "45 CFR 149.610",  # good-faith estimates
        "45 CFR part 171",  # information blocking
        "45 CFR 164.312(b)",  # an access log
        "45 CFR 164.502(g)(3)",  # whose proxies minors' are
        "45 CFR 164.522(b)",  # confidential communication
        "45 CFR 164.524(b)(2)",  # copies within thirty days
        "45 CFR 164.526",  # amendments
        "45 CFR 164.528",  # disclosures, six years back
    ):
        assert cited in everything, cited
