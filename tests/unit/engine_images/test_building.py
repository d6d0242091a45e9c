import io

import pytest
from docker.errors import APIError
from requests.exceptions import ConnectionError as GoneError

from bench.engine.images.building import Build, build, parse_stream, patience
from bench.engine.images.options import BuildOptions
from bench.errors import NotMeasured
from bench.lines import Passing


def run(engine, said, labels=None, **options):
    wanted = Build(io.BytesIO(empty_tar()), "Dockerfile", "cpu", "t:1", {"BASE": "b"}, labels or {})
    build(engine, wanted, BuildOptions(**options), said.append)


def empty_tar() -> bytes:
    return bytes(10240)


def test_lines_are_put_together_from_pieces_and_cleaned():
    events = [{"stream": "Step 1/2"}, {"stream": " : FROM x\nha"}, {"stream": "lf\r\n\n"}, {"aux": {"ID": "x"}}]
    assert list(parse_stream(events)) == [("line", "Step 1/2 : FROM x"), ("line", "half")]


def test_control_codes_and_overwritten_progress_do_not_pass():
    events = [{"stream": "10%\r50%\r\x1b[32m100%\x1b[0m\n"}, {"stream": "rest\x07 without end"}]
    assert list(parse_stream(events)) == [("line", "100%"), ("line", "rest without end")]


def test_an_error_is_its_own_kind():
    assert list(parse_stream([{"error": "no space left\n"}])) == [("error", "no space left")]


def test_a_build_passes_on_its_lines_without_the_engines_noise(engine, said):
    engine.events = [{"stream": "Step 1/1 : RUN x\n"}, {"stream": " ---> Running in 1\nout\nSuccessfully built 1\n"}]
    run(engine, said, network="host", no_cache=True, labels={"a": "b"})
    assert said == ["Step 1/1 : RUN x", "out"]
    assert {type(line) for line in said} == {Passing}, "each takes the place of the one before"
    (built,) = engine.builds
    assert built["network_mode"] == "host"
    assert built["nocache"] is True
    assert built["labels"] == {"a": "b"}
    assert built["buildargs"] == {"BASE": "b"}
    assert built["rm"] is True
    assert built["forcerm"] is True


def test_a_failed_step_is_told_in_its_own_words(engine, said):
    engine.events = [
        {"stream": "Step 1/1 : RUN python3 -m inside.install\n*** torch is not what the lock says\n"},
        {"error": "The command '/bin/sh -c python3 -m inside.install' returned a non-zero code: 1"},
    ]
    with pytest.raises(NotMeasured) as caught:
        run(engine, said)
    assert caught.value.what == "image t:1 cannot be built"
    assert caught.value.cause == "torch is not what the lock says"
    assert [line for line in said if type(line) is str] == list(map(str, said))[:2], "the last lines stay on the screen"


def test_each_try_of_pip_is_no_part_of_why_it_failed(engine, said):
    tries = " / ".join(f"WARNING: Retrying (Retry(total={left}))" for left in range(5))
    engine.events = [
        {"stream": f"*** uv cannot be installed: {tries} / ERROR: No matching distribution found\n"},
        {"error": "The command '/bin/sh -c x' returned a non-zero code: 1"},
    ]
    with pytest.raises(NotMeasured) as caught:
        run(engine, said)
    assert caught.value.cause == "uv cannot be installed: ERROR: No matching distribution found"


def test_an_error_of_the_engine_comes_with_the_last_lines(engine, said):
    engine.events = [{"stream": "Step 1/1 : COPY a b\n"}, {"stream": "copying\n"}, {"error": "no space left on device"}]
    with pytest.raises(NotMeasured, match="copying / no space left on device"):
        run(engine, said)


def test_addresses_are_redacted_in_lines_and_errors(engine, said):
    engine.events = [{"stream": "from https://pw@i\n"}, {"error": "https://pw@i fails"}]
    with pytest.raises(NotMeasured) as caught:
        run(engine, said, python_index="https://pw@i")
    assert set(said) == {"from ***"}
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize("error", [APIError("refused"), GoneError("gone")])
def test_an_engine_that_goes_away_is_not_measured(engine, said, error):
    def refuse(**_):
        raise error

    engine.build = refuse
    with pytest.raises(NotMeasured, match="see that the engine still runs"):
        run(engine, said)


def test_patience_ends(engine):
    def fail() -> None:
        with patience(engine, 7):
            assert engine.timeout == 7
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert engine.timeout == 120
