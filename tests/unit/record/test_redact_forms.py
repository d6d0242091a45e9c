"""Everyday forms of secrets are caught as often as ``docs/redaction.md`` promises, and nothing of ours is touched."""

from __future__ import annotations

import ast
import itertools
import re
import string
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bench.record.redact import redact_bytes, redact_record, redact_text
from bench.record.redact.text import PHRASES, RULES
from bench.record.schema import Metric
from bench.record.storage.bundle import read_bundle, write_bundle
from bench.record.unavailable import with_reasons
from benchmarks.redaction.forms import FORMS, left_over, plain
from tests.support.planted import line, planted
from tests.support.records import make_record, make_run

ROOT = Path(__file__).parents[3]
CAUGHT = [(group, marked) for group, texts in FORMS.items() for marked in texts]


def _is_caught(marked: str) -> bool:
    return not left_over(marked, redact_text(f"before\n{plain(marked)}\nafter\n"))


def test_the_table_of_the_documentation_is_what_is_found() -> None:
    rows = ["| form | tried | caught | missed |", "|---|---|---|---|"]
    for group, texts in FORMS.items():
        caught = sum(map(_is_caught, texts))
        rows.append(f"| {group} | {len(texts)} | {caught} | {len(texts) - caught} |")
    assert "\n".join(rows) in (ROOT / "docs" / "redaction.md").read_text()


@pytest.mark.parametrize(("group", "marked"), [pair for pair in CAUGHT if pair[0] != "no name, no shape"])
def test_what_surrounds_a_form_stays_and_a_second_time_changes_nothing(group: str, marked: str) -> None:
    redacted = redact_text(f"[before]\n{plain(marked)}\n[after]\n")
    assert redacted.startswith("[before]\n")
    assert redacted.endswith("\n[after]\n")
    assert redact_text(redacted) == redacted


@pytest.mark.parametrize("before", [0, 1, 900, 1020, 1024, 8190, 8192, 100_000])
def test_no_border_of_a_window_hides_a_secret(before: int) -> None:
    """In one long line: what the rules are shown of it begins and ends somewhere within."""
    filler = ("lorem " * (before // 6 + 1))[:before]
    for marked in (
        "{'pass': '«kettle»'}",
        "password=«" + "k3ttle" * 3000 + "»",
        "with password '«" + "drum " * 60 + "»'",
    ):
        text = f"{filler} {plain(marked)} {filler}"
        assert not left_over(marked, redact_text(text))


def test_a_text_of_many_windows_is_what_each_line_is() -> None:
    lines = [plain(text) for _, text in CAUGHT if "\n" not in text and not text.startswith(("|", "│"))]
    spaced = [f"{text}\n" + "plain words of a log\n" * 400 for text in lines]
    expected = "".join(redact_text(text) for text in spaced)
    assert redact_text("".join(spaced)) == expected


FRAGMENTS = [
    *(plain(text) for _, text in CAUGHT[::7]),
    *(line(text) for text in list(planted().values())[::5]),
    *("\n", " ", "\t", ":", "=", '"', "'", "password", "token", "pass", "| ", "<td>", "lorem ipsum ", "é", "\x1b[1m"),
]


@settings(deadline=None)
@example(f"dapi{'62248b483b7ffc05' * 2}sqlcmd -S x -U sa -P swordfish")  # a word of its own beside the mark
@example(f"gravity machine north sort system female filter attitude volume fold club staydapi{'62248b483b7ffc05' * 2}")
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join))
def test_the_search_for_places_overlooks_nothing_that_the_rules_find(text: str) -> None:
    expected = found = text.encode()
    for rule in (*RULES.rules, *PHRASES.rules):
        expected = rule.redact(expected)
    for rules in (RULES, PHRASES):
        found = rules.redact(found)
    assert found == expected


