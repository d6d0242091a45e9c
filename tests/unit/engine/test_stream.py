import json
import threading

from hypothesis import given
from hypothesis import strategies as st

from bench.engine.stream import End, EventReader, Lines, parse_event


@given(st.lists(st.binary(max_size=20).filter(lambda line: b"\n" not in line and line.strip())), st.integers(1, 7))
def test_lines_come_out_whole_however_they_were_cut(lines, size):
    text = b"".join(line + b"\n" for line in lines)
    cutter = Lines()
    found = [line for at in range(0, len(text), size) for line in cutter.feed(text[at : at + size])]
    assert found == lines


def test_a_line_beyond_the_bound_is_dropped_and_the_next_one_is_not():
    cutter = Lines(limit=10)
    assert cutter.feed(b"x" * 8) == []
    assert cutter.feed(b"x" * 8) == []
    assert cutter.feed(b"y" * 100) == []
    assert cutter.feed(b"end of it\nshort\n" + b"z" * 11 + b"\n") == [b"short"]


def test_only_objects_are_events():
    assert parse_event(b'{"event": "sample"}') == {"event": "sample"}
    assert parse_event(b"[1]") is None
    assert parse_event(b"Traceback \xff") is None
    assert parse_event(b'{"event": ' + b"[" * 100_000) is None
    assert parse_event(rb'{"event": "x\udc80", "label": "\ud83d\ude00"}') == {"event": "x?", "label": "\U0001f600"}


def drain(reader):
    items = []
    while not isinstance(item := reader.next(5.0), End):
        items.append(item)
    return items, item


def test_events_are_read_and_the_rest_is_kept_for_the_error_message():
    one = json.dumps({"event": "one"}).encode()
    reader = EventReader([(one[:5], None), (one[5:] + b"\nnoise\n", b"Traceback: \xff\n"), (None, None)])
    items, end = drain(reader)
    assert items == [{"event": "one"}]
    assert end.error is None
    assert reader.tail == "Traceback: \\xff\nnoise"


def test_a_broken_stream_ends_with_its_reason():
    def pieces():
        yield b'{"event": "one"}\n', None
        raise OSError("gone")

    items, end = drain(EventReader(pieces()))
    assert items == [{"event": "one"}]
    assert end.error == "OSError: gone"


def test_silence_is_none_and_closing_ends_the_wait():
    stop = threading.Event()

    def pieces():
        stop.wait(10)
        yield None, None

    reader = EventReader(pieces(), stop.set)
    assert reader.next(0.01) is None
    reader.close()
    assert isinstance(reader.next(1.0), End)


def test_only_the_end_of_much_noise_is_kept():
    reader = EventReader([(None, b"a" * 10_000), (None, b"end")])
    drain(reader)
    assert len(reader.tail) == 4096
    assert reader.tail.endswith("end")
