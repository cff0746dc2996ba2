"""Pact files as they lie in a folder: their interactions with their places, and what is wrong with them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from harness.contract.model import EMPTY, JSON, Place
from harness.errors import ContractError, HarnessError

Kind = Literal["http", "message", "other"]

_KINDS: Mapping[str, Kind] = {"Synchronous/HTTP": "http", "Asynchronous/Messages": "message"}

_EXISTS = re.compile(r"^(?P<schema>[A-Za-z_][A-Za-z0-9_.-]*) exists$")
_DESCRIPTION = re.compile(r'^\s*"description"\s*:\s*(?P<text>"(?:[^"\\]|\\.)*")')


@dataclass(frozen=True, slots=True)
class ProviderState:
    """A state that an interaction takes for granted, with its parameters."""

    name: str
    parameters: Mapping[str, JSON] = field(default=EMPTY)

    @property
    def schema(self) -> str | None:
        """The component schema of which an instance exists; None if the state says something else."""
        found = _EXISTS.match(self.name)
        return found["schema"] if found else None


@dataclass(frozen=True, slots=True)
class Interaction:
    """One interaction; ``raw`` is as written. ``name`` is for people."""

    consumer: str
    provider: str
    description: str
    kind: Kind
    states: tuple[ProviderState, ...]
    raw: Mapping[str, Any] = field(repr=False)
    place: Place

    @property
    def name(self) -> str:
        return f"{self.consumer}: {self.description}"

    @property
    def contents(self) -> JSON:
        """A message's decoded contents (V4 wraps them, V3 does not)."""
        written = self.raw.get("contents")
        return written.get("content") if isinstance(written, Mapping) and "content" in written else written

    @property
    def metadata(self) -> Mapping[str, JSON]:
        written = self.raw.get("metadata") or self.raw.get("metaData") or {}
        return written if isinstance(written, Mapping) else {}


@dataclass(frozen=True, slots=True)
class PactFile:
    path: Path
    document: Mapping[str, Any] = field(repr=False)
    interactions: tuple[Interaction, ...]


def read_pacts(paths: Iterable[Path], provider: str) -> tuple[list[PactFile], list[HarnessError]]:
    """The pacts with this provider, and one error for each file or interaction that cannot be used.

    Pact keeps one interaction a description: of two with the same one, the second silently took the
    first one's place or will do so at the next writing. So that is an error here.
    """
    files: list[PactFile] = []
    errors: list[HarnessError] = []
    for path in paths:
        try:
            read = read_pact(path)
        except ContractError as error:
            errors.append(error)
            continue
        if _name(read.document, "provider") == provider:
            files.append(read)
            errors += duplicates(read)
    return files, errors


def read_pact(path: Path) -> PactFile:
    """One pact file of specification 1 to 4. Raises ContractError."""
    try:
        text = path.read_text(encoding="utf-8")
        document = json.loads(text)
    except OSError as error:
        raise ContractError(str(path), f"the pact cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        line = f":{error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise ContractError(f"{path}{line}", f"the pact is no JSON: {error}") from error
    if not isinstance(document, dict) or not _name(document, "consumer") or not _name(document, "provider"):
        raise ContractError(str(path), "this is no pact", "a JSON object with `consumer` and `provider`")
    lines = _lines(text)
    interactions = tuple(_interactions(document, path, lines))
    return PactFile(path, document, interactions)


def duplicates(file: PactFile) -> Iterator[ContractError]:
    """One error for each description that stands there twice for the same kind of interaction."""
    first: dict[tuple[Kind, str], Interaction] = {}
    for each in file.interactions:
        before = first.setdefault((each.kind, each.description), each)
        if before is not each:
            yield ContractError(
                str(each.place),
                f"two interactions are called '{each.description}' (the other one at {before.place})",
                "one interaction a description: Pact lets the later one overwrite the other",
                "Rename one of them in the consumer's test and write the pact afresh",
            )


def subset(file: PactFile, numbered: Sequence[tuple[int, Interaction]], header: str) -> dict[str, Any]:
    """A pact with these interactions alone, each named ``#number description``.

    HTTP requests carry their number in ``header``. Provider states are left out: whoever verifies makes
    them when the request comes. The file itself stays as it is.
    """
    document = {k: v for k, v in file.document.items() if k not in ("interactions", "messages")}
    for number, each in numbered:
        raw = {
            k: v
            for k, v in each.raw.items()
            if k not in ("providerStates", "providerState", "provider_state")
        }
        raw["description"] = f"#{number} {each.description}"
        if each.kind == "http":
            request = dict(raw.get("request") or {})
            listed = raw.get("type") is not None  # specification 4 lists a header's values
            request["headers"] = {
                **(request.get("headers") or {}),
                header: [str(number)] if listed else str(number),
            }
            raw["request"] = request
        in_v3 = each.kind == "message" and "type" not in raw
        document.setdefault("messages" if in_v3 else "interactions", []).append(raw)
    return document


def number_of(description: str) -> int | None:
    """The number that ``subset`` gave an interaction."""
    found = re.match(r"#(\d+) ", description)
    return int(found[1]) if found else None


def _interactions(
    document: Mapping[str, Any], path: Path, lines: Mapping[str, list[int]]
) -> Iterator[Interaction]:
    for key, default in (("interactions", "Synchronous/HTTP"), ("messages", "Asynchronous/Messages")):
        for raw in document.get(key) or ():
            if not isinstance(raw, Mapping):
                raise ContractError(str(path), f"an entry of `{key}` is no object")
            description = str(raw.get("description", ""))
            found = lines.get(description) or [1]
            yield Interaction(
                consumer=_name(document, "consumer"),
                provider=_name(document, "provider"),
                description=description,
                kind=_KINDS.get(str(raw.get("type", default)), "other"),
                states=tuple(_states(raw)),
                raw=raw,
                place=Place(str(path), found.pop(0) if len(found) > 1 else found[0]),
            )


def _states(raw: Mapping[str, Any]) -> Iterator[ProviderState]:
    """Specification 3 and 4 list states with parameters, 1 and 2 name one."""
    single = raw.get("providerState") or raw.get("provider_state")
    if isinstance(single, str):
        yield ProviderState(single)
    for each in raw.get("providerStates") or ():
        yield ProviderState(str(each.get("name", "")), each.get("params") or {})


def _name(document: Mapping[str, Any], party: str) -> str:
    named = document.get(party)
    return str(named.get("name", "")) if isinstance(named, Mapping) else ""


def _lines(text: str) -> dict[str, list[int]]:
    """Description → the lines where it stands."""
    found: dict[str, list[int]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if match := _DESCRIPTION.match(line):
            found.setdefault(json.loads(match["text"]), []).append(number)
    return found
