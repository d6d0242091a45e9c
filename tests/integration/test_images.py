"""The images, built and looked into for real."""

from __future__ import annotations

import functools
import hashlib
import http.server
import io
import json
import re
import tarfile
import tempfile
import threading
import uuid
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.errors import APIError
from docker.types import Mount

from bench.engine.images.base import base_tag, make_base_image
from bench.engine.images.building import Build, build
from bench.engine.images.contents import read_file
from bench.engine.images.context import assets, dockerfile_of, open_context
from bench.engine.images.derived import derived_image
from bench.engine.images.ensure import PRELOADS, PYTHON, ensure_base, ensure_image, has
from bench.engine.images.facts import FACTS_LABEL, ImageFacts
from bench.engine.images.options import BuildOptions
from bench.engine.labels import TOOL
from bench.engine.protocol import Need, Tree
from bench.errors import NotMeasured
from tests.support.pages import commands

pytestmark = pytest.mark.integration

LOOK = """
import json, os, sys
maps = open("/proc/self/maps").read()
print(json.dumps({
    "uid": os.getuid(), "gid": os.getgid(), "cwd": os.getcwd(), "python": sys.version,
    "loaded": [name for name in ("jemalloc", "tcmalloc") if name in maps],
    "owners": [os.stat(path).st_uid for path in ("/out", "/src", "/opt/bench", "/opt/bench/venv")],
    "there": [path for path in ("/build", "/root/.cache", "/extra-ca.pem") if os.path.exists(path)],
}))
"""


@pytest.fixture
def scratch(
    docker_client: docker.DockerClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Callable[..., str]]:
    """Build one stage of ours under a name of its own, and remove afterwards whatever only these builds made.

    "fresh" adds a comment to the certificates, so that nothing is found in the engine's cache. (To build without the
    cache would make the engine forget what it knows of the real images' steps, with torch among them.)
    """
    tags: list[str] = []
    steps: list[str] = []
    real = docker_client.api.build

    def watched(**options: Any) -> Iterator[dict[str, Any]]:
        for event in real(**options):
            steps.extend(re.findall(r" ---> ([0-9a-f]{12})\n", str(event.get("stream", ""))))
            yield event

    monkeypatch.setattr(docker_client.api, "build", watched)

    def make(kind: str, options: BuildOptions, *, target: str | None = None, fresh: bool = False) -> str:
        tag = f"bench-scratch:{uuid.uuid4().hex[:12]}"
        tags.append(tag)
        if fresh:
            own = tmp_path / f"{tag[-12:]}.pem"
            given = options.extra_ca.read_text() if options.extra_ca else ""
            own.write_text(f"{given}\n# certificate of closed network {tag}\n")
            options = replace(options, extra_ca=own)
        arguments = {"BASE": ensure_base(docker_client, options, print), **options.build_arguments()}
        with open_context(kind, options) as context:
            wanted = Build(context, dockerfile_of(kind), target or kind, tag, arguments)
            build(docker_client, wanted, replace(options, no_cache=False), print)
        return tag

    yield make
    for name in [*tags, *reversed(steps)]:
        # What another image still needs, the engine keeps.
        with suppress(APIError):
            docker_client.images.remove(name)


def run(client: docker.DockerClient, image: str, code: str, **options: Any) -> str:
    """Run Python code as the engine runs a diagnostic: no network, nothing writable but /tmp, no capabilities."""
    given = {"network_mode": "none", "read_only": True, "cap_drop": ["ALL"], "tmpfs": {"/tmp": ""}, **options}
    container = client.containers.create(image, [PYTHON, "-c", code], environment=given.pop("environment", {}), **given)
    try:
        container.start()
        status = container.wait()["StatusCode"]
        output = container.logs().decode()
    finally:
        container.remove(force=True, v=True)
    assert status == 0, output
    return output


def content(client: docker.DockerClient, image: str) -> dict[str, tuple[Any, ...]]:
    """Every file of an image: name to kind, mode, owner and the hash of what it holds, as an engine exports it."""
    container = client.containers.create(image, ["true"], network_mode="none")
    try:
        with tempfile.TemporaryFile() as stored:
            for chunk in container.export():
                stored.write(chunk)
            stored.seek(0)
            found = {}
            with tarfile.open(fileobj=stored) as tar:
                for member in tar:
                    opened = tar.extractfile(member) if member.isreg() else None
                    digest = hashlib.sha256(opened.read()).hexdigest() if opened else member.linkname
                    found[member.name] = (member.type, member.mode, member.uid, member.gid, digest)
        return found
    finally:
        container.remove(force=True, v=True)


