from bench.agent.cgroup.parse import Mount
from bench.host.cgroup.tree import V2, folder_of, paths_by_controller


def mount(root: str) -> Mount:
    return Mount(root, "/m", "cgroup", (), ())


def test_membership_of_both_versions():
    text = "4:memory:/docker/abc\n1:cpu,cpuacct:/a:b\n2:name=systemd:/s\n0::/user.slice\n\nnonsense\n"
    assert paths_by_controller(text) == {
        "memory": "/docker/abc",
        "cpu": "/a:b",
        "cpuacct": "/a:b",
        "name=systemd": "/s",
        V2: "/user.slice",
    }


def test_a_group_below_what_a_mount_shows():
    assert folder_of(mount("/docker/abc"), "/docker/abc/x/y") == "/m/x/y"
    assert folder_of(mount("/"), "/x") == "/m/x"
    assert folder_of(mount("/"), "/") == "/m"


def test_a_group_outside_of_what_a_mount_shows_is_the_mounts_own():
    assert folder_of(mount("/docker/abc"), "/elsewhere") == "/m"
    assert folder_of(mount("/docker/abc"), "/docker/abcd") == "/m"
    assert folder_of(mount("/"), "/../x") == "/m/x"
