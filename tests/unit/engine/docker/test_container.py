import io
import tarfile

import pytest
from docker.errors import APIError, NotFound
from requests.exceptions import ReadTimeout

from bench.engine.docker import container as module
from bench.engine.docker.config import container_config, helper_config, run_names
from bench.engine.docker.container import Container, parse_state
from bench.engine.protocol import State, Tree, parse_time
from bench.errors import NotMeasured, UsageError


@pytest.fixture
def names():
    return run_names("r1", with_tree=True)


@pytest.fixture
def config(place, task, names):
    return container_config(place, task, names, {"bench.run": "r1"})


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(module, "REMOVE_PATIENCE_S", 0.3)


def test_it_is_made_with_labels_and_gone_afterwards(api, config, names):
    with Container(api, config, names) as container:
        assert container.id == "id-bench-r1"
        assert set(api.volumes_) == {"bench-r1-out", "bench-r1-src"}
        assert api.volumes_["bench-r1-out"] == {"bench.run": "r1"}
        assert set(api.containers_) == {"bench-r1"}
    assert api.volumes_ == {}
    assert api.containers_ == {}


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_it_is_gone_after_an_exception_too(api, config, names, error):
    with pytest.raises(error), Container(api, config, names):
        raise error
    assert api.volumes_ == {}
    assert api.containers_ == {}


@pytest.mark.parametrize(
    ("call", "error", "raised"),
    [
        ("create_container", APIError("no such image"), NotMeasured),
        ("create_volume", OSError("gone"), NotMeasured),
        ("create_container", KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_what_was_made_before_a_failure_is_removed(api, config, names, call, error, raised):
    api.broken[call] = [error]
    with pytest.raises(raised), Container(api, config, names):
        raise AssertionError("not reached")
    assert api.volumes_ == {}


def test_the_volumes_are_filled_through_a_helper_that_never_starts(api, config, names, place, tmp_path):
    (tmp_path / "a.py").write_text("x")
    helper = helper_config(place, names, {"bench.run": "r1"})
    seen = []
    api.remove_container, remove = (
        lambda handle, force: (seen.append(api._find(handle)), remove(handle, force)),
        (api.remove_container),
    )
    with Container(api, config, names) as container:
        container.fill(helper, Tree(tmp_path, ("a.py",), ""))
        assert set(api.containers_) == {"bench-r1"}
    (path, data), *_ = seen[0].put
    assert path == "/"
    assert seen[0].config["Labels"]["bench.role"] == "helper"
    assert "start" not in api.calls
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        assert {info.name: info.uid for info in archive} == {"out": 10001, "src": 10001, "src/a.py": 10001}


def test_an_image_with_the_run_s_folders_needs_no_helper(api, config, names, place, tmp_path):
    (tmp_path / "a.py").write_text("x")
    with Container(api, config, names) as container:
        container.fill(helper_config(place, names, {}), None, owned=True)
        assert api.calls.count("put_archive") == 0
        container.fill(helper_config(place, names, {}), Tree(tmp_path, ("a.py",), ""), owned=True)
        [(path, data)] = api._find(container.id).put
        assert (path, api.calls.count("create_container")) == ("/src", 1)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        assert {info.name: info.uid for info in archive} == {"a.py": 10001}


def test_an_engine_that_takes_no_files_into_a_volume_gets_them_through_the_helper(api, config, names, place, tmp_path):
    (tmp_path / "a.py").write_text("x")
    api.broken["put_archive"] = [APIError("container rootfs is marked read-only")]
    with Container(api, config, names) as container:
        container.fill(helper_config(place, names, {}), Tree(tmp_path, ("a.py",), ""), owned=True)
    assert (api.calls.count("put_archive"), api.calls.count("create_container")) == (2, 2)
    assert api.containers_ == {}


def test_a_project_that_changes_meanwhile_is_named(api, config, names, place, tmp_path):
    with pytest.raises(UsageError, match="cannot be copied"), Container(api, config, names) as container:
        container.fill(helper_config(place, names, {}), Tree(tmp_path, ("gone.py",), ""))
    assert api.containers_ == {}


def test_an_engine_that_refuses_the_files_is_named(api, config, names, place):
    api.broken["put_archive"] = [APIError("no space left on device")]
    with pytest.raises(NotMeasured, match="no space left"), Container(api, config, names) as container:
        container.fill(helper_config(place, names, {}), None)
    assert api.containers_ == {}


@pytest.mark.parametrize(
    ("text", "fix"),
    [('could not select device driver "nvidia"', "Container Toolkit"), ("exec: no such file", "could not be started")],
)
def test_a_start_that_fails_says_why(api, config, names, text, fix):
    api.broken["start"] = [APIError(text)]
    with Container(api, config, names) as container, pytest.raises(NotMeasured, match=fix) as caught:
        container.start()
    assert text in str(caught.value)


def test_events_are_followed_and_the_state_read(api, config, names, tmp_path):
    def script(started):
        started.say('{"event": "started"}')
        started.files["result.json"] = b"{}"
        started.end(0)

    api.script = script
    with Container(api, config, names) as container:
        reader = container.events()
        assert container.state() == State(False, None, None, "2026-01-01T00:00:00.000000001Z", None)
        container.start()
        assert reader.next(5) == {"event": "started"}
        state = container.state()
        assert (state.running, state.exit_code, state.oom_killed, state.lasted_s) == (False, 0, False, 2.5)
        container.signal("SIGTERM")  # has ended: nothing happens
        assert container.copy_out(tmp_path).files == 1
    assert (tmp_path / "result.json").read_bytes() == b"{}"


def test_a_container_that_somebody_removed_has_no_state(api, config, names):
    with Container(api, config, names) as container:
        api.containers_.clear()
        assert container.state() is None


def test_removing_waits_for_a_busy_engine_and_gives_up_on_a_dead_one(api, config, names):
    with Container(api, config, names):
        api.broken["remove_container"] = [APIError("removal is already in progress"), NotFound("gone")]
    assert api.volumes_ == {}
    container = Container(api, config, names)
    with container:
        api.broken["remove_volume"] = [OSError("gone")] * 1000
    assert container.remove() is False
    api.broken.clear()
    assert container.remove() is True
    assert api.volumes_ == {}


def test_states_and_times_of_the_api():
    assert parse_time("2026-11-22T06:03:51.418768191Z").microsecond == 418768
    assert parse_time("0001-01-01T00:00:00Z") is None
    assert parse_time("yesterday") is None
    assert parse_time(None) is None
    assert State(False, 0, False, "2026-01-01T00:00:05Z", "2026-01-01T00:00:01Z").lasted_s is None  # the clock was set
    created = parse_state({"State": {"Running": False, "Status": "created", "ExitCode": 0, "OOMKilled": False}})
    assert (created.exit_code, created.oom_killed) == (None, None)


def test_an_engine_that_does_not_answer_is_asked_to_remove_once(api, config, names, monkeypatch):
    monkeypatch.setattr(module, "REMOVE_PATIENCE_S", -1.0)
    with Container(api, config, names) as container:
        api.broken["remove_container"] = [ReadTimeout("timed out")]
        del api.calls[:]
    assert api.calls == ["remove_container"]
    assert container.gone is False
