"""What describes an environment is asked once for each, over the runs of a command and over commands."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench.engine.interrupt import Interrupts
from bench.engine.protocol import Ending, Place
from bench.record.schema import Environment, HostClass
from bench.run.host_snapshot import unseen
from bench.run.measurement import Measurement
from bench.run.recovery import recover_all
from bench.run.result.description import Description, Descriptions, complete, key_of, left_by, read_description
from bench.run.store.kept import Owned, engine_key

ANSWER = {"version": "3.13.5", "packages": {"torch": "2.7.1"}}
QUICK = {"uid": 1, "python": None, "unavailable": {"python": "asked once"}}
TORCH = "PyTorch version: 2.7.1\n"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/bench/descriptions"


class Asked(list):
    def __init__(self):
        self.answers = {"uid": 1, "python": ANSWER, "unavailable": {}}
        self.torch = TORCH


@pytest.fixture
def asked(stand_in, monkeypatch):
    """The numbers of the runs that were asked to describe their place; ``answers`` may be changed on the way."""
    seen, execute = Asked(), stand_in.execute

    def describe(place, task, out, on_event):
        if task.describe:
            seen.append(len(stand_in.executed))
        (out / "facts.json").write_text(json.dumps(seen.answers if task.describe else QUICK))
        if task.describe and seen.torch is not None:
            (out / "torch_env.txt").write_text(seen.torch)
        return execute(place, task, out, on_event)

    monkeypatch.setattr(stand_in, "execute", describe)
    return seen


def runs(open_session, plan, count=2, **changes):
    with open_session(**changes) as session:
        result = Measurement(plan, session, unseen("not asked"), Interrupts()).begin()
        made = []
        for _ in range(count):
            made.append(result.run(plan))
            result.runs.append(made[-1])
        texts = [((run.out / "facts.json").read_text(), (run.out / "torch_env.txt").read_text()) for run in made]
        session.store.written(result.in_store.name)
    return [(json.loads(facts), torch) for facts, torch in texts]


def test_only_the_first_run_of_the_first_command_asks(open_session, plan, asked, cache):
    evidence = runs(open_session, plan, 3) + runs(open_session, plan, 2)
    assert asked == [0]
    assert evidence == [({"uid": 1, "python": ANSWER, "unavailable": {}}, TORCH)] * 5
    assert [path.suffix for path in cache.iterdir()] == [".json"]


@pytest.mark.parametrize(
    "damage",
    ["", "{", "[]", "{}", '{"python": 3}', '{"python": {}, "torch": "x", "more": 1}', "\udc80", '{"python":' * 10**5],
    ids=range(8),
)
def test_a_damaged_file_is_made_anew(open_session, plan, asked, cache, damage):
    runs(open_session, plan)
    [kept] = cache.iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(damage.encode("utf-8", "surrogateescape"))
    runs(open_session, plan)
    assert asked == [0, 2]
    assert kept.read_bytes() == whole
    kept.unlink()
    runs(open_session, plan)
    assert len(asked) == 3


def test_a_file_that_lacks_torch_s_account_is_no_answer_for_a_task_that_wants_it(open_session, plan, asked):
    asked.torch = None
    with pytest.raises(FileNotFoundError):
        runs(open_session, plan, 1)
    asked.torch = TORCH
    runs(open_session, plan)
    assert asked == [0, 1]


def test_what_could_not_be_had_is_asked_for_once_a_command_and_not_kept(open_session, plan, asked, cache):
    reason = {"torch_env": "not done within 60 s"}
    asked.answers = {"uid": 1, "python": ANSWER, "unavailable": reason}
    first, second = runs(open_session, plan)
    assert (asked, first[0]["unavailable"], second) == ([0], reason, first)
    assert not cache.exists()
    asked.answers = {**asked.answers, "unavailable": {}}
    runs(open_session, plan)
    assert asked == [0, 2]


def test_a_run_that_did_not_come_so_far_leaves_the_asking_to_the_next(open_session, plan, asked, stand_in, monkeypatch):
    execute, lost = stand_in.execute, iter([True])

    def first_is_killed(place, task, out, on_event):
        if next(lost, False):
            stand_in.executed.append(task)
            (out / "torch_env.txt").write_text("cut")
            (out / "facts.json").write_text("{")
            return Ending(137, error="killed")
        return execute(place, task, out, on_event)

    monkeypatch.setattr(stand_in, "execute", first_is_killed)
    with pytest.raises(json.JSONDecodeError):
        runs(open_session, plan, 2)
    assert asked == [1]


def test_a_cache_that_cannot_be_written_costs_the_next_command_the_asking(open_session, plan, asked, cache):
    cache.parent.mkdir(parents=True)
    cache.write_text("no folder")
    assert len(set(map(str, runs(open_session, plan)))) == 1
    runs(open_session, plan)
    assert asked == [0, 2]


HOST = HostClass(cpu_model="Test CPU")
INSIDE = Environment("3.13.5", "2.7.1", "l", "f", {"a": "1"})
REMADE = Environment("3.13.5", "2.7.1", "l", "f", {"a": "2"})
PLACE = Place("/py", "/agent", "/diag", "sha256:1", environment=INSIDE)


@pytest.mark.parametrize(
    "other",
    [
        lambda plan: ("docker elsewhere", HOST, PLACE, plan.task),
        lambda plan: ("docker", HostClass(cpu_model="Test CPU", driver="570"), PLACE, plan.task),
        lambda plan: ("docker", HOST, replace(PLACE, handle="sha256:2"), plan.task),
        lambda plan: ("docker", HOST, replace(PLACE, python="/other"), plan.task),
        lambda plan: ("docker", HOST, replace(PLACE, environment=REMADE), plan.task),
        lambda plan: ("docker", HOST, PLACE, replace(plan.task, gpu=True)),
        lambda plan: ("docker", HOST, PLACE, replace(plan.task, env={"CUDA_VISIBLE_DEVICES": "1"})),
    ],
)
def test_a_changed_environment_has_another_key(plan, other):
    assert key_of("docker", HOST, PLACE, plan.task) != key_of(*other(plan))


def test_a_variant_of_a_run_is_in_the_same_environment(plan):
    task = replace(plan.task, env={**plan.task.env, "OMP_NUM_THREADS": "3"}, preload="jemalloc", timeout_s=1.0)
    assert key_of("docker", HOST, PLACE, task) == key_of("docker", HOST, PLACE, plan.task)


def test_evidence_that_holds_no_facts_is_left_as_it_is(tmp_path):
    (tmp_path / "facts.json").symlink_to("/etc/passwd")
    complete(tmp_path, Description(ANSWER, TORCH))
    assert (tmp_path / "facts.json").is_symlink()
    assert left_by(tmp_path) is None
    (tmp_path / "facts.json").unlink()
    (tmp_path / "facts.json").write_text('["no object"]')
    complete(tmp_path, Description(ANSWER, "another"))
    assert (tmp_path / "facts.json").read_text() == '["no object"]'
    assert (tmp_path / "torch_env.txt").read_text() == TORCH, "what is there already stays"
    assert sorted(path.name for path in tmp_path.glob("*.*")) == ["facts.json", "torch_env.txt"]


@pytest.mark.parametrize("depth", [300, 900, 1000, 3000])
def test_evidence_that_is_nested_very_deeply_ends_no_command(tmp_path, plan, depth):
    text = '{"unavailable": {}, "python": {"x": ' + "[" * depth + "]" * depth + "}}"
    (tmp_path / "facts.json").write_text(text)
    complete(tmp_path, Description(ANSWER, TORCH))
    (tmp_path / "facts.json").write_text(text)
    Descriptions(tmp_path / "kept").learn("k", plan.task, tmp_path)
    assert read_description(tmp_path / "kept/k.json") in (None, left_by(tmp_path))


@pytest.mark.parametrize("value", ["1" * 30, pytest.param("1" * 5000, id="5000 digits"), "1e400", "NaN", '"\\ud800"'])
def test_evidence_that_no_reader_of_json_takes_ends_no_command(tmp_path, plan, value):
    (tmp_path / "facts.json").write_text(f'{{"unavailable": {{}}, "python": {{"x": {value}}}}}')
    (tmp_path / "torch_env.txt").write_bytes(b"\xff")
    Descriptions(tmp_path / "kept").learn("k", plan.task, tmp_path)
    complete(tmp_path, Description(ANSWER, TORCH))


def test_two_writers_at_once_leave_a_whole_file(tmp_path, plan):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/facts.json").write_text(json.dumps({"python": ANSWER, "unavailable": {}}))
    (tmp_path / "out/torch_env.txt").write_text(TORCH)
    for one in (Descriptions(tmp_path / "kept"), Descriptions(tmp_path / "kept")):
        one.learn("k", plan.task, tmp_path / "out")
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["k.json"]
    assert read_description(tmp_path / "kept/k.json") == Description(ANSWER, TORCH)


def test_a_killed_command_s_evidence_is_completed_too(
    open_session, plan, asked, stand_in, cache, tmp_path, monkeypatch
):
    runs(open_session, plan)
    [kept] = cache.iterdir()
    with open_session() as session:
        result = Measurement(plan, session, unseen("not asked"), Interrupts()).begin()
        out, _ = session.store.start(result.in_store, 0, kept.stem)
        (out / "facts.json").write_text(json.dumps(QUICK))
        (out / "result.json").write_text('{"state": "ended", "outcome": "passed", "wall_s": 1.0}')
        owned = Owned({}, engine_key(stand_in))
        monkeypatch.setattr("bench.run.recovery.left_behind", lambda: [(session.store, owned)])
        recover_all(stand_in, tmp_path / "results", print)
    [bundle] = (tmp_path / "results").glob("*/*/2*")
    assert json.loads(Path(bundle, "artifacts/facts-000.json").read_text())["python"] == ANSWER
    assert Path(bundle, "env/torch_env.txt").read_text() == TORCH
