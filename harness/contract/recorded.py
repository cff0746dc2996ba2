"""Recorded examples beside a contract: named pairs of a request and its answer, a JSON file each.

``FOLDER/<operationId>/<name>.json`` holds ``operation``, ``name``, ``parameters`` (each ``in``, ``name`` and
an ``example``), ``request`` (``contentType``, ``example``) and ``response`` (``status``, ``contentType``,
``headers``, ``example``). Each ``example`` is an OpenAPI Example Object, so that a contract may refer to it:
``$ref: recorded/getSlot/recorded-1.json#/response/example``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from harness.contract.documents import read_yaml
from harness.contract.model import JSON, Contract, Example, MediaType, Operation, Place, Response
from harness.contract.nearest import did_you_mean
from harness.contract.schema import compile_schema
from harness.errors import ContractError

MOST = 10_000
"""Files of one folder that are read."""


def pair_files(folder: Path) -> list[Path]:
    """The files of a folder of recorded pairs, in order. Raises ContractError for too many."""
    files = sorted(folder.glob("*/*.json"))
    if len(files) > MOST:
        raise ContractError(str(folder), f"it holds {len(files)} examples", f"at most {MOST}")
    return files


def with_recorded(contract: Contract, folder: Path) -> Contract:
    """The contract with the pairs of a folder among its examples, after its own.

    Raises ContractError for a pair that the contract does not know, or that does not keep it.
    """
    if not folder.is_dir():
        raise ContractError(str(folder), "there is no such folder", "a folder of recorded examples")
    operations = dict(contract.operations)
    for file in pair_files(folder):
        pair = read_yaml(file)
        name = pair.get("operation") if isinstance(pair, Mapping) else None
        if not isinstance(name, str) or name not in operations:
            raise _wrong(
                file, f"it is of no operation of {contract.service}", did_you_mean(str(name), operations)
            )
        operations[name] = _with(operations[name], pair, file)
    return replace(contract, operations=operations)


def _with(operation: Operation, pair: Mapping[str, JSON], file: Path) -> Operation:
    name = pair.get("name")
    if not isinstance(name, str) or not name:
        raise _wrong(file, "it has no name")
    parameters = {(each["in"], each["name"]): each for each in _listed(pair, "parameters", file)}
    changed = []
    for parameter in operation.parameters:
        stated = parameters.pop((parameter.location, parameter.name), None)
        shown = (_example(stated, name, file),) if stated is not None else ()
        changed.append(replace(parameter, examples=(*parameter.examples, *shown)))
    if parameters:
        raise _wrong(file, f"{operation.id} has no parameter {' '.join(map(str, next(iter(parameters))))}")
    body, request = operation.body, pair.get("request")
    if isinstance(request, Mapping):
        if body is None:
            raise _wrong(file, f"{operation.id} takes no body")
        body = replace(body, content=_content(body.content, request, name, file))
    return replace(
        operation, parameters=tuple(changed), body=body, responses=_responses(operation, pair, name, file)
    )


def _responses(
    operation: Operation, pair: Mapping[str, JSON], name: str, file: Path
) -> Mapping[str, Response]:
    stated = pair.get("response")
    status = stated.get("status") if isinstance(stated, Mapping) else None
    response = operation.response_for(status) if isinstance(status, int) else None
    if response is None or not isinstance(stated, Mapping):
        raise _wrong(file, f"{operation.id} documents no status {status}")
    if "example" not in stated:
        return operation.responses
    answering = replace(response, content=_content(response.content, stated, name, file))
    return {**operation.responses, response.status: answering}


def _content(
    content: Mapping[str, MediaType], stated: Mapping[str, JSON], name: str, file: Path
) -> Mapping[str, MediaType]:
    media = content.get(str(stated.get("contentType")))
    if media is None:
        raise _wrong(file, f"the content type {stated.get('contentType')} is not documented")
    example = _example(stated, name, file)
    if media.schema is not None:
        for violation in compile_schema(media.schema).violations(example.value):
            raise _wrong(file, f"{violation.pointer or 'the body'} {violation.detail}")
    return {**content, media.content_type: replace(media, examples=(*media.examples, example))}


def _example(stated: Mapping[str, JSON], name: str, file: Path) -> Example:
    example = stated.get("example")
    if not isinstance(example, Mapping) or "value" not in example:
        raise _wrong(file, "an example has no value")
    return Example(name, example["value"], str(example.get("summary", "")), Place(str(file), 1))


def _listed(pair: Mapping[str, JSON], word: str, file: Path) -> Iterator[Mapping[str, JSON]]:
    found = pair.get(word, [])
    if not isinstance(found, list) or not all(
        isinstance(each, Mapping) and isinstance(each.get("in"), str) and isinstance(each.get("name"), str)
        for each in found
    ):
        raise _wrong(file, f"'{word}' is no list of parameters")
    yield from found


def _wrong(file: Path, found: str, remedy: str = "") -> ContractError:
    return ContractError(
        str(file),
        found,
        "a recorded example that keeps the contract",
        remedy or "Record it anew, or delete the file",
    )
