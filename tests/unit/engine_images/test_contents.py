import io
import json
import tarfile

import pytest
from docker.errors import APIError

from bench.engine.images import contents
from bench.engine.labels import ROLE, TOOL, parse_owner
from bench.errors import NotMeasured


def test_a_file_is_read_through_a_container_that_is_removed(engine):
    assert json.loads(contents.read_file(engine, "image", "/opt/bench/image.json"))["python"]
    (container,) = engine.made
    assert container.removed
    assert container.options["network_mode"] == "none"


def test_the_container_is_removed_after_a_failure_too(engine, monkeypatch):
    def refuse(*_):
        raise APIError("gone")

    engine.files = {}
    container_type = type(engine.create("x"))
    monkeypatch.setattr(container_type, "get_archive", refuse)
    with pytest.raises(NotMeasured, match="gone"):
        contents.read_file(engine, "image", "/opt/bench/image.json")
    assert engine.made[-1].removed


def test_a_file_that_is_too_large_is_refused(engine):
    engine.files["/big"] = b"x" * (2 * 1024 * 1024)
    with pytest.raises(NotMeasured, match="too large"):
        contents.read_file(engine, "image", "/big")


def test_what_is_no_file_or_no_archive_is_refused(engine, monkeypatch):
    folder = io.BytesIO()
    with tarfile.open(fileobj=folder, mode="w") as tar:
        entry = tarfile.TarInfo("d")
        entry.type = tarfile.DIRTYPE
        tar.addfile(entry)
    for data, words in ((folder.getvalue(), "it is no file"), (b"x" * 2048, "cannot be read")):
        monkeypatch.setattr(type(engine.create("x")), "get_archive", lambda *_, data=data: ([data], {}))
        with pytest.raises(NotMeasured, match=words):
            contents.read_file(engine, "image", "/d")


def test_helpers_carry_labels_by_which_a_later_run_finds_them():
    labels = contents.helper_labels()
    assert labels[TOOL] == "bench"
    assert labels[ROLE] == "helper"
    assert parse_owner(labels) is not None
    assert contents.helper_labels() != labels
