"""A group on cgroup v2 stays inside of what bounds the command that makes it; a made-up tree stands for the kernel's."""

from pathlib import Path

import pytest

from bench.host.cgroup.below import OwnGroup, Placement, bounds_left, place_group, read_bounds, read_own

OWN = Path("/cg/user.slice/session-1.scope")


def where(own: OwnGroup) -> tuple[Path, bool] | None:
    found = place_group(own)
    return (found.parent, found.aside is not None) if isinstance(found, Placement) else None


@pytest.mark.parametrize(
    ("own", "parent"),
    [
        (OwnGroup(Path("/cg"), top=True, writable=True), (Path("/cg"), False)),
        (OwnGroup(OWN, writable=True, delegated=True), (OWN, True)),
        (OwnGroup(OWN, writable=True, delegated=True, bounds=("cpu.max",), beside=OWN.parent), (OWN, True)),
        (OwnGroup(OWN, writable=True, beside=OWN.parent), (OWN.parent, False)),
        (OwnGroup(OWN, writable=True, beside=OWN.parent, bounds=("cpu.max",)), (OWN, True)),
        (OwnGroup(OWN, writable=True, bounds=("memory.max",)), (OWN, True)),
        (OwnGroup(OWN / "bench-aside-7", writable=True), (OWN, False)),
        (OwnGroup(OWN, writable=True), None),  # systemd's scope serves, and nobody has to step aside
        (OwnGroup(OWN, bounds=("cpu.max",)), None),
        (OwnGroup(Path("/cg"), top=True), None),
    ],
)
def test_the_place_of_a_group(own, parent):
    assert where(own) == parent


@pytest.fixture
def tree(tmp_path):
    """A slice with a quota, and in it a session without limits of its own and a unit with some."""
    files = {
        "u.slice/cpu.max": "30000 100000",
        "u.slice/s.scope/cpu.max": "max 100000",
        "u.slice/s.scope/cpuset.cpus": "",
        "u.slice/s.scope/memory.max": "max",
        "u.slice/s.scope/pids.max": "512",
        "u.slice/s.scope/cgroup.procs": "7",
        "u.slice/x.service/memory.max": "1048576",
        "u.slice/x.service/cpuset.cpus": "0",
        "u.slice/x.service/cgroup.procs": "7",
        "u.slice/cgroup.procs": "",
        "u.slice/cgroup.type": "domain",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    return tmp_path


def test_a_group_is_read_with_its_own_limits_and_what_is_beside_it(tree):
    session = read_own(tree, "/u.slice/s.scope", uid=0)
    assert (session.bounds, session.beside, session.top, session.delegated) == ((), tree / "u.slice", False, False)
    service = read_own(tree, "/u.slice/x.service", uid=0)
    assert service.bounds == ("cpuset.cpus", "memory.max")
    assert read_own(tree, "/u.slice/s.scope", uid=1000).beside is None
    assert read_own(tree, "/", uid=0).top
    (tree / "u.slice/cgroup.procs").write_text("9\n")
    assert read_own(tree, "/u.slice/s.scope", uid=0).beside is None  # it could not hand controllers down
    assert list(read_bounds(tree / "u.slice")) == ["cpu.max"]


def test_limits_that_another_group_would_leave(tree):
    assert bounds_left(tree, "/u.slice/x.service", "/u.slice/user.service") == [
        "u.slice/x.service/cpuset.cpus",
        "u.slice/x.service/memory.max",
    ]
    assert bounds_left(tree, "/u.slice/s.scope", "/other.slice") == ["u.slice/cpu.max"]
    assert bounds_left(tree, "/u.slice/s.scope", "/u.slice/user.service") == []
