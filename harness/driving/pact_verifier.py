"""Pact's verifier, run as a script in a process of its own.

A process, because the verifier is native code that writes to standard output and error, keeps threads of its
own, and may hang for minutes. It takes a plan (a JSON file) and leaves Pact's own results (another one).
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pact.types import Message


def main(plan_file: str, results_file: str) -> None:
    """Verify what the plan names.

    The plan: ``provider``, ``sources`` (pact files), ``timeout`` (seconds a request), and ``url`` (for
    HTTP interactions) or ``messages`` (description → ``contents`` in base64, ``metadata``, ``content_type``).
    """
    from pact import Verifier

    plan = json.loads(Path(plan_file).read_text(encoding="utf-8"))
    verifier = Verifier(plan["provider"], host="127.0.0.1")
    verifier.set_coloured_output(enabled=False).follow_redirects(False)
    verifier.set_request_timeout(int(plan["timeout"] * 1000))
    if plan.get("url"):
        verifier.add_transport(url=plan["url"])
    if plan.get("messages"):
        verifier.message_handler({name: _message(each) for name, each in plan["messages"].items()})
    for source in plan["sources"]:
        verifier.add_source(Path(source))
    try:
        verifier.verify()
    except RuntimeError as error:
        # Raised for every mismatch, without a word of it: the results have them all.
        if not verifier.results.get("interactionResults"):
            raise RuntimeError(verifier.output(strip_ansi=True) or str(error)) from error
    Path(results_file).write_text(json.dumps(verifier.results), encoding="utf-8")


def _message(written: dict[str, Any]) -> Message:
    return {
        "contents": base64.b64decode(written["contents"]),
        "metadata": written["metadata"],
        "content_type": written["content_type"],
    }


if __name__ == "__main__":
    main(*sys.argv[1:3])
