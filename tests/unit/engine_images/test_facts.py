import io
import json
import tarfile

import pytest
from docker.errors import APIError

from bench.engine.images import facts
from bench.engine.labels import ROLE, TOOL, parse_owner
from bench.errors import NotMeasured

DECIDING = {
    "base_digest": "sha256:b",
    "lock_sha256": "l",
    "python": "3.13.5",
    "torch": "2.7.1+cpu",
    "torch_git": "e2d",
    "diagnostics_sha256": "d",
}
FACTS = facts.ImageFacts("bench-cpu:1", "sha256:i", "base@sha256:b", "l", "f", "3.13.5", None)


def test_the_fingerprint_is_a_fixed_function_of_its_inputs():
    # The sum of the canonical JSON, taken with sha256sum. It may not change, or old records stop comparing.
    assert facts.fingerprint(**DECIDING) == "9ba2ebfed10fa09fe94c6a3e764cf43fde1bedf7ae8bce84bbba9b945228778f"


@pytest.mark.parametrize("key", sorted(DECIDING))
def test_every_input_counts(key: str):
    assert facts.fingerprint(**{**DECIDING, key: "other"}) != facts.fingerprint(**DECIDING)


def test_an_image_without_torch_has_a_fingerprint_too():
    without = {**DECIDING, "torch": None, "torch_git": None}
    assert facts.fingerprint(**without) not in ("", facts.fingerprint(**DECIDING))


def test_one_layer_is_its_own_digest_and_order_counts():
    assert facts.content_digest(["sha256:a"]) == "sha256:a"
    assert facts.content_digest(["sha256:a", "sha256:b"]) != facts.content_digest(["sha256:b", "sha256:a"])
    assert facts.content_digest(["sha256:a", "sha256:b"]).startswith("sha256:")


def test_a_label_goes_there_and_back():
    text = facts.facts_to_label(FACTS, {"torch_git": "e2d"})
    assert facts.facts_from_label(text, "bench-cpu:1", "sha256:i") == (
        FACTS,
        {"torch_git": "e2d", "name": "bench-cpu:1", "digest": None},
    )


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", "no json", '{"base": 1}'])
def test_a_label_that_is_not_ours_is_none(text: str):
    assert facts.facts_from_label(text, "x", "y") is None


def test_what_the_build_left_is_checked():
    good = {"lock_sha256": "l", "python": "p", "torch": None}
    assert facts.parse_inside(json.dumps(good)) == good
    with pytest.raises(ValueError, match="lacks lock_sha256, torch"):
        facts.parse_inside('{"python": "p"}')
    with pytest.raises(ValueError, match="no object"):
        facts.parse_inside("[]")


def test_a_file_is_read_through_a_container_that_is_removed(engine):
    assert json.loads(facts.read_file(engine, "image", "/opt/bench/image.json"))["python"]
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
        facts.read_file(engine, "image", "/opt/bench/image.json")
    assert engine.made[-1].removed


def test_a_file_that_is_too_large_is_refused(engine):
    engine.files["/big"] = b"x" * (2 * 1024 * 1024)
    with pytest.raises(NotMeasured, match="too large"):
        facts.read_file(engine, "image", "/big")


def test_what_is_no_file_or_no_archive_is_refused(engine, monkeypatch):
    folder = io.BytesIO()
    with tarfile.open(fileobj=folder, mode="w") as tar:
        entry = tarfile.TarInfo("d")
        entry.type = tarfile.DIRTYPE
        tar.addfile(entry)
    for data, words in ((folder.getvalue(), "it is no file"), (b"x" * 2048, "cannot be read")):
        monkeypatch.setattr(type(engine.create("x")), "get_archive", lambda *_, data=data: ([data], {}))
        with pytest.raises(NotMeasured, match=words):
            facts.read_file(engine, "image", "/d")


def test_helpers_carry_labels_by_which_a_later_run_finds_them():
    labels = facts.helper_labels()
    assert labels[TOOL] == "bench"
    assert labels[ROLE] == "helper"
    assert parse_owner(labels) is not None
    assert facts.helper_labels() != labels


def test_passwords_in_addresses_are_left_out():
    assert facts.without_password("https://me:pw@host/x host") == "https://host/x host"
    assert facts.without_password("python@sha256:1") == "python@sha256:1"
