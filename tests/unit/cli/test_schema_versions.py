"""Records of another schema version, through the verbs that read them."""

import json

import pytest

from bench.record.storage.find import find_bundles
from bench.record.storage.manifest import MANIFEST, hash_file, list_files, render_manifest


def seal(folder):
    """A manifest that fits the files as they are now."""
    (folder / MANIFEST).unlink()
    names, _ = list_files(folder)
    (folder / MANIFEST).write_text(render_manifest({name: hash_file(folder / name) for name in names}))


@pytest.fixture
def bundle(measured):
    """A result of this version; the function gives its record another schema and keeps the manifest right."""
    (found,) = find_bundles(measured([10.0] * 3))

    def with_schema(name, **more):
        path = found.path / "record.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"schema": name} | more))
        seal(found.path)
        return found.path

    return with_schema


VERBS = [["explain"], ["verify"], ["compare", "{}"], ["reproduce"], ["report", "--json"], ["export", "-o", "x.tar.gz"]]


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb[0])
def test_a_newer_major_is_refused_with_the_version_to_install(bundle, bench_, verb):
    path = bundle("bench.record/2")
    code, out, err = bench_(verb[0], path, *(str(path) if word == "{}" else word for word in verb[1:]))
    said = " ".join((out + err).split())
    assert code == 8
    assert "install version 2 of bench" in said
    assert len(err.splitlines()) <= 1


@pytest.mark.parametrize(
    ("schema", "more", "todo"),
    [
        ("bench.record/2", {}, "install version 2 of bench"),
        ("bench.record/1.5", {"runs": "of another kind"}, "install a newer version of bench"),
    ],
)
def test_a_newer_bundle_is_not_called_damaged(bundle, bench_, schema, more, todo):
    path = bundle(schema, **more)
    code, out, _ = bench_("verify", path)
    assert (code, out.splitlines()[0]) == (8, f"✕ 1 of 1 bundle is of a newer version: {todo}")
    (path / "logs" / "pytest.log").write_text("cut off")
    code, out, _ = bench_("verify", path)
    assert (code, out.splitlines()[0]) == (8, "✕ 1 of 1 bundle is damaged")


def test_newer_and_damaged_bundles_are_counted_apart(bundle, bench_, tmp_path):
    assert bench_("run", "grad_cpu", "--results", tmp_path / "s", "--quiet")[0] == 0
    (cut,) = find_bundles(tmp_path / "s")
    (cut.path / "logs" / "pytest.log").write_text("cut off")
    newer = bundle("bench.record/2")
    newer.rename(cut.path.with_name(newer.name.replace("20", "19", 1)))
    code, out, _ = bench_("verify", tmp_path / "s")
    said = "✕ 1 of 2 bundles is damaged; 1 of 2 bundles is of a newer version: install version 2 of bench"
    assert (code, " ".join(out.split())[: len(said)]) == (8, said)


@pytest.mark.parametrize("schema", ["bench.record/0", "bench.record/0.9", "bench.record/01", "bench.record/00"])
def test_a_major_that_never_was_is_refused_as_foreign(bundle, bench_, schema):
    path = bundle(schema)
    for verb in VERBS[:2]:
        code, out, err = bench_(verb[0], path)
        said = " ".join((out + err).split())
        assert code == 8
        assert f"foreign schema {schema}" in said
        assert "newer" not in said


@pytest.mark.parametrize("schema", ["bench.record/1", "bench.record/1.0", "bench.record/1.9"])
def test_any_minor_loads_and_what_it_adds_is_no_fault(bundle, bench_, schema):
    path = bundle(schema, later={"kept": True})
    for verb in VERBS[:2]:
        assert bench_(verb[0], path)[0] == 0
    assert bench_("compare", path, path)[0] in {0, 6}


def test_an_older_minor_lacks_keys_and_loads(bundle, bench_):
    path = bundle("bench.record/1.0")
    record = path / "record.json"
    old = json.loads(record.read_text())
    for key in ("tool", "variant", "environ", "reproduces", "profiler", "calibration"):
        old.pop(key, None)
    for run in old["runs"]:
        run.pop("warnings", None)
    record.write_text(json.dumps(old))
    seal(path)
    assert bench_("verify", path)[0] == 0
    assert bench_("explain", path)[0] == 0
