import msgspec
import pytest

from bench.compare.likeness.differences import differences, forced_status
from bench.compare.reference import require_comparable
from bench.errors import ExitCode, NotComparable
from bench.record.schema import Environment, HostClass, Image, Limits, Outer, Run, Source, ThreadsUsed, Warning_
from tests.support.records import RYZEN, XEON, record, replace


def names(a, b, **more):
    return {one.name for one in differences(a, b, **more)}


def test_like_and_like_have_no_difference():
    assert differences(record(), record(id="b")) == ()


def test_of_a_long_command_the_beginning_is_shown_and_another_end_still_differs():
    long = ("echo", *map(str, range(5000)))
    a, b, c = (record(**{"diagnostic.command": words}) for words in (long, long, (*long, "5000")))
    assert differences(a, b) == ()
    (one,) = (found for found in differences(a, c) if found.name == "command")
    assert one.a.startswith("echo 0 1 2")
    assert max(len(one.a), len(one.b)) < 250
    assert one.a != one.b


@pytest.mark.parametrize(
    ("change", "name", "status"),
    [
        ({"device": "cuda"}, "device", "build_differs"),
        ({"profile": "smoke"}, "profile", "build_differs"),
        ({"node": "other"}, "node", "build_differs"),
        ({"source": Source("catalog", sha256="6" * 64)}, "source", "build_differs"),
        ({"source": Source("imported")}, "source", "build_differs"),
        (
            {"image": Image("i", None, None, None, "e" * 64, "3.13.5", "2.7.1+cpu")},
            "image.fingerprint",
            "build_differs",
        ),
        ({"image": Image("i", None, None, None, None, None, None)}, "image.fingerprint", "build_differs"),
        ({"image": Image("i", None, None, None, "f" * 64, "3.13.5", "2.8.0")}, "image.torch", "build_differs"),
        ({"source": Source("catalog", commit="1" * 40)}, "source", "build_differs"),
        ({"engine": "local"}, "engine", "setup_differs"),
        ({"variant": "jemalloc"}, "variant", "setup_differs"),
        ({"environ": {"MALLOC_TRIM_THRESHOLD_": "1"}}, "environ.MALLOC_TRIM_THRESHOLD_", "setup_differs"),
        ({"cpus": 0.5}, "limits.cpus", "limit_bound"),
        ({"cpuset": "0-3"}, "limits.cpuset", "limit_bound"),
        ({"memory_bytes": 1 << 30}, "limits.memory_bytes", "limit_bound"),
        ({"threads": 4}, "limits.threads", "limit_bound"),
        ({"pids": 64}, "limits.pids", "limit_bound"),
        ({"host_class": XEON}, "host.cpu_model", "host_differs"),
        ({"host_class": replace(RYZEN, kernel="6.15")}, "host.kernel", "host_differs"),
    ],
)
def test_each_difference_is_named_and_forces_its_status(change, name, status):
    found = differences(record(), record(id="b", **change))
    assert name in {one.name for one in found}
    assert forced_status(found) == status
    assert all(one.meaning for one in found)


@pytest.mark.parametrize(
    ("field", "a", "b"), [("governor", "performance", "powersave"), ("boost", True, False), ("thp", "always", "never")]
)
def test_a_host_that_was_set_up_otherwise_is_another(field, a, b):
    found = differences(record(**{field: a}), record(**{field: b}))
    assert [one.name for one in found] == [f"state.{field}"]
    assert forced_status(found) == "host_differs"


def test_a_security_profile_forces_a_status():
    found = differences(record(security={"seccomp": "default"}), record(security={"seccomp": "unconfined"}))
    assert forced_status(found) == "setup_differs"


def test_each_kind_of_engine_has_its_own_limit_on_processes():
    assert forced_status(differences(record(pids=4096), record(engine="local", id="b"))) == "setup_differs"


def test_another_machine_goes_before_limits_and_builds():
    other = record(host_class=XEON, cpus=1.0, profile="smoke")
    assert forced_status(differences(record(), other)) == "host_differs"
    assert forced_status(differences(record(), record(cpus=1.0, profile="smoke"))) == "limit_bound"
    assert forced_status(differences(record(), record(variant="thp", profile="smoke"))) == "build_differs"


def test_the_source_of_a_project_is_the_thing_under_test():
    a = record(source=Source("project", commit="1", sha256="1" * 64))
    b = record(source=Source("project", commit="2", sha256="2" * 64))
    (found,) = differences(a, b)
    assert (found.name, found.forces) == ("source", None)
    commits = differences(record(source=Source("project", commit="1")), record(source=Source("project", commit="2")))
    assert [one.name for one in commits] == ["source"]


