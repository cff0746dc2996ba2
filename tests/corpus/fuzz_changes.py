"""What can be done to a document: to its tree, node by node, and to its text, character by character."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from harness.contract.documents import escape

Steps = tuple[str | int, ...]

HOSTILE: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1.5,
    10**30,
    1e308,
    "",
    " ",
    "x" * 5000,
    "\u0000",
    "😀",
    [],
    {},
    [[]],
    [None],
    {"": ""},
    {"x": {"x": {"x": None}}},
    {"$ref": "#"},
    {"$ref": ""},
    {"$ref": "#/"},
    {"$ref": "#/zzz/zzz"},
    {"$ref": "#/%ff~2"},
    {"$ref": "zzz.yaml"},
    {"$ref": "."},
    {"$ref": "/"},
    {"$ref": "file:///dev/zero"},
    {"$ref": "https://localhost:1/x.yaml"},
    {"$ref": "//nowhere"},
    {"$ref": "http://[::1"},
    {"$ref": 7},
    {"$ref": ["#"]},
    {"$dynamicRef": "#zzz"},
    {"$id": "http://[", "$anchor": "a b"},
    {"type": "string", "pattern": "^(a+)+$"},
    {"type": "string", "pattern": "("},
    {"type": "string", "minLength": 10**9},
    {"type": "number", "multipleOf": 0},
    {"type": ["string", "zzz"]},
    {"enum": []},
    {"enum": {}},
    {"allOf": []},
    {"allOf": [{"$ref": "#"}]},
    {"not": {}},
    {"properties": []},
    {"required": "zzz"},
    "$response.body#/zzz",
    "$response.body#/%ff",
    "{$inputs.zzz}",
    "$steps.zzz.outputs.zzz",
    "$.zzz[?(",
    "2.0",
    "3.1.0",
    "3.0.3",
    "1.1.0",
    "PT5S",
    "zzz/zzz; charset=zzz",
    "2XX",
    "get",
)
"""Values that somebody might write where something else should stand."""

WORDS = (
    "$ref",
    "allOf",
    "type",
    "items",
    "properties",
    "required",
    "x-emits",
    "x-lifecycle",
    "x-access",
    "x-phi",
    "schema",
    "examples",
    "default",
    "payload",
    "channels",
    "operations",
    "paths",
    "steps",
    "openapi",
    "asyncapi",
    "arazzo",
    "traits",
    "headers",
    "<<",
    "",
)


def places(tree: Any, above: Steps = ()) -> Iterator[Steps]:
    """The steps to every node below the root."""
    waiting = [(above, tree)]
    while waiting:
        steps, node = waiting.pop()
        pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for key, child in pairs:
            yield (*steps, key)
            waiting.append(((*steps, key), child))


def mutated_tree(tree: Any, all_places: list[Steps], random: Random, other: Any) -> str:
    """The document as JSON, which is YAML too, with one to three things done to it."""
    tree = copy.deepcopy(tree)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        steps = random.choice(all_places)
        try:
            holder = tree
            for step in steps[:-1]:
                holder = holder[step]
            random.choice(_ON_TREES)(tree, holder, steps, random, other)
        except (KeyError, IndexError, TypeError, AttributeError):
            continue  # what came before has taken it away
    return json.dumps(tree, ensure_ascii=False)


def _replace(_: Any, holder: Any, steps: Steps, random: Random, __: Any) -> None:
    holder[steps[-1]] = random.choice(HOSTILE)


def _delete(_: Any, holder: Any, steps: Steps, __: Random, ___: Any) -> None:
    del holder[steps[-1]]


def _rename(_: Any, holder: Any, steps: Steps, random: Random, __: Any) -> None:
    value = holder.pop(steps[-1])
    key = str(steps[-1])
    typo = key[: len(key) // 2] + key[len(key) // 2 + 1 :]
    holder[random.choice((*WORDS, typo, key.upper(), f"x-{key}"))] = value


def _add(_: Any, holder: Any, steps: Steps, random: Random, __: Any) -> None:
    node = holder[steps[-1]]
    if isinstance(node, list):
        node.insert(random.randrange(len(node) + 1), random.choice(HOSTILE))
    else:
        node[random.choice(WORDS)] = random.choice(HOSTILE)


def _wrap(_: Any, holder: Any, steps: Steps, random: Random, __: Any) -> None:
    value = holder[steps[-1]]
    holder[steps[-1]] = [value] if random.random() < 0.5 else {random.choice(WORDS): value}


def _copy(tree: Any, holder: Any, steps: Steps, random: Random, other: Any) -> None:
    """A part of this document or of another stands here too."""
    source = random.choice((tree, other))
    for _ in range(random.randrange(1, 6)):
        keys = (
            list(source)
            if isinstance(source, dict)
            else range(len(source))
            if isinstance(source, list)
            else ()
        )
        if not keys:
            break
        source = source[random.choice(list(keys))]
    holder[steps[-1]] = copy.deepcopy(source)


def _refer(tree: Any, holder: Any, steps: Steps, random: Random, __: Any) -> None:
    """A reference to what holds it, or to anything else that there is."""
    up = steps[: random.randrange(len(steps) + 1)]
    target = random.choice((up, random.choice(list(places(tree))[:400])))
    holder[steps[-1]] = {"$ref": "#" + "".join(f"/{escape(step)}" for step in target)}


def _repeat(_: Any, holder: Any, steps: Steps, random: Random, __: Any) -> None:
    if isinstance(holder, list):
        holder += [copy.deepcopy(holder[int(steps[-1])]) for _ in range(random.choice((1, 2, 40)))]
    else:
        holder[f"{steps[-1]}2"] = copy.deepcopy(holder[steps[-1]])


def _nest(_: Any, holder: Any, steps: Steps, random: Random, __: Any) -> None:
    value: Any = holder[steps[-1]]
    word = random.choice(("items", "allOf", "not", "properties"))
    for _ in range(random.choice((3, 60, 150))):
        value = {word: [value] if word == "allOf" else {"a": value} if word == "properties" else value}
    holder[steps[-1]] = value


_OnTree = Callable[[Any, Any, Steps, Random, Any], None]
_ON_TREES: tuple[_OnTree, ...] = (
    _replace,
    _replace,
    _delete,
    _rename,
    _add,
    _wrap,
    _copy,
    _refer,
    _repeat,
    _nest,
)

SNIPPETS = (
    b"\x00",
    b"\t",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\r",
    b"\r\n",
    b"---\n",
    b"...\n",
    b"%YAML 1.2\n",
    b"&a ",
    b"*a ",
    b"&a [*a, *a]\n",
    b"<<: *a\n",
    b"!!python/object/apply:os.system [true]\n",
    b"!!binary zzz\n",
    b"!<tag:zzz> ",
    b"? [a, b]\n",
    b"? ",
    b": ",
    b"- ",
    b"# ",
    b"'",
    b'"',
    b"{",
    b"}",
    b"[",
    b"]",
    b"|\n",
    b">-\n",
    b",",
    b"\\u0000",
    b"~",
    b"{" * 300,
    b"[" * 6000,
    b"- " * 3000,
    "\u2028".encode(),
    "\ud7ff".encode(),
    b"\xed\xa0\x80",
    b"0x" + b"f" * 500,
    b"9" * 5000,
    b"1e999999",
    b".inf",
    b"2001-12-14t21:59:43.10-05:00",
)


def mutated_text(text: bytes, random: Random) -> bytes:
    """The document with one to four things done to its bytes or lines."""
    for _ in range(random.choice((1, 1, 2, 4))):
        text = random.choice(_ON_TEXTS)(text, random)
    return text


def _insert(text: bytes, random: Random) -> bytes:
    at = random.randrange(len(text) + 1)
    return text[:at] + random.choice(SNIPPETS) + text[at:]


def _cut(text: bytes, random: Random) -> bytes:
    return text[: random.randrange(len(text) + 1)]


def _drop(text: bytes, random: Random) -> bytes:
    at = random.randrange(len(text) + 1)
    return text[:at] + text[at + random.choice((1, 1, 3, 40)) :]


def _change(text: bytes, random: Random) -> bytes:
    at = random.randrange(len(text) + 1)
    return text[:at] + bytes([random.randrange(256)]) + text[at + 1 :]


def _lines(text: bytes, random: Random) -> bytes:
    """A line that is left out, doubled, moved, or indented otherwise."""
    lines = text.split(b"\n")
    at, to = random.randrange(len(lines)), random.randrange(len(lines))
    match random.randrange(5):
        case 0:
            del lines[at]
        case 1:
            lines.insert(to, lines[at])
        case 2:
            lines.insert(to, lines.pop(at))
        case 3:
            lines[at] = b" " * random.randrange(1, 5) + lines[at]
        case _:
            lines[at] = lines[at].lstrip(b" ")
    return b"\n".join(lines)


_ON_TEXTS: tuple[Callable[[bytes, Random], bytes], ...] = (
    _insert,
    _insert,
    _cut,
    _drop,
    _change,
    _lines,
    _lines,
)
