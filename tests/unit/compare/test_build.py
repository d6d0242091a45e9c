"""Packages of two builds, and commands, as differences."""

import msgspec

from bench.compare.build.packages import in_words, packages_apart
from bench.compare.likeness.differences import differences
from bench.record.schema import Environment, Image
from tests.support.records import make_record


def test_what_decides_a_time_is_named_first():
    a = {"zlib": "1", "PyYAML": "6", "torch": "2.7.1+cpu", "numpy": "2.0", "pytest": "8"}
    b = {"zlib": "2", "pyyaml": "6", "torch": "2.7.1", "mkl": "2024.1 h5", "pytest": "9"}
    assert packages_apart(a, b) == [
        ("torch", "2.7.1+cpu", "2.7.1"),
        ("numpy", "2.0", None),
        ("mkl", None, "2024.1 h5"),
        ("pytest", "8", "9"),
        ("zlib", "1", "2"),
    ]
    assert in_words(a, a) is None


def test_no_more_are_named_than_are_read():
    one, two = in_words({f"p{at}": "1" for at in range(30)}, {})
    assert one.count(" 1") == 8
    assert one.endswith("and 22 more")
    assert two.startswith("p0 none")


def test_an_image_and_an_environment_differ_in_their_packages():
    record = make_record()
    image = Image("i", "d", "b", "l", "4" * 64, "3.13", "2.7.1+cpu", {"torch": "2.7.1+cpu", "numpy": "2.1"})
    own = Environment("3.12", "2.6.0", None, "5" * 64, {"torch": "2.6.0", "numpy": "2.1"}, "an existing venv")
    one = msgspec.structs.replace(record, image=image)
    two = msgspec.structs.replace(record, image=None, environment=own)
    (found,) = [each for each in differences(one, two) if each.name == "image.packages"]
    assert (found.a, found.b, found.forces) == ("torch 2.7.1+cpu", "torch 2.6.0", "build_differs")


def of_command(words, **params):
    record = make_record()
    changed = msgspec.structs.replace(record.diagnostic, node=None, command=words, params=params)
    return msgspec.structs.replace(record, diagnostic=changed)


def names(one, two):
    return {each.name: each.forces for each in differences(one, two)}


def test_another_command_is_another_measurement():
    one = of_command(("sort", "-n"))
    assert names(one, one) == {}
    assert names(one, of_command(("sort",))) == {"command": "build_differs"}
    assert names(one, of_command(("sort", "-n"), input_sha256="1")) == {"command.input_sha256": "build_differs"}
    assert names(of_command(("a",), warmup=1), of_command(("a",), warmup=2)) == {}
    assert names(one, make_record())["command"] == "build_differs"
