"""What docs/python.md shows is what Python says."""

import doctest

from tests.support.pages import PAGES, ROOT


def test_the_examples_say_what_the_page_shows(monkeypatch):
    monkeypatch.chdir(ROOT)
    found = doctest.testfile(str(PAGES["python.md"]), module_relative=False)
    assert found.attempted >= 8
    assert found.failed == 0
