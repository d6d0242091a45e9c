"""`bench reproduce`: the same here as there, and nothing that a hostile bundle asks for."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bench.engine.images.facts import ImageFacts
from bench.names import record_id
from bench.record.schema import Image, Source
from bench.record.storage.bundle import write_bundle
from tests.integration.command import Command, Done, forge
from tests.support.hostile import MARKUP, hostile_record
from tests.support.records import make_record

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Command:
    return Command(tmp_path_factory.mktemp("reproduce"))


@pytest.fixture(scope="module")
def original(command: Command, cpu_image: ImageFacts) -> Done:
    words = ("--profile", "smoke", "--engine", "docker", "--threads", "1", "--memory", "3GiB", "--no-calibration")
    done = command("run", "dtype_cpu", *words, "--env", "OMP_DYNAMIC=FALSE", "--json")
    assert done.code == 0, done.err
    return done


@pytest.fixture
def bundle(command: Command, original: Done) -> Path:
    return command.folder / original.path()


def test_the_same_again_from_a_folder(command: Command, original: Done, bundle: Path) -> None:
    done = command("reproduce", bundle, "--results", "again", "--json")
    assert done.code == 0, done.err
    said = [line.strip() for line in done.err.splitlines()]
    record = original.record()
    assert f"reproducing {record['id']}: {record['diagnostic']['node']}, profile smoke, 1 run" in said
    assert "with pids 512, threads 1, memory 3.00 GiB" in said
    assert any(line.startswith("environment: ") and "OMP_DYNAMIC=FALSE" in line for line in said)
    for what in ("engine", "control groups", "processor", "CPUs", "fingerprint of the image"):
        assert any(line.startswith(f"{what}: ") and line.endswith(", the same here") for line in said), what
    again = json.loads((command.folder / done.path() / "record.json").read_text())
    assert again["reproduces"] == record["id"]
    assert again["engine"]["limits"] == record["engine"]["limits"]
    assert again["image"]["fingerprint"] == record["image"]["fingerprint"]
    assert again["environ"] == record["environ"]
    assert again["environ"]["OMP_DYNAMIC"] == "FALSE"
    assert done.document["comparison"]["status"] == "insufficient_runs"
    assert command("verify", command.folder / done.path()).code == 0


def test_another_fingerprint_is_said_and_waits_for_leave(command: Command, bundle: Path, tmp_path: Path) -> None:
    def other_image(record: dict[str, Any]) -> None:
        record["image"]["fingerprint"] = "f" * 64

    tree = tmp_path / "results"
    inside = bundle.relative_to(command.folder / "results")
    (tree / inside).parent.mkdir(parents=True)
    forge(bundle, tree / inside, other_image)
    assert command("export", tree / inside, "-o", "other.tar.gz").code == 0
    archived = command("reproduce", "other.tar.gz", "--results", "refused")
    assert archived.code == 7
    assert "fingerprint of the image: ffffffffffffffff… there," in archived.err
    assert archived.complaint.endswith("--allow image accepts it")
    assert not (command.folder / "refused").exists()
    allowed = command("reproduce", inside, "--results", tree, "--allow", "image")
    assert allowed.code == 0, allowed.err
    assert "build" in allowed.out
    assert len(list(tree.glob("*/dtype_cpu/*/record.json"))) == 2


def test_what_would_steer_the_loader_stays_behind(command: Command, bundle: Path, tmp_path: Path) -> None:
    def evil(record: dict[str, Any]) -> None:
        record["environ"] |= {"LD_PRELOAD": "/tmp/evil.so", "PYTHONPATH": "/tmp/evil", "OMP_DYNAMIC": "TRUE"}

    forged = forge(bundle, tmp_path / bundle.name, evil)
    refused = command("reproduce", forged, "--results", tmp_path / "r")
    assert refused.code == 7
    assert "environment: LD_PRELOAD, PYTHONPATH set there" in refused.complaint
    done = command("reproduce", forged, "--results", tmp_path / "r", "--allow", "environment", "--json")
    assert done.code == 0, done.err
    environ = json.loads((Path(done.document["path"]) / "record.json").read_text())["environ"]
    assert (environ.get("LD_PRELOAD"), environ.get("PYTHONPATH"), environ["OMP_DYNAMIC"]) == (None, None, "TRUE")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that nobody measured, to be forged: no engine is needed to refuse it."""
    image = Image("bench-cpu:1", "sha256:1", "base@sha256:2", "3" * 64, "4" * 64, "3.13.5", "2.7.1+cpu")
    record = make_record(name="dtype_cpu", image=image)
    source = msgspec.structs.replace(record.diagnostic, source=Source("catalog", sha256="5" * 64), profile="smoke")
    record = msgspec.structs.replace(record, diagnostic=source)
    return write_bundle(tmp_path_factory.mktemp("made"), record, {"summary.md": b"nothing\n"})


