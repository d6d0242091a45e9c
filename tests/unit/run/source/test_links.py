"""Links lead to the same places of the copy; what leads out of the project, or is no plain file, is named."""

import os
import shutil
import socket

from bench.run.source.links import Sorted, sort_out
from bench.run.source.read import read_project


def test_links_to_places_of_the_tree_lead_to_the_same_places_of_the_copy(checkout, copied):
    root = checkout.root
    checkout.write("v1/data/x.txt", "1")
    (root / "current").symlink_to("v1")
    (root / "absolute").symlink_to(root / "v1/data")
    (root / "v1/up.txt").symlink_to("../tests/test_a.py")
    (root / "itself").symlink_to(".")
    (root / "out.txt").symlink_to(root / "not-yet.txt")
    checkout.commit()
    source, _, copy = copied(root)
    assert source.dirty is False
    assert (copy / "current/data/x.txt").read_text() == (copy / "itself/absolute/x.txt").read_text() == "1"
    assert (copy / "v1/up.txt").resolve() == copy / "tests/test_a.py"
    for name in ("current/data/x.txt", "absolute/new.txt", "v1/up.txt", "out.txt"):
        (copy / name).write_text("written by a test")
    checkout.git("diff", "--exit-code")
    assert not (root / "not-yet.txt").exists()
    assert not (root / "v1/data/new.txt").exists()


def test_what_a_link_says_is_part_of_the_content(checkout):
    for version in ("v1", "v2"):
        checkout.write(f"{version}/x.txt", version)
    (checkout.root / "current").symlink_to("v1")
    one, _ = read_project(checkout.root)
    (checkout.root / "current").unlink()
    (checkout.root / "current").symlink_to("v2")
    assert read_project(checkout.root)[0].sha256 != one.sha256


def test_a_link_out_of_the_checkout_is_named_and_not_followed(checkout, tmp_path, copied):
    (tmp_path / "private").mkdir()
    (tmp_path / "private/key").write_text("secret")
    (checkout.root / "folder").symlink_to(tmp_path / "private")
    (checkout.root / "file").symlink_to(tmp_path / "private/key")
    (checkout.root / "above").symlink_to("..")
    checkout.commit()
    _, tree, copy = copied(checkout.root)
    assert sorted(path.name for path in copy.iterdir()) == ["tests"]
    assert tree.left_out == ("links that lead out of the project: above, file, folder",)


def test_what_lies_beside_a_project_in_its_checkout_is_copied_in_place_of_the_link(checkout, copied):
    checkout.write("common/data.json", "{}")
    checkout.write("package/test_b.py", "")
    (checkout.root / "package/common").symlink_to("../common")
    (checkout.root / "package/data.json").symlink_to("../common/data.json")
    checkout.commit()
    _, tree, copy = copied(checkout.root / "package")
    assert tree.left_out == ()
    (copy / "common/data.json").write_text("written")
    (copy / "data.json").write_text("written")
    assert (checkout.root / "common/data.json").read_text() == "{}"


def test_a_folder_that_became_a_link_is_copied_as_what_it_is(checkout, copied):
    checkout.write("lib/a.py", "old")
    checkout.write("new/a.py", "new")
    checkout.commit()
    (checkout.root / "lib/a.py").unlink()
    (checkout.root / "lib").rmdir()
    (checkout.root / "lib").symlink_to("new")
    _, _, copy = copied(checkout.root)
    assert (copy / "lib").is_symlink()
    assert (copy / "lib/a.py").read_text() == "new"


def test_a_socket_is_named(tmp_path):
    (tmp_path / "p").mkdir()
    (tmp_path / "p/test_a.py").write_text("")
    with socket.socket(socket.AF_UNIX) as line:
        line.bind(str(tmp_path / "p/s"))
        assert read_project(tmp_path / "p")[1].left_out == ("what is no plain file: s",)


