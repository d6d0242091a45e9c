from datetime import UTC, datetime

import pytest

from bench.times import parse_moment, utc_text


def test_a_moment_is_written_in_utc():
    assert utc_text(0) == "1970-01-01T00:00:00Z"
    assert utc_text(datetime(2025, 10, 15, 13, 44, 34, 900_000, UTC).timestamp()) == "2025-10-15T13:44:34Z"


@pytest.mark.parametrize("odd", [1e30, float("inf"), float("nan"), 1e13])
def test_what_no_calendar_has_is_an_error_of_one_kind(odd):
    with pytest.raises(ValueError):
        utc_text(odd)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-10-15T13:44:34Z", datetime(2025, 10, 15, 13, 44, 34, tzinfo=UTC)),
        ("2025-10-15T15:44:34+02:00", datetime(2025, 10, 15, 13, 44, 34, tzinfo=UTC)),
        ("2025-10-15T13:44:34.123456789Z", datetime(2025, 10, 15, 13, 44, 34, 123456, tzinfo=UTC)),
        ("2025-10-15 13:44:34", datetime(2025, 10, 15, 13, 44, 34, tzinfo=UTC)),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_a_text_is_read_as_a_moment(text, expected):
    assert parse_moment(text) == expected