def _words(folder: Path) -> list[tuple[str, str]]:
    """Every sentence that the program holds: its strings, whole or between what it fills in, no documentation."""
    found = []
    for path in sorted(folder.rglob("*.py")):
        if "redact" in path.relative_to(folder).parts:
            continue
        tree = ast.parse(path.read_text())
        documents = {
            id(node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        }
        joined = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
        inside = {id(part) for node in joined for part in node.values}
        found += [
            (f"{path.name}:{node.lineno}", node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents | inside
        ]
        for node in joined:
            parts = (part.value if isinstance(part, ast.Constant) else "7" for part in node.values)
            found.append((f"{path.name}:{node.lineno}", "".join(map(str, parts))))
    return found


def test_our_own_words_are_not_touched() -> None:
    words = [pair for pair in _words(ROOT / "bench") if not re.fullmatch("[0-9a-f]{64}", pair[1])]
    assert len(words) > 3000
    assert [(where, said) for where, text in words if (said := redact_text(text)) != text] == []


def test_the_reasons_of_a_record_s_nulls_are_not_touched() -> None:
    record = with_reasons(make_record(runs=(make_run(outcome="failed"), make_run())))
    assert any("signature" in path for path in record.unavailable)
    assert redact_record(record) == record


def test_packages_and_counts_are_not_touched() -> None:
    environ = {"MAX_TOKENS": "512"}
    record = make_record(environ=environ, tool={"keyring": "25.6", "tokenizers": "0.21"})
    assert redact_record(record) == record


@pytest.mark.parametrize("value", ["kettle drum nine", "a&b<c>\"d'e", 47114711])
def test_what_the_record_hides_stands_in_no_other_file(tmp_path: Path, value: str | int) -> None:
    facts = {"db_password": value, "colour": "red", "credentials": {"user": "bob", "word": "xylophone7"}}
    record = make_record(runs=(make_run(facts=facts, metrics={"tokens_per_s": Metric(3.0, "1/s", "higher")}),))
    said = str(value)
    files = {
        "artifacts/pytest.junit.xml": (
            f'<property name="fact:db_password" value="{_escaped(said)}" /><system-out>{_escaped(said)} red</system-out>'
        ).encode(),
        "logs/pytest.log": f"connected with {said}, then xylophone7\n".encode(),
    }
    folder = write_bundle(tmp_path, record, files, secrets=())
    stored = read_bundle(folder).record.runs[0]
    assert stored.facts["db_password"] == "[redacted:name]"
    assert stored.facts["colour"] == "red"
    assert stored.metrics["tokens_per_s"].value == 3.0
    texts = {name: (folder / name).read_text() for name in read_bundle(folder).files()}
    assert not [name for name, text in texts.items() if "xylophone7" in text]
    if isinstance(value, str):
        assert not [name for name, text in texts.items() if said in text or _escaped(said) in text]
    assert 'value="[redacted:' in texts["artifacts/pytest.junit.xml"]
    assert " red<" in texts["artifacts/pytest.junit.xml"]


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


NOT_SECRET = [
    "the password is required",
    "your password is not set",
    "the password was changed.",
    "password: The one of the database",
    "Access denied for user 'x'@'y' (using password: YES)",
    "ValueError: Unexpected token 'x' at 3",
    "forward pass: 12.3 ms",
    "Running pass: DeadCodeElimination on module",
    "1 pass, 2 fail",
    "pass=17 fail=2",
    "test_a PASSED                 [ 50%]",
    "secretstorage==3.3.3",
    "detect-secrets==1.5.0",
    "secretstorage      3.3.3",
    "keyring            25.6.0",
    "| password | type | note |\n|---|---|---|",
    "4012888888881882 instructions",
    "0.4012888888881881",
    "1760517239193908000",
    "GET /x?page=2&sort=asc&key=12 200",
    "http://localhost:8080/x and bob@example.org",
    '{"a":"http://x:8080","b":"u@example.org"}',
    "GPU-3f2504e0-4f89-41d3-9a0c-0305e82c3301",
    "HTTP Basic Authentication",
    "    username, password = url_user_password",
    "connect(signal, slot)",
    "a.py:12:34:error",
    "00:11:22:33:44:55",
    "the quick brown fox jumps over the lazy dog and then sleeps all day long",
    "bin boot dev etc home lib media mnt opt proc root run sbin srv sys tmp usr var",
    "password=${DB_PASSWORD}",
    "password={{ password }}",
    "token: Optional[str] = None",
    "@reproduce_failure('6.1.1', b'" + "AXicY2RgYGAEYhAGMgAAABoAAw" + "==')",
]


@pytest.mark.parametrize("text", NOT_SECRET)
def test_what_only_resembles_a_form_stays(text: str) -> None:
    assert redact_text(f"before\n{text}\nafter\n") == f"before\n{text}\nafter\n"


def test_a_list_of_secrets_stays_a_list() -> None:
    assert redact_text('{"passwords": ["a1", "b2"], "n": 1}') == (
        '{"passwords": ["[redacted:name]", "[redacted:name]"], "n": 1}'
    )


@pytest.mark.parametrize("size", range(1, 30))
def test_no_card_is_seen_in_a_number_that_fails_its_check(size: int) -> None:
    for digits in itertools.islice(itertools.product("45", repeat=size), 8):
        number = "".join(digits)
        total = sum(sum(divmod(int(d) * (1 + at % 2), 10)) for at, d in enumerate(reversed(number)))
        if total % 10:
            assert redact_text(f"n {number} n") == f"n {number} n"


@given(st.text(string.printable, max_size=300))
def test_any_printable_text_passes_twice_as_once(text: str) -> None:
    once = redact_bytes(text.encode())
    assert redact_bytes(once) == once
