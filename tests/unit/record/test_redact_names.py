"""Values that a name, an option or an element says are secret, in the forms in which logs hold them."""

from __future__ import annotations

import subprocess
import textwrap
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from bench.record.redact import hidden_strings, redact_bytes, redact_record, redact_text
from bench.record.redact.text import OUT_BY_NAME
from bench.record.schema import Metric
from bench.record.storage.bundle import read_bundle, write_bundle
from tests.support.inner_pytest import INNER_PYTEST
from tests.support.records import make_record, make_run

LEAKS = [
    # Names in lower case, in the plural, in many spellings.
    ("encryption_key=abc12345", "abc12345"),
    ("my_key: zq12ab", "zq12ab"),
    ("my_key: 'swordfish'", "swordfish"),
    ("db_pass=abc", "=abc"),
    ("dbpass=swordfish", "swordfish"),
    ("secrets: abc9def7", "abc9def7"),
    ("passwords=swordfish9", "swordfish9"),
    ("credentials=bob:hunter2", "hunter2"),
    ("token: swordfish", "swordfish"),
    ("pw=swordfish", "swordfish"),
    ("pswd = swordfish", "swordfish"),
    ('"tokens": ["abc9def7", "zq12zq34"]', "abc9def7 zq12zq34"),
    ('{"passwords": ["swordfish", "sesame"]}', "swordfish sesame"),
    ("[('X-Api-Key','sesame'), ('Accept', '*/*')]", "sesame"),
    ("(b'authorization', b'sesame 9')", "sesame"),
    ("Authorization: ApiKey sesame", "sesame"),
    ("authorization: Digest username=bob, response=sesame", "sesame"),
    ("{'Authorization': 'ApiKey sesame'}", "sesame"),
    ("sessionid=sesame", "sesame"),
    ("PHPSESSID=sesame", "sesame"),
    ("clientSecret: sesame", "sesame"),
    ("github_pat = sesame", "sesame"),
    ("aligned_password          = sesame", "sesame"),
    # The whole value.
    ("password=a,REST", "REST"),
    ("password=a;REST", "REST"),
    ("password=a&REST", "REST"),
    ("password=a)REST", "REST"),
    ("password='hunter2 abc'", "hunter2 abc"),
    (r'password="a\"bcdefg"', "bcdefg"),
    (r'{"said": "{\"password\": \"a\\\"bcdefg\"}"}', "bcdefg"),
    ("password=(swordfish)", "swordfish"),
    ("password=[swordfish]", "swordfish"),
    ("password==swordfish", "swordfish"),
    ("assert password == 'swordfish'", "swordfish"),
    ("password=b'swordfish'", "swordfish"),
    ('password = """swordfish"""', "swordfish"),
    ("password='swordfish and cut o", "swordfish"),
    ("auth=('bob', 'swordfish')", "swordfish"),
    # After a secret's name a UUID is one.
    ("api_key=3f2504e0-4f89-41d3-9a0c-0305e82c3301", "3f2504e0"),
    ("the api key is 3f2504e0-4f89-41d3-9a0c-0305e82c3301", "3f2504e0"),
    # Options of well-known programs.
    ("sshpass -p swordfish ssh x", "swordfish"),
    ("sshpass -p 'hunter2 abc' ssh x", "hunter2 abc"),
    ("docker login -u bob -p swordfish example.org", "swordfish"),
    ("mysql -u bob -pswordfish db", "swordfish"),
    ("mysqldump -pswordfish db", "swordfish"),
    ("redis-cli -a swordfish ping", "swordfish"),
    ("openssl rsa -passin pass:swordfish", "swordfish"),
    ('tool --password "hunter2 abc" -v', "hunter2 abc"),
    ("tool --db-pass swordfish", "swordfish"),
    ("ALTER USER bob IDENTIFIED BY 'swordfish'", "swordfish"),
    # Colours between the name and the value, as a terminal, JSON and pytest's report write them.
    ("\x1b[1mpassword\x1b[0m: swordfish", "swordfish"),
    ("\x1b[1mpass\x1b[0mword: swordfish", "swordfish"),
    (r"\u001b[1mpassword\u001b[0m: swordfish", "swordfish"),
    ("#x1B[1mpassword#x1B[0m: swordfish", "swordfish"),
    # XML, and text within XML.
    ("{&quot;password&quot;: &quot;hunter2abc&quot;, &quot;n&quot;: 1}", "hunter2abc"),
    ("{&#34;password&#34;: &#34;hunter2abc&#34;}", "hunter2abc"),
    ("{&apos;password&apos;: &#39;hunter2abc&#39;}", "hunter2abc"),
    (r"&quot;password&quot;: &quot;a\&quot;hunter2abc&quot;", "hunter2abc"),
    ('<property name="password" value="hunter2 abc" />', "hunter2 abc"),
    ('<property name="db-pass" value="hunter2prop"></property>', "hunter2prop"),
    ("<password>hunter2abc</password>", "hunter2abc"),
    ('<p:apiKey type="x">hunter2abc</p:apiKey>', "hunter2abc"),
    ("<secret><![CDATA[hunter2abc]]></secret>", "hunter2abc"),
    ("&lt;password&gt;hunter2abc&lt;/password&gt;", "hunter2abc"),
    ('{"name": "DB_PASSWORD", "value": "hunter2abc"}', "hunter2abc"),
    ("<system-out>X_API_KEY=hunter2 abc</system-out>", "hunter2 abc"),
]

ORDINARY = Path(__file__).with_name("ordinary.txt").read_text().splitlines()


