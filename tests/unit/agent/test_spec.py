"""The specification: what is taken, and that what is wrong is named."""

from __future__ import annotations

import json

import pytest

from bench.agent.spec import GroupSpec, SpecError, parse_spec, read_spec

LEAST = {"argv": ["true"], "cwd": "/", "out": "/out", "timeout_s": 5}


def test_least_specification_gets_defaults() -> None:
    spec = parse_spec(json.dumps(LEAST))
    assert (spec.argv, spec.env, spec.timeout_s) == (("true",), {}, 5.0)
    assert (spec.grace_s, spec.sample_hz, spec.log_limit_bytes) == (10.0, 1.0, 16 * 1024 * 1024)
    assert spec.group is None
    assert not spec.plugin
    assert not spec.torch


def test_out_is_made_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)
    assert parse_spec(json.dumps(LEAST | {"out": "o"})).out == str(tmp_path / "o")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"argv": []}, "argv"),
        ({"argv": ["a", 1]}, "argv"),
        ({"argv": "ls"}, "argv"),
        ({"env": {"A": 1}}, "env"),
        ({"cwd": ""}, "cwd"),
        ({"out": None}, "out"),
        ({"timeout_s": 0}, "timeout_s"),
        ({"timeout_s": "5"}, "timeout_s"),
        ({"timeout_s": True}, "timeout_s"),
        ({"timeout_s": float("nan")}, "timeout_s"),
        ({"sample_hz": -1}, "sample_hz"),
        ({"sample_hz": 1000}, "sample_hz"),
        ({"log_limit_bytes": 10}, "log_limit_bytes"),
        ({"cgroup": {"version": 3}}, "cgroup"),
        ({"cgroup": {"version": 1}}, "cgroup"),
        ({"cgroup": {"version": 2, "paths": {"": "/x"}}}, "cgroup"),
        ({"cgroup": "auto"}, "cgroup"),
    ],
)
def test_what_is_wrong_is_named(change: dict, named: str) -> None:
    with pytest.raises(SpecError, match=named):
        parse_spec(json.dumps(LEAST | change))


@pytest.mark.parametrize("text", ["", "[]", "{", "3"])
def test_other_json_is_refused(text: str) -> None:
    with pytest.raises(SpecError):
        parse_spec(text)


def test_groups_of_both_versions() -> None:
    one = parse_spec(json.dumps(LEAST | {"cgroup": {"version": 1, "paths": {"memory": "/m"}}}))
    two = parse_spec(json.dumps(LEAST | {"cgroup": {"version": 2, "path": "/g"}}))
    assert one.group == GroupSpec(1, {"memory": "/m"})
    assert two.group == GroupSpec(2, {"": "/g"})


def test_from_a_file(tmp_path) -> None:
    (tmp_path / "spec").write_text(json.dumps(LEAST))
    assert read_spec(f"@{tmp_path}/spec").argv == ("true",)
    with pytest.raises(SpecError, match="cannot read"):
        read_spec(f"@{tmp_path}/absent")
