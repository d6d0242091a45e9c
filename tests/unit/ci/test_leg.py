import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ci import leg as leg_module
from ci.images import restore, save, used
from ci.leg import run_leg
from ci.matrix import Leg

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Puts a script in the place of the Python that runs bench."""

    def make(body):
        script = tmp_path / "python"
        script.write_text(f"#!/bin/sh\n{body}\n")
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setattr(leg_module.sys, "executable", str(script))

    return make


def test_what_a_leg_leaves(tmp_path, stand_in, monkeypatch):
    monkeypatch.setenv("GITHUB_SHA", "c0ffee")
    stand_in('echo "$@"; echo progress >&2; exit 4')
    document = run_leg(Leg("grad_cpu", "a", ("x",), ("--cpus", "2")), "smoke", "3", tmp_path / "legs/grad_cpu-a")
    assert document == json.loads((tmp_path / "legs/grad_cpu-a/leg.json").read_text())
    assert (document["exit_code"], document["commit"], document["leg"]) == (4, "c0ffee", "grad_cpu-a")
    expected = f"-m bench run grad_cpu --repeat 3 --profile smoke --results {tmp_path}/legs/grad_cpu-a/results --cpus 2"
    assert expected in document["said"]
    assert "progress" in document["said"]
    assert "progress" in (tmp_path / "legs/grad_cpu-a/run.log").read_text()


def test_with_a_base_both_are_measured_in_pairs(tmp_path, stand_in, monkeypatch):
    stand_in('echo "$@"')
    leg = Leg("grad_cpu", "a", (), ("--repeat", "9", "--cpus", "2", "--baseline=x"))
    monkeypatch.setenv("BENCH_BASE_REV", "HEAD^1")
    document = run_leg(leg, "smoke", "3", tmp_path)
    said = (
        f"-m bench ab grad_cpu --base rev=HEAD^1 --budget 45min --profile smoke --results {tmp_path}/results --cpus 2"
    )
    assert (document["said"], document["base"]) == ([said], "HEAD^1")
    monkeypatch.setenv("BENCH_BUDGET", "1h")
    assert "--budget 1h" in run_leg(leg, "smoke", "3", tmp_path)["said"][0]
    monkeypatch.setenv("BENCH_BASE_REV", "")
    assert run_leg(leg, "smoke", "3", tmp_path)["said"][0].startswith("-m bench run grad_cpu --repeat 3 --profile")


def test_only_the_end_of_a_long_log_goes_into_the_document(tmp_path, stand_in):
    stand_in('i=0; while [ $i -lt 100 ]; do echo "line $i"; i=$((i+1)); done; printf "bad \\377 byte\\n"')
    document = run_leg(Leg("grad_cpu", "a", (), ()), "smoke", "1", tmp_path)
    assert document["said"][-1] == "bad \ufffd byte"
    assert len(document["said"]) == leg_module.SAID_LINES
    assert len((tmp_path / "run.log").read_bytes().splitlines()) == 101


def test_a_cancelled_leg_ends_in_order_and_has_left_its_name(tmp_path):
    script = tmp_path / "bench" / "__main__.py"
    script.parent.mkdir()
    (script.parent / "__init__.py").write_text("")
    script.write_text(
        "import time\ntry:\n    print('started', flush=True)\n    time.sleep(60)\n"
        "except KeyboardInterrupt:\n    print('evidence kept', flush=True)\n    raise SystemExit(130)\n"
    )
    (tmp_path / "ci").symlink_to(ROOT / "ci")
    env = {"PATH": os.environ["PATH"], "BENCH_DIAGNOSTIC": "grad_cpu", "BENCH_RUNNER": "linux-x64"}
    with subprocess.Popen([sys.executable, "-m", "ci.leg"], cwd=tmp_path, env=env, stdout=subprocess.PIPE) as process:
        home = tmp_path / "legs/grad_cpu-linux-x64"
        assert process.stdout is not None
        assert process.stdout.readline() == b"started\n"
        assert json.loads((home / "leg.json").read_text())["exit_code"] is None
        time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    document = json.loads((home / "leg.json").read_text())
    assert (document["exit_code"], document["said"][-1]) == (130, "evidence kept")


def test_a_cancel_that_comes_before_the_child_is_there_reaches_it(tmp_path, stand_in, monkeypatch):
    real = subprocess.Popen

    def struck(*words, **more):
        os.kill(os.getpid(), signal.SIGTERM)
        return real(*words, **more)

    monkeypatch.setattr(leg_module.subprocess, "Popen", struck)
    stand_in("exec sleep 20")
    began = time.monotonic()
    assert run_leg(Leg("grad_cpu", "a", (), ()), "smoke", "1", tmp_path)["exit_code"] == -signal.SIGINT
    assert time.monotonic() - began < 10


class Images:
    """An engine that holds one image."""

    def __init__(self):
        self.images, self.loaded = self, []
        self.tags = ["bench-small:1"]

    def get(self, tag):
        from docker.errors import ImageNotFound

        if tag not in self.tags:
            raise ImageNotFound(tag)
        return self

    def save(self, named):
        yield f"image {named}".encode()

    def load(self, stream):
        self.loaded.append(stream.read())
        return [self]


def test_images_are_kept_once_and_found_again(tmp_path):
    engine, folder = Images(), tmp_path / "images"
    assert "no images" in restore(engine, folder)
    assert "nothing" in save(engine, [], folder) or "no image" in save(engine, [], folder)
    assert save(engine, ["bench-small:1", "bench-gone:2"], folder) == "kept bench-small:1"
    assert "no image to keep" in save(engine, ["bench-small:1"], folder)
    assert restore(engine, folder) == "loaded bench-small:1"
    assert engine.loaded == [b"image bench-small:1"]


def test_an_image_that_a_newer_one_replaced_is_removed(tmp_path):
    engine = Images()
    for name in ("bench-small-0", "bench-small-2-other", "bench-cpu-9"):
        (tmp_path / f"{name}.tar").write_bytes(b"old")
    save(engine, ["bench-small:1"], tmp_path)
    assert {path.stem for path in tmp_path.iterdir()} == {"bench-small-1", "bench-small-2-other", "bench-cpu-9"}
    save(engine, [], tmp_path)
    assert len(list(tmp_path.iterdir())) == 3


def test_the_images_to_keep_are_those_of_the_results(tmp_path):
    for number, image in enumerate([{"name": "bench-cpu:1"}, None, {"name": "bench-cpu:1"}]):
        folder = tmp_path / f"leg/results/host/grad_cpu/2026010{number + 1}T000000Z"
        folder.mkdir(parents=True)
        (folder / "record.json").write_text(json.dumps({"image": image}))
    assert used(tmp_path) == ["bench-cpu:1"]


def test_without_an_engine_nothing_is_kept(monkeypatch, capsys, tmp_path):
    from ci import images

    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    monkeypatch.setattr(images.sys, "argv", ["images", "save"])
    images.main()
    assert "no engine answers" in capsys.readouterr().out
