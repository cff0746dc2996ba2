"""An agreement: the interactions that a consumer relies on of a provider, each tried and written down."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from pact import Pact
from pact.interaction import AsyncMessageInteraction, HttpInteraction

Wanted = TypeVar("Wanted", HttpInteraction, AsyncMessageInteraction)
Consumer = TypeVar("Consumer")

Define = Callable[[Wanted], Callable[[Consumer], None]]
"""Says what is wanted, and returns what the consumer does with it and expects of itself."""

Take = Callable[[str | bytes | None, dict[str, object]], None]


@dataclass(frozen=True)
class Interaction(Generic[Wanted, Consumer]):
    """One interaction. ``str()`` is its description."""

    agreement: Agreement[Wanted, Consumer]
    description: str
    define: Define[Wanted, Consumer]

    def tried(self, consumer: Callable[[str], AbstractContextManager[Consumer]]) -> None:
        """The consumer makes its request of Pact's stand-in for the provider and understands the answer."""
        pact = Pact(self.agreement.consumer, self.agreement.provider)
        use = self._defined(pact)
        with pact.serve(addr="127.0.0.1") as server, consumer(str(server.url)) as client:
            use(client)

    def taken(self, consumer: Consumer, take: Take) -> None:
        """The consumer takes the message in, by ``take``, and then is as it should be."""
        pact = Pact(self.agreement.consumer, self.agreement.provider)
        use = self._defined(pact)
        pact.verify(take, "Async")
        use(consumer)

    def _defined(self, pact: Pact) -> Callable[[Consumer], None]:
        wanted: Any = pact.upon_receiving(self.description, self.agreement.kind)
        return self.define(wanted)

    def __str__(self) -> str:
        return self.description


class Agreement(Generic[Wanted, Consumer]):
    """Between two parties, over HTTP or by messages. Decorate what defines an interaction with it."""

    def __init__(self, consumer: str, provider: str, kind: Literal["HTTP", "Async"]) -> None:
        self.consumer, self.provider = consumer, provider
        self.kind: Any = kind
        self.interactions: list[Interaction[Wanted, Consumer]] = []

    @property
    def file(self) -> str:
        return f"{self.consumer}-{self.provider}.json"

    def __call__(self, description: str) -> Callable[[Define[Wanted, Consumer]], Define[Wanted, Consumer]]:
        """Add an interaction. Pact lets one overwrite another of the same description; this does not."""

        def add(define: Define[Wanted, Consumer]) -> Define[Wanted, Consumer]:
            if any(each.description == description for each in self.interactions):
                raise ValueError(f"{self.file}: two interactions are called '{description}'")
            self.interactions.append(Interaction(self, description, define))
            return define

        return add

    def written(self, folder: Path) -> str:
        """All interactions as Pact writes them, without what changes from one Pact to the next."""
        pact = Pact(self.consumer, self.provider)
        for each in self.interactions:
            each._defined(pact)
        pact.write_file(folder, overwrite=True)
        return normalised(json.loads((folder / self.file).read_text(encoding="utf-8")))


def normalised(document: Mapping[str, Any]) -> str:
    """A pact as it is committed: in one order, and without the versions of the tools that wrote it."""
    kept = {name: part for name, part in document.items() if name != "metadata"}
    kept["interactions"] = sorted(kept["interactions"], key=lambda each: str(each["description"]))
    kept["metadata"] = {"pactSpecification": document["metadata"]["pactSpecification"]}
    return json.dumps(kept, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
