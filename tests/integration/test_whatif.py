"""`bench whatif` on a test whose time goes into page faults: an allocator that keeps memory must win, and is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.engine.images.ensure import PRELOADS
from bench.engine.images.facts import ImageFacts
from tests.integration.command import Command

pytestmark = pytest.mark.integration

# Blocks of 24 and 48 MB are made, touched and given back: below and above the 32 MiB where glibc stops adapting.
FAULTS = """
import torch

def test_faults():
    torch.set_num_threads(1)
    for size in (3_000_000, 6_000_000):
        for _ in range(60):
            torch.empty(size, dtype=torch.float64).fill_(1.0)
"""
# The same without torch, so that nothing but the faults takes time.
PAGES = """
def test_pages():
    for size in (24_000_000, 48_000_000):
        for _ in range(60):
            bytearray(size)
"""
PLAIN = """
def test_plain():
    assert sum(range(300_000)) == 44999850000
"""
BENCH_TOML = """
[diagnostic.faults]
node = "test_faults.py"
devices = ["cpu"]
timeout_s = 120

[diagnostic.pages]
node = "test_pages.py"
devices = []
image = "small"
timeout_s = 120

[diagnostic.plain]
node = "test_plain.py"
devices = []
image = "small"
timeout_s = 60

[variant.unheard]
about = "an allocator that no image has"
preload = "mimalloc"

[variant.ours]
about = "the project's own way"
env = { COLOUR = "red" }
"""


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Command:
    return Command(tmp_path_factory.mktemp("whatif"))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("faulty")
    files = {"test_faults.py": FAULTS, "test_pages.py": PAGES, "test_plain.py": PLAIN, "bench.toml": BENCH_TOML}
    for name, text in files.items():
        (root / name).write_text(text)
    return root


def records(command: Command, results: str) -> dict[str, dict[str, Any]]:
    """The newest record of each variant."""
    found = sorted((command.folder / results).glob("*/*/*/record.json"), key=lambda path: path.parent.name)
    read = [(path, json.loads(path.read_text())) for path in found]
    return {record["variant"]: record | {"path": path.parent} for path, record in read}


def facts(record: dict[str, Any]) -> dict[str, Any]:
    """What the supervisor saw of the place: allocators in the child's memory map, rights, CPUs."""
    return json.loads((record["path"] / "artifacts/facts.json").read_text())


def test_what_keeps_memory_wins(command: Command, project: Path, small_image: ImageFacts) -> None:
    words = ("pages", "--project", project, "--engine", "docker", "--variants", "glibc,glibc-keep")
    for rounds in (8, 14, 24):  # the later ones only where the command says that it cannot tell yet
        results = f"keep-{rounds}"
        done = command("whatif", *words, "--repeat", rounds, "--results", results)
        assert done.code == 0, done.err
        found = records(command, results)
        faults = {name: min(run["faults"]["minor"] for run in record["runs"]) for name, record in found.items()}
        assert faults["glibc-keep"] < faults["glibc"] / 3
        assert {run["outcome"] for record in found.values() for run in record["runs"]} == {"passed"}
        assert [len(record["runs"]) for record in found.values()] == [rounds, rounds]
        starts = sorted((run["started_at"], name) for name, record in found.items() for run in record["runs"])
        assert [name for _, name in starts][:4] == ["glibc", "glibc-keep", "glibc-keep", "glibc"]
        if "nothing can be said" not in done.out:
            break
    advice = done.out.splitlines()[-1]
    assert "MALLOC_TRIM_THRESHOLD_=4294967296" in advice, done.out
    assert "less wall time" in advice
    assert "faster" in done.out


def test_the_variants_are_what_they_say(command: Command, project: Path, cpu_image: ImageFacts) -> None:
    names = "glibc,jemalloc,tcmalloc,thp,pinned,unconfined,unheard,ours"
    words = ("faults_cpu", "--project", project, "--engine", "docker", "--variants", names, "--repeat", "1")
    done = command("whatif", *words, "--results", "each", "--json")
    assert done.code == 0, done.err
    lines = {line["name"]: line for line in done.document["variants"]}
    assert "mimalloc" in lines["unheard"]["problem"]
    assert [name for name, line in lines.items() if not line["passed"]] == ["unheard"]
    assert "with 1 round; try --repeat 5" in done.document["advice"]
    found = records(command, "each")
    assert "unheard" not in found
    loaded = {name: facts(record)["allocators"]["allocators"] for name, record in found.items()}
    for name in ("jemalloc", "tcmalloc"):
        assert len(loaded.pop(name)) == 1
        assert found[name]["runs"][0]["faults"]["minor"] < found["glibc"]["runs"][0]["faults"]["minor"] / 2
        assert PRELOADS[name] not in found[name]["environ"].values()
    assert not any(loaded.values())
    assert found["thp"]["environ"]["THP_MEM_ALLOC_ENABLE"] == "1"
    assert found["pinned"]["environ"]["OMP_PROC_BIND"] == "close"
    assert found["ours"]["environ"]["COLOUR"] == "red"
    shut_in, open_ = (facts(found[name])["security"]["Seccomp"] for name in ("glibc", "unconfined"))
    assert (shut_in, open_) == ("2", "0")
    assert found["unconfined"]["engine"]["security"] != found["glibc"]["engine"]["security"]


def test_native_against_docker_and_threads(command: Command, project: Path, small_image: ImageFacts) -> None:
    words = ("plain", "--project", project, "--engine", "docker", "--results", "native", "--repeat", "1")
    done = command("whatif", *words, "--variants", "docker,native,threads", "--json")
    assert done.code == 0, done.err
    found = records(command, "native")
    assert {name: record["engine"]["name"] for name, record in found.items()} == {
        "docker": "docker", "native": "local", **{name: "docker" for name in found if name.startswith("threads")},
    }  # fmt: skip
    assert found["threads-1"]["environ"]["OMP_NUM_THREADS"] == "1"
    statuses = [line["comparison"]["status"] for line in done.document["variants"] if line["comparison"]]
    assert set(statuses) == {"insufficient_runs"}


def test_bad_words(command: Command, project: Path, small_image: ImageFacts) -> None:
    for variants, said in (("glibc", "alone"), ("glibc,glibc", "twice"), ("glibc,jmalloc", "no variant is called")):
        done = command("whatif", "plain", "--project", project, "--variants", variants)
        assert (done.code, said in done.complaint) == (2, True), done.err
