"""A folder that is there and holds no bundle is foreign data; a path that is not there is a slip of the command line."""

import pytest


@pytest.mark.parametrize(
    "words",
    [
        ["verify"],
        ["explain"],
        ["report"],
        ["compare", "other"],
        ["export", "-o", "x.tar.gz"],
        ["reproduce"],
        ["import"],
    ],
)
def test_the_two_have_codes_of_their_own(engine, bench_, tmp_path, words):
    verb, *more = words
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "readme.txt").write_text("nothing of ours\n")
    code, out, err = bench_(verb, "other", *more)
    assert (code, out, len(err.splitlines())) == (8, "", 1)
    assert bench_(verb, "nowhere", *["nowhere" if word == "other" else word for word in more])[0] == 2
