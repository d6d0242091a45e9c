import json
from pathlib import Path

import pytest
from docker.errors import APIError

from bench.engine.images import ensure
from bench.engine.images.derived import derived_image
from bench.engine.images.options import DEFAULT_BASE, BuildOptions
from bench.engine.images.requirements import is_hash_locked
from bench.engine.labels import ROLE, TOOL, current_owner, parse_owner
from bench.engine.protocol import Need
from bench.errors import NotMeasured, UsageError

LOCKED = "six==1.17.0 \\\n    --hash=sha256:47\n    # via x\n"


def inside(torch="2.7.1+cpu", frozen=("six==1.17.0",)) -> bytes:
    found = {"lock_sha256": "p", "python": "3.13.5 (main)", "torch": {"version": torch, "git": "e2d141d"}}
    return json.dumps({**found, "frozen": list(frozen)}).encode()


@pytest.fixture
def base(engine, said):
    engine.put(DEFAULT_BASE)
    engine.files["/opt/bench/derived.json"] = inside()
    facts = ensure.ensure_image(engine, "cpu", BuildOptions(), said.append)
    said.clear()
    return facts


@pytest.fixture
def requirements(tmp_path: Path) -> Path:
    path = tmp_path / "requirements.txt"
    path.write_text("six\n")
    return path


@pytest.mark.parametrize(
    ("text", "locked"),
    [
        (LOCKED, True),
        ("# comment\n\n" + LOCKED + "--only-binary :all:\n", True),
        ("six==1.17.0\n", False),
        (LOCKED + "attrs\n", False),
        ("six  # --hash=sha256:47\n", False),
        ("-r other.txt\n", False),
        ("", False),
        ("# nothing\n", False),
    ],
)
def test_only_a_file_with_a_hash_on_every_line_is_locked(text, locked):
    assert is_hash_locked(text) is locked


def test_requirements_are_installed_once_and_frozen(engine, said, base, requirements):
    options = BuildOptions(network="host", python_index="https://me:pw@i/simple")
    facts, frozen, locked = derived_image(engine, base, Need("small", requirements), options, said.append)
    assert frozen == ("six==1.17.0",)
    assert locked is False
    assert facts.base == base.base
    assert facts.torch == base.torch
    assert facts.name.startswith("bench-project:")
    assert facts.fingerprint != base.fingerprint
    assert facts.lock_sha256 != base.lock_sha256
    container = engine.made[-1]
    (volume,) = container.options["mounts"]  # it holds the index's address, with the password that may be in it
    assert volume["VolumeOptions"]["Labels"] == container.options["labels"]
    assert parse_owner(volume["VolumeOptions"]["Labels"]) == current_owner()
    assert container.removed
    assert container.options["network_mode"] == "host"
    assert container.options["user"] == "0:0"
    assert "environment" not in container.options  # it would stay in the image
    assert container.received["/mnt/requirements.txt"] == b"six\n"
    assert json.loads(container.received["/mnt/arguments.json"])["environ"] == {
        "PYTHON_INDEX": "https://me:pw@i/simple"
    }
    assert "/mnt/inside/derive.py" in container.received
    commits = len(engine.commits)
    assert derived_image(engine, base, Need("small", requirements), options, said.append) == (facts, frozen, locked)
    assert len(engine.commits) == commits == 1


def test_the_image_carries_none_of_the_containers_labels_and_no_address(engine, said, base, requirements):
    options = BuildOptions(python_index="https://me:pw@i/simple")
    derived_image(engine, base, Need("small", requirements), options, said.append)
    (commit,) = engine.commits
    assert commit["Labels"][TOOL] == ""
    assert commit["Labels"][ROLE] == ""
    assert "pw" not in json.dumps(commit)
    assert "USER 10001:10001" in commit["changes"]


