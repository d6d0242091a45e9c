"""Each of the formats that ``bench import`` reads, through the verbs that then work on it: nobody's numbers are second-rate."""

import json
import os
import re
import shutil

import pytest

from tests.support.tool_files import CRITERION, DATA_JS, FILES, JMH

TOOLS = {
    "pyperf": FILES / "pyperf-2.11.0.json",
    "pytest-benchmark": FILES / "pytest-benchmark-5.3.1.json",
    "asv": FILES / "asv-0.6.6",
    "hyperfine 1": FILES / "hyperfine-1.15.0.json",
    "hyperfine 2": FILES / "hyperfine-2.0.0.json",
    "Google Benchmark": FILES / "google-benchmark-1.9.5.json",
    "Go": FILES / "go-1.19.8.txt",
    "JMH": json.dumps(JMH),
    "criterion": CRITERION,
    "critcmp": FILES / "critcmp-0.1.8.json",
    "BenchExec": FILES / "benchexec-3.35.xml",
    "ReFrame": FILES / "reframe-4.10.4.json",
    "github-action-benchmark": DATA_JS,
    "perf stat -j": FILES / "perf-6.1.json",
    "perf stat -x": FILES / "perf-6.1.csv",
}
_UNDECIDED = {"insufficient_runs", "not_measured", "host_differs", "host_noisy"}
_TIMELESS = {"ReFrame", "perf stat -x"}
"""Whose file here has no time of what was measured."""


def _lay(source, folder, day):
    """A tool's file in a folder of its own, as if it had been written on another day."""
    folder.mkdir()
    if isinstance(source, str):
        (folder / "made.by").write_text(source)
    elif source.is_dir():
        shutil.copytree(source, folder / source.name)
    else:
        shutil.copy(source, folder)
    for path in folder.rglob("*.*"):
        if path.is_file():
            later = re.sub(r"2026-11-30|17151\d{8}|179605\d{7}", lambda found: _moved(found[0], day), path.read_text())
            path.write_text(later)
            os.utime(path, (1_700_000_000 + 86_400 * day, 1_700_000_000 + 86_400 * day))
    return folder


def _moved(moment, day):
    return f"2026-12-{day:02}" if "-" in moment else str(int(moment) + 86_400_000 * day)


@pytest.mark.parametrize("tool", TOOLS)
def test_every_verb_works_on_what_came_in(bench_, tmp_path, tool):
    for side, day in (("a", 1), ("b", 2)):
        code, out, err = bench_("import", _lay(TOOLS[tool], tmp_path / side, day), "--results", tmp_path / f"r{side}")
        assert code == 0, out + err
    results = tmp_path / "ra"
    bundles = sorted(path.parent for path in results.glob("*/*/*/record.json"))

    joined = "select r.diagnostic, wall_s, value from runs r left join metrics m on r.id = m.id and r.index = m.run"
    code, out, _ = bench_("query", joined, "--results", results, "--json")
    rows = json.loads(out)
    assert (code, {row["diagnostic"] for row in rows}) == (0, {path.parent.name for path in bundles})
    assert any(row["value"] is not None for row in rows)
    assert any(row["wall_s"] is not None for row in rows) is (tool not in _TIMELESS)

    code, out, _ = bench_("compare", results, tmp_path / "rb", "--json")
    found = json.loads(out)
    compared = {one["diagnostic"]: one for one in found.get("comparisons", [found])}
    # A process or two a side, and of tools that do not describe the machine not even the same one for certain.
    assert code in {6, 7}
    assert set(compared) == {path.parent.name for path in bundles}
    assert {one["status"] for one in compared.values()} <= _UNDECIDED
    assert all(one["reasons"] for one in compared.values())

    code, out, _ = bench_("history", bundles[0].parent.name, "--results", results, "--json")
    assert (code, bundles[0].name in out) == (0, True)
    page = tmp_path / "page.html"
    assert bench_("report", results, tmp_path / "rb", "--html", page)[0] == 0
    assert all(bundle.parent.name in page.read_text() for bundle in bundles)

    packed = tmp_path / "all.tar.zst"
    assert bench_("export", *bundles, "-o", packed)[0] == 0
    assert bench_("import", packed, "--results", tmp_path / "back")[0] == 0
    assert bench_("verify", tmp_path / "back")[0] == 0
    back = {path.relative_to(tmp_path / "back"): path.read_bytes() for path in (tmp_path / "back").rglob("record.json")}
    assert back == {path.relative_to(results): path.read_bytes() for path in results.rglob("record.json")}
