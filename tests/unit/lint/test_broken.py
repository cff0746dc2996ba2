"""Whatever stands in a contract, the answer is findings or one error with a place, never a traceback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.contract.documents import read_yaml
from harness.lint import lint
from harness.lint.reading import read
from tests.unit.lint.api import V30, V31
from tests.unit.lint.conftest import FILES

Path_ = tuple[str | int, ...]


def _trees() -> dict[str, Any]:
    with TemporaryDirectory() as folder:
        found = {}
        for name, text in {**FILES, "old/openapi.yaml": V30, "new/openapi.yaml": V31}.items():
            path = Path(folder) / "one.yaml"
            path.write_text(text, encoding="utf-8")
            found[name] = read_yaml(path)
        return found


def _paths(tree: Any, above: Path_ = ()) -> Iterator[Path_]:
    keys = tree if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    for key in keys:
        yield (*above, key)
        yield from _paths(tree[key], (*above, key))


TREES = _trees()
PLACES = [(name, path) for name, tree in TREES.items() for path in _paths(tree)]
OTHER = st.sampled_from([None, True, 7, "zzz", ["zzz"], {"zzz": 1}, [], {}, "$response.body#/zzz", "#/zzz"])


@settings(deadline=None, max_examples=120)
@given(st.sampled_from(PLACES), OTHER | st.just(...))
def test_one_wrong_thing_anywhere_never_ends_in_a_traceback(place: tuple[str, Path_], other: Any) -> None:
    name, path = place
    tree = json.loads(json.dumps(TREES[name]))
    node = tree
    for key in path[:-1]:
        node = node[key]
    if other is ...:
        del node[path[-1]]
    else:
        node[path[-1]] = other
    with TemporaryDirectory() as folder:
        for each, whole in TREES.items():
            file = Path(folder) / each
            file.parent.mkdir(exist_ok=True)
            file.write_text(json.dumps(tree if each == name else whole), encoding="utf-8")
        subject = read([Path(folder)])
        assert all(each.error.where and each.error.found for each in subject.refused)
        found = list(lint(subject.system, subject.sources))
        assert all(each.title and each.received and each.documented for each in found)