def test_a_second_call_builds_nothing(
    docker_client: docker.DockerClient,
    small_image: ImageFacts,
    build_options: BuildOptions,
    monkeypatch: pytest.MonkeyPatch,
):
    said: list[str] = []
    monkeypatch.setattr(docker_client.api, "build", lambda **_: pytest.fail("it was built again"))
    monkeypatch.setattr(docker_client.api, "pull", lambda *_, **__: pytest.fail("a registry was asked"))
    assert ensure_image(docker_client, "small", replace(build_options, no_cache=False), said.append) == small_image
    assert said == []


def test_the_image_is_what_its_facts_say(docker_client: docker.DockerClient, small_image: ImageFacts):
    inside = json.loads(read_file(docker_client, small_image.name, "/opt/bench/image.json"))
    lock = (assets() / "requirements/image-small.txt").read_bytes()
    assert small_image.lock_sha256 == inside["lock_sha256"] == hashlib.sha256(lock).hexdigest()
    assert small_image.python == inside["python"]
    assert small_image.python.startswith("3.13.")
    assert small_image.torch is None
    assert docker_client.images.get(small_image.name).id == small_image.digest
    assert "@sha256:" in small_image.base


def test_a_container_is_not_root_and_loads_no_allocator(docker_client: docker.DockerClient, small_image: ImageFacts):
    found = json.loads(run(docker_client, small_image.name, LOOK))
    assert (found["uid"], found["gid"], found["cwd"]) == (10001, 10001, "/src")
    assert found["python"] == small_image.python
    assert found["loaded"] == []
    assert found["owners"] == [10001, 10001, 0, 0]
    assert found["there"] == []


@pytest.mark.parametrize("name", sorted(PRELOADS))
def test_an_allocator_loads_where_it_is_asked_for(
    docker_client: docker.DockerClient, small_image: ImageFacts, name: str
):
    found = json.loads(run(docker_client, small_image.name, LOOK, environment={"LD_PRELOAD": PRELOADS[name]}))
    assert found["loaded"] == [name]


