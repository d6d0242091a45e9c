"""A log with another random word in each line hides it behind any word, and shows all of it to the rules but that."""

from __future__ import annotations

import random
import string

import pytest

from bench.record.redact import redact_bytes
from bench.record.redact.lines.spans import hidden_of
from bench.record.redact.lines.tokens import Tokens
from bench.record.redact.scan import LARGE
from bench.record.redact.text import RULES
from tests.support.cpu_time import cost

FORMS = [
    "GET /v1/items/{i} Authorization: Bearer {t} 200",
    "request {i} Authorization: Basic {t}== done",
    "connecting to postgres://app:{t}@db{d}.example.org:5432/x ok",
    "GET /x?page={i}&api_key={t}&z=1 200",
    "+ curl -u user{i}:{t} https://example.org/{i}",
    "step {i} the password is {t} now",
    "export DB_PASSWORD={t}",
    "password: {t}",
    "{{'user': 'u{i}', 'password': '{t}', 'n': 3}}",
    "    login(user='u{i}', password='{t}')",
    "Set-Cookie: sessionid={t}; Path=/{i}",
    "X-Api-Key: {t}",
]


def log(form: str, size: int = LARGE + 1000) -> tuple[bytes, list[bytes]]:
    """A log of one form, and the secrets in it."""
    rng = random.Random(form)
    made, secrets, length, at = [], [], 0, 0
    while length < size:
        at += 1
        secrets.append("".join(rng.choices(string.ascii_letters + string.digits, k=21)) + "7q")
        made.append(form.format(i=at, d=at % 9, t=secrets[-1]) + "\n")
        length += len(made[-1])
    return "".join(made).encode(), [secret.encode() for secret in secrets]


@pytest.mark.parametrize("form", FORMS)
def test_each_secret_is_hidden_and_all_else_is_as_the_rules_make_it(form: str) -> None:
    data, secrets = log(form)
    made = Tokens(RULES.redact).redact(data)
    assert made.count(b"[redacted:") > 0.9 * len(secrets)
    found = RULES.redact(made)
    assert found == RULES.redact(data)
    assert not any(secret in found for secret in secrets)


@pytest.mark.parametrize(
    "form",
    [
        "commit {t} of the branch",  # says what it is
        "password:\n  {t}",  # of the line below
        "user {i} password={t}.{t} and so on",
    ],
)
def test_what_the_rules_hide_in_no_whole_word_of_a_line_is_left_to_them(form: str) -> None:
    data, _ = log(form)
    assert RULES.redact(Tokens(RULES.redact).redact(data)) == RULES.redact(data)


def test_a_secret_of_another_shape_in_such_a_log_is_seen_by_the_rules() -> None:
    data, _ = log("GET /items/{i}/{t} Authorization: Bearer {t} 200")
    lines = data.splitlines(keepends=True)
    odd = b"GET /items/7/ghp_" + b"a1B2" * 9 + b" Authorization: Bearer x 200\n"
    made = redact_bytes(b"".join([*lines, odd, *lines]))
    assert b"ghp_a1B2" not in made


def test_a_short_text_and_one_with_nothing_hidden_are_the_same_object() -> None:
    tokens = Tokens(RULES.redact)
    short, _ = log(FORMS[0], 1000)
    quiet, _ = log("step {i} of run {t} is done")
    assert tokens.redact(short) is short
    assert tokens.redact(quiet) is quiet


def test_numbers_of_other_lengths_are_one_form() -> None:
    data, secrets = log("step {i} the password is {t} now")
    some = b"".join(data.splitlines(keepends=True)[-200:])
    made = Tokens(RULES.redact).redact(data.replace(b"step 1", b"step 123456") + some)
    assert not any(secret in made for secret in secrets[-150:])


@pytest.mark.parametrize(
    ("redacted", "hidden"),
    [
        (b"a b c d", ()),
        (b"a [redacted:x] c d", ((2, 3, b"[redacted:x]"),)),
        (b"a [redacted:x] [redacted:y] d", ((2, 5, b"[redacted:x] [redacted:y]"),)),
        (b"other [redacted:x]", None),
        (b"a [redacted:x][redacted:y] d", ((2, 5, b"[redacted:x][redacted:y]"),)),
    ],
)
def test_what_was_hidden_is_told_from_what_became_of_a_line(redacted: bytes, hidden: object) -> None:
    assert hidden_of(b"a b c d", redacted) == hidden


@pytest.mark.timed
@pytest.mark.cpu_time
@pytest.mark.parametrize("form", FORMS[:2])
def test_it_takes_a_fraction_of_looking_at_each_line(form: str) -> None:
    data, _ = log(form, 1 << 19)
    redact_bytes(data[: 4 * LARGE])
    # Several times: what shares the core's caches makes one look cost twice as much.
    each = 4 * min(cost(lambda: RULES.redact(data[: 1 << 17])) for _ in range(3))
    assert any(cost(lambda: redact_bytes(data)) < each / 2 for _ in range(5))