def test_the_frozen_list_decides_the_fingerprint(engine, said, base, requirements):
    first = derived_image(engine, base, Need("small", requirements), BuildOptions(), said.append)[0]
    again = derived_image(engine, base, Need("small", requirements), BuildOptions(no_cache=True), said.append)[0]
    engine.files["/opt/bench/derived.json"] = inside(frozen=("six==1.18.0",))
    later = derived_image(engine, base, Need("small", requirements), BuildOptions(no_cache=True), said.append)[0]
    assert first.fingerprint == again.fingerprint != later.fingerprint


def test_another_file_or_base_is_another_image(engine, said, base, requirements):
    first = derived_image(engine, base, Need("small", requirements), BuildOptions(), said.append)[0]
    requirements.write_text(LOCKED)
    second, _, locked = derived_image(engine, base, Need("small", requirements), BuildOptions(), said.append)
    assert locked is True
    assert second.name != first.name
    assert json.loads(engine.made[-1].received["/mnt/arguments.json"])["hash_locked"] is True


def test_certificates_and_wheels_go_along(engine, said, base, requirements, tmp_path):
    (tmp_path / "ca.crt").write_text("CERT")
    (tmp_path / "six.whl").write_bytes(b"wheel")
    options = BuildOptions(extra_ca=tmp_path / "ca.crt", wheels=tmp_path)
    derived_image(engine, base, Need("small", requirements), options, said.append)
    received = engine.made[-1].received
    assert received["/mnt/ca/extra-ca.pem"] == b"CERT"
    assert received["/mnt/wheels/six.whl"] == b"wheel"


def test_a_failure_is_told_in_the_steps_own_words(engine, said, base, requirements):
    engine.log, engine.status = [b"+ resolving\n*** the project's require", b"ments cannot be installed\n"], 1
    with pytest.raises(NotMeasured) as caught:
        derived_image(engine, base, Need("small", requirements), BuildOptions(), said.append)
    assert caught.value.cause == "the project's requirements cannot be installed"
    assert engine.made[-1].removed
    assert engine.commits == []


def test_requirements_that_replace_torch_are_refused(engine, said, base, requirements):
    engine.files["/opt/bench/derived.json"] = inside(torch="2.9.0")
    with pytest.raises(UsageError, match=r"replaces torch 2.7.1\+cpu by 2.9.0"):
        derived_image(engine, base, Need("small", requirements), BuildOptions(), said.append)
    assert engine.commits == []


def test_a_file_that_cannot_be_read_is_a_usage_error(engine, said, base, tmp_path):
    with pytest.raises(UsageError, match=r"missing.txt cannot be read"):
        derived_image(engine, base, Need("small", tmp_path / "missing.txt"), BuildOptions(), said.append)
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match=r"binary.txt cannot be read"):
        derived_image(engine, base, Need("small", tmp_path / "binary.txt"), BuildOptions(), said.append)


def test_a_base_that_is_not_ours_is_refused(engine, said, base, requirements):
    engine.get(base.name).labels.clear()
    with pytest.raises(NotMeasured, match="not one of ours"):
        derived_image(engine, base, Need("small", requirements), BuildOptions(), said.append)


def test_a_step_that_left_nothing_readable_is_refused(engine, said, base, requirements):
    engine.files["/opt/bench/derived.json"] = b"{"
    with pytest.raises(NotMeasured, match="nothing says how"):
        derived_image(engine, base, Need("small", requirements), BuildOptions(), said.append)


def test_an_engine_that_breaks_is_not_measured(engine, said, base, requirements):
    def refuse(*_, **__):
        raise APIError("gone")

    engine.create = refuse
    with pytest.raises(NotMeasured, match="cannot be made"):
        derived_image(engine, base, Need("small", requirements), BuildOptions(), said.append)


def test_an_image_removed_meanwhile_is_said(engine, said, base, requirements):
    real = engine.put
    engine.put = lambda name, labels: None if name.startswith("bench-project") else real(name, labels)
    with pytest.raises(NotMeasured, match="removed it just now"):
        derived_image(engine, base, Need("small", requirements), BuildOptions(), said.append)