def test_two_builds_have_the_same_content_and_nothing_of_the_certificates(
    docker_client: docker.DockerClient,
    build_options: BuildOptions,
    scratch: Callable[..., str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    first, second = (scratch("small", build_options, fresh=True) for _ in range(2))
    one, other = content(docker_client, first), content(docker_client, second)
    installed = re.findall(r"^Installed \d+ packages", capsys.readouterr().out, re.MULTILINE)
    assert len(installed) == 2, "the second was not built, but found"
    assert len(one) > 1000
    assert one.keys() == other.keys()
    assert [name for name in one if one[name] != other[name]] == []
    assert len([name for name in one if name.startswith("opt/bench/venv/") and name.endswith(".pyc")]) > 100
    # Nothing of the certificates, by name, by content or in the history.
    assert not [name for name in other if "extra-ca" in name or name.startswith("build/")]
    own = {hashlib.sha256(path.read_bytes()).hexdigest() for path in tmp_path.glob("*.pem")}
    assert len(own) == 2
    assert not own & {entry[-1] for entry in (*one.values(), *other.values())}
    assert "closed network" not in json.dumps([docker_client.api.history(tag) for tag in (first, second)])


def test_an_index_that_cannot_be_reached_leaves_pypis_lock(
    docker_client: docker.DockerClient,
    build_options: BuildOptions,
    scratch: Callable[..., str],
    capsys: pytest.CaptureFixture[str],
):
    options = replace(build_options, torch_index="http://user:hunter2@127.0.0.1:9/simple")
    tag = scratch("cpu", options, target="choice")
    note = {"lock": "image-pypi.txt", "why": "PyTorch's CPU index cannot be reached"}
    assert json.loads(read_file(docker_client, tag, "/build/note/choice.json")) == note
    chosen = read_file(docker_client, tag, "/build/choice/requirements.txt")
    assert chosen == (assets() / "requirements/image-pypi.txt").read_text()
    said = capsys.readouterr().out
    assert "*** torch is PyPI's build, not 2.7.1+cpu" in said
    assert "hunter2" not in said


@pytest.fixture
def index(tmp_path: Path) -> Iterator[str]:
    """A package index on the loopback with a torch 2.7.1+cpu that is not the locked one."""
    folder = tmp_path / "simple/torch"
    folder.mkdir(parents=True)
    name = "torch-2.7.1+cpu-cp313-cp313-manylinux_2_28_x86_64.whl"
    info = "torch-2.7.1+cpu.dist-info"
    with zipfile.ZipFile(folder / name, "w") as wheel:
        wheel.writestr("torch/__init__.py", "")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: torch\nVersion: 2.7.1+cpu\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: cp313-cp313-manylinux_2_28_x86_64\n")
        wheel.writestr(f"{info}/RECORD", "")
    (folder / "index.html").write_text(f'<a href="{name.replace("+", "%2B")}">{name}</a>')
    handler = functools.partial(QuietHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/simple"
        server.shutdown()
        thread.join()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_torch_with_another_hash_fails_the_build(
    docker_client: docker.DockerClient, build_options: BuildOptions, scratch: Callable[..., str], index: str
):
    options = replace(build_options, torch_index=index, network="host")
    if not docker_client.api.base_url.startswith("http+docker://local"):
        pytest.skip("the engine is on another machine, which has a loopback of its own")
    with pytest.raises(NotMeasured, match="Hash mismatch") as caught:
        scratch("cpu", options, target="venv")
    assert index not in str(caught.value)


DOWNLOADS = "\n".join(commands("closed-networks.md", "python3.13 -m pip download"))
"""As the page says it, but for the image without torch: that would be gigabytes."""
FETCH = f"""set -e
python3 -m venv /tmp/v
export PATH=/tmp/v/bin:$PATH PIP_QUIET=1 PIP_DISABLE_PIP_VERSION_CHECK=1
cd /mnt
{DOWNLOADS.replace("image-pypi.txt", "image-small.txt")}
if ! ls /usr/lib/*/libjemalloc.so.2; then
  apt-get update -q && cd /mnt/wheels && apt-get download libjemalloc2 'libtcmalloc-minimal4*'
fi
"""


def test_a_folder_of_wheels_builds_without_a_network(
    docker_client: docker.DockerClient, build_options: BuildOptions, scratch: Callable[..., str], tmp_path: Path
):
    named = re.findall(r"-r (\S+)", FETCH)
    assert named == ["requirements/build.txt", "requirements/image-small.txt"]
    files = {name: (assets() / name).read_bytes() for name in named}
    environment = {"PIP_INDEX_URL": build_options.python_index} if build_options.python_index else {}
    if build_options.extra_ca:
        files["ca.pem"] = build_options.extra_ca.read_bytes()
        environment["PIP_CERT"] = "/mnt/ca.pem"
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    container = docker_client.containers.create(
        ensure_base(docker_client, build_options, print),
        ["sh", "-c", FETCH],
        environment={**environment, **build_options.proxies},
        network_mode=build_options.network or "bridge",
        mounts=[Mount("/mnt", None, type="volume")],
    )
    try:
        container.put_archive("/mnt", archive.getvalue())
        container.start()
        assert container.wait()["StatusCode"] == 0, container.logs().decode()
        chunks, _ = container.get_archive("/mnt/wheels")
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
            tar.extractall(tmp_path, filter="data")
    finally:
        container.remove(force=True, v=True)
    wheels = tmp_path / "wheels"
    assert list(wheels.glob("pytest-*.whl"))
    # Neither address is asked, and no trace of them stays in the image.
    secret = "http://user:hunter2@127.0.0.1:9/simple"
    options = replace(build_options, wheels=wheels, network="none", python_index=secret, torch_index=secret)
    tag = scratch("small", options, fresh=True)
    run(docker_client, tag, "import pytest, pytest_timeout")
    assert "hunter2" not in json.dumps([docker_client.api.history(tag), docker_client.images.get(tag).attrs])


def test_a_projects_requirements_become_one_cached_layer(
    docker_client: docker.DockerClient, small_image: ImageFacts, build_options: BuildOptions, tmp_path: Path
):
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(f"six==1.17.0  # {tmp_path}\n")
    containers = {container.id for container in docker_client.containers.list(all=True)}
    facts, frozen, locked = derived_image(docker_client, small_image, Need("small", requirements), build_options, print)
    try:
        assert "six==1.17.0" in frozen
        assert locked is False
        assert facts.fingerprint != small_image.fingerprint
        said: list[str] = []
        again = derived_image(
            docker_client, small_image, Need("small", requirements), replace(build_options, no_cache=False), said.append
        )
        assert again == (facts, frozen, locked)
        assert said == []
        code = "import os, six; print(os.path.exists(six.__cached__), os.listdir('/mnt'), os.getuid(), os.getcwd())"
        assert run(docker_client, facts.name, code).split() == ["True", "[]", "10001", "/src"]
        before, after = (docker_client.images.get(name).attrs for name in (small_image.name, facts.name))
        assert after["RootFS"]["Layers"][:-1] == before["RootFS"]["Layers"]
        for key in ("User", "Env", "Entrypoint", "Cmd", "WorkingDir", "Volumes"):
            assert after["Config"][key] == before["Config"][key], key
        assert after["Config"]["Labels"][TOOL] == ""
    finally:
        docker_client.images.remove(facts.name, force=True)
    ours = [c for c in docker_client.containers.list(all=True) if c.id not in containers and "derive" in str(c.attrs)]
    assert ours == []


def test_requirements_may_name_files_and_the_project_itself(
    docker_client: docker.DockerClient, small_image: ImageFacts, build_options: BuildOptions, tmp_path: Path
):
    files = {
        "requirements.txt": "-r base.txt\n-e .\n",
        "base.txt": "six==1.17.0\n",
        "lib.py": "",
        "pyproject.toml": '[project]\nname = "lib"\nversion = "1"\n[tool.setuptools]\npy-modules = ["lib"]\n',
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    need = Need("small", tmp_path / "requirements.txt", Tree(tmp_path, tuple(files), "5ha"))
    facts, frozen, _ = derived_image(docker_client, small_image, need, build_options, print)
    try:
        assert "six==1.17.0" in frozen
        code = "import importlib.metadata as m; print(m.distribution('lib').origin.url)"
        assert run(docker_client, facts.name, code).strip() == "file:///src"  # where a run has the project
    finally:
        docker_client.images.remove(facts.name, force=True)


def test_requirements_with_a_wrong_hash_are_refused(
    docker_client: docker.DockerClient, small_image: ImageFacts, build_options: BuildOptions, tmp_path: Path
):
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(f"six==1.17.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(NotMeasured, match="Hash mismatch"):
        derived_image(docker_client, small_image, Need("small", requirements), build_options, print)


def test_the_local_base_is_made_once(docker_client: docker.DockerClient):
    if not has(docker_client, base_tag()):
        pytest.skip("no base was made on this machine (nox -s base_image)")
    said: list[str] = []
    before = docker_client.images.get(base_tag()).id
    assert make_base_image(docker_client, said.append) == base_tag()
    assert docker_client.images.get(base_tag()).id == before
    assert said == [f"base image {base_tag()} is there already"]


IMPORT = """
import json, os, torch
maps = open("/proc/self/maps").read()
gradient = torch.ones(3, dtype=torch.float64, requires_grad=True)
(gradient ** 2).sum().backward()
print(json.dumps({
    "torch": torch.__version__, "uid": os.getuid(), "grad": gradient.grad.tolist(),
    "loaded": [name for name in ("jemalloc", "tcmalloc") if name in maps], "cuda": torch.cuda.is_available(),
}))
"""


def test_torch_works_offline_without_root_on_a_read_only_root(
    docker_client: docker.DockerClient, cpu_image: ImageFacts
):
    found = json.loads(run(docker_client, cpu_image.name, IMPORT))
    assert found["grad"] == [2.0, 2.0, 2.0]
    assert found["torch"] == cpu_image.torch
    assert found["torch"] in ("2.7.1+cpu", "2.7.1+cu126")
    assert found["uid"] == 10001
    assert found["loaded"] == []
    choice = json.loads(read_file(docker_client, cpu_image.name, "/opt/bench/choice.json"))
    lock = (assets() / "requirements" / choice["lock"]).read_bytes()
    assert cpu_image.lock_sha256 == hashlib.sha256(lock).hexdigest()


def test_the_cuda_image_builds_and_imports_without_a_gpu(
    docker_client: docker.DockerClient, cpu_image: ImageFacts, build_options: BuildOptions
):
    lock = hashlib.sha256((assets() / "requirements/image-pypi.txt").read_bytes()).hexdigest()
    if cpu_image.lock_sha256 != lock:
        pytest.skip("the CPU image has its own torch here, so the CUDA image would be 5.6 GB more")
    facts = ensure_image(docker_client, "cuda", build_options, print)
    found = json.loads(run(docker_client, facts.name, IMPORT))
    assert found["torch"].startswith("2.7.1")
    run(docker_client, facts.name, "import pynvml")
    config = docker_client.images.get(facts.name).attrs["Config"]
    assert {"NVIDIA_VISIBLE_DEVICES=all", "NVIDIA_DRIVER_CAPABILITIES=compute,utility"} <= set(config["Env"])
    assert FACTS_LABEL in config["Labels"]
    # The layer with torch is stored once for both.
    cpu = docker_client.images.get(cpu_image.name).attrs["RootFS"]["Layers"]
    assert len(set(cpu) & set(docker_client.images.get(facts.name).attrs["RootFS"]["Layers"])) >= 4
