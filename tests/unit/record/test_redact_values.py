"""A log with another random secret in each line is what its lines are, and costs no look at each."""

from __future__ import annotations

import random
import re
import string

import pytest

from bench.record.redact.entropy import redact_random
from bench.record.redact.lines.values import redact_values
from bench.record.redact.scan import LARGE
from bench.record.redact.text import RULES
from tests.support.cpu_time import cost

MIXED = string.ascii_letters + string.digits
FORMS = [
    "request {i} api_key: {t} status 200",
    "user{i} password={t} ok",
    '{{"n": {i}, "token": "{t}", "loss": 0.5}}',
    "access_token={t}\r",
    "token={t}",
]
LEFT = [
    "client_secret = {t}",
    "api_key: {t};next",
    "password={t}&x=1",
    "my_password={t} x",
    "export API_KEY={t} rest of the value",
    ":param token: {t} d",
    "password: AKIA{t}",
    "token: {w} x",
    "batches {t} x",
]


def lines(form: str, letters: str = MIXED) -> bytes:
    rng = random.Random(form)
    made, at = "", 0
    while len(made) < LARGE:
        at += 1
        drawn = "".join(rng.choices(letters, k=22))
        made += form.format(i=at, t=f"{drawn}7q", w="".join(rng.choices(string.ascii_lowercase, k=24))) + "\n"
    return made.encode()


@pytest.mark.parametrize("form", FORMS)
def test_what_is_hidden_at_once_is_what_the_rules_hide(form: str) -> None:
    data = lines(form)
    made = redact_values(data)
    # A few begin like the key of a service, by chance.
    assert made.count(b"[redacted:name]") > 0.98 * data.count(b"\n")
    some = made.splitlines(keepends=True)[:60]
    assert b"".join(some) == RULES.redact(b"".join(data.splitlines(keepends=True)[:60]))


@pytest.mark.parametrize("form", LEFT)
def test_what_needs_a_closer_look_is_left_to_the_rules(form: str) -> None:
    data = lines(form)
    assert redact_values(data) is data


def test_a_chunk_without_any_stays_between_others() -> None:
    data = lines(FORMS[0]) * 5 + b"step of a run that says nothing\n" * 20000 + lines(FORMS[1]) * 5
    made = redact_values(data)
    assert b"[redacted:name]" in made
    assert b"step of a run that says nothing\n" * 20000 in made
    assert made.count(b"\n") == data.count(b"\n")


def test_twenty_letters_are_enough_for_a_random_string() -> None:
    assert redact_random(b"id wqdyEJbJBBsFbNpxrceT\n", b"#") == b"id #\n"


@pytest.mark.timed
@pytest.mark.cpu_time
def test_random_strings_cost_no_more_than_a_few_looks_at_each() -> None:
    """One automaton that searched for a digit within too took a thousand times as long as this pass."""
    data = lines("{t} {t}") * 2
    redact_random(data[:1000], b"#")
    # Several times: what shares the core's caches makes one look cost twice as much.
    passes = 3 * min(cost(lambda: sum(1 for _ in re.finditer(rb"[A-Za-z0-9+/_-]{20,}", data))) for _ in range(3))
    assert any(cost(lambda: redact_random(data, b"#")) < 60 * passes for _ in range(5))