def named(**values: Any) -> Callable[[dict[str, Any]], None]:
    """Changes values of a record's diagnostic, and its id so that it agrees."""

    def change(record: dict[str, Any]) -> None:
        record["diagnostic"].update(values)
        record["id"] = record_id(record["host"]["id"], record["diagnostic"]["name"], record["stamp"])

    return change


def imported(record: dict[str, Any]) -> None:
    record["diagnostic"]["source"]["kind"] = "imported"


def nested(record: dict[str, Any]) -> None:
    deep: list[Any] = []
    for _ in range(900):
        deep = [deep]
    record["engine"]["facts"] = {"deep": deep}
    record["schema"] = "bench.record/2"


REFUSED = [
    (named(name="miner_cpu"), (), 7, "this catalog has no such diagnostic"),
    (named(name="$(touch pwned)"), (), 8, "cannot name a folder"),
    (lambda record: record.update(id="victim-1/dtype_cpu/20260102T030405Z"), (), 8, "its id is"),
    (lambda record: record["host"]["class"].update(threads=77), (), 8, "not the hash of the host's class"),
    (named(name="x_cpu", node="/etc/passwd"), ("--trust",), 2, "is not a node of the project"),
    (named(name="x_cpu", node="../../a.py"), ("--trust",), 2, "is not a node of the project"),
    (named(name="x_cpu", node="--pyargs=os"), ("--trust",), 2, "is not a node of the project"),
    (named(name="x_cpu", node="test_a.py::test_a"), (), 2, "only with --trust"),
    (named(profile="\x1b[2J\x9b31m"), (), 2, "has no profile"),
    (lambda record: record.update(variant="\x1b]0;owned\x07"), (), 2, "no variant is called"),
    (lambda record: record.update(schema="bench.record/9"), (), 8, "install version 9"),
    (lambda record: record.update(runs="\x1b[31m"), (), 8, "runs"),
    (lambda record: record.update(stamp="20260102T030406Z"), (), 8, "its stamp is"),
    (imported, (), 7, "imported from older evidence"),
    (nested, (), 8, "newer schema"),
]


@pytest.mark.parametrize(("change", "words", "code", "said"), REFUSED, ids=[said for *_, said in REFUSED])
def test_a_forged_record_runs_nothing(
    tmp_path: Path, made: Path, change: Callable[[dict[str, Any]], None], words: tuple[str, ...], code: int, said: str
) -> None:
    forged = forge(made, tmp_path / made.name, change)
    project = tmp_path / "project"
    project.mkdir()
    (project / "test_a.py").write_text("def test_a(): open('ran', 'w')\n")
    mine = ("--project", project) if "node" in said or "trust" in said else ()
    done = Command(tmp_path)("reproduce", forged, *mine, *words, "--engine", "local")
    assert done.code == code, done.err
    assert said in done.complaint
    assert done.out == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([made.name, "project"])


def test_a_record_of_endless_depth(tmp_path: Path, made: Path) -> None:
    forged = forge(made, tmp_path / made.name, lambda _: None)
    (forged / "record.json").write_text('{"schema": ' + "[" * 1_000_000)
    for words in (("reproduce", forged), ("verify", forged), ("compare", forged, forged)):
        assert Command(tmp_path)(*words).code == 8


def test_damage_is_found_before_anything_is_read(tmp_path: Path, made: Path) -> None:
    forged = forge(made, tmp_path / made.name, lambda _: None)
    (forged / "summary.md").write_text("changed")
    done = Command(tmp_path)("reproduce", forged, "--engine", "local")
    assert done.code == 8
    assert "summary.md" in done.complaint


