"""Fakes in the place of what must not be kept: valid, believable, and the same for the same original."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from harness.contract.model import JSON, Contract, Schema
from harness.contract.schema import compile_schema, expand, generate, items_of, properties, says
from harness.contract.showing import forms, under
from harness.errors import ContractError
from mocks.believable import believable

SHORTEST = 6
"""Characters of a text that is looked for wherever it may stand; a shorter one may stand there by chance."""

_TRIES = 20
_SECRETS = frozenset(
    {
        "access_token",
        "assertion",
        "client_assertion",
        "client_secret",
        "code_verifier",
        "id_token",
        "password",
        "refresh_token",
    }
)
"""Properties of bodies that are secrets anywhere (RFC 6749, RFC 7523, RFC 7636, OpenID Connect)."""


class CannotFake(Exception):
    """Nothing valid was found in the place of something that must not be kept."""


class Fakes:
    """One recording's replacements. A fake tells nothing of its original: it is made by its number.

    ``known`` maps the text of every original that is looked for everywhere to its fake.
    """

    def __init__(self, contract: Contract) -> None:
        schemes = contract.security_schemes.values()
        self.known: dict[str, str] = {}
        self._pattern: re.Pattern[str] | None = None
        self._secrets = _SECRETS | {each.parameter for each in schemes if each.kind == "apiKey"}
        self._made: dict[tuple[str, str], JSON] = {}
        self._number = 0

    def replaced(self, schema: Schema, value: JSON) -> JSON:
        """A copy of the value with fakes for what its schema marks ``x-phi``, and for secrets.

        Raises CannotFake.
        """
        return self._replaced([schema], value)

    def linked(self, value: JSON) -> JSON:
        """A copy in which every known original is its fake, also inside texts, and as a name if it looks like
        an id."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self._name(name): self.linked(each) for name, each in value.items()}
        return [self.linked(each) for each in value] if isinstance(value, list) else value

    def text(self, text: str) -> str:
        """The text with every known original replaced, the longest first."""
        return self._pattern.sub(lambda found: self.known[found[0]], text) if self._pattern else text

    def secret(self, original: str) -> None:
        """A credential that was sent: wherever it turns up, it goes."""
        if len(original) >= SHORTEST:
            self._know(original, "removed")

    def _name(self, name: str) -> str:
        return self.known.get(name, name) if any(each.isdigit() for each in name) else name

    def _know(self, original: str, fake: str) -> None:
        if original in self.known:
            return
        self.known[original] = fake
        longest_first = sorted(self.known, key=lambda each: (-len(each), each))
        words = "|".join(map(re.escape, longest_first))
        self._pattern = re.compile(rf"(?<![A-Za-z0-9])(?:{words})(?![A-Za-z0-9])")

    def _replaced(self, schemas: Sequence[Schema], value: JSON) -> JSON:
        offered = list(forms(schemas))
        guarding = [each for each in offered if _guards(each)]
        if guarding:
            fitting = (each for each in guarding if compile_schema(each).is_valid(value))
            return self._faked(next(fitting, guarding[0]), value)
        if isinstance(value, Mapping):
            return {
                name: self._member(list(under(offered, name)), name, each) for name, each in value.items()
            }
        if isinstance(value, list):
            return [self._replaced(list(under(offered, None)), each) for each in value]
        return value

    def _member(self, described: Sequence[Schema], name: str, value: JSON) -> JSON:
        if name in self._secrets:
            return self._faked(described[0], value) if described else "removed"
        return self._replaced(described, value)

    def _faked(self, schema: Schema, value: JSON) -> JSON:
        """Each part of the value faked in its own right, so that its form stays."""
        if isinstance(value, Mapping):
            named = properties(schema)
            return {
                name: self._faked(named[name], each) if name in named else self._made_up(schema, each)
                for name, each in value.items()
            }
        if isinstance(value, list):
            items = items_of(schema)
            return [self._faked(items or schema, each) for each in value]
        return self._made_up(schema, value)

    def _made_up(self, schema: Schema, value: JSON) -> JSON:
        if value is None:
            return value
        key = (expand(schema).uri, json.dumps(value))
        if key not in self._made:
            self._made[key] = self._new(schema, value)
        made = self._made[key]
        if isinstance(made, str) and not _closed(schema, value) and _telling(value):
            self._know(value, made)
        return made

    def _new(self, schema: Schema, value: JSON) -> JSON:
        """One that is valid, of the same type, and no other original's fake if that can be."""
        if isinstance(value, str):
            known = self.known.get(value)
            if known is not None and compile_schema(schema).is_valid(known):
                return known
        others = {json.dumps(each) for each in self._made.values()}
        found: list[JSON] = []
        for _ in range(_TRIES):
            self._number += 1
            try:
                believed = believable(schema, self._number)
                fake = believed if believed is not None else generate(schema, self._number)
            except ContractError:
                break
            if _closed(schema, value):
                return fake
            if type(fake) is type(value) and fake != value:
                found.append(fake)
                if json.dumps(fake) not in others:
                    return fake
        if found:
            return found[-1]
        raise CannotFake(f"nothing else is valid at {schema.place}")


def _guards(schema: Schema) -> bool:
    return says(schema, "x-phi") is True or says(schema, "format") == "password"


def _closed(schema: Schema, value: JSON) -> bool:
    """Whether the contract lists what may stand there: then a value drawn from the list says nothing."""
    return isinstance(value, bool) or any(says(schema, word) is not None for word in ("enum", "const"))


def _telling(original: str) -> bool:
    """Whether a text is looked for everywhere: a plain word may stand for something else there."""
    return len(original) >= SHORTEST and re.fullmatch("[a-z_-]*", original) is None