def test_files_and_links_are_told_apart_and_what_is_removed_is_passed_over(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b/x.py").write_text("")
    (tmp_path / "a.py").symlink_to("b/x.py")
    assert sort_out(tmp_path, ["b/x.py", "a.py", "b", "gone.py"]) == Sorted(("b/x.py",), {"a.py": "b/x.py"}, ())


def test_a_link_leads_from_where_it_lies_to_its_last_target(tmp_path):
    (tmp_path / "deep/er").mkdir(parents=True)
    (tmp_path / "x.py").write_text("")
    (tmp_path / "one").symlink_to(tmp_path / "x.py")
    (tmp_path / "deep/er/two").symlink_to("../../one")
    (tmp_path / "dead").symlink_to("deep/none")
    found = sort_out(tmp_path, ["one", "deep/er/two", "dead"])
    assert found.links == {"one": "x.py", "deep/er/two": "../../x.py", "dead": "deep/none"}


def test_a_name_that_leads_through_a_link_is_there_by_another(tmp_path):
    (tmp_path / "real/in").mkdir(parents=True)
    (tmp_path / "real/in/x.py").write_text("")
    (tmp_path / "link").symlink_to("real")
    found = sort_out(tmp_path, ["link/in/x.py", "real/in/x.py"])
    assert (found.files, found.links) == (("real/in/x.py",), {})


def test_without_git_nothing_beside_the_project_is_copied(tmp_path):
    (tmp_path / "project").mkdir()
    (tmp_path / "data.json").write_text("{}")
    (tmp_path / "project/data.json").symlink_to("../data.json")
    found = sort_out(tmp_path / "project", ["data.json"])
    assert found == Sorted((), {}, ("links that lead out of the project: data.json",))


def test_of_a_folder_beside_the_project_the_files_are_taken_one_by_one(checkout, tmp_path):
    (tmp_path / "private").write_text("secret")
    checkout.write("common/a.json")
    checkout.write("common/deep/b.json")
    (checkout.root / "common/key").symlink_to(tmp_path / "private")
    checkout.write("package/test_b.py")
    (checkout.root / "package/common").symlink_to("../common")
    (checkout.root / "package/data.json").symlink_to("../common/a.json")
    (checkout.root / "package/up").symlink_to("..")
    found = sort_out(checkout.root / "package", ["test_b.py", "data.json", "common", "up"])
    assert found.files == ("common/a.json", "common/deep/b.json", "data.json", "test_b.py")
    assert found.left_out == ("links that lead out of the project: common/key, up",)


def test_eight_names_are_named_and_the_rest_is_counted(tmp_path):
    names = [f"p{number}" for number in range(9)]
    for name in names:
        os.mkfifo(tmp_path / name)
    assert sort_out(tmp_path, names).left_out == (f"what is no plain file: {', '.join(names[:8])} and 1 more",)
    assert sort_out(tmp_path, names[:8]).left_out == (f"what is no plain file: {', '.join(names[:8])}",)


def test_a_name_cannot_steer_a_terminal(tmp_path):
    os.mkfifo(tmp_path / "\x1b[31m")
    assert sort_out(tmp_path, ["\x1b[31m"]).left_out == (r"what is no plain file: \x1b[31m",)


def test_a_folder_beside_the_project_that_became_a_link_brings_no_private_file(checkout, tmp_path):
    (tmp_path / "private").mkdir()
    (tmp_path / "private/key").write_text("secret")
    checkout.write("common/deep/key")
    checkout.write("common/gone")
    checkout.write("package/test_b.py")
    checkout.commit()
    shutil.rmtree(checkout.root / "common/deep")
    (checkout.root / "common/gone").unlink()
    (checkout.root / "common/deep").symlink_to(tmp_path / "private")
    (checkout.root / "package/common").symlink_to("../common")
    found = sort_out(checkout.root / "package", ["common", "test_b.py"])
    assert found.files == ("test_b.py",)
    assert found.left_out == ("links that lead out of the project: common/deep, common/deep/key",)


def test_git_s_own_folder_is_no_content_of_the_checkout(checkout):
    package = checkout.root / "package"
    package.mkdir()
    (package / "test_a.py").write_text("def test_a(): assert True\n")
    (package / "config").symlink_to("../.git/config")
    (package / "all").symlink_to("../.git")
    checkout.commit()
    _, tree = read_project(package)
    assert tree.files == ("test_a.py",)
    assert "config" in tree.left_out[0]
    assert "all" in tree.left_out[0]
