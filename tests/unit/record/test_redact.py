"""No secret gets into a bundle, and what belongs to a result stays."""

from __future__ import annotations

import base64
import json
import random
import string
import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.record.redact import (
    allowed_environ,
    is_secret_name,
    redact_bytes,
    redact_record,
    redact_text,
    redact_words,
    secret_values,
)
from bench.record.schema import ContextSwitches, Source
from bench.record.schema import TestResult as Node
from bench.record.storage.bundle import read_bundle, write_bundle
from tests.support.planted import line, needles, planted
from tests.support.records import make_record, make_run

PLANTED = planted()

KEPT = [
    "sha256:4c2cf9917bd1cbacc5e9b07320025bdb7cdf2df7b0ceaccb55e9dd7e30987419",
    "python:3.13.5-slim-bookworm@sha256:4c2cf9917bd1cbacc5e9b07320025bdb7cdf2df7b0ceaccb55e9dd7e30987419",
    "torch==2.7.1 --hash=sha256:84ea1f6a1d15663037d01b121d6e33bb9da3c90af8e069e5072c30f413455a57",
    "HEAD is now at 1ca1a5bf98418c7493707862817471da90bc9423",
    "commit 1ca1a5bf98418c7493707862817471da90bc9423",
    "see https://example.org/pytorch/blob/1ca1a5bf98418c7493707862817471da90bc9423/aten/src/x.cpp#L1",
    "0::/docker/4c2cf9917bd1cbacc5e9b07320025bdb7cdf2df7b0ceaccb55e9dd7e30987419",
    "fpu vme de pse tsc msr avx512_vpopcntdq avx512_vbmi2 vpclmulqdq tsc_deadline_timer movdir64b arch_capabilities",
    "tests/test_gradients.py::TestPropertyBasedGradients::test_property_gradient_stability PASSED [100%]",
    "results/amd-ryzen-9-5950x-32t-125g-3f2a91/grad_cpu/20251015T173309Z/artifacts/pytest.junit.xml",
    "| result | amd-ryzen-9-5950x-32t-1fdae5/grad_cpu/20251015T173309Z |",
    "intel-xeon-platinum-8488c-64t-503g-3f2a91/bandwidth_cuda/20251015T173309Z",
    "1065734110 page faults, 3.141592653589793, 0.30000000000000004, 12345678901234567890123456789012345",
    "void at::native::vectorized_elementwise_kernel<4, at::native::CUDAFunctor_add<double> >",
    "ampere_fp16_s16816gemm_fp16_128x128_ldg8_f2f_stages_64x3_nn",
    "_ZN5torch8autograd6Engine17evaluate_functionERSt10shared_ptrINS0_9GraphTaskEEPNS0_4NodeE",
    "KeyError: 'intensity'",
    "tokens = 512",
    "tokenizer=fast",
    "author: Jane Doe",
    "E   assert key in table",
    "monkeypatch = <MonkeyPatch>",
    "git@example.org:x/y.git and ssh://git@example.org/x",
    "[conda] nvidia-cusparselt-cu12        0.6.3            pypi_0              pypi",
    "/usr/local/lib/python3.13/site-packages/torch/_functorch/_aot_autograd/runtime_wrappers.py:123",
    "torch-2.7.1-cp313-cp313-manylinux_2_28_x86_64.whl",
    "GPU 0: NVIDIA GeForce RTX 3090 (UUID withheld) 0x7ffd1234abcd5678",
    "password: None",
    "def login(password: str, token: Optional[str] = None) -> bool:",
]


def test_at_least_thirty_kinds_are_planted() -> None:
    assert len(PLANTED) >= 30


@pytest.mark.parametrize("kind", PLANTED)
def test_planted_kind_is_gone_from_text(kind: str) -> None:
    redacted = redact_text("before\n" + line(PLANTED[kind]) + "\nafter\n")
    for needle in needles(PLANTED[kind]):
        assert needle not in redacted
    assert "[redacted" in redacted
    assert redacted.startswith("before\n")


@pytest.mark.parametrize("kind", PLANTED)
@pytest.mark.parametrize("seed", range(5))
def test_planted_kind_is_gone_whatever_its_value(kind: str, seed: int) -> None:
    marked = planted(seed + 100)[kind]
    redacted = redact_text(f"E   {line(marked)}")
    assert not [needle for needle in needles(marked) if needle in redacted]


