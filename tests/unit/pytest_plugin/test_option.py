"""The option beside a plugin that has one of the same name, whichever of the two pytest reads first."""

from types import SimpleNamespace

import pytest
from _pytest.config import _prepareconfig

from bench import pytest_plugin


def theirs():
    def add(parser):
        parser.addoption("--bench", action="store_true", default=False, dest="theirs")

    return SimpleNamespace(pytest_addoption=add)


@pytest.fixture
def read(monkeypatch, tmp_path):
    """Read a command line as pytest does, with these plugins and no others."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.delenv("PYTEST_PLUGINS", raising=False)
    monkeypatch.chdir(tmp_path)
    configs = []

    def prepared(words, plugins):
        configs.append(_prepareconfig(["-p", "no:cacheprovider", *words], plugins))
        return configs[-1]

    yield prepared
    for config in configs:
        config._ensure_unconfigure()


@pytest.mark.parametrize("first", [True, False])
def test_theirs_keeps_the_name(read, first):
    plugins = [pytest_plugin, theirs()] if first else [theirs(), pytest_plugin]
    config = read(["--bench", "--bench-reproducer", "t.py"], plugins)
    assert (config.getoption("theirs"), config.getoption("bench_results")) == (True, "results")
    assert config.args == ["t.py"]


@pytest.mark.parametrize("option", ["--bench", "--bench-reproducer"])
def test_alone_it_has_both_names(read, option):
    config = read([option, "t.py"], [pytest_plugin])
    assert (config.getoption("bench_results"), config.args) == ("results", ["t.py"])
    assert read([f"{option}=elsewhere"], [pytest_plugin]).getoption("bench_results") == "elsewhere"
    assert read(["t.py"], [pytest_plugin]).getoption("bench_results") is None
