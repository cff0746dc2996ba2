"""The run as JSON, for programs: every result with its kind, nothing left out.

The shape, which stays as it is within one ``format``; members may be added::

    {
      "format": "portal-report/1",
      "exitCode": 0 | 1 | 2,               0 clean, 1 findings, 2 could not tell
      "seconds": number,                   wall time of the run
      "settings": {name: text},            as shown to people: cases, seed, settle, kafka
      "checks": [{                         in the order in which they ran
        "service": text, "check": text,    check "start": the service could not be reached at all
        "verdict": "passed" | "findings" | "could not tell" | "not applicable",
        "seconds": number,
        "cases": integer,                  how many cases passed
        "results": [                       in the order in which they came; all have service, check and
                                           operation, which is "" for the service as a whole
          {"kind": "finding", "title", "received", "documented", "severity": "error" | "warning",
           "where": {"file": text, "line": integer}, "reproduce": text},
          {"kind": "could not tell", "reason", "remedy", "trying"},
          {"kind": "not applicable", "reason"},
          {"kind": "passed", "title", "cases": integer}
        ]
      }]
    }

A warning leaves verdict and exit code alone. ``where.line`` 0 means that no line of the contract is meant.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import orjson

from harness.findings import CouldNotTell, Finding, NotApplicable, Result
from harness.reports.outcome import Outcome

FORMAT = "portal-report/1"


def json_report(outcome: Outcome) -> bytes:
    """The document described above, indented."""
    document = {
        "format": FORMAT,
        "exitCode": outcome.exit_code,
        "seconds": round(outcome.seconds, 3),
        "settings": dict(outcome.settings),
        "checks": [
            {
                "service": check.service,
                "check": check.check,
                "verdict": check.verdict,
                "seconds": round(check.seconds, 3),
                "cases": check.cases,
                "results": [_result(result) for result in check.results],
            }
            for check in outcome.checks
        ],
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2)


def _result(result: Result) -> dict[str, Any]:
    kinds = {Finding: "finding", CouldNotTell: "could not tell", NotApplicable: "not applicable"}
    fields = asdict(result)
    if isinstance(result, Finding):
        fields["where"] = {"file": result.where.file, "line": result.where.line}
    return {"kind": kinds.get(type(result), "passed"), **fields}
