"""What a release is refused for."""

import zipfile

import pytest

import bench
from ci.dist import held, main, named, told

NAMES = (f"bench_reproducer-{bench.__version__}-py3-none-any.whl", f"bench_reproducer-{bench.__version__}.tar.gz")
GOOD = ("bench/py.typed", "bench/_assets/Dockerfile", "bench/diagnostics/pytest.ini")


def test_both_files_of_one_version_and_nothing_else(tmp_path):
    assert list(named(tmp_path, bench.__version__)) == [f"{tmp_path.name}/{name} is missing" for name in NAMES]
    for name in NAMES:
        (tmp_path / name).touch()
    assert list(named(tmp_path, bench.__version__)) == []
    (tmp_path / "bench_reproducer-0.0.1.tar.gz").touch()
    assert list(named(tmp_path, bench.__version__)) == [
        f"{tmp_path.name}/bench_reproducer-0.0.1.tar.gz is not part of version {bench.__version__}"
    ]


@pytest.mark.parametrize("head", ["## {}", "## [{}]", "## {} (2026-12-01)"])
def test_a_tag_is_of_the_version_and_the_changelog_names_it(head):
    text = f"# Changelog\n\n{head.format(bench.__version__)}\n"
    assert list(told(text, f"v{bench.__version__}")) == []
    assert len(list(told(text, "v9.9.9"))) == 1
    assert len(list(told("## Unreleased\n", "v9.9.9"))) == 2
    assert list(told(f"## {bench.__version__}1\n", f"v{bench.__version__}")) != []
    assert list(told("", None)) == []


def test_a_wheel_holds_the_package_alone(tmp_path):
    def wheel(*names):
        path = tmp_path / "a.whl"
        with zipfile.ZipFile(path, "w") as packed:
            for name in names:
                packed.writestr(name, "")
        return list(held(path))

    assert wheel(*GOOD, f"bench_reproducer-{bench.__version__}.dist-info/RECORD") == []
    assert wheel(*GOOD[1:], "tests/x.py") == ["the wheel has no bench/py.typed", "the wheel holds tests"]


def test_a_release_that_is_none_ends_with_1(tmp_path, capsys):
    assert main(["--folder", str(tmp_path), "--tag", "v9.9.9"]) == 1
    assert "the tag v9.9.9 is not that of version" in capsys.readouterr().out