def test_a_change_of_the_source_that_may_not_have_run_is_no_code_under_test():
    """The tests took what is installed, on both sides, and would be called the same whatever the change costs."""

    def ran(sha256, code="code_elsewhere"):
        one = record(source=Source("project", sha256=sha256))
        run = msgspec.structs.replace(one.runs[0], warnings=(Warning_(code, "not from the copy"),))
        return msgspec.structs.replace(one, runs=(run,))

    assert forced_status(differences(ran("1" * 64), ran("2" * 64))) == "build_differs"
    assert forced_status(differences(ran("1" * 64, "other"), ran("2" * 64))) == "build_differs"
    assert differences(ran("1" * 64), ran("1" * 64)) == ()
    assert forced_status(differences(ran("1" * 64, "other"), ran("2" * 64, "other"))) is None


def test_what_is_accepted_is_named_and_forces_nothing():
    a, b = record(), record(variant="jemalloc", threads=2)
    assert forced_status(differences(a, b, accept=("variant", "limits"))) is None
    assert forced_status(differences(a, b, accept=("variant",))) == "limit_bound"
    assert names(a, b, accept=("variant", "limits")) == {"variant", "limits.threads"}


def test_a_forcing_difference_comes_first():
    found = differences(record(pids=100), record(pids=200, cpus=1.0))
    assert [one.name for one in found] == ["limits.pids", "limits.cpus"][::-1]


def test_unknown_hosts_are_told_apart_by_name_only():
    a, b = record(host_class=HostClass()), record(host_class=HostClass())
    assert forced_status(differences(a, b)) is None
    named = replace(b, host=replace(b.host, id="elsewhere"))
    assert forced_status(differences(a, named)) == "host_differs"


def test_a_machine_that_nobody_could_look_at_is_not_shown_to_be_the_same():
    """Two of a cloud have the same number of CPUs, memory and kernel, and with these the same id."""

    def far(host):
        found = record(host_class=host)
        return replace(found, engine=replace(found.engine, facts={"remote": True}))

    unseen = replace(RYZEN, cpu_model=None, cpu_stepping=None, cores=None)
    assert forced_status(differences(far(unseen), far(unseen))) == "host_differs"
    assert forced_status(differences(far(unseen), record())) == "host_differs"
    assert forced_status(differences(record(), far(unseen))) == "host_differs"
    assert forced_status(differences(far(RYZEN), record())) is None
    assert forced_status(differences(record(host_class=unseen), record(host_class=unseen))) is None


def test_a_little_memory_more_is_the_same_machine():
    other = record(host_class=replace(RYZEN, memory_bytes=125 * 1024**3 - 2**20))
    assert forced_status(differences(record(), other)) is None
    half = record(host_class=replace(RYZEN, memory_bytes=64 * 1024**3))
    assert forced_status(differences(record(), half)) == "host_differs"


def test_variables_that_do_not_change_speed_are_no_difference():
    assert names(record(environ={"LANG": "C"}), record(environ={"LANG": "de_DE"})) == set()


@pytest.mark.parametrize(
    "name",
    [
        "GLIBC_TUNABLES",
        "LD_LIBRARY_PATH",
        "TCMALLOC_MAX_TOTAL_THREAD_CACHE_BYTES",
        "MIMALLOC_LARGE_OS_PAGES",
        "CUBLAS_WORKSPACE_CONFIG",
        "NVIDIA_TF32_OVERRIDE",
        "NUMEXPR_NUM_THREADS",
        "BLIS_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
        "BENCH_PROFILE",
        "BENCH_THREADS",
        "OMP_NUM_THREADS",
        "PYTHONPATH",
        "SIZE",
    ],
)
def test_any_variable_that_a_test_can_read_is_a_difference(name):
    others = [record(id="b", environ={"LANG": "C"}), record(id="b", environ={name: "2"})]
    for other in others:
        (found,) = differences(record(environ={name: "1"}), other)
        assert (found.name, found.a, found.forces) == (f"environ.{name}", "1", "setup_differs")


@pytest.mark.parametrize("name", ["LC_ALL", "TERM", "HOME", "PATH", "TMPDIR", "SSH_CONNECTION"])
def test_who_was_logged_in_and_where_is_no_difference(name):
    assert names(record(environ={name: "a"}), record(environ={name: "b"})) == set()
    assert names(record(environ={name: "a"}), record()) == set()


def test_a_variable_that_passes_on_another_field_is_not_named_twice():
    smoke = record(profile="smoke", threads=2, environ={"BENCH_PROFILE": "smoke", "OMP_NUM_THREADS": "2"})
    full = record(environ={"BENCH_PROFILE": "full"})
    assert names(full, smoke) == {"profile", "limits.threads"}
    assert names(full, record(environ={"BENCH_PROFILE": "smoke"})) == {"environ.BENCH_PROFILE"}
    assert names(smoke, replace(smoke, environ={"BENCH_PROFILE": "smoke"})) == {"environ.OMP_NUM_THREADS"}


def test_where_a_project_s_modules_lie_goes_with_its_source():
    project = Source("project", sha256="1" * 64)
    (found,) = differences(record(source=project, environ={"PYTHONPATH": "{src}/src"}), record(source=project))
    assert (found.name, found.forces) == ("environ.PYTHONPATH", None)


