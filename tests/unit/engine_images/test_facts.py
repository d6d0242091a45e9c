import json

import pytest

from bench.engine.images import facts

DECIDING = {
    "base_digest": "sha256:b",
    "lock_sha256": "l",
    "python": "3.13.5",
    "torch": "2.7.1+cpu",
    "torch_git": "e2d",
    "diagnostics_sha256": "d",
}
FACTS = facts.ImageFacts("bench-cpu:1", "sha256:i", "base@sha256:b", "l", "f", "3.13.5", None)


def test_the_fingerprint_is_a_fixed_function_of_its_inputs():
    # The sum of the canonical JSON, taken with sha256sum. It may not change, or old records stop comparing.
    assert facts.fingerprint(**DECIDING) == "9ba2ebfed10fa09fe94c6a3e764cf43fde1bedf7ae8bce84bbba9b945228778f"


@pytest.mark.parametrize("key", sorted(DECIDING))
def test_every_input_counts(key: str):
    assert facts.fingerprint(**{**DECIDING, key: "other"}) != facts.fingerprint(**DECIDING)


def test_an_image_without_torch_has_a_fingerprint_too():
    without = {**DECIDING, "torch": None, "torch_git": None}
    assert facts.fingerprint(**without) not in ("", facts.fingerprint(**DECIDING))


def test_one_layer_is_its_own_digest_and_order_counts():
    assert facts.content_digest(["sha256:a"]) == "sha256:a"
    assert facts.content_digest(["sha256:a", "sha256:b"]) != facts.content_digest(["sha256:b", "sha256:a"])
    assert facts.content_digest(["sha256:a", "sha256:b"]).startswith("sha256:")


def test_a_label_goes_there_and_back():
    text = facts.facts_to_label(FACTS, {"torch_git": "e2d"})
    assert facts.facts_from_label(text, "bench-cpu:1", "sha256:i") == (
        FACTS,
        {"torch_git": "e2d", "name": "bench-cpu:1", "digest": None},
    )


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", "no json", '{"base": 1}'])
def test_a_label_that_is_not_ours_is_none(text: str):
    assert facts.facts_from_label(text, "x", "y") is None


def test_what_the_build_left_is_checked():
    good = {"lock_sha256": "l", "python": "p", "torch": None}
    assert facts.parse_inside(json.dumps(good)) == good
    with pytest.raises(ValueError, match="lacks lock_sha256, torch"):
        facts.parse_inside('{"python": "p"}')
    with pytest.raises(ValueError, match="no object"):
        facts.parse_inside("[]")


def test_passwords_in_addresses_are_left_out():
    assert facts.without_password("https://me:pw@host/x host") == "https://host/x host"
    assert facts.without_password("python@sha256:1") == "python@sha256:1"
