"""How a command ends that did several things."""

import pytest

from bench.errors import ExitCode, gravest


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ([0, 0], 0),
        ([1, 6], 1),
        ([6, 1, 7], 1),
        ([6, 7], 7),
        ([6, 3], 3),
        ([5, 4, 3], 5),
        ([1, 5], 1),
        ([0, 130, 1], 130),
        ([2, 6], 2),
        ([8, 7], 8),
        ([0, 255], 6),
        ([-9, 0], 6),
    ],
)
def test_the_gravest_end_is_the_command_s(codes, expected):
    assert gravest(codes) == gravest(reversed(codes)) == expected


def test_every_code_has_a_place():
    for code in ExitCode:
        assert gravest([code]) == code


def test_a_command_that_did_nothing_ends_as_it_says():
    assert gravest([]) == 0
    assert gravest([], ExitCode.NOT_MEASURED) == 6
    assert gravest([0], ExitCode.NOT_MEASURED) == 0