@pytest.mark.parametrize("text", KEPT)
def test_what_belongs_to_a_result_stays(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize("kind", PLANTED)
def test_redacting_twice_changes_nothing_more(kind: str) -> None:
    once = redact_text(line(PLANTED[kind]))
    assert redact_text(once) == once


def test_a_bundle_with_secrets_everywhere_holds_none(tmp_path) -> None:
    text = "\n".join(line(marked) for marked in PLANTED.values())
    run = make_run(tests=(Node("t", text),), signature=text, gpu={"note": [text]})
    record = make_record(runs=(run,), unavailable={"x": text}, environ={"HF_TOKEN": "shortone", "OMP_NUM_THREADS": "2"})
    record = msgspec.structs.replace(record, engine=msgspec.structs.replace(record.engine, security={"note": text}))
    source = tmp_path / "pytest.log"
    source.write_text(text)
    files = {
        "logs/pytest.log": source,
        "logs/latin.log": b"\xff\xfe\x00" + text.encode(),
        "artifacts/pytest.junit.xml": f"<x>{text}</x>".encode(),
        "artifacts/commands.txt": lambda _: text,
        "artifacts/profiler.json": json.dumps({"args": text}).encode(),
        "env/env.txt": text.encode(),
    }
    folder = write_bundle(tmp_path / "results", record, files, secrets=())
    for name in read_bundle(folder).files():
        data = (folder / name).read_text(errors="replace")
        for kind, marked in PLANTED.items():
            for needle in needles(marked):
                assert needle not in data, (kind, name)
        assert "shortone" not in data, name
    assert read_bundle(folder).record.environ["OMP_NUM_THREADS"] == "2"


def test_secrets_of_this_process_are_replaced_wherever_they_stand() -> None:
    secrets = secret_values(
        {
            "MY_TOKEN": "plain-words-only",
            "XAUTHORITY": "/home/x/.Xauthority",
            "DESKTOP_SESSION": "ubuntu-xorg",
            "A_KEY": "short",
        }
    )
    assert secrets == {"plain-words-only"}
    assert redact_bytes(b"say plain-words-only aloud", secrets) == b"say [redacted:value] aloud"


def test_environment_is_taken_by_allow_list() -> None:
    environ = {
        "OMP_NUM_THREADS": "4",
        "HOME": "/home/x",
        "SSH_CLIENT": "1.2.3.4",
        "MINE": "1",
        "TORCH_TOKEN": "abc",
        "PATH": "/bin",
        "PYTHONPATH": "/x",
        "PYTHONUNBUFFERED": "1",
    }
    assert allowed_environ(environ, ["MINE"]) == {
        "MINE": "1",
        "OMP_NUM_THREADS": "4",
        "PATH": "/bin",
        "PYTHONPATH": "/x",
        "PYTHONUNBUFFERED": "1",
        "TORCH_TOKEN": "[redacted:name]",
    }


@pytest.mark.parametrize(
    "name",
    [
        "AWS_SECRET_ACCESS_KEY",
        "HF_TOKEN",
        "db_password",
        "PGPASS",
        "NPM_AUTH",
        "GOOGLE_CREDENTIALS",
        "X_PASSPHRASE",
        "SENTRY_DSN",
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["PWD", "PATH", "OMP_NUM_THREADS", "PYTHONHASHSEED", "CUDA_VISIBLE_DEVICES"])
def test_names_of_no_secrets(name: str) -> None:
    assert not is_secret_name(name)


def test_a_secret_that_is_a_word_of_the_schema_takes_no_figure_away() -> None:
    record = make_record(runs=(make_run(context_switches=ContextSwitches(7, 8), facts={"involuntary": "no"}),))
    assert redact_record(record, {"involuntary", "context_switches", "diagnostic"}) == record


def test_identities_of_a_record_stay() -> None:
    digest = "4c2cf9917bd1cbacc5e9b07320025bdb7cdf2df7b0ceaccb55e9dd7e30987419"
    record = make_record()
    diagnostic = msgspec.structs.replace(record.diagnostic, source=Source("catalog", digest[:40], False, digest))
    record = msgspec.structs.replace(
        record, diagnostic=diagnostic, runs=(make_run(signature="failed: E assert 1 == 2"),)
    )
    assert redact_record(record) == record


RANDOM = {
    "base62-20": (20, string.ascii_letters + string.digits, 0.03),
    "base62-24": (24, string.ascii_letters + string.digits, 0.01),
    "base62-32": (32, string.ascii_letters + string.digits, 0.002),
    "base62-40": (40, string.ascii_letters + string.digits, 0.002),
    "letters-24": (24, string.ascii_letters, 0.02),
    "lower-and-digits-24": (24, string.ascii_lowercase + string.digits, 0.08),
    "lower-and-digits-32": (32, string.ascii_lowercase + string.digits, 0.03),
    "upper-and-digits-20": (20, string.ascii_uppercase + string.digits, 0.01),
}


def missed_of(samples: list[str]) -> list[str]:
    """Those that a log keeps which has each of them in a line of its own."""
    log = redact_text("".join(f"seen {sample} there\n" for sample in samples)).splitlines()
    return [sample for sample, line in zip(samples, log, strict=True) if "[redacted" not in line]


@pytest.mark.parametrize("kind", RANDOM)
def test_random_strings_are_found_nearly_always(kind: str) -> None:
    length, alphabet, share = RANDOM[kind]
    rng = random.Random(3)
    samples = ["".join(rng.choices(alphabet, k=length)) for _ in range(1000)]
    missed = missed_of(samples)
    assert len(missed) <= share * 1000, missed


@pytest.mark.parametrize(("size", "share"), [(15, 0.06), (18, 0.02), (24, 0.003), (33, 0.002)])
def test_random_bytes_in_base64_are_found_nearly_always(size: int, share: float) -> None:
    rng = random.Random(4)
    samples = [base64.b64encode(rng.randbytes(size)).decode() for _ in range(1000)]
    samples += [base64.urlsafe_b64encode(rng.randbytes(size)).decode() for _ in range(1000)]
    missed = missed_of(samples)
    assert len(missed) <= share * 2000, missed


def test_a_key_with_few_digits_is_found() -> None:
    for key in (
        "wJalrXUtn" + "FEMI/K7MDENG/bPxRfi" + "CYEXAMPLEKEY",
        "wJalrXUtn" + "FEMI/KxMDENG/bPxRfi" + "CYzQvWpLkGhB",
    ):
        assert key not in redact_text(f"took {key} from the profile")


@pytest.mark.parametrize(
    "before",
    ["Header:", "street", "image secret", "account id", "commit secret", "sha256 api token", "thread", "see rawest"],
)
def test_a_hash_is_kept_after_no_other_word(before: str) -> None:
    digest = "4c2cf9917bd1cbacc5e9b07320025bdb7cdf2df7b0ceaccb55e9dd7e30987419"
    assert digest not in redact_text(f"{before} {digest}")


def test_some_megabytes_take_seconds() -> None:
    log = b"".join(
        b"tests/test_x.py::test_abc[%d] PASSED key value %d.5 tensor([0.1, 2.3])\n" % (n, n) for n in range(60_000)
    )
    start = time.process_time()
    assert redact_bytes(log) == log
    assert time.process_time() - start < 6


@pytest.mark.parametrize(
    "text",
    [
        "A" * 300_000,
        "-" * 300_000,
        "://" * 100_000,
        "password" * 40_000,
        "eyJ" * 100_000,
        "key=" * 75_000,
        "-----BEGIN PRIVATE KEY-----" * 8_000,
        "login " * 50_000,
        "--token" * 40_000,
        " \t" * 150_000,
        "a_" * 150_000,
        "://a:" * 60_000,
        'password="\\"' * 25_000,
        "password=a&quot;" * 19_000,
        "password=f(" * 27_000,
        "password=(" * 30_000,
        "token=token" * 27_000,
        "<password>" * 30_000,
        "&lt;token&gt;" * 23_000,
        'name="password" ' * 19_000,
        "('token', " * 30_000,
        "\x1b[1m" * 75_000,
        "a\0" * 150_000,
        "mysql docker login " * 16_000,
        "password for a " * 20_000,
        "<td>password</td>" * 18_000,
        "| password " * 27_000,
        "|a|\n|-|\n" * 37_000,
        "password: |\n " * 23_000,
        "machine x login " * 18_000,
        "a:123:b:" * 37_000,
        "abandon " * 37_000,
        "4111 " * 60_000,
        "mongo -p " * 33_000,
        "HTTPBasicAuth(" * 21_000,
        "?key=" * 60_000,
        "://a:'" * 50_000,
        "password%3D" * 27_000,
        "the password is " * 18_000,
        "'x' == password " * 18_000,
    ],
)
def test_no_text_makes_a_pattern_run_away(text: str) -> None:
    start = time.process_time()
    redact_text(text[:100_000])  # ten billion steps, if each character looked at all others
    assert time.process_time() - start < 2


@given(st.binary(max_size=300))
def test_any_bytes_pass(data: bytes) -> None:
    once = redact_bytes(data)
    assert redact_bytes(once) == once


@given(st.text(max_size=200))
def test_any_text_passes(text: str) -> None:
    assert isinstance(redact_text(text), str)


@pytest.mark.parametrize(
    "words",
    [
        ["mysql", "--password", "hunter2-hunter2", "-e", "select 1"],
        ["curl", "-H", "Authorization: Bearer abcdefGHIJKL0123456789mnop", "http://x"],
        ["sh", "-c", "TOKEN=hunter2-hunter2 ./run"],
    ],
)
def test_a_command_s_words_are_read_as_the_line_that_they_make(words):
    redacted = redact_words(words)
    assert redacted[0] == words[0]
    assert not any(secret in " ".join(redacted) for secret in ("hunter2", "abcdefGHIJKL"))


def test_words_without_a_secret_stay_as_they_are():
    words = ["sort", "-n", "a b", "it's", "--key=2"]
    assert redact_words(words) == words
