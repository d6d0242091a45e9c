"""Values that are known to be secret are found in whatever form a text holds them."""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
from urllib.parse import quote, quote_plus
from xml.etree import ElementTree as ET

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bench.record.redact import redact_bytes, secret_values
from bench.record.redact.literals import forms
from bench.record.storage.bundle import read_bundle, write_bundle
from tests.support.records import make_record, make_run

SECRETS = ["p&ss<word>1", 'correct horse\'s "battery"', "back\\slash/and+plus", "größe-und-maß", "plainvalue"]


def attribute(text: str) -> str:
    return ET.tostring(ET.Element("x", message=text), encoding="unicode")


def element(text: str) -> str:
    made = ET.Element("x")
    made.text = text
    return ET.tostring(made, encoding="unicode")


ESCAPES = {
    "plain": str,
    "element": element,
    "attribute": attribute,
    "html": html.escape,
    "json": json.dumps,
    "json-unicode": lambda text: json.dumps(text, ensure_ascii=False),
    "json-in-json": lambda text: json.dumps(json.dumps({"a": text})),
    "json-in-xml": lambda text: attribute(json.dumps({"a": text})),
    "repr": repr,
    "repr-in-xml": lambda text: element(repr([text])),
    "shell": shlex.quote,
    "url": lambda text: quote(text, safe=""),
    "url-lower": lambda text: re.sub("%..", lambda match: match[0].lower(), quote(text, safe="")),
    "form": quote_plus,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64-after-user": lambda text: base64.b64encode(f"bob:{text}".encode()).decode(),
    "base64-within": lambda text: base64.urlsafe_b64encode(f"ab{text} and more".encode()).decode(),
    "hex": lambda text: text.encode().hex(),
}


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("escape", ESCAPES)
def test_a_value_is_found_in_each_form(secret: str, escape: str) -> None:
    said = ESCAPES[escape](secret)
    redacted = redact_bytes(f"ran with {said} there".encode(), [secret]).decode()
    assert "[redacted:" in redacted
    assert not [form for form in forms(secret) if form in redacted.encode()]
    # A form that is looked for is no help unless it is the one that was written.
    assert said.strip("'\"") not in redacted


@given(st.text(min_size=8, max_size=30))
@example("=+/&<>'\"")
def test_base64_of_any_value_is_found(secret: str) -> None:
    for before in ("", "b", "bo", "bob:"):
        try:
            text = base64.b64encode((before + secret + "\n").encode())
        except UnicodeEncodeError:
            return
        assert any(form in text for form in forms(secret))


def test_what_was_set_for_the_measured_process_is_hidden_everywhere(tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("SERVICE_AUTH", raising=False)
    environ = {"SERVICE_AUTH": "p&ss<word>1", "OMP_NUM_THREADS": "2", "COLOUR": "red"}
    run = make_run(signature="refused p&ss<word>1")
    record = make_record(runs=(run,), environ=environ)
    security = msgspec.structs.replace(record.engine, security={"p&ss<word>1": "x"})
    record = msgspec.structs.replace(record, engine=security)
    files = {
        "logs/pytest.log": b"E   refused p&ss<word>1 at colour red\n",
        "artifacts/pytest.junit.xml": element("refused p&ss<word>1").encode(),
        "artifacts/commands.txt": shlex.join(["docker", "run", "--env", "SERVICE_AUTH=p&ss<word>1", "x"]).encode(),
    }
    folder = write_bundle(tmp_path, record, files, secrets=())
    for name in read_bundle(folder).files():
        data = (folder / name).read_text()
        assert not [part for part in ("p&ss", "word>1", "word&gt;1") if part in data], name
    assert "colour red" in (folder / "logs" / "pytest.log").read_text()


@pytest.mark.parametrize(
    "name",
    ["SERVICE_AUTH", "SENTRY_DSN", "MY_COOKIE", "GITHUB_PAT", "API_JWT", "DB_PASS", "HTTP_AUTHORIZATION", "DB_PWD"],
)
def test_values_of_these_names_are_looked_for(name: str) -> None:
    assert secret_values({name: "swordfish9"}) == {"swordfish9"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GIT_AUTHOR_NAME", "Jane Doe Smith"),
        ("SSH_AUTH_SOCK", "/run/user/1000/x"),
        ("OLDPWD", "C:\\Users\\x"),
        ("PATH", "bin:/usr/bin"),
        ("X_TOKEN", "[redacted:name]"),
        ("X_TOKEN", "disabled"),
        ("X_TOKEN", "short"),
    ],
)
def test_values_that_are_none_are_not(name: str, value: str) -> None:
    assert secret_values({name: value}) == frozenset()
