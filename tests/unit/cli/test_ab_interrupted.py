"""Ctrl-C at each stage of an experiment, and ``--resume`` after it."""

import os
import signal

import pytest

from bench.errors import NotMeasured
from bench.record.storage.find import find_bundles
from bench.record.storage.verify import verify_bundle
from bench.run.session import Session

SIDES = ("ab", "dtype_cpu", "--base", "env.A=1", "--head", "env.A=2", "--no-calibration")


def strike():
    os.kill(os.getpid(), signal.SIGINT)


def sides(results):
    found = {bundle.record.experiment.side: bundle for bundle in find_bundles(results)}
    return found["base"], found["head"]


@pytest.mark.parametrize("stage", ["build", "snapshot", "first run", "between pairs", "within a pair"])
def test_what_was_measured_is_kept_and_goes_on(engine, bench_, tmp_path, monkeypatch, stage):
    prepare, execute, snapshot = engine.prepare, engine.execute, Session.snapshot

    def prepared(need, notify):
        if stage == "build":
            raise KeyboardInterrupt
        return prepare(need, notify)

    def executed(*words):
        ending = execute(*words)
        if len(engine.executed) == {"between pairs": 4, "within a pair": 5}.get(stage):
            strike()
        return ending

    with monkeypatch.context() as patch:
        patch.setattr(engine, "prepare", prepared)
        patch.setattr(engine, "execute", executed)
        if stage == "snapshot":
            patch.setattr(Session, "snapshot", lambda _: strike() or snapshot(_))
        if stage == "first run":
            engine.outcomes = ["interrupted"]
        ended, _, err = bench_(*SIDES, "--results", tmp_path / "r")
    assert ended == 130, err
    assert [verify_bundle(bundle.path) for bundle in sides(tmp_path / "r")] == [[], []]
    ran = len(engine.executed)
    code, out, err = bench_("ab", "--resume", "--results", tmp_path / "r")
    assert (code, "the same within" in out) == (0, True), (stage, out, err)
    base, head = sorted(find_bundles(tmp_path / "r"), key=lambda one: one.record.stamp)[-2:]
    pairs = set(base.record.experiment.pair) & set(head.record.experiment.pair)
    begun = {"first run": {0}, "within a pair": {2}}.get(stage, set())
    assert pairs == set(range(max(pairs) + 1)) - begun  # what was half is not made again
    assert len(engine.executed) > ran
    assert bench_("compare", base.path, head.path)[0] == 0


def test_an_experiment_that_could_not_be_built_goes_on_once_it_can(engine, bench_, tmp_path, monkeypatch):
    def refused(*_):
        raise NotMeasured("no room for the image", fix="make room")

    with monkeypatch.context() as patch:
        patch.setattr(engine, "prepare", refused)
        assert bench_(*SIDES, "--results", tmp_path / "r")[0] == 6
    code, out, err = bench_("ab", "--resume", "--results", tmp_path / "r")
    assert (code, "the same within" in out) == (0, True), out + err
