"""An image that is not ours: what an engine says of it to a record, and how our Python starts in it."""

import io
import tarfile
from dataclasses import replace
from types import SimpleNamespace

import pytest
from docker.errors import APIError, ImageNotFound, NotFound

from bench.engine.docker.config import container_config, container_folders, run_names
from bench.engine.foreign import image
from bench.engine.foreign.image import Inside, foreign_place, image_of, parse_os_release, read_inside
from bench.engine.foreign.runtime import runtime_of
from bench.engine.images.options import BuildOptions
from bench.engine.protocol import Around
from bench.engine.task import supervisor_argv, supervisor_spec
from bench.errors import NotMeasured, UsageError

LAYOUT = {"loader": "ld.so", "libraries": "lib", "python": "python/bin/python3.13", "agent": "agent"}
ATTRS = {
    "Id": "sha256:1",
    "Os": "linux",
    "Architecture": "amd64",
    "RootFS": {"Layers": ["sha256:a", "sha256:b"]},
    "Config": {"Env": ["PATH=/opt/bin:/bin", "GOROOT=/go", "HOME=/root"], "WorkingDir": "/app"},
    "RepoDigests": ["alpine@sha256:feed"],
}


class Container:
    """Files by their paths; a link is a tuple with its target."""

    def __init__(self, files):
        self.files, self.removed = files, False

    def get_archive(self, path):
        if path not in self.files:
            raise NotFound("no such file")
        content = self.files[path]
        made = io.BytesIO()
        entry = tarfile.TarInfo(path.rpartition("/")[2])
        with tarfile.open(fileobj=made, mode="w") as archive:
            if isinstance(content, tuple):
                entry.type, entry.linkname = tarfile.SYMTYPE, content[0]
                archive.addfile(entry)
            else:
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
        link = content[0] if isinstance(content, tuple) else ""
        pieces = (piece for piece in [made.getvalue()])
        return pieces, {"size": entry.size, "linkTarget": link}

    def remove(self, **_):
        self.removed = True


class Client:
    def __init__(self, files=None, attrs=ATTRS, known=True, machine="x86_64"):
        self.container, self.attrs, self.known, self.machine = Container(files or {}), attrs, known, machine
        self.images = SimpleNamespace(get=self._get, pull=self._pull)
        self.containers = SimpleNamespace(create=lambda *_, **__: self.container)

    def info(self):
        return {"Architecture": self.machine}

    def _get(self, name):
        if not self.known:
            raise ImageNotFound("no such image")
        return SimpleNamespace(attrs=self.attrs)

    def _pull(self, repository, tag):
        if "nosuch" in repository:
            raise ImageNotFound("denied")
        self.known = True


@pytest.fixture(autouse=True)
def runtime(monkeypatch):
    monkeypatch.setattr(image, "ensure_runtime", lambda *_: runtime_of("bench-runtime-1", LAYOUT))


def test_files_alone_tell_what_an_image_holds():
    files = {
        "/etc/os-release": ("../usr/lib/os-release",),
        "/usr/lib/os-release": b'NAME="Alpine"\nPRETTY_NAME="Alpine Linux v3.20"\n',
        "/lib/ld-musl-x86_64.so.1": b"x",
        "/usr/bin/python3": ("python3.12",),
        "/usr/local/lib/python3.12/site-packages/torch/version.py": b"__version__ = '2.7.1+cpu'\n",
    }
    client = Client(files)
    assert read_inside(client, "x") == Inside("Alpine Linux v3.20", "musl", "3.12", "2.7.1+cpu")
    assert client.container.removed
    assert read_inside(Client(), "x") == Inside(None, "no C library", None, None)


def test_a_name_that_is_none_is_none():
    assert parse_os_release("PRETTY_NAME=Debian\n") == "Debian"
    assert parse_os_release("NAME=x\n") is None


def test_its_layers_variables_and_folder_are_its_fingerprint():
    one = image_of("alpine:3", ATTRS, Inside("Alpine", "musl", None, None))
    assert (one.digest, one.base, one.lock_sha256) == ("sha256:feed", "Alpine, musl", None)
    for change in ({"RootFS": {"Layers": ["sha256:a"]}}, {"Config": {"Env": [], "WorkingDir": "/app"}}):
        assert image_of("alpine:3", ATTRS | change, Inside(None, None, None, None)).fingerprint != one.fingerprint
    moved = ATTRS | {"Id": "sha256:2", "RepoDigests": []}
    assert image_of("mirror/alpine:3", moved, Inside(None, None, None, None)).fingerprint == one.fingerprint
    assert image_of("mirror/alpine:3", moved, Inside(None, None, None, None)).digest == "sha256:2"


def test_our_own_python_starts_by_its_own_loader_and_the_image_s_variables_are_the_command_s(task):
    place = foreign_place(Client(), "alpine:3", BuildOptions(), print)
    run = replace(task, argv=("go", "{out}"), env={"A": "1"}, cwd="{here}", command=Around())
    argv = supervisor_argv(place, supervisor_spec(place, run, container_folders(place)))
    at = "/bench-runtime"
    assert argv[:4] == [f"{at}/ld.so", "--library-path", f"{at}/lib", f"{at}/python/bin/python3.13"]
    assert argv[-2] == f"{at}/agent/__main__.py"
    assert '"cwd": "/app"' in argv[-1]
    assert '"GOROOT": "/go"' in argv[-1]
    assert '"PATH": "/opt/bin:/bin"' in argv[-1]
    assert '"HOME": "/tmp"' in argv[-1]
    assert '"{out}"' in argv[-1]
    assert "LD_LIBRARY_PATH" not in argv[-1]
    config = container_config(place, run, run_names("1", False, True), {})
    mounts = {one["Target"]: one for one in config["HostConfig"]["Mounts"]}
    assert set(mounts) == {"/out", "/in", at}
    assert mounts[at]["ReadOnly"] is True


def test_an_image_is_pulled_or_named_as_missing():
    said = []
    assert foreign_place(Client(known=False), "alpine:3", BuildOptions(), said.append).handle == "sha256:1"
    assert said == ["pulling alpine:3"]
    with pytest.raises(NotMeasured, match="nosuch cannot be pulled"):
        foreign_place(Client(known=False), "nosuch", BuildOptions(), print)


@pytest.mark.parametrize("change", [{"Os": "windows"}, {"Architecture": "arm64"}])
def test_an_image_for_other_machines_is_refused(change):
    with pytest.raises(NotMeasured, match="is for"):
        foreign_place(Client(attrs=ATTRS | change), "x", BuildOptions(), print)


def test_what_no_image_can_be_called_is_the_person_s_own_fault():
    def refuse(said):
        def get(_):
            raise APIError("400 Client Error", explanation=said)

        return SimpleNamespace(images=SimpleNamespace(get=get))

    options = BuildOptions()
    with pytest.raises(UsageError, match="no image can be called 'bad ref'"):
        foreign_place(refuse("no such image: bad ref: invalid reference format"), "bad ref", options, print)
    with pytest.raises(NotMeasured, match="cannot be had"):
        foreign_place(refuse("page not found"), "debian", options, print)
