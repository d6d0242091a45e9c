"""What may serve as reference is one rule, whoever asks."""

import pytest

from bench.compare.alignment import reference
from bench.compare.reference import UNVARIED, barred, like, like_or_newest, no_reference, without
from bench.compare.sample import sample_of
from bench.compare.verdict import verdict_of
from bench.errors import DamagedData
from tests.support.records import XEON, record, replace

NAME = "grad_cpu"


@pytest.mark.parametrize(
    ("changes", "bar"),
    [
        ({}, None),
        ({"name": "dtype_cpu", "profiler": True}, "other_diagnostic"),
        ({"id": "own", "profiler": True}, "itself"),
        ({"profiler": True, "variant": "thp"}, "profiled"),
        ({"variant": "thp", "walls": (None,)}, "other_kind"),
        ({"profile": "smoke"}, "other_kind"),
        ({"profile": None}, None),
        ({"walls": (None,)}, "no_time"),
        ({"outcome": "failed"}, "no_time"),
        ({"host_class": XEON, "cpus": 1.0}, None),
    ],
)
def test_the_first_bar_that_applies_is_named(changes, bar):
    assert barred(record(**changes), NAME, but="own", of_kind=("full", UNVARIED)) == bar


def test_without_a_kind_any_will_do():
    assert barred(record(variant="thp", profile="smoke"), NAME) is None


BARRED = (record(id="p", profiler=True), record(name="dtype_cpu", id="o"), record(id="own"))


def test_nobody_takes_what_is_barred():
    own = record(id="own")
    assert like(own, BARRED) == ()
    assert like_or_newest(own, BARRED) == ()
    assert reference(own, BARRED) == []


def test_the_newest_with_a_time_stands_in_for_what_is_like_it():
    def elsewhere(name, day, **changes):
        return record(id=name, stamp=f"2025101{day}T000000Z", host_class=XEON, **changes)

    older, newer, untimed = elsewhere("x", 1), elsewhere("y", 2), elsewhere("z", 3, walls=(None,))
    assert [one.id for one in like_or_newest(record(id="own"), [newer, untimed, older])] == ["x", "y"]
    assert [one.id for one in like_or_newest(record(id="own"), [untimed])] == ["z"]


def test_a_damaged_time_bars_nothing_and_is_found_by_what_reads_it():
    damaged = record((float("nan"),), id="d")
    assert barred(damaged, NAME) is None
    with pytest.raises(DamagedData):
        sample_of(damaged)


def test_a_baseline_without_a_reference_says_why():
    result, other = record(id="r"), record(name="dtype_cpu", id="d")
    profiled = record(id="p", profiler=True)
    for given, why in (
        ([other], "the baseline holds no result of grad_cpu, only of dtype_cpu"),
        (
            [replace(other, diagnostic=replace(other.diagnostic, name=f"{at}_cpu")) for at in range(9)],
            "0_cpu, 1_cpu, 2_cpu and others",
        ),
        ([other, profiled], "the baseline's results of grad_cpu ran under the profiler"),
    ):
        said = verdict_of(result, given)
        assert (said.status, said.baseline.status) == ("not_measured", "not_measured")
        assert said.reasons[-1].startswith("nothing was compared: ")
        assert said.reasons[-1].endswith(why)
        assert verdict_of(result, given, asked=False).status == "ok"
        assert without("grad_cpu", given) == no_reference(result, given)
    said = verdict_of(profiled, [result])
    assert (said.status, "it ran under the profiler" in said.reasons[-1]) == ("ok", True)
    assert verdict_of(record((1000.0,), id="r"), [other]).status == "over_ceiling"
    assert no_reference(result, [profiled, record(id="b")]) is None
