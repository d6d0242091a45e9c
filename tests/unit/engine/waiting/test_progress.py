import threading

from bench.engine.waiting.progress import still_at_it


def test_whoever_waits_long_hears_of_it():
    said, heard = [], threading.Event()

    def notify(line):
        said.append(line)
        heard.set()

    with still_at_it("installing", notify, every_s=0.001):
        assert heard.wait(10)
    assert said[0] == "installing: 0 s so far"
    told = len(said)
    assert len(said) == told


def test_what_ends_at_once_is_no_news():
    said = []
    with still_at_it("installing", said.append, every_s=60.0):
        pass
    assert said == []
