"""In which image a result's test runs again."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from bench.catalog.project import of_node
from bench.run.image import with_image_of

NODE = of_node("tests/test_a.py::test_a")


@pytest.mark.parametrize(("torch", "image"), [(None, "small"), ("2.7.1", "cpu")])
def test_a_result_is_reproduced_in_the_image_it_had(torch, image):
    record = SimpleNamespace(image=SimpleNamespace(torch=torch), environment=None)
    assert with_image_of(NODE, record).image == image
    assert with_image_of(replace(NODE, image="small", image_open=False), record).image == "small"
