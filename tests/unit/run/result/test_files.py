"""The files of a bundle: what stands for one that is missing, and what an unfinished log keeps."""

import json
import os
from functools import partial
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from bench.compare.explain.findings import Finding
from bench.engine.protocol import Ending
from bench.errors import NotComparable
from bench.record.samples import GAUGES, TOTALS
from bench.record.schema import Faults, HostState
from bench.report.files.analysis import analysis_time_txt
from bench.report.files.summary import Operator
from bench.run.host_snapshot import HostSnapshot
from bench.run.result.files import MARK, collect, findings_of, read_log, read_operators, sentence
from bench.run.result.reading import OneRun, Reading, never_ran
from tests.support.records import changed, make_record, make_run

ALWAYS = {
    "artifacts/pytest.junit.xml",
    "artifacts/samples.csv",
    "artifacts/time.txt",
    "artifacts/exit_code.txt",
    "artifacts/commands.txt",
    "logs/pytest.log",
    "env/env.txt",
    "env/torch_env.txt",
    "env/system_load.txt",
    "env/disk_usage.txt",
    "analysis/grad_cpu_time.txt",
    "analysis/timeout_decision.md",
    "summary.md",
}


def snapshot(name="before"):
    return HostSnapshot(HostState(), {}, {}, {}, f"load {name}\n", f"disk {name}\n")


@pytest.fixture
def left(tmp_path):
    """A run that left these files in its ``out`` folder."""

    def made(index=0, /, commands=("docker create", "python -m pytest"), files=None, **changes):
        out = tmp_path / f"out{index}"
        out.mkdir()
        for name, text in (files or {}).items():
            (out / name).write_text(text)
        return OneRun(Reading(make_run(index, **changes), {}), out, Ending(0, commands=commands))

    return made


def files_of(*runs, asked=None, after=None, history=(), **changes):
    record = make_record(runs=tuple(run.reading.run for run in runs), runs_asked=asked, **changes)
    return collect(record, runs, snapshot(), after, history)


def test_a_run_that_left_everything_has_it_taken_as_it_is(left):
    texts = {
        "pytest.log": "log",
        "pytest.junit.xml": "<testsuites/>",
        "samples.csv": "t_s\n",
        "facts.json": "{}",
        "profiler.json": "[]",
        "torch_env.txt": "torch",
    }
    run = left(files=texts, exit_code=3)
    found = files_of(run, environ={"MY_OWN": "1", "OMP_PLACES": "cores"})
    assert found.keys() == ALWAYS | {"artifacts/facts.json", "artifacts/profiler.json"}
    taken = {Path(name).name: found[name] for name in found if isinstance(found[name], Path)}
    assert taken == {name: run.out / name for name in texts}
    assert found["artifacts/exit_code.txt"] == b"3\n"
    assert found["artifacts/commands.txt"] == b"docker create\npython -m pytest\n"
    assert found["env/env.txt"] == b"MY_OWN=1\nOMP_PLACES=cores\n"
    assert found["artifacts/time.txt"].startswith(b'\tCommand being timed: "python -m pytest"\n')
    assert found["analysis/grad_cpu_time.txt"] is analysis_time_txt


def test_a_file_that_was_not_left_says_why(left):
    found = files_of(left(outcome="timed_out", signature="timed out\nafter \x1b[31m60 s"), outcome="timed_out")
    assert found.keys() == ALWAYS
    assert found["logs/pytest.log"] == b"# pytest.log was not written: timed out after 60 s\n"
    assert found["artifacts/samples.csv"].decode() == ",".join(("t_s", *TOTALS, *GAUGES)) + "\n"
    assert found["env/torch_env.txt"] == b"# torch_env.txt was not written by any run\n"
    (suite,) = fromstring(found["artifacts/pytest.junit.xml"])
    assert {name: suite.get(name) for name in ("tests", "errors", "failures", "skipped")} == {
        "tests": "1",
        "errors": "1",
        "failures": "0",
        "skipped": "0",
    }
    (case,) = suite
    assert (case.tag, case.get("name"), case[0].tag) == ("testcase", "test_x.py::test_y", "error")
    assert case[0].get("message") == "pytest wrote no report: timed out after 60 s"


def test_a_run_without_words_is_named_by_its_outcome(left):
    found = files_of(left(outcome="oom_killed"), outcome="oom_killed")
    assert found["logs/pytest.log"] == b"# pytest.log was not written: the run ended as oom killed\n"


def test_a_run_that_passed_without_pytest_has_a_report_without_a_case(left):
    (suite,) = fromstring(files_of(left())["artifacts/pytest.junit.xml"])
    assert (suite.get("tests"), suite.get("errors")) == ("0", "0")
    (only,) = suite
    assert (only.tag, only.text) == ("system-out", "pytest wrote no report: the run ended as passed")


