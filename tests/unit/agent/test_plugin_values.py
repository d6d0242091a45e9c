"""What a test records may be anything: pytest passes as without us, and what fits is kept."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import json
import math
import pathlib
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.agent.plugin.bench_pytest_plugin.plain import LeftOut, number, plain, text
from bench.agent.plugin.bench_pytest_plugin.properties import FACT_CHARACTERS, Properties

from . import hostile


class Color(enum.Enum):
    RED = 1


CYCLE: list[Any] = []
CYCLE.append(CYCLE)
WIDE: list[Any] = []
for _ in range(30):
    WIDE = [WIDE, WIDE]


@pytest.mark.parametrize(
    ("make", "kept"),
    [
        (lambda: {"a": [1, 2.5, True, None, "x"]}, {"a": [1, 2.5, True, None, "x"]}),
        (lambda: (1, 2), [1, 2]),
        (lambda: {3}, [3]),
        (lambda: {2: "a", None: "b", True: "c"}, {"2": "a", "null": "b", "true": "c"}),
        (lambda: "lone \udc80 half", "lone \\udc80 half"),
        (lambda: {"\ud800": 1}, {"\\ud800": 1}),
        (lambda: np.float32(0.5), 0.5),
        (lambda: np.int64(7), 7),
        (lambda: np.bool_(True), True),
        (lambda: np.array(3.5), 3.5),
        (lambda: [np.int8(1)], [1]),
        (lambda: np.dtype("float64"), "float64"),
        (lambda: decimal.Decimal("1.5"), "1.5"),
        (lambda: pathlib.PurePosixPath("/a/b"), "/a/b"),
        (lambda: dt.date(2026, 1, 2), "2026-01-02"),
        (lambda: Color.RED, "Color.RED"),
        (lambda: 1 + 2j, "(1+2j)"),
        (lambda: hostile.LyingText("text"), "text"),
        (lambda: hostile.LyingNumber(5), 5),
        (lambda: hostile.LyingDict({"a": 1}), {"a": 1}),
        (lambda: hostile.LyingList([1]), [1]),
    ],
)  # fmt: skip
def test_what_json_can_hold_is_kept(make: Callable[[], object], kept: object) -> None:
    found = plain(make(), 1000)
    assert found == kept
    assert msgspec.json.decode(json.dumps(found, allow_nan=False)) == found


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: math.nan, "not finite"),
        (lambda: [1, math.inf], "not finite"),
        (lambda: np.float64("nan"), "not finite"),
        (lambda: 2**64, "64 bits"),
        (lambda: math.factorial(3000), "64 bits"),
        (lambda: {math.factorial(3000): 1}, "64 bits"),
        (lambda: np.zeros(3), "is an array"),
        (lambda: np.longdouble(1) if np.longdouble is not np.float64 else np.zeros(2), "is"),
        (lambda: CYCLE, "nested deeper"),
        (lambda: WIDE, "nested deeper"),
        (lambda: [[[]] * 600] * 600, "too large"),
        (lambda: "x" * 2000, "too large"),
        (lambda: ["x"] * 10_000_000, "too large"),
        (lambda: b"bytes", "of the type bytes"),
        (object, "of the type object"),
        (hostile.Hostile, "of the type Hostile"),
        (lambda: [hostile.Hostile()], "of the type Hostile"),
        (lambda: {hostile.Hostile(): 1}, "key that is no text"),
        (hostile.lying_class, "of the type LyingClass"),
        (hostile.NoItem, "of the type NoItem"),
        (lambda: ValueError(hostile.Hostile()), "of the type ValueError"),
        (lambda: iter([1]), "of the type list_iterator"),
    ],
)  # fmt: skip
def test_what_it_cannot_hold_is_left_out_with_the_reason(make: Callable[[], object], why: str) -> None:
    value = make()
    with pytest.raises(LeftOut, match=why):
        plain(value, 1000)


def test_what_is_no_finite_number() -> None:
    for value in (True, "1", None, [1], hostile.Hostile(), np.zeros(2), math.nan, -math.inf, 10**400):
        with pytest.raises(LeftOut):
            number(value)


def test_text_is_cut_where_it_is_too_long() -> None:
    assert text("abcdef", 4) == "abc…"
    assert text("\udc80" * 3, 8) == "\\udc80\\…"
    with pytest.raises(LeftOut):
        text(5, 10)


def read(*pairs: Any) -> Properties:
    return Properties("t", list(pairs))


def test_a_metric_without_a_value_has_the_reason_and_a_warning() -> None:
    own = read(("states", math.factorial(200)), ("metric:x", json.dumps({"value": math.nan, "unit": "s"})))
    assert own.metrics == {
        "states": {"value": None, "unit": "", "better": "none"},
        "x": {"value": None, "unit": "s", "better": "none"},
    }
    assert set(own.missing) == {"states", "x"}
    assert [code for code, _ in own.left_out] == ["metric_left_out"] * 2
    assert "'states' of t" in own.left_out[0][1]


def test_scalars_of_numpy_are_numbers_and_arrays_are_left_out() -> None:
    own = read(("a", np.float32(0.5)), ("b", np.int64(3)), ("c", np.arange(3)), ("d", np.array([2.0])))
    assert {name: metric["value"] for name, metric in own.metrics.items()} == {"a": 0.5, "b": 3, "d": 2.0}
    assert [code for code, _ in own.left_out] == ["property_left_out"]
    assert "'c' of t is an array" in own.left_out[0][1]


def test_what_is_the_project_s_own_stays_without_a_word() -> None:
    own = read(("when", dt.datetime.now(tz=dt.UTC)), ("what", {"a": 1}), ("who", hostile.Hostile()), ("yes", True))
    assert own.metrics == {}
    assert own.facts == {}
    assert own.left_out == []


def test_a_name_that_is_no_text() -> None:
    for name in (5, None, hostile.Hostile(), b"x", ["x"]):
        own = read((name, 1.0), ("after", 2.0))
        assert list(own.metrics) == ["after"]
        assert own.left_out[0][0] == "property_left_out"


def test_a_name_that_comes_twice_is_told_unless_the_test_is_tried_again() -> None:
    pairs = [("metric:x", 1), ("x", 2), ("fact:y", "a"), ("fact:y", "b")]
    own = Properties("t", pairs)
    assert (own.metrics["x"]["value"], own.facts["y"]) == (2, "b")
    assert [code for code, _ in own.left_out] == ["property_repeated"] * 2
    assert Properties("t", pairs, repeated=True).left_out == []


def test_deep_facts_are_left_out_and_shallow_ones_kept() -> None:
    own = read(("fact:deep", "[" * 400 + "]" * 400), ("fact:flat", "[[1]]"), ("fact:nan", [1, math.nan]))
    assert own.facts == {"flat": [[1]]}
    assert ["nested" in own.left_out[0][1], "not finite" in own.left_out[1][1]] == [True, True]


def test_very_many_properties_are_bounded() -> None:
    facts = [(f"fact:{at}", "x" * FACT_CHARACTERS) for at in range(40)]
    own = Properties("t", [*facts, *((f"n{at}", at) for at in range(5000))])
    assert len(json.dumps([own.metrics, own.facts, own.missing, own.left_out])) < 700_000
    assert any("more properties" in message for _, message in own.left_out)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.builds(object)
    | st.integers(min_value=10**300, max_value=10**320) | st.text(st.characters(categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers() | st.none(), inner) | st.tuples(inner),
    max_leaves=20,
)  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(["metric:", "fact:", ""]), st.text(), ANYTHING)))
def test_whatever_is_recorded_comes_out_as_json_that_everybody_reads(found: list[tuple[str, str, Any]]) -> None:
    own = Properties("t", [(prefix + name, value) for prefix, name, value in found])
    written = json.dumps([own.metrics, own.facts, own.missing, own.left_out], allow_nan=False)
    assert msgspec.json.decode(written) is not None
