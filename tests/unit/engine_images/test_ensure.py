import json

import pytest
from docker.errors import APIError
from requests.exceptions import ReadTimeout

from bench.engine.images import ensure
from bench.engine.images.base import base_tag
from bench.engine.images.facts import FACTS_LABEL
from bench.engine.images.options import DEFAULT_BASE, BuildOptions
from bench.errors import NoBase, NotMeasured, UsageError

OPTIONS = BuildOptions()
NAME = DEFAULT_BASE


def test_the_first_call_builds_and_labels_and_the_second_does_nothing(engine, said):
    engine.put(NAME)
    facts = ensure.ensure_image(engine, "cpu", OPTIONS, said.append)
    assert facts.torch == "2.7.1+cpu"
    assert facts.base == "python:3.13.5-slim-bookworm@sha256:base"
    assert facts.name.startswith("bench-cpu:")
    assert len(facts.fingerprint) == 64
    built, labelled = engine.builds
    assert built["target"] == "cpu"
    assert built["buildargs"]["BASE"] == NAME
    assert set(labelled["labels"]) == {FACTS_LABEL}
    assert said[0].startswith("building image bench-cpu:")
    said.clear()
    assert ensure.ensure_image(engine, "cpu", OPTIONS, said.append) == facts
    assert len(engine.builds) == 2
    assert said == []
    assert engine.pulls == []


def test_no_cache_builds_anew(engine, said):
    engine.put(NAME)
    for _ in range(2):
        ensure.ensure_image(engine, "cpu", BuildOptions(no_cache=True), said.append)
    assert [b["nocache"] for b in engine.builds] == [
        True,
        False,
        True,
        False,
    ]  # the labels come in a build of their own


def test_an_image_left_unlabelled_by_a_crash_is_finished(engine, said):
    engine.put(NAME)
    tag = ensure.image_tag(engine, "cpu", OPTIONS)
    engine.put(tag)
    assert ensure.ensure_image(engine, "cpu", OPTIONS, said.append).name == tag
    assert FACTS_LABEL in engine.get(tag).labels


def test_a_missing_base_is_pulled_by_digest(engine, said):
    engine.pullable.add(NAME)
    ensure.ensure_image(engine, "small", OPTIONS, said.append)
    assert engine.pulls == [tuple(NAME.split("@"))]
    assert said[0] == f"pulling {NAME}{ensure.COST_OF_BASE}"


def test_without_a_registry_the_local_base_serves_and_says_so(engine, said):
    engine.put(base_tag())
    facts = ensure.ensure_image(engine, "cpu", OPTIONS, said.append)
    assert facts.base == f"{base_tag()}@sha256:base"
    assert engine.builds[0]["buildargs"]["BASE"] == base_tag()
    assert "no such host" in said[1]
    assert base_tag() in said[1]
    said.clear()
    assert ensure.ensure_image(engine, "cpu", OPTIONS, said.append) == facts
    assert said == []
    assert len(engine.pulls) == 1  # the registry is not asked again


def test_nothing_stands_in_for_a_base_that_was_named(engine, said):
    engine.put(base_tag())
    ensure.ensure_image(engine, "cpu", OPTIONS, said.append)
    with pytest.raises(NotMeasured, match=r"nowhere.invalid/x:1 cannot be pulled") as caught:
        ensure.ensure_image(engine, "cpu", BuildOptions(base="nowhere.invalid/x:1"), said.append)
    assert not isinstance(caught.value, NoBase), "nor does this host"


def test_without_a_registry_the_base_is_made_from_debian_s_packages(engine, said, monkeypatch):
    def make(client, notify):
        client.put(base_tag())
        return base_tag()

    monkeypatch.setattr(ensure, "why_not", lambda client: None)
    monkeypatch.setattr(ensure, "make_base_image", make)
    facts = ensure.ensure_image(engine, "cpu", OPTIONS, said.append)
    assert facts.base == f"{base_tag()}@sha256:base"
    assert said[1].endswith(f"making {base_tag()} from Debian's packages instead")


@pytest.mark.parametrize("kind", ["cpu", "cuda", "small"])
def test_what_is_about_to_be_downloaded_and_kept_is_named_before_it_is(engine, said, kind):
    engine.put(NAME)
    ensure.ensure_image(engine, kind, OPTIONS, said.append, "there is a smaller one")
    assert said[0] == "there is a smaller one"
    assert "to download" in said[1]
    assert "--image" not in said[1]
    assert "of disk" in said[1]