def test_a_report_names_a_run_that_is_no_test_of_pytest_s(left):
    found = files_of(left(outcome="failed"), outcome="failed", node=None)
    assert fromstring(found["artifacts/pytest.junit.xml"])[0][0].get("name") == "run"


def test_each_run_has_files_of_its_own(left):
    first = left(0, files={"pytest.log": "a", "facts.json": "{}"})
    second = left(1, commands=("python -m pytest", "again"), files={"torch_env.txt": "torch"}, exit_code=7)
    found = files_of(first, second)
    numbered = {"pytest.junit.xml", "samples.csv", "time.txt", "exit_code.txt", "pytest.log"}
    shared = {name for name in ALWAYS if Path(name).name not in numbered}
    both = {
        f"{folder}/{stem}-00{index}.{suffix}"
        for index in (0, 1)
        for folder, stem, suffix in (
            ("logs", "pytest", "log"),
            ("artifacts", "pytest", "junit.xml"),
            ("artifacts", "samples", "csv"),
            ("artifacts", "time", "txt"),
            ("artifacts", "exit_code", "txt"),
        )
    }
    assert found.keys() == shared | both | {"artifacts/facts-000.json"}
    assert found["logs/pytest-000.log"] == first.out / "pytest.log"
    assert found["artifacts/exit_code-001.txt"] == b"7\n"
    assert b'"again"' in found["artifacts/time-001.txt"]
    assert found["artifacts/commands.txt"] == b"docker create\npython -m pytest\nagain\n"  # each once
    assert found["env/torch_env.txt"] == second.out / "torch_env.txt"  # of the first run that has one


def test_one_run_of_several_that_were_asked_for_has_its_number(left):
    assert "logs/pytest-000.log" in files_of(left(), asked=2)
    assert "logs/pytest.log" in files_of(left(1), asked=1)


def test_nothing_was_run_and_every_file_is_there_and_says_so():
    found = files_of(asked=1, outcome="not_measured", verdict=_not_measured("no\nimage"))
    assert found.keys() == ALWAYS
    assert found["artifacts/commands.txt"] == b"# nothing was run: not measured: no image\n"
    assert found["artifacts/exit_code.txt"] == b"unknown\n"
    assert found["logs/pytest.log"] == b"# pytest.log was not written: not measured: no image\n"
    assert "logs/pytest-000.log" in files_of(asked=3, outcome="not_measured")


def _not_measured(reason):
    return type(make_record().verdict)("not_measured", (reason,))


def test_a_run_that_never_began_has_no_command():
    run = never_ran(0, "no room")
    found = files_of(run, outcome="not_measured")
    assert found["artifacts/commands.txt"] == b"# nothing was run: no room\n"
    assert found["artifacts/time.txt"].startswith(b'\tCommand being timed: ""\n')


def test_the_host_is_there_once_or_before_and_after(left):
    assert files_of(left())["env/system_load.txt"] == b"load before\n"
    found = files_of(left(1), after=snapshot("after"))
    assert found["env/system_load.txt"] == b"load before\n\n# after the last run\nload after\n"
    assert found["env/disk_usage.txt"] == b"disk before\n"


def test_what_is_rendered_comes_from_the_record_as_it_ends_up(left):
    """Its stamp may move until the bundle is written."""
    found = files_of(left(files={"operators.json": json.dumps([{"name": "aten::mm", "self_s": 2.5, "calls": 3}])}))
    later = make_record(stamp="20270101T000000Z")
    assert later.id in found["summary.md"](later)
    assert "aten::mm" in found["summary.md"](later)
    assert found["analysis/timeout_decision.md"](later).startswith("# Timeout decision\n")


def test_earlier_results_are_what_the_ceiling_is_held_against(left):
    earlier = make_record(stamp="20250101T000000Z", runs=(make_run(wall_s=11.25),))
    found = partial(files_of, left())
    assert "11.25 s" not in found()["analysis/timeout_decision.md"](make_record())
    assert "11.25 s" in found(history=(earlier,))["analysis/timeout_decision.md"](make_record())


@pytest.mark.parametrize("trouble", [NotComparable("no *like*"), OverflowError("too large")])
def test_a_ceiling_that_cannot_be_reviewed_costs_only_its_file(left, monkeypatch, trouble):
    def fail(*_):
        raise trouble

    monkeypatch.setattr("bench.run.result.files.timeout_decision", fail)
    text = files_of(left())["analysis/timeout_decision.md"](make_record())
    assert text.startswith("# The ceiling could not be reviewed: ")
    assert "*like*" not in text


OPERATORS = [{"name": "a", "self_s": 1.5, "calls": 2}, {"name": "b", "self_s": 0.5, "calls": 1, "device": "cpu"}]


