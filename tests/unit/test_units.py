import math

import pytest

from bench.errors import UsageError
from bench.units import (
    between,
    change,
    changes,
    clock,
    count,
    counted,
    hertz,
    interval,
    parse_duration,
    parse_size,
    percent,
    seconds,
    signed_percent,
    size,
    with_interval,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("512", 512), ("64KiB", 65536), ("1.5GB", 1_500_000_000), ("2g", 2 * 1024**3), ("4 MiB", 4 * 1024**2), ("7b", 7)],
)
def test_size_is_read(text, expected):
    assert parse_size(text) == expected


@pytest.mark.parametrize("text", ["lots", "", "-1", "5 parsecs", "1e9", "٣"])
def test_what_is_no_size_is_refused_in_one_line(text):
    with pytest.raises(UsageError, match="is not a size") as caught:
        parse_size(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"), [("90", 90.0), ("1.5s", 1.5), ("10min", 600.0), ("2h", 7200.0), ("250 ms", 0.25)]
)
def test_duration_is_read(text, expected):
    assert parse_duration(text) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["soon", "", "-5", "1:30", "nan", "inf"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(UsageError, match="is not a duration"):
        parse_duration(text)


def test_seconds_keep_their_unit_above_one():
    assert [seconds(value) for value in (845.678, 0.25, 2e-5, 0.0)] == ["845.68 s", "250 ms", "20 µs", "0 s"]
    assert [seconds(value) for value in (0.9996, 0.9994, 0.9996e-3)] == ["1.00 s", "999 ms", "1 ms"]


def test_what_is_not_known_is_a_dash_never_zero():
    assert {seconds(None), size(None), percent(None), count(None), signed_percent(None), seconds(math.nan)} == {"–"}


def test_bytes_counts_and_percent():
    assert (hertz(3.4e9), hertz(None), hertz(math.inf)) == ("3.40 GHz", "–", "–")
    assert size(0) == "0 B"
    assert size(9057013760) == "8.44 GiB"
    assert size(3 * 1024**5) == "3072.00 TiB"
    assert count(1065734110) == "1 065 734 110"
    assert percent(0.5) == "50.0 %"
    assert signed_percent(0.05) == "+5.0 %"


def test_clock_reads_as_a_stopwatch():
    assert [clock(value) for value in (0, 844.4, 3723, None)] == ["0:00", "14:04", "1:02:03", "--:--"]


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, "0 runs"), (1, "1 run"), (2, "2 runs"), (1234567, "1234567 runs"), (1.0, "1 run"), (0.5, "0.5 runs")],
)
def test_a_number_stands_with_its_noun(number, expected):
    assert counted(number, "run") == expected


@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        (0.05, "+5.0 %"),
        (-0.709, "-70.9 %"),
        (1.0, "+100.0 %"),
        (1.647, "2.65x"),
        (12.295, "13.3x"),
        (205.17, "206x"),
        (3.8e7, "over 1000x"),
        (-0.995, "0.005x"),
        (-0.9999999, "under 0.001x"),
        (math.inf, "–"),
        (None, "–"),
    ],
)
def test_a_change_is_a_percentage_as_long_as_one_can_be_read(ratio, said):
    assert change(ratio) == said


def test_changes_beside_one_another_have_one_form():
    assert changes(0.637, 0.05, 0.938) == ("+63.7 %", "+5.0 %", "+93.8 %")
    assert changes(0.637, 0.05, 1.3) == ("1.64x", "1.05x", "2.3x")
    assert changes(-0.017, -0.995) == ("0.983x", "0.005x")
    assert changes() == ()


def test_an_interval_whose_ends_are_worlds_apart_has_none():
    assert between(1.2, 1.4) == "1.20 s to 1.40 s"
    assert between(1.2, 1.4, "–") == "1.20 s – 1.40 s"
    assert between(204e-6, 7851.0) == between(0.0, 1.0) == "too wide to tell"


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (-0.012, 0.039, "-1.2 % to +3.9 %"),
        (0.05, 1.3, "1.05x to 2.3x"),
        (0.012, None, "at least +1.2 %"),
        (None, 0.039, "at most +3.9 %"),
        (None, None, ""),
    ],
)
def test_an_interval_has_one_form_and_one_end_alone_says_which(low, high, said):
    assert interval(low, high) == said


def test_a_change_and_its_interval_are_in_one_form():
    assert with_interval(0.098, 0.051, 0.142) == "+9.8 % (+5.1 % to +14.2 %)"
    assert with_interval(0.64, 0.05, 1.3, "between {} and {}") == "1.64x (between 1.05x and 2.3x)"
    assert with_interval(0.1, None, 0.2) == "+10.0 % (at most +20.0 %)"
    assert (with_interval(0.1, None, None), with_interval(0.1, None, None, none="too few")) == (
        "+10.0 %",
        "+10.0 % (too few)",
    )
