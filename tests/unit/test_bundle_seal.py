"""One changed byte of a sealed bundle is seen."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shipbench.bundle.layout import Bundle
from shipbench.bundle.seal import seal, verify
from shipbench.errors import InputError


def make(root: Path) -> Bundle:
    (root / "phases" / "build").mkdir(parents=True)
    (root / "attempt.json").write_text('{"a": 1}')
    (root / "phases" / "build" / "stdout.log").write_bytes(bytes(range(256)))
    bundle = Bundle(root)
    seal(bundle)
    return bundle


def test_an_untouched_bundle_verifies(tmp_path: Path) -> None:
    assert verify(make(tmp_path / "attempt-1")) == []


@given(position=st.integers(0, 255), value=st.integers(1, 255))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_changed_byte_is_detected(tmp_path_factory: pytest.TempPathFactory, position: int, value: int) -> None:
    bundle = make(tmp_path_factory.mktemp("bundle") / "attempt-1")
    path = bundle.phase("build") / "stdout.log"
    content = bytearray(path.read_bytes())
    content[position] ^= value
    path.write_bytes(content)
    assert verify(bundle) == ["phases/build/stdout.log: changed"]


def test_added_and_removed_files_are_detected(tmp_path: Path) -> None:
    bundle = make(tmp_path / "attempt-1")
    (bundle.root / "extra").write_text("x")
    (bundle.root / "attempt.json").unlink()
    assert verify(bundle) == ["attempt.json: missing", "extra: not in the seal"]


def test_a_bundle_is_sealed_once(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="already sealed"):
        seal(make(tmp_path / "attempt-1"))


def test_an_unsealed_bundle_says_so(tmp_path: Path) -> None:
    (tmp_path / "attempt-1").mkdir()
    assert "not sealed" in verify(Bundle(tmp_path / "attempt-1"))[0]


def test_a_link_in_the_place_of_a_file_is_a_change_and_is_not_followed(tmp_path: Path) -> None:
    bundle = make(tmp_path / "attempt-1")
    path = bundle.root / "attempt.json"
    (tmp_path / "outside").write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(tmp_path / "outside")
    assert verify(bundle) == ["attempt.json: changed"]