def test_a_profile_s_operators_are_read(tmp_path):
    (tmp_path / "operators.json").write_text(json.dumps(OPERATORS))
    assert read_operators(tmp_path) == [Operator("a", 1.5, 2), Operator("b", 0.5, 1)]


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[{}]", '[{"name": 1, "self_s": 1, "calls": 1}]', json.dumps(OPERATORS)[:-1], '[{"x": ' + "[" * 100_000],
)
def test_operators_that_cannot_be_read_are_none(tmp_path, text):
    (tmp_path / "operators.json").write_text(text)
    assert read_operators(tmp_path) == []


@pytest.mark.parametrize("value", ["-1", "1e400", "1e300", '"1"', "null", pytest.param("1" * 5000, id="5000 digits")])
@pytest.mark.parametrize("field", ["self_s", "calls"])
def test_operators_with_a_figure_that_cannot_be_are_none(tmp_path, field, value):
    figures = {"self_s": "1.5", "calls": "2"} | {field: value}
    (tmp_path / "operators.json").write_text(
        f'[{{"name": "a", "self_s": {figures["self_s"]}, "calls": {figures["calls"]}}}]'
    )
    assert read_operators(tmp_path) == []


def test_operators_of_bytes_that_are_no_text_are_none_and_a_long_name_is_cut(tmp_path):
    path = tmp_path / "operators.json"
    path.write_bytes(json.dumps(OPERATORS).encode().replace(b"b", b"\xff"))
    assert read_operators(tmp_path) == []
    path.write_text(json.dumps([{"name": "x" * 10_000, "self_s": 1.0, "calls": 1}]))
    assert len(read_operators(tmp_path)[0].name) == 200
    path.unlink()
    os.mkfifo(path)
    assert read_operators(tmp_path) == []


@pytest.mark.parametrize("name", ["pytest.log", "pytest.junit.xml", "facts.json", "profiler.json", "torch_env.txt"])
def test_a_file_that_cannot_be_read_or_is_larger_than_any_costs_itself(left, monkeypatch, name):
    run = left(files={name: "text"})
    monkeypatch.setattr("bench.run.result.files._MOST_BYTES", 3)
    said = [content for content in files_of(run).values() if isinstance(content, bytes) and b"was not taken" in content]
    assert said == [f"# {name} was not taken: it is larger than 3 B\n".encode()]
    monkeypatch.setattr(Path, "open", refused)
    said = [content for content in files_of(run).values() if isinstance(content, bytes) and b"was not taken" in content]
    assert said == [f"# {name} was not taken: Permission denied\n".encode()]


def refused(*_):
    raise PermissionError(13, "Permission denied")


def test_operators_that_are_missing_or_too_many_are_none(tmp_path, monkeypatch):
    assert read_operators(tmp_path) == []
    text = json.dumps(OPERATORS)
    (tmp_path / "operators.json").write_text(text)
    monkeypatch.setattr("bench.run.result.files._MAX_OPERATORS_BYTES", len(text))
    assert len(read_operators(tmp_path)) == 2
    monkeypatch.setattr("bench.run.result.files._MAX_OPERATORS_BYTES", len(text) - 1)
    assert read_operators(tmp_path) == []


def test_a_whole_log_is_the_file_and_none_is_none(tmp_path):
    assert read_log(tmp_path) is None
    (tmp_path / "pytest.log").write_text("log")
    assert read_log(tmp_path) == tmp_path / "pytest.log"


def test_the_tail_that_a_killed_supervisor_left_follows_behind_a_mark(tmp_path):
    (tmp_path / "pytest.log.tail").write_bytes(b"end\0\0\0")
    assert read_log(tmp_path) == MARK + b"end"  # the head may be missing
    (tmp_path / "pytest.log").write_bytes(b"head\0")
    (tmp_path / "pytest.log.tail").write_bytes(b"\0a\0b\0\0")
    assert read_log(tmp_path) == b"head\0" + MARK + b"\0a\0b"


def test_a_tail_that_is_no_file_is_not_followed(tmp_path):
    (tmp_path / "pytest.log").write_text("log")
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "pytest.log.tail").symlink_to(tmp_path / "secret")
    assert read_log(tmp_path) == tmp_path / "pytest.log"
    (tmp_path / "pytest.log.tail").unlink()
    (tmp_path / "pytest.log.tail").mkdir()
    assert read_log(tmp_path) == tmp_path / "pytest.log"


def test_a_log_with_a_tail_is_in_the_bundle(left):
    found = files_of(left(files={"pytest.log": "head", "pytest.log.tail": "tail"}))
    assert found["logs/pytest.log"] == b"head" + MARK + b"tail"


def test_only_a_result_that_passed_has_findings():
    record = make_record(runs=(make_run(faults=Faults(minor=10**8)),))
    assert any("fault" in finding for finding in findings_of(record))
    assert findings_of(changed(record, outcome="failed")) == []


def test_a_finding_is_one_line_of_what_it_has():
    assert sentence(Finding("code", "seen", "meant", "do", ("thp",))) == "seen; meant; do"
    assert sentence(Finding("code", "seen", "", "")) == "seen"