def archive(path: Path, entries: list[tuple[tarfile.TarInfo, bytes]]) -> Path:
    """A tar.gz of any entries, however hostile."""
    with gzip.open(path, "wb", compresslevel=1) as packed, tarfile.open(fileobj=packed, mode="w|") as tar:
        for info, data in entries:
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def link(name: str, to: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, to
    return info


PLACE = "host-1/dtype_cpu/20260102T030405Z"
TRAPS = {
    "traversal": [(tarfile.TarInfo("../../outside.txt"), b"x")],
    "inner traversal": [(tarfile.TarInfo(f"{PLACE}/../../../../outside.txt"), b"x")],
    "absolute": [(tarfile.TarInfo("/tmp/bench-outside.txt"), b"x")],
    "symlink": [(link(f"{PLACE}/env", "/tmp"), b""), (tarfile.TarInfo(f"{PLACE}/env/bench-outside.txt"), b"x")],
    "escapes": [(tarfile.TarInfo("\x1b[31m\x9b2J/a/b/c"), b"x")],
    "empty": [],
}


@pytest.mark.parametrize("verb", ["reproduce", "import"])
@pytest.mark.parametrize("trap", TRAPS)
def test_nothing_leaves_the_target(tmp_path: Path, trap: str, verb: str) -> None:
    home = tmp_path / "home"
    home.mkdir()
    source = archive(home / "trap.tar.gz", TRAPS[trap])
    done = Command(home)(verb, source, "--results", home / "results")
    assert done.code == 8, done.err
    assert len(done.err.strip().splitlines()) == 1
    assert list(tmp_path.rglob("*outside*")) == []
    assert not Path("/tmp/bench-outside.txt").exists()
    assert sorted(path.name for path in home.iterdir()) == ["trap.tar.gz"]


def test_a_bomb_is_refused_by_what_it_says_of_itself(tmp_path: Path) -> None:
    info = tarfile.TarInfo(f"{PLACE}/summary.md")
    info.size = 4 * 1024**3
    with gzip.open(tmp_path / "bomb.tar.gz", "wb", compresslevel=1) as packed:
        packed.write(info.tobuf())
        packed.write(bytes(16 * 1024**2))
    done = Command(tmp_path)("import", "bomb.tar.gz")
    assert done.code == 8
    assert "unpacks to more than" in done.complaint
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bomb.tar.gz"]


def test_no_text_of_a_record_reaches_the_terminal_as_it_is(tmp_path: Path, made: Path) -> None:
    """Every text of the schema is an escape sequence and markup; every verb that shows one is asked to."""
    base = json.loads(msgspec.json.encode(hostile_record()))
    more = "\u202e" + f"\x9b31m\x1b]8;;http://x\x07{MARKUP}"

    def hostile(record: dict[str, Any]) -> None:
        kept = {key: record[key] for key in ("schema", "stamp", "outcome")}
        record.clear()
        record.update(base | kept | {"profiler": False})
        record["diagnostic"] |= {"name": "dtype_cpu", "profile": "smoke", "device": "cpu"}
        record["host"]["class"]["cpu_model"] = more
        record["engine"]["name"] = more
        record["variant"] = None

    one = forge(made, tmp_path / "results/h/dtype_cpu" / made.name, hostile)
    two = forge(made, tmp_path / "other" / made.name, hostile)
    command = Command(tmp_path)
    shown = [
        ("compare", one, two), ("compare", one, two, one), ("compare", one, two, "--json"), ("explain", one),
        ("explain", one, two), ("explain", one, "--json"), ("history", "dtype_cpu"), ("list",), ("list", "--json"),
        ("report", "results"), ("report", "results", "--json"), ("verify", one), ("query", "select * from results"),
        ("query", "select * from runs", "--json"), ("export", one, "-o", "x.tar.gz"),
        ("reproduce", one, "--engine", "local"), ("history", "dtype_cpu", "--json"),
    ]  # fmt: skip
    for words in shown:
        done = command(*words)  # holds every output against what a terminal acts on
        assert done.code in {0, 2, 6, 7, 8}, (words, done.err)
        if "--json" in words:
            json.loads(done.out)
    assert not (tmp_path / "x.tar.gz").exists() or (tmp_path / "x.tar.gz").stat().st_size > 0
