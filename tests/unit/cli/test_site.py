"""``bench report --site``: a folder of pages, or one line that says why not, before any work."""

import pytest

from bench.report.site.folder import MARK

FILES = {"index.html", "feed.xml", "grad_cpu.html", ".nojekyll", MARK}


@pytest.fixture
def results(engine, bench_, tmp_path):
    """One result."""
    assert bench_("run", "grad_cpu", "--results", tmp_path / "results", "--quiet")[0] == 0
    return tmp_path / "results"


def names(folder):
    return {path.name for path in folder.iterdir()}


def test_a_site_is_made_and_made_anew(results, bench_, tmp_path):
    site = tmp_path / "deep" / "site"
    code, out, err = bench_("report", results, "--site", site)
    assert (code, out) == (0, "")
    assert f"written to {site / 'index.html'}" in err
    assert names(site) == FILES
    (site / "CNAME").touch()
    assert bench_("report", results, "--baseline", results, "--site", site, "--site-url", "https://a.example/b")[0] == 0
    assert names(site) == FILES | {"CNAME"}
    assert 'href="https://a.example/b/feed.xml"' in (site / "feed.xml").read_text()


def test_a_site_stands_beside_other_forms_and_takes_what_cannot_be_read(results, bench_, tmp_path):
    damaged = tmp_path / "results" / "host" / "grad_cpu" / "20260101T000000Z"
    damaged.mkdir(parents=True)
    (damaged / "record.json").write_text("{")
    code, out, _ = bench_("report", results, "--site", tmp_path / "site", "--html", tmp_path / "r.html", "--json")
    assert code == 8
    assert '"bench.report/1"' in out
    assert "1 could not be read" in (tmp_path / "site" / "index.html").read_text()
    assert (tmp_path / "r.html").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--site", "{}/results"], "is no site of ours"),
        (["--site", "{}/results/new/../../file"], "is not a folder"),
        (["--site-url", "https://a.example/"], "give its folder with --site"),
        (["--site", "{}/site", "--site-url", "a.example"], "no address of the web"),
        (["--site", "{}/site", "--html", "{}/site/report.html"], "--html names a file in the folder of --site"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_made(results, bench_, tmp_path, words, said):
    (tmp_path / "file").touch()
    before = names(tmp_path)
    code, out, err = bench_("report", results, *[word.format(tmp_path) for word in words])
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.strip().splitlines()) == 1
    assert names(tmp_path) == before


def test_no_site_goes_into_a_bundle(results, bench_):
    (bundle,) = [path.parent for path in results.rglob("record.json")]
    code, _, err = bench_("report", results, "--site", bundle / "site")
    assert code == 2
    assert "bundles are written once" in err
    assert not (bundle / "site").exists()
