"""Files to trees: YAML's surprises are kept out, and every node knows its place."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.contract import load
from harness.contract.documents import Documents, read_yaml
from harness.contract.durations import seconds_of
from harness.contract.json_text import read_json
from harness.contract.tree import Builder
from harness.errors import ContractError
from tests.unit.contract.conftest import Write

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def test_scalars_follow_yaml_1_2(write: Write) -> None:
    path = write(
        "x.yaml",
        """\
        date: 2031-02-03
        time: 2031-02-03T10:00:00Z
        words: [on, yes, no, off, y, n]
        sexagesimal: 12:30:00
        numbers: [1, -2, 1.5, 1e3, 0x1f, 0o17]
        nothing: [~, null, ]
        text: ['1', "true", !!str 3]
        200: key
        """,
    )
    assert read_yaml(path) == {
        "date": "2031-02-03",
        "time": "2031-02-03T10:00:00Z",
        "words": ["on", "yes", "no", "off", "y", "n"],
        "sexagesimal": "12:30:00",
        "numbers": [1, -2, 1.5, 1000.0, 31, 15],
        "nothing": [None, None],
        "text": ["1", "true", "3"],
        "200": "key",
    }


def test_merge_keys_are_filled_in_and_what_is_written_wins(write: Write) -> None:
    path = write("x.yaml", "one: &one {a: 1, b: 2}\ntwo: {<<: *one, b: 3}\n")
    assert read_yaml(path)["two"] == {"a": 1, "b": 3}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_byte_order_marks_are_understood(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes("name: Łódź\n".encode(encoding))
    assert read_yaml(path) == {"name": "Łódź"}


def test_json_may_be_indented_with_tabs(write: Write) -> None:
    path = write("x.json", '{\n\t"a":\t[1,\n\t\t{"b": "\\ud83d\\ude00 \u2028"}]\n}\n')
    assert read_yaml(path) == {"a": [1, {"b": "😀 \u2028"}]}
    document = Documents().open(path)
    assert [document.place(pointer).line for pointer in ("/a", "/a/0", "/a/1", "/a/1/b")] == [2, 2, 3, 3]


@settings(deadline=None, max_examples=100)
@given(VALUES, st.sampled_from([None, 2, "\t"]))
def test_json_reads_as_the_standard_library_reads_it(value: object, indent: int | str | None) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    builder = Builder("x.json")
    read_json(text, builder)
    assert builder.root == json.loads(text)


def test_a_place_below_what_exists_is_the_nearest_above(write: Write) -> None:
    document = Documents().open(write("x.yaml", "a:\n  b:\n    - c: 1\n"))
    assert document.place("/a/b/0/c").line == 3
    assert document.place("/a/b/7").line == 2
    assert document.place("/nothing").line == 1


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [("PT10M", 600), ("PT0.1S", 0.1), ("P7D", 604_800), ("P1DT2H3M4S", 93_784), ("P2W", 1_209_600)],
)
def test_durations_are_seconds(duration: str, seconds: float) -> None:
    assert seconds_of(duration) == pytest.approx(seconds)


@pytest.mark.parametrize("wrong", ["", "P", "PT", "10M", "P1Y", "P1M", "PT5", "-PT5S", "PT5S "])
def test_what_is_no_duration_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        seconds_of(wrong)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", ["pipe.yaml", "zero.yaml"])
def test_a_reference_to_what_never_ends_is_an_error(write: Write, tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "zero.yaml").symlink_to("/dev/zero")
    path = write("openapi.yaml", f"openapi: 3.1.0\npaths: {{/a: {{$ref: '{name}#/x'}}}}\n")
    with pytest.raises(ContractError, match="it is no file"):
        load(path)


def test_a_merge_key_in_quotes_or_json_is_a_key_like_any_other(write: Write) -> None:
    assert read_yaml(write("quoted.yaml", "'<<': {a: 1}\nb: 2\n")) == {"<<": {"a": 1}, "b": 2}
    assert read_yaml(write("it.json", '{"<<": {"a": 1}}')) == {"<<": {"a": 1}}
    assert read_yaml(write("plain.yaml", "<<: {a: 1}\nb: 2\n")) == {"a": 1, "b": 2}