def test_without_registry_and_local_base_the_message_names_both_ways_out(engine, said, monkeypatch):
    monkeypatch.setattr(ensure, "why_not", lambda client: "debootstrap is missing")
    with pytest.raises(NoBase) as caught:
        ensure.ensure_image(engine, "cpu", OPTIONS, said.append)
    assert "debootstrap is missing" in caught.value.cause
    assert "nox -s base_image" in caught.value.fix
    assert "BENCH_BASE" in caught.value.fix
    assert "no such host" in caught.value.cause
    assert engine.builds == []


def test_a_password_in_the_base_reaches_no_message_and_no_record(engine, said):
    options = BuildOptions(base="https://me:pw@registry/python:1")
    with pytest.raises(NotMeasured) as caught:
        ensure.ensure_image(engine, "cpu", options, said.append)
    assert "pw" not in str(caught.value)
    assert "pw" not in "".join(said)


def test_a_base_by_tag_counts_by_its_content(engine):
    options = BuildOptions(base="mirror/python:3.13")
    engine.put(options.base)
    before = ensure.image_tag(engine, "cpu", options)
    engine.get(options.base).attrs["RootFS"]["Layers"].append("sha256:more")
    assert ensure.image_tag(engine, "cpu", options) != before


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("python:3.13@sha256:1", ("python:3.13", "sha256:1")),
        ("host:5000/python:3.13", ("host:5000/python", "3.13")),
        ("host:5000/python", ("host:5000/python", "latest")),
        ("python", ("python", "latest")),
    ],
)
def test_references_are_split_as_the_api_takes_them(name, parts):
    assert ensure.reference_of(name) == parts


def test_an_image_that_does_not_say_what_it_holds_is_refused(engine, said):
    engine.put(NAME)
    engine.files["/opt/bench/image.json"] = b"{}"
    with pytest.raises(NotMeasured, match="lacks lock_sha256"):
        ensure.ensure_image(engine, "cpu", OPTIONS, said.append)


def test_an_image_without_torch_says_none(engine, said):
    engine.put(NAME)
    engine.files["/opt/bench/image.json"] = json.dumps({"lock_sha256": "l", "python": "p", "torch": None}).encode()
    assert ensure.ensure_image(engine, "small", OPTIONS, said.append).torch is None


@pytest.mark.parametrize("error", [APIError("500"), ReadTimeout("slow")])
def test_an_engine_that_breaks_is_not_measured(engine, said, error):
    def refuse(_):
        raise error

    engine.get = refuse
    with pytest.raises(NotMeasured, match="the cpu image cannot be had"):
        ensure.ensure_image(engine, "cpu", OPTIONS, said.append)


def test_an_unknown_kind_is_a_usage_error(engine, said):
    with pytest.raises(UsageError, match="no image of kind"):
        ensure.ensure_image(engine, "gpu", OPTIONS, said.append)


def test_a_base_on_which_nothing_can_be_built_is_none_unless_it_was_named(engine, said, monkeypatch):
    def fail(*_):
        raise NotMeasured("the image cannot be built", "no package index answers")

    monkeypatch.setattr(ensure, "build", fail)
    for name in (NAME, "mirror/python:3.13"):
        engine.put(name)
    with pytest.raises(NoBase, match="no package index answers"):
        ensure.ensure_image(engine, "cpu", OPTIONS, said.append)
    with pytest.raises(NotMeasured, match="no package index answers") as caught:
        ensure.ensure_image(engine, "cpu", BuildOptions(base="mirror/python:3.13"), said.append)
    assert not isinstance(caught.value, NoBase)


def test_a_base_that_debian_s_archive_does_not_give_is_none(engine, said, monkeypatch):
    def make(client, notify):
        raise NotMeasured("debootstrap failed", "E: Failed getting release file")

    monkeypatch.setattr(ensure, "why_not", lambda client: None)
    monkeypatch.setattr(ensure, "make_base_image", make)
    with pytest.raises(NoBase, match=r"no such host.*none can be made here: debootstrap failed: E: Failed getting"):
        ensure.ensure_image(engine, "cpu", OPTIONS, said.append)
