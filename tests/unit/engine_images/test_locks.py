import re
from pathlib import Path

import pytest

from bench.engine.images import locks
from bench.engine.images.context import assets
from bench.errors import UsageError

FOLDER = assets() / "requirements"
PINNED = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", re.MULTILINE)


def test_every_lock_in_the_tree_is_whole_and_pins_every_package_by_hash():
    for lock in locks.LOCKS:
        text = (FOLDER / f"{lock.name}.txt").read_text()
        blocks = re.split(r"\n(?=\S)", text)
        requirements = [block for block in blocks if not block.startswith("#")]
        assert requirements, lock.name
        for block in requirements:
            assert PINNED.match(block), block
            assert "--hash=sha256:" in block, block


def test_no_lock_names_an_index_or_a_path():
    for path in [*FOLDER.glob("*.txt"), *FOLDER.glob("*.in"), *FOLDER.glob("*.lock")]:
        text = path.read_text()
        assert "://" not in text, path
        assert "--index" not in text, path
        assert "--find-links" not in text, path
        assert not re.search(r"(^|\s)/\w", text), path


def test_torch_is_in_the_locks_of_the_images_and_of_the_whole_suite_alone():
    packages = {lock.name: dict(PINNED.findall((FOLDER / f"{lock.name}.txt").read_text())) for lock in locks.LOCKS}
    assert {name for name, found in packages.items() if "torch" in found} == {"tests", "image-cpu", "image-pypi"}
    assert [name for name in packages["unit"] if name.startswith(("nvidia-c", "triton"))] == []


def test_what_two_environments_of_the_same_machine_share_is_of_one_version():
    host, unit, tests = (PINNED.findall((FOLDER / f"{name}.txt").read_text()) for name in ("host", "unit", "tests"))
    assert set(host) < set(unit) < set(tests)


def test_torch_cpu_has_exactly_the_two_hashes_on_record():
    text = (FOLDER / "image-cpu.txt").read_text()
    block = text[text.index("torch==2.7.1+cpu") :]
    assert set(re.findall(r"sha256:([0-9a-f]{64})", block)) == {
        "84ea1f6a1d15663037d01b121d6e33bb9da3c90af8e069e5072c30f413455a57",
        "eb17646792ac4374ffc87e42369f45d21eff17c790868963b90483ef0b6db4ef",
    }


def test_both_torch_images_have_the_same_packages_apart_from_torch_and_cuda():
    cpu, pypi = (dict(PINNED.findall((FOLDER / f"image-{kind}.txt").read_text())) for kind in ("cpu", "pypi"))
    assert cpu["torch"] == "2.7.1+cpu"
    assert pypi["torch"] == "2.7.1"
    only_cuda = {name for name in pypi if name.startswith("nvidia-")} | {"triton"}
    assert {k: v for k, v in cpu.items() if k != "torch"} == {
        k: v for k, v in pypi.items() if k not in only_cuda | {"torch"}
    }


def test_the_command_writes_no_address_and_upgrades_only_when_told():
    command = locks.lock_command(locks.Lock("host", "3.11"))
    assert command[:3] == ["uv", "pip", "compile"]
    assert {"--generate-hashes", "--universal", "--no-emit-index-url"} <= set(command)
    assert "--upgrade" not in command
    assert "--upgrade" in locks.lock_command(locks.Lock("host", "3.11"), upgrade=True)


def test_locks_are_made_in_order_and_torch_cpu_is_appended_once(tmp_path: Path):
    (tmp_path / "requirements").mkdir()
    commands = []

    def fake(command: list[str], folder: Path) -> None:
        commands.append(command)
        path = folder / command[-1]
        path.write_text(path.read_text() if path.exists() else "x==1 --hash=sha256:0\n")

    for _ in range(2):
        written = locks.make_locks(tmp_path, run=fake)
    assert [path.name for path in written] == [f"{lock.name}.txt" for lock in locks.LOCKS]
    assert commands[0][-1] == "host.txt"
    assert (tmp_path / "requirements/image-cpu.txt").read_text().count("torch==2.7.1+cpu") == 1
    assert "torch" not in (tmp_path / "requirements/host.txt").read_text()


def test_a_lock_that_cannot_be_resolved_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "requirements").mkdir()
    (tmp_path / "bin").mkdir()
    uv = tmp_path / "bin/uv"
    uv.write_text("#!/bin/sh\necho 'No solution found' >&2\nexit 1\n")
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/bin:/usr/bin")
    with pytest.raises(UsageError, match=r"host.txt: No solution found"):
        locks.make_locks(tmp_path)


def test_a_missing_uv_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "requirements").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="pip install uv"):
        locks.make_locks(tmp_path)
