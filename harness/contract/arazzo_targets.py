"""What a step's ``operationId``, ``operationPath``, ``channelPath`` or ``workflowId`` leads to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

from harness.contract.documents import Documents
from harness.contract.model import Channel, Contract, MessageOperation, Operation, Place
from harness.contract.model.workflows import Deed, HttpCall, MessageFlow, Nowhere, Source, WorkflowCall
from harness.contract.nearest import did_you_mean
from harness.contract.node import Node
from harness.errors import ContractError

_EXPRESSION = "$sourceDescriptions."
_PATH = re.compile(r"\{?\$sourceDescriptions\.(?P<name>[^{}#]+)\.url\}?#(?P<pointer>/.*)\Z", re.DOTALL)
_OPPOSITE: Mapping[str, Literal["send", "receive"]] = {"send": "receive", "receive": "send"}

Action = Literal["send", "receive", ""]
_Placed = Operation | MessageOperation | Channel
_Found = TypeVar("_Found")


class _Blamed(Exception):
    """A source that is needed could not be had."""

    def __init__(self, source: Source) -> None:
        self.source = source


@dataclass(frozen=True, slots=True)
class Targets:
    """Looks names up in the sources; ``workflows`` are the ids of the document itself."""

    sources: Mapping[str, Source]
    workflows: tuple[str, ...]

    def deed(self, node: Node, field: str, text: str, action: Action) -> Deed:
        """What a step does; ``Nowhere``, which holds the ContractError, if that cannot be found."""
        find: Mapping[str, Callable[[Node, str, Action], Deed]] = {
            "operationId": self._operation,
            "operationPath": self._path,
            "channelPath": self._channel,
            "workflowId": self._workflow,
        }
        return _or_nowhere(lambda: find[field](node, text, action), node, text)

    def lead(self, node: Node, text: str) -> WorkflowCall | Nowhere:
        """The workflow that a text names."""
        return _or_nowhere(lambda: self._call(node, text), node, text)

    def _operation(self, node: Node, text: str, action: Action) -> Deed:
        if text.startswith(_EXPRESSION):
            source, name = self._named(node, text)
            found = _in_source(source, name, action)
            if found is None:
                raise _unknown(node, "operation", name, _operations(source), source.name)
            return found
        usable = [each for each in self.sources.values() if each.contract is not None]
        matches = {each.name: found for each in usable if (found := _in_source(each, text, action))}
        if len(matches) > 1:
            names = " and ".join(matches)
            expected = f"{_EXPRESSION}<one of them>.{text}"
            raise node.error(f"several sources have an operation '{text}': {names}", expected)
        if matches:
            return next(iter(matches.values()))
        for source in self.sources.values():
            if source.problem is not None:
                raise _Blamed(source)  # it may be in there: nobody can tell
        raise _unknown(node, "operation", text, [name for each in usable for name in _operations(each)])

    def _named(self, node: Node, text: str) -> tuple[Source, str]:
        """The source and the rest of ``$sourceDescriptions.<name>.<rest>``; a name may hold dots."""
        rest = text.removeprefix(_EXPRESSION)
        fitting = [name for name in self.sources if rest.startswith(f"{name}.")]
        if not fitting:
            raise _unknown(node, "source", rest.partition(".")[0], self.sources)
        name = max(fitting, key=len)
        return self._loaded(name), rest[len(name) + 1 :]

    def _loaded(self, name: str) -> Source:
        source = self.sources[name]
        if source.problem is not None:
            raise _Blamed(source)
        return source

    def _pointed(self, node: Node, text: str, called: str) -> tuple[Source, str]:
        match = _PATH.match(text)
        if match is None:
            expected = f"{{$sourceDescriptions.<name>.url}}#/<JSON pointer of {called}>"
            raise node.error(f"'{text}' is no path to {called}", expected)
        if match["name"] not in self.sources:
            raise _unknown(node, "source", match["name"], self.sources)
        return self._loaded(match["name"]), match["pointer"]

    def _path(self, node: Node, text: str, action: Action) -> Deed:
        if text.startswith(_EXPRESSION) and not _PATH.match(text):
            return self._operation(node, text, action)  # as the specification's own example writes it
        source, pointer = self._pointed(node, text, "an operation")
        contract = _contract(node, source)
        known: tuple[_Placed, ...] = (*contract.operations.values(), *contract.message_operations.values())
        found = _standing(node, source, contract, pointer, known)
        if isinstance(found, Operation):
            return HttpCall(contract, found)
        if isinstance(found, MessageOperation):
            return _flow(contract, found, action)
        raise node.error(f"'{pointer}' is no operation of '{source.name}'", "e.g. …#/paths/~1slots/get")

    def _channel(self, node: Node, text: str, action: Action) -> Deed:
        if text.startswith(_EXPRESSION) and not _PATH.match(text):
            source, id_ = self._named(node, text)
            contract = _contract(node, source)
            if id_ not in contract.channels:
                raise _unknown(node, "channel", id_, contract.channels)
            channel = contract.channels[id_]
        else:
            source, pointer = self._pointed(node, text, "a channel")
            contract = _contract(node, source)
            standing = _standing(node, source, contract, pointer, tuple(contract.channels.values()))
            if not isinstance(standing, Channel):
                raise node.error(f"'{pointer}' is no channel of '{source.name}'", "…#/channels/<id>")
            channel = standing
        if not action:
            raise node.error("a step with a channelPath has no action", "action: send, or action: receive")
        return MessageFlow(contract, channel, action)

    def _workflow(self, node: Node, text: str, _: Action) -> Deed:
        return self._call(node, text)

    def _call(self, node: Node, text: str) -> WorkflowCall:
        if not text.startswith(_EXPRESSION):
            if text not in self.workflows:
                raise _unknown(node, "workflow", text, self.workflows)
            return WorkflowCall(text)
        source, id_ = self._named(node, text)
        known = source.workflows.workflows if source.workflows else {}
        if id_ not in known:
            raise _unknown(node, "workflow", id_, known, source.name)
        return WorkflowCall(id_, source.name)


def _or_nowhere(find: Callable[[], _Found], node: Node, text: str) -> _Found | Nowhere:
    try:
        return find()
    except ContractError as problem:
        return Nowhere(text, problem, place=node.place)
    except _Blamed as blame:
        return Nowhere(text, _unavailable(node, text, blame.source), blame.source.name, node.place)


def _contract(node: Node, source: Source) -> Contract:
    if source.contract is None:
        raise node.error(
            f"the source '{source.name}' holds workflows", "a source of type openapi or asyncapi"
        )
    return source.contract


def _in_source(source: Source, id_: str, action: Action) -> Deed | None:
    """The operation of this id in a source: of its own kind, for a contract may be made of both."""
    contract = source.contract
    if contract is None:
        return None
    if source.kind == "openapi":
        operation = contract.operations.get(id_)
        return HttpCall(contract, operation) if operation else None
    message = contract.message_operations.get(id_)
    return _flow(contract, message, action) if message else None


def _flow(contract: Contract, operation: MessageOperation, action: Action) -> MessageFlow:
    """What the service receives the workflow sends, and the reverse, unless the step says."""
    return MessageFlow(contract, operation.channel, action or _OPPOSITE[operation.action], operation)


def _operations(source: Source) -> Iterable[str]:
    if source.contract is None:
        return source.workflows.workflows if source.workflows else ()
    return source.contract.operations if source.kind == "openapi" else source.contract.message_operations


def _standing(
    node: Node, source: Source, contract: Contract, pointer: str, known: tuple[_Placed, ...]
) -> _Placed | None:
    """What stands at a pointer of the source's document, or the one operation of the path item there."""
    documents = contract.documents
    if not isinstance(documents, Documents):
        return None
    uri = _uri(source, documents)
    try:
        document, whole = documents.resolve(uri, f"#{pointer}", node.place)
    except ContractError as error:
        found = f"'{pointer}' leads nowhere in '{source.name}'"
        raise node.error(found, error.expected, error.remedy) from error
    at = Node.at(documents, document, whole).follow()
    places: list[Place] = [at.place]
    if isinstance(at.value, dict):
        places += [at.child(key).follow().place for key in at.value if isinstance(at.value[key], dict)]
    whole_found = [each for each in known if each.place == places[0]]
    below = [each for each in known if isinstance(each, Operation) and each.place in places[1:]]
    if len(below) > 1 and not whole_found:
        methods = ", ".join(each.method.lower() for each in below)
        raise node.error(
            f"'{pointer}' holds several operations: {methods}", f"e.g. …#{pointer}/{below[0].method.lower()}"
        )
    return next(iter((*whole_found, *below)), None)


def _uri(source: Source, documents: Documents) -> str:
    """The source's own document among those of its contract: the first of its kind."""
    for uri, tree in documents.items():
        if isinstance(tree, dict) and source.kind in tree:
            return uri
    return next(iter(documents))


def _unavailable(node: Node, text: str, source: Source) -> ContractError:
    problem = source.problem
    why = problem.paragraph() if isinstance(problem, ContractError) else str(problem)
    return node.error(f"'{text}' needs the source '{source.name}', which cannot be read. {why}")


def _unknown(node: Node, called: str, name: str, known: Iterable[str], source: str = "") -> ContractError:
    where = f" in '{source}'" if source else ""
    return node.error(f"there is no {called} '{name}'{where}", f"a known {called}", did_you_mean(name, known))
