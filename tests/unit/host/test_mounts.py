"""Whether what is written into a folder goes into memory."""

from pathlib import Path

import pytest

from bench.host.mounts import lies_in_memory, parse_type

MOUNTINFO = """\
22 28 0:21 / /proc rw,nosuid - proc proc rw
28 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
31 28 0:25 / /tmp rw,nosuid shared:5 master:2 - tmpfs tmpfs rw,size=1024k
32 28 0:26 / /with\\040blank rw - ramfs none rw
damaged 0:27
33 28 0:28 / /cut rw -
"""


@pytest.mark.parametrize(
    ("device", "found"),
    [("8:1", "ext4"), ("0:25", "tmpfs"), ("0:26", "ramfs"), ("0:27", None), ("0:28", None), ("9:9", None)],
)
def test_the_type_of_a_mounted_file_system(device: str, found: str | None) -> None:
    assert parse_type(MOUNTINFO, device) == found


def test_a_folder_that_is_not_there_lies_nowhere(tmp_path: Path) -> None:
    assert lies_in_memory(tmp_path / "none") is False
    assert lies_in_memory(Path("/proc")) is False
