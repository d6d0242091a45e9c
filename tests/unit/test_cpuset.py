import pytest

from bench.cpuset import parse_cpu_list, parse_cpuset
from bench.errors import UsageError


@pytest.mark.parametrize(
    ("text", "cpus"), [("0", {0}), ("0-2,5", {0, 1, 2, 5}), (" 3 , 1-1", {1, 3}), ("0,0-1", {0, 1})]
)
def test_lists_as_the_kernel_writes_them(text, cpus):
    assert parse_cpuset(text) == parse_cpu_list(text) == cpus


@pytest.mark.parametrize("text", ["", "a", "1-", "0-999999", "٣", "-1", "2-1", "0;1", "1,,2"])
def test_what_is_no_list_is_refused(text):
    with pytest.raises(UsageError, match="is not a list of CPUs"):
        parse_cpuset(text)
    assert parse_cpu_list(text) == frozenset()
