import json
from dataclasses import replace

import pytest

from bench.agent.spec import parse_spec
from bench.engine.task import (
    LONGEST_ARGUMENT,
    MARK,
    Folders,
    child_env,
    fill,
    is_pytest,
    latest_end_s,
    stop_s,
    supervisor_argv,
    supervisor_spec,
)
from bench.errors import NotMeasured

FOLDERS = Folders(out="/o", src="/s", home="/h", tmp="/t", path="/p")


def test_placeholders_are_filled_and_other_braces_left(place):
    text = fill("{python} {out} {src} {diagnostics} {other} {", place, FOLDERS)
    assert text == "/opt/venv/bin/python /o /s /opt/diagnostics {other} {"


def test_the_childs_environment_is_whole_and_the_tasks_own_wins(place, task):
    assert child_env(place, task, FOLDERS) == {
        "HOME": "/h",
        "TMPDIR": "/t",
        "PATH": "/p",
        "USER": "bench",
        "LOGNAME": "bench",
        "A": "/s/{other}",
    }
    assert child_env(place, replace(task, env={"HOME": "/mine"}), FOLDERS)["HOME"] == "/mine"


def test_an_allocator_is_preloaded_for_the_child(place, task):
    env = child_env(place, replace(task, preload="jemalloc"), FOLDERS)
    assert env["LD_PRELOAD"] == "/opt/lib/libjemalloc.so.2"
    with pytest.raises(NotMeasured, match="'mimalloc' is not here: this place has: jemalloc"):
        child_env(place, replace(task, preload="mimalloc"), FOLDERS)
    with pytest.raises(NotMeasured, match="none"):
        child_env(replace(place, preloads={}), replace(task, preload="jemalloc"), FOLDERS)


def test_the_supervisor_understands_its_specification(place, task):
    spec = parse_spec(supervisor_spec(place, task, FOLDERS, {"version": 2, "path": "/sys/fs/cgroup/x"}))
    assert spec.argv[0] == "/opt/venv/bin/python"
    assert spec.argv[-2:] == ("--junitxml=/o/j.xml", "/opt/diagnostics/test_x.py")
    assert (spec.cwd, spec.out, spec.timeout_s, spec.torch, spec.plugin) == ("/opt/diagnostics", "/o", 10.0, True, True)
    assert spec.group is not None
    assert parse_spec(supervisor_spec(place, task, FOLDERS)).group is None


def test_the_supervisor_is_started_apart_from_its_surroundings(place):
    assert supervisor_argv(place, "{}") == [
        "/opt/venv/bin/python", "-I", "-S", "-B", "/opt/agent/__main__.py", "{}",
    ]  # fmt: skip


def test_a_command_longer_than_an_argument_may_be_is_named(place):
    supervisor_argv(place, "x" * LONGEST_ARGUMENT)
    with pytest.raises(NotMeasured, match="the command is too long: its words and variables take 131072 bytes"):
        supervisor_argv(place, "x" * (LONGEST_ARGUMENT + 1))


@pytest.mark.parametrize(
    ("argv", "answer"),
    [
        (["py", "-m", "pytest", "x"], True),
        (["/v/bin/pytest"], True),
        (["py", "-c", "pytest"], True),
        (["sh", "x"], False),
    ],
)
def test_pytest_is_known_by_its_name(argv, answer):
    assert is_pytest(argv) is answer


def test_a_broken_supervisor_is_given_up_after_all_that_it_may_take(task):
    assert latest_end_s(task) == task.timeout_s + stop_s(task)
    described = replace(task, describe=True)
    assert stop_s(described) > stop_s(task) + 59
    assert stop_s(described) > task.grace_s + 60
    assert stop_s(replace(described, torch=False)) == stop_s(task)


def test_the_specification_is_one_line_of_ascii(place, task):
    text = supervisor_spec(place, replace(task, env={"A": "é\n"}), FOLDERS)
    assert text.isascii()
    assert "\n" not in text
    assert json.loads(text)["env"]["A"] == "é\n"


def test_a_place_is_asked_about_itself_without_what_the_test_brings(place, task):
    env = {"CUDA_VISIBLE_DEVICES": "-1", "PYTHONPATH": "/s", "LD_PRELOAD": "x.so", "PATH": "{src}/bin", MARK: "run-1"}
    asked = replace(task, describe=True, env=env)
    spec = parse_spec(supervisor_spec(place, asked, FOLDERS))
    assert spec.ask is not None
    assert (spec.ask["CUDA_VISIBLE_DEVICES"], spec.ask["PATH"], spec.ask[MARK]) == ("-1", "/p", "run-1")
    assert not {"PYTHONPATH", "LD_PRELOAD", "A"} & spec.ask.keys()
    assert spec.ask["HOME"] != FOLDERS.home
    assert parse_spec(supervisor_spec(place, task, FOLDERS)).ask is None


def test_what_is_compiled_goes_where_the_place_keeps_it(place):
    kept = supervisor_argv(replace(place, bytecode="/cache/code"), "{}")
    assert kept[1:5] == ["-I", "-S", "-X", "pycache_prefix=/cache/code"]
