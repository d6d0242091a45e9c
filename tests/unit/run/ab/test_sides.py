"""What the words of a side ask for."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.errors import UsageError
from bench.run.ab.sides import Side, parse_side


def test_a_bare_word_is_a_revision_and_the_rest_has_keys():
    text = "main~2, variant=thp,requirements=new.txt,env.A=1,env.B=,threads=4,image=cpu"
    side = parse_side("--head", text)
    assert side == Side(text, "main~2", "thp", Path("new.txt"), {"A": "1", "B": ""}, 4, "cpu")
    assert parse_side("--base", "rev=v1").rev == "v1"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no value"),
        ("main,", "has no value"),
        ("variant=", "has no value"),
        ("speed=3", "there is no 'speed'"),
        ("main,rev=v1", "has 'rev' twice"),
        ("threads=1,threads=2", "has 'threads' twice"),
        ("--upload-pack=x", "there is no '--upload-pack'"),
        ("-x", "is no revision"),
        ("threads=0", "is no number of threads"),
        ("threads=٣", "is no number of threads"),
        ("threads=100000", "is no number of threads"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_option_that_has_it(text, said):
    with pytest.raises(UsageError, match="--head") as refused:
        parse_side("--head", text)
    assert said in str(refused.value)
