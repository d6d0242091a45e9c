"""What the redaction costs and finds: python benchmarks/redaction/speed.py [--before CHECKOUT] [--detectors] [FILE…].

MB/s of CPU time and the peak of memory, each for a log of 60 MB, beside one pass that only reads: `re` that finds the
lines. `--before` measures another checkout of this project in the same way. With files, the lines of them that
change. `--detectors` compares detect-secrets, which must be installed.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SIZE = 60_000_000
_WORDS = "tensor value running module forward backward loss epoch batch learning rate device cuda the of and with for"


def logs() -> dict[str, Callable[[], Iterator[bytes]]]:
    """Logs by name, line by line without end."""
    rng = random.Random(1)

    def words() -> Iterator[bytes]:
        while True:
            yield f"{' '.join(rng.choices(_WORDS.split(), k=10))} {rng.random()}\n".encode()

    def verbose() -> Iterator[bytes]:
        at = 0
        while True:
            at += 1
            yield b"tests/test_m%d.py::TestPropertyBasedGradients::test_stability[%d-float64] PASSED [ %2d%%]\n" % (
                at % 9,
                at,
                at % 100,
            )

    def training() -> Iterator[bytes]:
        at = 0
        while True:
            at += 1
            yield b"step %d tokens: %d key value %d loss=%.4f lr 0.001\n" % (at, at * 512, at, at / 3)

    def assigned() -> Iterator[bytes]:
        at = 0
        while True:
            at += 1
            yield b"step %d key=word%d token=abc loss=%.4f\n" % (at, at, at / 3)

    def secrets() -> Iterator[bytes]:
        at = 0
        while True:
            at += 1
            yield b"10:%02d:%02d INFO user%d login password=hunter%d ok in %.3f s\n" % (
                at % 60,
                at % 59,
                at,
                at,
                at / 7,
            )

    def keys() -> Iterator[bytes]:
        at = 0
        while True:
            at += 1
            yield b"request %d api_key: %032x status 200\n" % (at, rng.getrandbits(128))

    return {
        "words": words,
        "pytest -v": verbose,
        "training": training,
        "a name in each line": assigned,
        "a secret in each": secrets,
        "a random one in each": keys,
    }


def text_of(lines: Iterator[bytes], size: int) -> bytes:
    made = bytearray()
    for each in lines:
        made += each
        if len(made) >= size:
            return bytes(made)
    return bytes(made)


def measure(name: str, size: int) -> dict[str, float]:
    """One log, in a process of its own: the peak of memory is its."""
    sys.path.insert(0, str(Path.cwd()))
    from bench.record.redact import redact_bytes

    data = text_of(logs()[name](), size)
    redact_bytes(b"warm password=up1")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    redact_bytes(data)
    taken = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    sum(1 for _ in re.finditer(rb"[^\n]*\n", data))
    plain = time.process_time() - start
    return {
        "mb_s": len(data) / 1e6 / taken,
        "of_a_pass": plain / taken,
        "more_memory": (peak - before) * 1024 / len(data),
    }


def report_speed(checkout: Path, size: int) -> None:
    for name in logs():
        command = [sys.executable, __file__, "--one", name, "--size", str(size)]
        done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=True)
        told = json.loads(done.stdout)
        print(
            f"{name:22} {told['mb_s']:7.1f} MB/s, {told['of_a_pass']:5.2f} of the speed of one pass of re, "
            f"{told['more_memory']:4.1f} x the log in memory"
        )


def report_changes(files: list[Path]) -> None:
    sys.path.insert(0, str(ROOT))
    from bench.record.redact import redact_bytes

    total = changed = 0
    for file in files:
        for each in file.read_bytes().splitlines():
            total += 1
            if (made := redact_bytes(each)) != each:
                changed += 1
                print(f"{file}: {each!r:.160}\n    {made!r:.160}")
    print(f"{changed} of {total} lines change: {1000 * changed / max(1, total):.2f} in 1,000")


def report_detectors() -> None:
    sys.path.insert(0, str(ROOT))
    start = time.perf_counter()
    from detect_secrets import SecretsCollection
    from detect_secrets.settings import default_settings

    print(f"detect-secrets: imported in {time.perf_counter() - start:.2f} s")
    from benchmarks.redaction.forms import FORMS, plain, secrets

    def values(text: str, file: Path) -> set[str]:
        file.write_text(text)
        found = SecretsCollection()
        found.scan_file(str(file))
        return {each.secret_value or "" for _, each in found}

    tried = found = 0
    with default_settings(), tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "test.log"
        for text in (text for texts in FORMS.values() for text in texts):
            said = values(plain(text), file)
            tried += 1
            found += all(any(secret in value for value in said) for secret in secrets(text))
        print(f"finds {found} of {tried} forms")
        log = text_of(logs()["pytest -v"](), 300_000).decode()
        start = time.process_time()
        values(log, file)
        print(f"{len(log) / 1e6 / (time.process_time() - start):.2f} MB/s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--before", type=Path)
    parser.add_argument("--detectors", action="store_true")
    parser.add_argument("--one")
    parser.add_argument("--size", type=int, default=SIZE)
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(measure(asked.one, asked.size)))
    elif asked.files:
        report_changes(asked.files)
    elif asked.detectors:
        report_detectors()
    else:
        report_speed(ROOT, asked.size)
        if asked.before:
            print(f"before, {asked.before}:")
            report_speed(asked.before, asked.size)


if __name__ == "__main__":
    main()
