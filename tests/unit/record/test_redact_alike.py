"""Lines that are alike but for their digits are judged once, and hide what they hid when each was looked at."""

from __future__ import annotations

import pytest

from bench.record.redact import redact_bytes
from bench.record.redact.lines import alike
from bench.record.redact.lines.alike import Alike
from bench.record.redact.text import RULES
from benchmarks.redaction.forms import FORMS, plain, secrets
from tests.support.cpu_time import cost

MARKED = list(dict.fromkeys(marked for texts in FORMS.values() for marked in texts))
QUIET = b"step %d key=word%d token=abc loss=%.4f\n"


def _alike() -> Alike:
    return Alike(RULES.redact, RULES.places)


def _others(text: str, times: int) -> list[str]:
    """The same text with other digits."""
    return [
        "".join(str((int(one) + turn) % 10) if one in "0123456789" else one for one in text) for turn in range(times)
    ]


@pytest.mark.parametrize("marked", MARKED)
def test_a_form_is_caught_among_lines_like_it(marked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """After lines that differ from it in digits alone, none of which may teach that it is no secret."""
    monkeypatch.setattr(alike, "LARGE", 0)
    monkeypatch.setattr(alike, "_SPARSE", 1 << 30)
    text = plain(marked)
    filler = "".join(f"{other}\n" for other in _others(text, 10) for _ in range(7))
    data = f"{filler}{text}\n{filler}".encode()
    made, expected = _alike().redact(data), RULES.redact(data)
    for secret in secrets(marked):
        assert made.count(secret.encode()) == expected.count(secret.encode())


def test_a_line_is_as_redacted_as_on_its_own() -> None:
    lines = [QUIET % (at, at, at / 3) for at in range(4000)]
    lines += [b"user %d logs in, password=hunter%d and key%d=7\n" % (at, at * 7, at) for at in range(4000)]
    lines += [b'{"n": %d, "password": "x%d", "pwd": "y%d", "loss": 0.5}\n' % (at, at, at % 7) for at in range(4000)]
    expected = b"".join(map(RULES.redact, lines))
    made = _alike().redact(b"".join(lines))
    assert made == expected
    assert b"hunter" not in made


def test_what_stands_below_an_opening_line_is_looked_at_though_its_form_is_known() -> None:
    known = b"".join(b"  step %d of the run is done\n  key=word%d\n" % (at, at) for at in range(9000))
    text = known + b"password: |\n  step 1 of the run is done\n  step 2 of the run is done\nother: 1\n" + known
    made = _alike().redact(text)
    assert made == RULES.redact(text)
    assert b"password: |\n  [redacted:name]\nother: 1\n" in made


@pytest.mark.parametrize(
    "line",
    [
        b"card 4539 1488 0343 %d ok token=abc",
        b"card 453914880343%04d6467 ok token=abc",
        b"password%d=password%d",
        b"%%%d password=%%%dx",
        b"token=%d",
    ],
)
def test_digits_that_tell_something_are_looked_at(line: bytes) -> None:
    count = line.replace(b"%%", b"").count(b"%")
    lines = [line % tuple(at + 6467 for _ in range(count)) + b" loss=0.5\n" for at in range(6000)]
    assert _alike().redact(b"".join(lines)) == b"".join(map(RULES.redact, lines))


def test_nothing_found_is_the_same_object() -> None:
    data = b"".join(QUIET % (at, at, at / 3) for at in range(9000))
    assert _alike().redact(data) is data


@pytest.mark.timed
@pytest.mark.cpu_time
def test_a_log_that_names_a_secret_in_each_line_takes_a_fraction_of_looking_at_each() -> None:
    data = b"".join(b"user %d password=hunter%d took %.3f s\n" % (at, at, at / 7) for at in range(20_000))
    redact_bytes(data[:1000])
    # Several times: what shares the core's caches makes one look cost twice as much.
    each = cost(lambda: RULES.redact(data))
    assert any(cost(lambda: _alike().redact(data)) < each / 3 for _ in range(5))
