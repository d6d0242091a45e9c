"""The checks as data: each load can be run as it is asked for, and tells what its figures are held against."""

import inspect
import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

import bench.agent.loads
from bench.agent.loads.run import LOADS
from bench.record.schema import Cpu, Limits, Memory, Run
from bench.run.plan import LEAST_CPUS
from bench.run.result.reading import Reading
from bench.run.selftest.accuracy import hold, parse_truth
from bench.run.selftest.checks import BALLOON_BYTES, CHECKS, MIB, NO_LIMITS, PERIOD_S, SUPERVISOR_BYTES, Check, Figure

LOADS_FOLDER = Path(bench.agent.loads.__file__).parent
BY_NAME = {check.name: check for check in CHECKS}
EACH = pytest.mark.parametrize("one", CHECKS, ids=lambda one: one.name)
SMALL = {"seconds": "0.01", "user": "0.01", "system": "0.01", "mib": "1", "count": "2", "most_mib": "16"}
"""A load's own arguments, so small that it costs nothing."""


def arguments(check):
    return dict(pair.split("=") for pair in check.load[1:])


def test_the_checks_are_those_that_were_asked_for():
    assert [one.name for one in CHECKS] == [
        "one_thread",
        "two_threads",
        "user_system",
        "memory",
        "page_cache",
        "page_faults",
        "context_switches",
        "write",
        "orphan",
        "left_behind",
        "quota",
        "balloon",
    ]
    bounds = {(one.name, figure.path): figure.within for one in CHECKS for figure in one.figures}
    assert {bound for (_, path), bound in bounds.items() if path == "cpu.total_s"} == {0.01}
    assert bounds["memory", "memory.anon_peak_bytes"] == 0.02
    assert bounds["page_faults", "faults.minor"] == 0.02


@EACH
def test_every_figure_is_one_of_the_record(one):
    """Each path leads to a field of a run."""
    empty = json.loads(msgspec.json.encode(Run(0, "passed")))
    for figure in one.figures:
        part, _, name = figure.path.partition(".")
        assert part == "warnings" or name in empty[part]


@EACH
def test_a_load_takes_what_it_is_asked_for(one):
    given = arguments(one)
    inspect.signature(LOADS[one.load[0]]).bind(**given)
    assert all(value == "{out}" if name == "folder" else float(value) > 0 for name, value in given.items())


@EACH
def test_a_load_tells_what_its_figures_are_held_against(one, tmp_path):
    given = {name: SMALL.get(name, str(tmp_path)) for name in arguments(one)}
    if one.name == "left_behind":
        given["seconds"] = "0.01"
    if "hold" in inspect.signature(LOADS[one.load[0]]).parameters:
        given["hold"] = "0"
    words = [one.load[0], *(f"{name}={value}" for name, value in given.items())]
    command = [sys.executable, "-I", "-S", "-B", str(LOADS_FOLDER), *words]
    told = parse_truth(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)
    assert told["load"] == one.load[0]
    wanted = [key for figure in one.figures for key in (figure.truth, figure.scale, figure.slack)]
    assert {key for key in wanted if isinstance(key, str)} <= told.keys()


def test_each_check_has_a_name_words_and_a_figure_of_its_own():
    assert len(BY_NAME) == len(CHECKS) == len({check.about for check in CHECKS})
    for check in CHECKS:
        paths = [figure.path for figure in check.figures]
        assert paths
        assert len(set(paths)) == len(paths)
        assert all(figure.within >= 0 for figure in check.figures)


@EACH
def test_the_words_of_a_check_have_the_numbers_of_its_load(one):
    words = {"mib": "{:.0f} MiB", "seconds": "{:.0f} s", "user": "{:.0f} s in user", "system": "{:.0f} s in the kernel"}
    for name, value in arguments(one).items():
        if name in words:
            assert words[name].format(float(value)) in one.about
        if name == "count":
            assert {"2": "two", "1000": "1000", "100000": "100 000"}[value] in one.about


def test_only_what_must_meet_a_limit_has_one():
    assert {check.name: check.limits for check in CHECKS if check.limits != NO_LIMITS} == {
        "quota": Limits(cpus=0.5),
        "balloon": Limits(memory_bytes=BALLOON_BYTES),
    }
    assert Limits() == NO_LIMITS == Check("a", "b", ("cpu",), ()).limits
    assert {check.name for check in CHECKS if check.outcome != "passed"} == {"balloon"}
    assert LEAST_CPUS <= BY_NAME["quota"].limits.cpus < 1  # one busy thread must be held back


def test_the_balloon_must_meet_its_limit():
    balloon = BY_NAME["balloon"]
    assert float(arguments(balloon)["most_mib"]) * MIB > 2 * BALLOON_BYTES
    assert balloon.outcome == "oom_killed"
    killed = Reading(
        Run(0, "oom_killed", memory=Memory(oom_kills=1, limit_bytes=BALLOON_BYTES, peak_bytes=BALLOON_BYTES)), {}
    )
    assert [held.outcome for held in hold(balloon, killed, {"load": "balloon"})] == ["passed"] * 3
    other = Memory(oom_kills=2, limit_bytes=BALLOON_BYTES + 1, peak_bytes=round(BALLOON_BYTES * 0.97))
    held = hold(balloon, Reading(Run(0, "oom_killed", memory=other), {}), {"load": "balloon"})
    assert [one.outcome for one in held] == ["failed"] * 3


@pytest.mark.parametrize(("beyond", "outcome"), [(SUPERVISOR_BYTES, "passed"), (SUPERVISOR_BYTES + MIB, "failed")])
def test_page_cache_may_hold_no_more_than_a_supervisor(beyond, outcome):
    run = Run(0, "passed", memory=Memory(anon_peak_bytes=8 * MIB + beyond, peak_bytes=256 * MIB))
    truth = {"load": "cache", "anon_bytes": 8 * MIB, "file_bytes": 256 * MIB, "read_bytes": None}
    anon, peak, read = hold(BY_NAME["page_cache"], Reading(run, {}), truth)
    assert (anon.outcome, peak.outcome, read.outcome) == (outcome, "passed", "skipped")
    assert SUPERVISOR_BYTES < 256 * MIB / 10  # else page cache that was counted would go unseen


@pytest.mark.parametrize(("off", "outcome"), [(1.9, "passed"), (-1.9, "passed"), (2.1, "failed"), (-2.1, "failed")])
def test_throttled_time_may_be_off_by_a_period_at_each_end(off, outcome):
    run = Run(0, "passed", cpu=Cpu(throttled_s=1.0 + off * PERIOD_S))
    (held,) = hold(BY_NAME["quota"], Reading(run, {}), {"held_back_s": 1.0, "unsure_s": 0.0})
    assert held.outcome == outcome


def test_a_figure_is_held_tightly_unless_it_is_told_otherwise():
    figure = Figure("cpu.total_s", "cpu_total_s", 0.01)
    assert (figure.scale, figure.slack, figure.at_least) == (None, None, False)
    sums = [figure for check in CHECKS for figure in check.figures if figure.path == "cpu.total_s"]
    assert {figure.slack for figure in sums} == {"end_s"}  # no process can tell what its own end costs
    assert not any(figure.at_least for figure in sums)
