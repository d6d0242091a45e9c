import pytest

from bench.catalog.load import builtin, document, find, find_profile, find_variant, merged, parse
from bench.errors import UsageError


def test_the_mission_s_diagnostics_are_there_on_both_devices():
    names = [diagnostic.name for diagnostic in builtin().diagnostics]
    assert {"grad_cpu", "grad_cuda", "bandwidth_cpu", "bandwidth_cuda", "dtype_cpu", "dtype_cuda"} <= set(names)


def test_grad_cpu_is_as_approved():
    grad = find(builtin(), "grad_cpu")
    assert (grad.ceiling_s, grad.timeout_s, grad.device) == (325.0, 1200.0, "cpu")
    assert [(one.name, one.ceiling_s) for one in grad.profiles] == [("full", None), ("smoke", 115.0)]
    assert grad.env["CUDA_VISIBLE_DEVICES"] == "-1"
    assert grad.env["KMP_DUPLICATE_LIB_OK"] == "TRUE"
    assert grad.env["NANOBRAGG_DISABLE_COMPILE"] == "1"
    assert "CUDA_VISIBLE_DEVICES" not in find(builtin(), "grad_cuda").env


def test_a_misspelt_name_gets_the_nearest_one():
    with pytest.raises(UsageError, match="did you mean 'grad_cpu'"):
        find(builtin(), "grad_cup")


def test_a_name_like_nothing_gets_the_list():
    with pytest.raises(UsageError, match=r"there are grad_cpu") as caught:
        find(builtin(), "zzzzzz")
    assert "did you mean" not in str(caught.value)


def test_profiles_and_variants_are_found_or_refused():
    grad = find(builtin(), "grad_cpu")
    assert find_profile(grad, "smoke").env == {"BENCH_PROFILE": "smoke"}
    with pytest.raises(UsageError, match="did you mean 'smoke'"):
        find_profile(grad, "smok")
    assert find_variant(builtin(), "jemalloc").preload == "jemalloc"
    assert find_variant(builtin(), "threads-12").threads == 12
    with pytest.raises(UsageError, match="did you mean 'tcmalloc'"):
        find_variant(builtin(), "tcmaloc")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[[[", "is not TOML"),
        ("[diagnostic.x]\nnode = 3", "expected `str`, got `int`"),
        ('[diagnostic.x]\nnod = "a"', "unknown field `nod`"),
        ('[diagnostic.x]\nnode = "a"\ndevices = ["tpu"]', "tpu"),
    ],
)
def test_a_wrong_file_is_named_with_the_reason(text, reason):
    with pytest.raises(UsageError, match=r"bench\.toml") as caught:
        parse(text, "bench.toml")
    assert reason in str(caught.value)


def test_of_several_entries_the_one_that_is_wrong_is_named():
    text = '[diagnostic.good]\nnode = "a"\n[diagnostic.bad]\ncommand = ["sort", 3]\n'
    with pytest.raises(UsageError, match=r"diagnostic\.bad\.command\[1\]: expected `str`"):
        parse(text, "bench.toml")
    with pytest.raises(UsageError, match=r"variant\.b: object contains unknown field `x`"):
        parse("[variant.a]\nthreads = 1\n[variant.b]\nx = 1\n", "bench.toml")


def test_a_project_s_file_adds_diagnostics_and_replaces_variants():
    text = '[diagnostic.slow]\nnode = "tests/test_a.py"\n[variant.glibc]\nabout = "mine"\n'
    catalog = merged(builtin(), parse(text, "bench.toml"))
    assert find(catalog, "slow_cpu").image == "cpu"
    assert find_variant(catalog, "glibc").about == "mine"


def test_the_document_has_a_row_for_each_name():
    rows = document(builtin())
    assert [row["name"] for row in rows] == [entry.name for entry in builtin().diagnostics]
    assert rows[0]["profiles"] == ["full", "smoke"]
