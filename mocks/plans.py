"""Everything about a stateful operation that no request decides, compiled when the mock is built."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from harness.contract.model import JSON, Contract, Operation
from harness.contract.schema import Validator, compile_schema
from harness.serving.exchange import Request
from mocks.filtering import Filter, filters_of
from mocks.lessons import Lesson, lessons_of
from mocks.making import Making, making_of
from mocks.moves import Group, groups_of
from mocks.paging import PageForm, Paging
from mocks.representations import Many, Success, many_in, successes
from mocks.resources import Kind, Resources, Role
from mocks.response_headers import ResponseHeaders, response_headers
from mocks.seeding import Seeds
from mocks.sorting import Sorting
from mocks.things import Thing
from mocks.views import View
from mocks.writing import concrete


@dataclass(slots=True)
class Way:
    """One documented success, ready to be answered: how it shows a thing or a page, and its headers."""

    success: Success
    content_type: str
    headers: ResponseHeaders
    tag: _Tag | None
    view: View | None = None
    form: PageForm | None = None
    items: View | None = None
    like: JSON = None

    @property
    def status(self) -> int:
        return self.success.status


@dataclass(slots=True)
class Plan:
    """One operation. ``made``, ``done`` and ``left`` are its answers where something new came about, where
    there is something to show, and where there is nothing. ``unseen`` says that there may be things which
    state does not know: what makes them has no role, or the contract neither makes, lists nor shows one."""

    role: Role
    making: Making
    lessons: tuple[Lesson, ...]
    own: Group | None
    named: tuple[Group, ...]
    late: tuple[Group, ...]
    made: Way
    done: Way
    left: Way
    idempotent: bool
    matched: bool
    documented: frozenset[str]
    address: str | None = None
    paging: Paging | None = None
    sorting: Sorting | None = None
    filters: tuple[Filter, ...] = ()
    unseen: bool = False

    @property
    def operation(self) -> Operation:
        return self.role.operation

    def documents(self, status: int) -> bool:
        """Whether the operation documents this very status, or its class."""
        return str(status) in self.documented or f"{status // 100}XX" in self.documented

    def location(self, request: Request, thing: Thing) -> str | None:
        """Where a new thing can be read."""
        if self.address is None:
            return None
        path = self.address
        for name, value in request.path.items():
            path = path.replace("{" + name + "}", quote(str(value), safe=""))
        head, brace, _ = path.rpartition("{")
        path = head + quote(thing.key, safe="") if brace else path
        return None if "{" in path else path


class _Tag:
    """Writes versions as the entity tags that a header's schema allows."""

    _FORMS = ('"{}"', 'W/"{}"', "{}", '"{:032x}"', "{:032x}", '"{:08x}"')

    def __init__(self, validator: Validator | None) -> None:
        fits = (each for each in self._FORMS if validator is None or validator.is_valid(each.format(1)))
        self._form = next(fits, None)

    def of(self, version: int) -> str | None:
        return self._form.format(version) if self._form is not None else None


def plan_of(
    contract: Contract,
    resources: Resources,
    role: Role,
    seeds: Seeds,
    seed: int,
) -> Plan | None:
    """The plan of an operation that has a role; None if no success of it can be answered from state."""
    operation = role.operation
    ways = [_way(contract, role, success, seed) for success in successes(operation)]
    if not ways:
        return None
    bodied = [way for way in ways if way.success.media is not None]
    shown = next((way for way in bodied if way.status not in (201, 202)), None) or (bodied or ways)[0]
    groups = groups_of(contract, operation.id, resources.kinds, role)
    paging = Paging(operation) if role.does == "list" else None
    sorting = Sorting(operation, role.kind.named) if paging is not None else None
    apart = (*paging.parameters, *sorting.parameters) if paging is not None and sorting is not None else ()
    if paging is not None and shown.success.schema is not None:
        _paged(shown, paging)
    return Plan(
        role=role,
        making=making_of(contract, role, seed),
        lessons=lessons_of(operation, role, resources, seeds),
        own=next((each for each in groups if each.names is None and each.kind is role.kind), None),
        named=tuple(each for each in groups if each.names is not None and not each.late),
        late=tuple(each for each in groups if each.late),
        made=next((way for way in ways if way.status == 201), shown),
        done=shown,
        left=next((way for way in ways if way.status == 204), None)
        or next((way for way in ways if way.success.media is None), shown),
        idempotent=operation.parameter("header", "Idempotency-Key") is not None,
        matched=operation.parameter("header", "If-Match") is not None or "412" in operation.responses,
        documented=frozenset(status.upper() for status in operation.responses),
        address=_address(resources, role),
        paging=paging,
        sorting=sorting if sorting is not None and sorting.parameters else None,
        filters=filters_of(operation, role.kind.named, apart) if paging is not None else (),
        unseen=role.made_unseen
        or (seeds.are_made_up(role.kind.name) and not _are_known(resources, role.kind)),
    )


def _are_known(resources: Resources, kind: Kind) -> bool:
    """Whether an operation or a message makes things of a kind, or an operation lists them all."""
    begins = kind.lifecycle is not None and any(not edge.sources for edge in kind.lifecycle.transitions)
    telling = {"create", "replace", "list", *(("patch",) if kind.single else ())}
    return begins or any(each.kind is kind and each.does in telling for each in resources.roles.values())


def _way(contract: Contract, role: Role, success: Success, seed: int) -> Way:
    operation = role.operation
    headers = response_headers(contract, operation, success.response, seed)
    tag = _Tag(compile_schema(headers.etag) if headers.etag is not None else None) if headers.tagged else None
    if success.media is None:
        return Way(success, "", headers, tag)
    like = success.media.examples[0].value if success.media.examples else None
    schema = success.schema
    view = View(schema, like=like) if schema is not None and many_in(schema) is None else None
    return Way(success, concrete(success.media.content_type), headers, tag, view, like=like)


def _paged(way: Way, paging: Paging) -> None:
    schema = way.success.schema
    many: Many | None = many_in(schema) if schema is not None else None
    if schema is None or many is None:
        return
    way.form = PageForm(schema, many, way.success.response, paging)
    way.items = View(many.items)


def _address(resources: Resources, role: Role) -> str | None:
    """The path under which a thing of the role's kind is read: the one that goes on from this path first."""
    reads = [
        each.operation.path
        for each in resources.roles.values()
        if each.kind is role.kind and each.does == "read" and each.by == role.kind.id
    ]
    reads.sort(key=lambda path: path.rpartition("/")[0] != role.operation.path)
    return reads[0] if reads else None
