"""The documents that a contract shows in its examples: all that a mock knows of the world."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from harness.contract.model import JSON, Contract, Schema
from harness.contract.schema import compile_schema, examples_of, expand, items_of, properties, says

Document = Mapping[str, JSON]


@dataclass(slots=True)
class Known:
    """Example documents by component schema and ``id``; of two with one id the schema's own is kept.

    What is only written (``writeOnly``) is no part of them: whoever looks at a thing does not see it.

    Filled on first use, for one schema at a time.
    """

    contract: Contract
    _documents: dict[str, dict[str, Document]] = field(default_factory=dict)

    def of(self, schema: str | None) -> Mapping[str, Document]:
        """Every known document of a component schema, by id, in the contract's order."""
        if schema is None or schema not in self.contract.schemas:
            return {}
        if schema not in self._documents:
            found: dict[str, Document] = {}
            named = properties(self.contract.schemas[schema])
            secret = {name for name, each in named.items() if says(each, "writeOnly") is True}
            for document in examples_of(self.contract, schema):
                if isinstance(document, Mapping) and isinstance(document.get("id"), str):
                    found.setdefault(document["id"], without(document, secret) if secret else document)
            self._documents[schema] = found
        return self._documents[schema]

    def replayed(self, schema: str | None, example: JSON, id: JSON) -> JSON:
        """What ``example`` shows happening to its own document, happening to the one with this id instead.

        The example itself where either of the two is not known.
        """
        if not isinstance(id, str) or not isinstance(example, Mapping) or example.get("id") == id:
            return example
        documents = self.of(schema)
        before, other = documents.get(str(example.get("id"))), documents.get(id)
        if before is None or other is None:
            return example
        changed = {name: value for name, value in example.items() if before.get(name) != value}
        gone = before.keys() - example.keys()
        return {**{name: value for name, value in other.items() if name not in gone}, **changed, "id": id}


def listed_in(schema: Schema) -> tuple[str, str] | None:
    """The array property of a page, with the component schema of its items; None if it is no page.

    What has an ``id`` is a thing of its own, whatever it lists.
    """
    named = properties(schema)
    for name, described in named.items() if "id" not in named else ():
        items = items_of(described)
        component = expand(items).name if items is not None else None
        if component is not None:
            return name, component
    return None


@dataclass(frozen=True, slots=True)
class Listing:
    """How one operation's page is filtered: by the parameters that are named as its items' properties."""

    schema: Schema
    property: str
    item: str
    filters: tuple[str, ...]

    def applied(self, page: JSON, asked: Mapping[str, JSON], known: Known) -> JSON:
        """The page with what agrees with ``asked`` (parameter → value), from all that is known.

        The page itself if it agrees already, or if the filtered one would not be valid.
        """
        wanted = {name: asked[name] for name in self.filters if name in asked}
        if not wanted or not isinstance(page, Mapping) or not isinstance(page.get(self.property), list):
            return page
        shown = page[self.property]
        if shown and all(_agrees(item, wanted) for item in shown):
            return page
        among = known.of(self.item).values() or shown
        items = [item for item in among if _agrees(item, wanted)]
        filtered = {name: value for name, value in page.items() if name != "next"} | {self.property: items}
        if isinstance(page.get("total"), int):
            filtered["total"] = len(items)
        if isinstance(asked.get("limit"), int):
            filtered[self.property] = items[: asked["limit"]]
        return filtered if compile_schema(self.schema, "response").is_valid(filtered) else page


def listing_of(contract: Contract, schema: Schema | None, parameters: tuple[str, ...]) -> Listing | None:
    """How a page of this schema is filtered by these path and query parameters; None if it is no page."""
    listed = listed_in(schema) if schema is not None else None
    if schema is None or listed is None or listed[1] not in contract.schemas:
        return None
    described = properties(contract.schemas[listed[1]])
    return Listing(schema, *listed, tuple(name for name in parameters if name in described))


def _agrees(item: JSON, wanted: Document) -> bool:
    if not isinstance(item, Mapping):
        return False
    return all(
        item.get(name) in value if isinstance(value, list) else item.get(name) == value
        for name, value in wanted.items()
    )


def without(document: Document, names: Collection[str]) -> dict[str, JSON]:
    """The document without some of its properties."""
    return {name: value for name, value in document.items() if name not in names}
