"""What an agent left in its home or workspace neither stops nor misleads whoever writes and removes there next."""

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from shipbench.trial.home import open_up, remove_tree, write_home


def nest(folder: Path, depth: int) -> None:
    """Folders in folders, deeper than a path can name and than Python can recurse."""
    folder.mkdir(parents=True)
    place = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=place)
        inner = os.open("d", os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = inner
    os.close(place)


def test_a_tree_without_end_is_removed(tmp_path: Path) -> None:
    nest(tmp_path / "agent", 5000)
    remove_tree(tmp_path / "agent")
    assert not (tmp_path / "agent").exists()


def test_a_tree_without_end_in_the_way_is_replaced(tmp_path: Path) -> None:
    nest(tmp_path / "home" / "agent.py", 5000)
    nest(tmp_path / "home" / "-rf", 1)
    write_home(tmp_path / "home", {"agent.py": "print()", "-rf": "x"})
    assert (tmp_path / "home" / "agent.py").read_text() == "print()"
    assert (tmp_path / "home" / "-rf").read_text() == "x"


def test_links_are_removed_and_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "inner").mkdir(parents=True, mode=0o500)
    (outside / "inner").chmod(0o500)
    for link in ("scratch", "home/config", "home/sub/inner"):
        (tmp_path / link).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / link).symlink_to(outside)
    write_home(tmp_path / "home", {"config/agent.json": "{}"})
    remove_tree(tmp_path / "scratch")
    remove_tree(tmp_path / "home" / "sub")
    assert not (tmp_path / "scratch").is_symlink()
    assert [path.name for path in outside.iterdir()] == ["inner"]
    assert stat.S_IMODE((outside / "inner").stat().st_mode) == 0o500


SHUT = """
import ctypes, os, sys
from pathlib import Path
from shipbench.trial.home import open_up, remove_tree, write_home
os.setuid(65534)
ctypes.CDLL(None).prctl(4, 1)  # PR_SET_DUMPABLE, which the line above has cleared: this user owns its /proc/self again
home = Path(sys.argv[1]) / "home"
for path in (home / ".config" / "agent", home / "agent.py" / "inner"):
    path.mkdir(parents=True)
for path in (home / ".config" / "agent", home / "agent.py" / "inner", home / "agent.py", home / ".config", home):
    path.chmod(0)
write_home(home, {"agent.py": "x", ".config/agent/settings.json": "{}"})
print((home / "agent.py").read_text(), (home / ".config/agent/settings.json").read_text())
for path in (home / ".config" / "agent", home / ".config", home):
    path.chmod(0)
open_up(home)
print(len(list(home.iterdir())))
remove_tree(home)
print(home.exists())
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become a user whom permissions hold")
def test_closed_folders_are_opened_for_a_user_who_is_not_root() -> None:
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders are closed to everybody else
        Path(folder).chmod(0o777)
        done = subprocess.run([sys.executable, "-c", SHUT, folder], capture_output=True, text=True, check=False)
    assert done.stdout == "x {}\n2\nFalse\n", done.stderr


def test_opening_up_does_not_follow_a_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    outside.chmod(0o500)
    (tmp_path / "workspace").symlink_to(outside)
    open_up(tmp_path / "workspace")
    assert stat.S_IMODE(outside.stat().st_mode) == 0o500
