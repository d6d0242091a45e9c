"""A command in a plan, in a record and in what is judged."""

import os
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from bench.catalog.command import Asked, of_command
from bench.catalog.model import Command
from bench.compare.sample import sample_of
from bench.compare.verdict import exit_code, verdict_of
from bench.engine.protocol import Need, Tree
from bench.errors import UsageError
from bench.record.index.columns import COLUMNS, Rows
from bench.record.schema import Source
from bench.report.entry import Entry
from bench.run.command import command_source, need_for, placed
from bench.run.plan import Options, make_plan
from bench.run.result.reading import overall
from bench.run.result.record_of import marked
from tests.support.records import make_record, make_run

HERE = Source(kind="command")


def plan(words=("awk", "{out}"), options=None, **asked):
    return make_plan(of_command(words, Asked(**asked)), options or Options(), HERE)


def test_a_command_s_words_are_taken_as_they_are():
    made = plan()
    assert made.task.argv == ("awk", "{out}")
    assert made.task.command is not None
    assert (made.task.cwd, made.task.torch) == ("{here}", False)
    assert made.need == Need("small", program="awk")
    assert "PYTHONPATH" not in made.task.env


def test_a_shell_runs_the_pipeline_and_the_preparation(tmp_path):
    given = tmp_path / "data"
    given.write_text("1\n")
    made = plan(["a | b"], shell=True, prepare="sync", input=given, expect_exit=3)
    assert made.task.argv == ("/bin/sh", "-c", "a | b")
    around = made.task.command
    assert (around.prepare, around.input, around.expect_exit) == (("/bin/sh", "-c", "sync"), given, 3)
    assert {"shell", "prepare", "expect_exit", "input_sha256", "image"} == set(made.params)


def test_a_project_s_file_is_read_in_the_copy_and_one_that_is_not_copied_where_it_lies(tmp_path):
    root, kept = tmp_path / "project", tmp_path / "kept"
    for folder, name in ((root, "data"), (root, "ignored"), (kept, "data")):
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(folder.name)
    tree = Tree(root, ("data",), "0" * 64, kept=kept)
    given = {name: placed(Command(("cat",), input=name), tree).around.input for name in (Path("data"), root / "data")}
    assert set(given.values()) == {kept / "data"}
    assert placed(Command(("cat",), input=Path("ignored")), tree).around.input == root / "ignored"


def test_the_input_of_a_command_line_is_not_one_of_that_name_in_the_project(tmp_path, monkeypatch):
    (tmp_path / "project").mkdir()
    for folder in (tmp_path, tmp_path / "project"):
        (folder / "data").write_text(folder.name)
    monkeypatch.chdir(tmp_path)
    tree = Tree(tmp_path / "project", ("data",), "0" * 64)
    made = of_command(["cat"], Asked(input=Path("data")))
    assert placed(made.command, tree).around.input == tmp_path / "data"


@pytest.mark.parametrize("kind", ["sparse", "pipe", "folder", "device"])
def test_an_input_that_has_no_end_or_is_no_file_is_refused_at_once(tmp_path, kind):
    path = tmp_path / "data"
    if kind == "sparse":
        with path.open("wb") as file:
            file.truncate(1 << 42)
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises(UsageError, match="data"):
        plan(["cat"], input=path)


def test_another_command_or_input_is_another_source(tmp_path):
    one, two, three = (tmp_path / name for name in "abc")
    one.write_text("1")
    two.write_text("2")
    three.write_text("1")
    sources = [plan(["cat"], input=path).source.sha256 for path in (one, two, three)]
    assert sources[0] == sources[2] != sources[1]
    assert plan(["a", "b"]).source.sha256 != plan(["a b"]).source.sha256


def test_the_source_s_hash_gives_no_secret_away():
    command = [of_command(["mysql", "--password", word]).command for word in ("hunter2-hunter2", "other-secret-9")]
    one, two = (command_source(each, plan(["mysql"]).task.command) for each in command)
    assert one == two


def test_warm_ups_come_before_what_is_judged():
    made = plan(options=Options(warmup=2, repeat=3))
    assert (made.warmup, made.repeat, made.runs) == (2, 3, 5)
    with pytest.raises(UsageError):
        plan(options=Options(warmup=-1))
    with pytest.raises(UsageError):
        plan(options=Options(profiler=True))


def test_nothing_is_installed_into_a_place_that_is_there_already(tmp_path):
    mine = of_command(["true"])
    assert need_for(Need("small", tmp_path), mine, "/p") == Need("small", program="true", python="/p")
    for need, python in ((Need("x", tmp_path), None), (Need("x"), "/p")):
        with pytest.raises(UsageError, match="do not go together"):
            need_for(need, of_command(["true"], Asked(image="alpine")), python)


def test_a_test_of_one_s_own_needs_torch_only_if_it_asks_for_it(tmp_path):
    shipped = replace(of_command(["true"]), command=None)
    assert need_for(Need("cpu"), shipped, "/p").kind == "cpu"
    assert need_for(Need("cpu"), shipped, "/p", own=True) == Need("small", python="/p")
    assert need_for(Need("cpu"), shipped, None, own=True).kind == "cpu"


def warmed(walls, warmup, outcomes=()):
    record = make_record(runs=tuple(make_run(index=at, wall_s=wall) for at, wall in enumerate(walls)))
    ends = [*outcomes, *["passed"] * (len(walls) - len(outcomes))]
    runs = [msgspec.structs.replace(run, outcome=end) for run, end in zip(record.runs, ends, strict=True)]
    return msgspec.structs.replace(record, runs=marked(runs, warmup), outcome=overall(marked(runs, warmup)))


def test_a_warm_up_is_judged_nowhere():
    record = warmed([90.0, 1.0, 1.0, 1.0], 1)
    record = msgspec.structs.replace(record, diagnostic=msgspec.structs.replace(record.diagnostic, ceiling_s=2.0))
    assert len(record.runs) == 4
    assert sample_of(record).walls == (1.0, 1.0, 1.0)
    assert sample_of(record).times_s == (1.0, 1.0, 1.0)
    assert Entry(record).walls == (1.0, 1.0, 1.0)
    assert verdict_of(record).status == "ok"
    rows = Rows()
    rows.add(7, record)
    names = [column.name for column in COLUMNS["runs"]]
    marked = [(row[1 + names.index("index")], row[1 + names.index("warmup")]) for row in rows.take()["runs"]]
    assert marked == [(0, True), (1, False), (2, False), (3, False)]


def test_a_warm_up_that_fails_fails_nothing():
    record = warmed([1.0, 1.0], 1, ["failed"])
    assert record.outcome == "passed"
    assert sample_of(record).not_passed == {}
    assert exit_code(msgspec.structs.replace(record, verdict=verdict_of(record))) == 0
    alone = msgspec.structs.replace(record, runs=record.runs[:1])
    assert overall(alone.runs) == "failed"
