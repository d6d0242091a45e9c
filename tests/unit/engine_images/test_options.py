from pathlib import Path

import pytest

from bench.engine.images.options import DEFAULT_BASE, BuildOptions
from bench.errors import UsageError


def test_nothing_set_gives_the_pinned_base_and_no_address():
    options = BuildOptions.from_environment({})
    assert options == BuildOptions()
    assert "@sha256:" in DEFAULT_BASE
    assert options.build_arguments() == {}


def test_every_variable_is_read(tmp_path: Path):
    ca = tmp_path / "ca.pem"
    ca.write_text("x")
    options = BuildOptions.from_environment(
        {
            "BENCH_BASE": "mirror/python:3.13",
            "BENCH_PYTHON_INDEX": "https://me:secret@index/simple",
            "BENCH_TORCH_INDEX": "https://index/torch",
            "BENCH_EXTRA_CA": str(ca),
            "BENCH_BUILD_NETWORK": "host",
            "BENCH_WHEELS": str(tmp_path),
            "BENCH_BUILD_NO_CACHE": "1",
            "https_proxy": "http://proxy:3128",
        }
    )
    assert options.base == "mirror/python:3.13"
    assert options.extra_ca == ca
    assert options.network == "host"
    assert options.wheels == tmp_path
    assert options.no_cache
    assert options.build_arguments() == {
        "PYTHON_INDEX": "https://me:secret@index/simple",
        "TORCH_INDEX": "https://index/torch",
        "https_proxy": "http://proxy:3128",
    }


def test_addresses_do_not_show_in_the_repr_and_are_redacted():
    options = BuildOptions(python_index="https://me:secret@index/simple", proxies={"HTTP_PROXY": "http://p:pw@h"})
    assert "secret" not in repr(options)
    assert "pw" not in repr(options)
    assert options.redact("cannot reach https://me:secret@index/simple by http://p:pw@h") == "cannot reach *** by ***"


def test_what_the_machines_own_tools_use_serves_where_nothing_else_is_said(tmp_path: Path):
    ca = tmp_path / "bundle.crt"
    ca.write_text("x")
    environ = {"PIP_INDEX_URL": "https://mirror/simple", "SSL_CERT_FILE": "/not/there", "PIP_CERT": str(ca)}
    options = BuildOptions.from_environment(environ)
    assert options.python_index == "https://mirror/simple"
    assert options.extra_ca == ca
    own = {**environ, "BENCH_PYTHON_INDEX": "https://other/simple", "UV_DEFAULT_INDEX": "https://uv/simple"}
    assert BuildOptions.from_environment(own).python_index == "https://other/simple"


@pytest.mark.parametrize("name", ["BENCH_EXTRA_CA", "BENCH_WHEELS"])
def test_a_named_file_that_is_not_there_is_a_usage_error(name: str, tmp_path: Path):
    with pytest.raises(UsageError, match=name):
        BuildOptions.from_environment({name: str(tmp_path / "missing")})


def test_no_cache_zero_means_no():
    assert not BuildOptions.from_environment({"BENCH_BUILD_NO_CACHE": "0"}).no_cache
