"""What holds where a schema is entered: its dialect, and the dynamic anchors in scope."""

from __future__ import annotations

from harness.contract.documents import Document
from harness.contract.identifiers import DIALECTS, dialect_named
from harness.contract.model import Dialect
from harness.errors import ContractError

Scope = tuple[tuple[str, str], ...]
"""Name of a dynamic anchor and URI of the schema that it now stands for, in the order of names."""


def entered(scope: Scope, document: Document, pointer: str) -> Scope:
    """The dynamic scope inside a schema that is entered from this one: what was met first holds (JSON Schema
    2020-12, section 8.2.3.2; 2019-09, section 8.2.4.2.2 for ``$recursiveAnchor``)."""
    if not document.identifiers.dynamic:
        return scope
    found = dict(scope)
    for name, at in document.identifiers.dynamic_at(pointer):
        found.setdefault(name, f"{document.uri}#{at}")
    return tuple(sorted(found.items()))


def dialect_at(document: Document, pointer: str, default: Dialect) -> Dialect:
    """The dialect of a schema by the nearest ``$schema``, else the document's ``jsonSchemaDialect``, else
    ``default``. OpenAPI 3.0 knows neither word. Raises ContractError for one that cannot be honoured."""
    if default == "openapi-3.0":
        return default
    declared = document.identifiers.meta_of(pointer)
    tree = document.tree
    if declared is None and isinstance(tree, dict) and isinstance(tree.get("jsonSchemaDialect"), str):
        declared = tree["jsonSchemaDialect"], ""
    if declared is None:
        return default
    uri, holder = declared
    found = dialect_named(uri)
    if found is None:
        word = "$schema" if holder in document.identifiers.meta else "jsonSchemaDialect"
        raise ContractError(
            str(document.place(f"{holder}/{word}")),
            f"the schema dialect '{uri}' is not known here, so what its schemas mean cannot be told",
            "one of: " + ", ".join(f"https://{name}" for name in DIALECTS),
            "Leave the dialect out if the schemas mean what JSON Schema 2020-12 says",
        )
    return found
