"""A request for every operation of any contract, from its own examples, and what a mock answered."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

from harness.contract import styles
from harness.contract.model import JSON, Contract, MediaType, Operation, Parameter, SecurityScheme
from harness.contract.schema import ANYTHING, compile_schema, example_of
from harness.errors import ContractError
from harness.serving.xml_bodies import is_well_formed, write_xml

Exchange = dict[str, Any]
"""One exchange as ``--exchanges`` records it."""


def value_of(parameter: Parameter) -> JSON:
    """The first documented example that keeps the schema, else one made for it."""
    validator = compile_schema(parameter.schema, "request")
    shown = [example.value for example in parameter.examples if validator.is_valid(example.value)]
    return shown[0] if shown else example_of(parameter.schema, 1)


def request_of(base: str, contract: Contract, operation: Operation) -> httpx.Request:
    """A request with what the operation requires. Raises ContractError where no parameter
    satisfies its schema."""
    url = operation.path
    pairs: list[str] = []
    headers: dict[str, str] = dict(_credentials(contract, operation))
    cookies: list[str] = []
    for parameter in operation.parameters:
        if not parameter.required:
            continue
        value = value_of(parameter)
        match parameter.location:
            case "path":
                url = url.replace("{" + parameter.name + "}", styles.path_text(parameter, value))
            case "header":
                headers[parameter.name] = styles.header_text(value, parameter.explode).strip()
            case "cookie":
                cookies.append(styles.cookie_text(parameter, value))
            case _:
                pairs += styles.query_pairs(parameter, value)
    if cookies:
        headers["Cookie"] = "; ".join(cookies)
    content = b""
    if operation.body is not None and operation.body.content:
        media = _preferred(operation.body.content)
        content, headers["Content-Type"] = written(media)
    if types := [kind for response in operation.successes for kind in response.content]:
        headers["Accept"] = types[0]
    query = "?" + "&".join(pairs) if pairs else ""
    return httpx.Request(operation.method, base + url + query, headers=headers, content=content)


def _preferred(content: Mapping[str, MediaType]) -> MediaType:
    return next(
        (media for name, media in content.items() if styles.is_json(name)), next(iter(content.values()))
    )


def written(media: MediaType) -> tuple[bytes, str]:
    """A body of this type and its Content-Type; an empty object where nothing satisfies the schema."""
    kind = media.content_type.replace("*/*", "application/json").replace("/*", "/plain")
    schema = media.schema or ANYTHING
    validator = compile_schema(schema, "request")
    shown = [example.value for example in media.examples if validator.is_valid(example.value)]
    if "xml" in kind:
        shown = [each for each in shown if not isinstance(each, str) or is_well_formed(each)]
    try:
        value = shown[0] if shown else example_of(schema, 1, "request")
    except ContractError:
        value = {}
    if styles.is_json(kind):
        return json.dumps(value).encode(), kind
    if "xml" in kind:
        is_document = isinstance(value, str) and value.lstrip().startswith("<")
        return (value.encode() if is_document else write_xml(value, schema)), kind
    if kind == "application/x-www-form-urlencoded" and isinstance(value, dict):
        form = [Parameter(name, "query", True, ANYTHING, "form", True) for name in value]
        return "&".join(p for f in form for p in styles.query_pairs(f, value[f.name])).encode(), kind
    return str(value).encode(), kind


def _credentials(contract: Contract, operation: Operation) -> Iterator[tuple[str, str]]:
    for name in operation.security[0] if operation.security else ():
        scheme = contract.security_schemes.get(name, SecurityScheme(name, "http", "bearer"))
        if scheme.kind == "apiKey" and scheme.location == "header":
            yield scheme.parameter, "key"
        elif scheme.kind == "http" and scheme.scheme == "basic":
            yield "Authorization", f"Basic {base64.b64encode(b'ann:secret').decode()}"
        elif scheme.kind in ("http", "oauth2", "openIdConnect"):
            yield "Authorization", "Bearer somebody-elses-token"


def origin_of(contract: Contract) -> str:
    """Scheme and host of the first server's URL; ``""`` where it has none."""
    for tree in contract.documents.values():
        for server in tree.get("servers", ()) if isinstance(tree, dict) and "openapi" in tree else ():
            whole = server["url"]
            for name, variable in server.get("variables", {}).items():
                whole = whole.replace(f"{{{name}}}", str(variable["default"]))
            parts = urlsplit(whole)
            return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
    return ""


def exchanges(
    contract: Contract, operations: Iterable[Operation], url: str, client: httpx.Client
) -> Iterator[tuple[Operation, Exchange | str]]:
    """Each operation with its exchange, as if the first server of the contract had been asked, or with why
    there is none. What a mock refuses for what it remembers is asked again without that."""
    origin = origin_of(contract) or url
    for operation in operations:
        try:
            request = request_of(url, contract, operation)
        except ContractError as error:
            yield operation, f"no request: {error}"
            continue
        answer = client.send(request)
        yield operation, _recorded(request, answer, url, origin)
        refused = answer.headers.get("x-portal-matched") == "state" and answer.status_code >= 400
        if refused and operation.parameter("header", "Prefer") is None:
            request.headers["Prefer"] = "state=off"
            yield operation, _recorded(request, client.send(request), url, origin)


def _recorded(request: httpx.Request, answer: httpx.Response, url: str, origin: str) -> Exchange:
    return {
        "method": request.method,
        "url": str(request.url).replace(url, origin, 1),
        "path": request.url.raw_path.decode().partition("?")[0],
        "query": request.url.query.decode(),
        "headers": dict(request.headers),
        "body": request.content.decode("utf-8", "replace"),
        "status": answer.status_code,
        "response_headers": dict(answer.headers),
        "response_body": answer.text,
    }
