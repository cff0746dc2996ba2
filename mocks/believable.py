"""Generated values that one can believe: a ``city`` is a city. The one place that knows Faker.

It is loaded when a name first asks for it, with the few providers that are used: 14 MiB and half a second
instead of 70 MiB. All that it makes up is held to the schema, and is the same for the same seed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from harness.contract.dialects import Direction
from harness.contract.documents import tokens_of
from harness.contract.model import JSON, Schema
from harness.contract.schema import compile_schema, example_of, expand, generate, says
from harness.contract.showing import forms, under
from mocks.representations import plain

_PROVIDERS = ("person", "address", "company", "internet", "lorem", "job", "color", "currency", "geo")
_SAYS = ("example", "examples", "default", "const", "enum", "pattern")
"""A schema that says one of these was obeyed; nothing else is made up in its place."""

_LOCK = threading.Lock()
"""Around seeding Faker and asking it."""

_BY_NAME: Mapping[str, Callable[[Any], JSON]] = {
    name: ask
    for names, ask in (
        ("firstname givenname forename", lambda fake: fake.first_name()),
        ("lastname familyname surname", lambda fake: fake.last_name()),
        ("fullname displayname patientname customername contactname", lambda fake: fake.name()),
        ("name title label", lambda fake: " ".join(fake.words(2)).title()),
        ("email emailaddress mail", lambda fake: fake.safe_email()),
        (
            "phone phonenumber telephone mobile mobilenumber fax",
            lambda fake: fake.numerify("+1-202-555-01##"),
        ),
        ("street streetaddress addressline addressline1 address1", lambda fake: fake.street_address()),
        ("address postaladdress", lambda fake: fake.address().replace("\n", ", ")),
        ("city town", lambda fake: fake.city()),
        ("postcode postalcode zip zipcode", lambda fake: fake.postcode()),
        ("country countryname", lambda fake: fake.country()),
        ("countrycode", lambda fake: fake.country_code()),
        ("company companyname organization organisation employer", lambda fake: fake.company()),
        ("job jobtitle occupation profession", lambda fake: fake.job()),
        ("username login nickname", lambda fake: fake.user_name()),
        ("url website homepage uri link href", lambda fake: f"https://example.com/{fake.slug()}"),
        ("description summary comment comments note notes text message reason", lambda fake: fake.sentence()),
        ("color colour", lambda fake: fake.color_name()),
        ("currency currencycode", lambda fake: fake.currency_code()),
        ("latitude lat", lambda fake: round(float(fake.latitude()), 5)),
        ("longitude lon lng", lambda fake: round(float(fake.longitude()), 5)),
        ("age", lambda fake: fake.random_int(1, 95)),
        ("birthdate dateofbirth dob", lambda fake: f"{fake.random_int(1935, 2009)}-{fake.numerify('0%-1#')}"),
    )
    for name in names.split()
}
_BY_FORMAT = {"email": _BY_NAME["email"], "idn-email": _BY_NAME["email"], "uri": _BY_NAME["url"]}


def believable(schema: Schema, seed: int) -> JSON:
    """A value of this property's schema that its name or format lets one expect; None where they say nothing
    or what they say is not valid."""
    if any(says(schema, word) is not None for word in _SAYS):
        return None
    name = plain(_name(schema))
    ask = _BY_NAME.get(name) or _BY_NAME.get(name.removesuffix("s"))
    ask = ask or _BY_FORMAT.get(str(says(schema, "format")))
    if ask is None:
        return None
    with _LOCK:
        fake = _faker()
        fake.seed_instance(seed)
        made = ask(fake)
    return made if compile_schema(schema).is_valid(made) else None


def made_up(schema: Schema, seed: int, direction: Direction | None = None) -> JSON:
    """``generate``, with what can be believed. Raises ContractError."""
    return _retold(schema, generate(schema, seed, direction), seed, direction)


def exemplary(schema: Schema, seed: int, direction: Direction | None = None) -> JSON:
    """``example_of``, with what can be believed where the schema shows no example. Raises ContractError."""
    value = example_of(schema, seed, direction)
    return _retold(schema, value, seed, direction)


def _retold(schema: Schema, value: JSON, seed: int, direction: Direction | None) -> JSON:
    """The value with every leaf in which one can believe more; as it was where that breaks the whole."""
    if not isinstance(value, dict | list):
        better = believable(schema, seed)
        return better if type(better) is type(value) else value
    told = _told([schema], value, [seed])
    return told if compile_schema(schema, direction).is_valid(told) else value


def _told(schemas: list[Schema], value: JSON, turn: list[int]) -> JSON:
    if not schemas or any(says(each, word) is not None for each in schemas for word in _SAYS[:5]):
        return value
    if isinstance(value, Mapping):
        offered = list(forms(schemas))
        return {name: _told(list(under(offered, name)), each, turn) for name, each in value.items()}
    if isinstance(value, list):
        offered = list(forms(schemas))
        return [_told(list(under(offered, None)), each, turn) for each in value]
    turn[0] += 1
    better = believable(schemas[0], turn[0])
    return better if type(better) is type(value) else value


def _name(schema: Schema) -> str:
    """The name under which a property's schema stands; that of its list for the items of one."""
    tokens = [each for each in tokens_of(schema.uri.partition("#")[2]) if each != "items"]
    if len(tokens) > 1 and tokens[-2] == "properties":
        return tokens[-1]
    return expand(schema).name or ""


@cache
def _faker() -> Any:
    from faker.factory import Factory

    return Factory.create("en_US", providers=[f"faker.providers.{each}" for each in _PROVIDERS])