def test_a_source_that_one_side_does_not_know_is_named():
    found = differences(record(), record(source=Source("catalog")))
    assert "not known" in found[0].meaning
    project = [record(source=Source("project", sha256=sha256)) for sha256 in ("1" * 64, None)]
    (found,) = differences(*project)
    assert (found.name, found.b, found.forces) == ("source", None, None)


def test_an_environment_stands_in_for_an_image():
    environment = Environment("3.13.5", "2.7.1+cpu", None, "f" * 64)
    assert names(record(image=None, environment=environment), record()) == set()
    assert names(record(image=None, environment=replace(environment, fingerprint="0")), record()) == {
        "image.fingerprint"
    }


def test_params_and_versions_are_named():
    assert names(record(params={"n": 1}), record(params={"n": 2})) == {"params.n"}


@pytest.mark.parametrize("other", [record(name="grad_cuda"), record(profiler=True)])
def test_what_no_statistics_can_compare_is_refused(other):
    with pytest.raises(NotComparable) as caught:
        require_comparable(record(), other)
    assert caught.value.exit_code == ExitCode.NOT_COMPARABLE


def bounded(limits=None, **outer):
    made = record(id="b")
    engine = msgspec.structs.replace(
        made.engine, outer=Outer(**{"nice": 0, **outer}), limits=limits or Limits(pids=512)
    )
    return msgspec.structs.replace(made, engine=engine)


@pytest.mark.parametrize(
    "outer",
    [
        {"cpus": 0.3},
        {"cpuset": "1"},
        {"memory_bytes": 1 << 30},
        {"pids": 100},
        {"nice": 10},
        {"cpu_share": 0.1},
        {"scheduling": "idle"},
        {"io_priority": "idle"},
    ],
)
def test_limits_from_outside_differ_like_the_run_s_own(outer):
    found = differences(bounded(), bounded(**outer))
    (name,) = outer
    assert [(one.name, one.forces) for one in found] == [(f"limits.outer.{name}", "limit_bound")]
    assert forced_status(found) == "limit_bound"
    assert forced_status(differences(bounded(), bounded(**outer), accept=["limits"])) is None
    assert not differences(bounded(**outer), bounded(**outer))


def test_a_limit_from_outside_that_the_run_s_own_undercuts_bounds_nothing():
    own = Limits(cpus=1.0, cpuset="0", memory_bytes=1 << 20, pids=512)
    looser = {"cpus": 1.5, "cpuset": "0-1", "memory_bytes": 1 << 30, "pids": 4000}
    assert not differences(bounded(own), bounded(own, **looser))
    assert differences(bounded(own), bounded(own, cpus=0.5))


def test_a_record_that_knows_nothing_of_the_outside_has_no_difference_there():
    assert not names(record(), bounded(cpus=0.3)) & {"limits.outer.cpus"}


def with_ulimits(**limits):
    one = record()
    run = msgspec.structs.replace(one.runs[0], cgroup={"ulimits": limits})
    return msgspec.structs.replace(one, runs=(run, *one.runs[1:]))


def test_resource_limits_that_an_engine_sets_unasked_differ():
    a, b = with_ulimits(stack=8 << 20, nofile=1 << 20), with_ulimits(stack=1 << 20, nofile=1024)
    assert {one.name: one.forces for one in differences(a, b)} == {
        "limits.ulimit.stack": "limit_bound",
        "limits.ulimit.nofile": None,
    }
    assert differences(a, record()) == (), "nothing is known of the other"


def test_the_seccomp_profile_that_an_engine_ships_is_one_by_either_name():
    def named(profile):
        one = record()
        return msgspec.structs.replace(one, engine=msgspec.structs.replace(one.engine, security={"seccomp": profile}))

    assert names(named("default"), named("builtin")) == set()
    assert names(named("default"), named("unconfined")) == {"security.seccomp"}


def threaded(*counts, **changes):
    runs = tuple(
        Run(at, "passed", wall_s=100.0, threads_used=ThreadsUsed(torch=count)) for at, count in enumerate(counts)
    )
    return record(runs=runs, **changes)


def test_how_many_threads_really_ran_is_compared():
    def found(a, b):
        return [(one.name, one.a, one.b, one.forces) for one in differences(a, b) if "threads_used" in one.name]

    name = "limits.threads_used.torch"
    assert found(threaded(2, 2), threaded(1, 1)) == [(name, "2", "1", "limit_bound")]
    assert found(threaded(2, 2), threaded(2, 1)) == [(name, "2", "1 or 2", "limit_bound")]
    assert found(threaded(2), threaded(2, 2)) == found(threaded(2), threaded(None)) == []
    one, two = ({"source": Source("project", sha256=sha256)} for sha256 in ("1", "2"))
    assert found(threaded(2, **one), threaded(1, **two)) == [(name, "2", "1", None)]  # the code's own doing
    for why in (
        {"engine.limits.threads": 1},
        {"engine.limits.cpuset": "0"},
        {"environ": {"MKL_NUM_THREADS": "1"}},
        {"host": XEON},
    ):
        assert found(threaded(2), threaded(1, **why)) == []