@pytest.mark.parametrize(("text", "needle"), LEAKS)
def test_the_value_is_gone(text: str, needle: str) -> None:
    redacted = redact_text(f"before\nE   {text}\nafter\n")
    assert not [part for part in needle.split() if part in redacted], redacted
    assert "[redacted:" in redacted
    assert redacted.startswith("before\n")
    assert redacted.endswith("\nafter\n")
    assert redact_text(redacted) == redacted


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_leaks_nothing_and_stays_utf_16(encoding: str) -> None:
    text = "running größe\npassword: swordfish9\ntoken gh" + "p_" + "Ab1" * 12 + "\nlast line"
    redacted = redact_bytes(text.encode(encoding)).decode(encoding)
    assert redacted == "running größe\npassword: [redacted:name]\ntoken [redacted:github]\nlast line"


def test_a_text_loses_its_colours_only_where_something_is_found() -> None:
    text = "\x1b[32mPASSED\x1b[0m tests/test_x.py"
    assert redact_text(text) == text
    assert redact_text(f"{text}\npassword=swordfish") == "PASSED tests/test_x.py\npassword=[redacted:name]"


@pytest.mark.parametrize("line", ORDINARY)
def test_ordinary_text_is_not_touched(line: str) -> None:
    assert redact_text(line) == line


def test_a_key_value_list_ends_a_value() -> None:
    assert redact_text("Server=x;Password=a;Database=b") == "Server=x;Password=[redacted:name];Database=b"
    assert redact_text("GET /x?token=a1b2&page=2 200") == "GET /x?token=[redacted:name]&page=2 200"
    assert redact_text("f(password='a', user='bob')") == "f(password='[redacted:name]', user='bob')"


def test_a_figure_under_a_secret_s_name_is_null_with_its_reason() -> None:
    given = {"password": Metric(3.25, "s", "lower", (3.0, 3.5)), "compile_s": Metric(1.5, "s", "lower")}
    record = make_record(runs=(make_run(metrics=given),))
    redacted = redact_record(record)
    assert redacted.runs[0].metrics == {"password": Metric(None, ""), "compile_s": Metric(1.5, "s", "lower")}
    assert redacted.unavailable["runs[0].metrics.password.value"] == OUT_BY_NAME
    assert "3.25" in hidden_strings(record).values()
    assert redact_record(redacted) == redacted


TEST = """
import os

def test_login(record_property):
    record_property("password", "hunter2prop")
    record_property("api_key", "zq12prop")
    answer = '{"password": "hunter2abc", "api_key": "zq12ab", "page": "<token>zq34cd</token>"}'
    print("\\x1b[1mpassword\\x1b[0m: hunter2out")
    print("DB_PASSWORD=hunter2 env")
    headers = [("X-Api-Key", "hunter2pair")]
    secrets = {"passwords": ["hunter2list"], "quoted": 'password="a\\\\"hunter2quoted"'}
    assert answer == {"client_secret": "hunter2right"}, (headers, secrets)
"""
PLANTED = ["hunter2", "zq12prop", "zq12ab", "zq34cd"]


def test_a_bundle_of_a_test_that_really_failed_holds_none(tmp_path: Path) -> None:
    (tmp_path / "test_login.py").write_text(textwrap.dedent(TEST))
    command = [*INNER_PYTEST, "-c", "none.ini", "--rootdir", str(tmp_path)]
    shown = ["-vv", "--showlocals", "--color=yes", "-o", "junit_logging=all", f"--junitxml={tmp_path}/x.xml"]
    (tmp_path / "none.ini").write_text("[pytest]\n")
    done = subprocess.run([*command, *shown, "test_login.py"], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 1, done.stderr
    report = (tmp_path / "x.xml").read_bytes()
    for data in (report, done.stdout):
        assert not [secret for secret in PLANTED[2:] if secret.encode() not in data]
    assert b"&quot;password&quot;" in report
    assert b'name="password" value="hunter2prop"' in report
    files = {"logs/pytest.log": done.stdout, "artifacts/pytest.junit.xml": report}
    folder = write_bundle(tmp_path / "results", make_record(), files, secrets=())
    for name in read_bundle(folder).files():
        text = (folder / name).read_text()
        assert not [secret for secret in PLANTED if secret in text], name
    suite = ET.fromstring((folder / "artifacts" / "pytest.junit.xml").read_text())
    assert suite.find("testsuite/testcase").get("name") == "test_login"
    assert b"test_login" in (folder / "logs" / "pytest.log").read_bytes()


@pytest.mark.parametrize(
    "text",
    [
        "test_y.py::test_token: ValueError: nothing secret here, sat 1 of 2",
        "tests/test_y.py::TestAuth::test_api_key: swapped operands",
        "tests/test_y.py::test_password: assert 3 == 4",
        "test_y.py::test_login[token]: torch.OutOfMemoryError: CUDA out of memory",
        "# secret_cpu: failed after 3.0 s",
        "# secret_cpu: timed out after 3.0 s",
        "# token_cpu: not measured",
        "grad_token: passed",
    ],
)
def test_how_a_test_ended_that_is_called_like_a_secret_is_kept(text) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "test_y.py::test_token: password=swordfish9",
        "test_y.py::test_token: ValueError: api_key=swordfish9 is wrong",
        "test_y.py::test_token: ValueError: secret: swordfish9",
        "# secret_cpu: failed, password: swordfish9",
        "std::password: swordfish9",
        "password: failedswordfish9",
        "password: swordfish9Error",
        "token: Error-swordfish9: x",
        "password=swordfish9Error: x",
    ],
)
def test_what_it_said_is_not(text) -> None:
    assert "swordfish9" not in redact_text(text)
