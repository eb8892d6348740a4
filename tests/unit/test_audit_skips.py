"""A test that is skipped tests nothing."""

import re

import pytest
from audit_apps import Changes, changed, golden, outcome, verdict

SUITE = {path: content.decode() for path, content in golden().items() if path.endswith("_test.rb")}
TEST = re.compile(r'^( +)(test ".*" do)$', re.MULTILINE)


def everywhere(statement: str) -> Changes:
    return {path: TEST.sub(rf"\1\2\n\1  {statement}", content) for path, content in SUITE.items()}


@pytest.mark.parametrize("statement", ["skip", 'skip "later"', "skip('later')"])
def test_skips_first_of_all(statement: str) -> None:
    found = outcome("tests.present", changed(everywhere(statement)))
    assert found.verdict == "fail"
    assert "are skipped" in found.summary


@pytest.mark.parametrize("statement", ["skip unless ENV['CI']", "skip if Time.now.sunday?", "x = :skip", "list.skip"])
def test_skips_that_depend_on_something_are_no_skips(statement: str) -> None:
    assert verdict("tests.present", changed(everywhere(statement))) == "pass"


@pytest.mark.parametrize("setup", ["setup { skip }", "setup do\n    skip 'all'\n  end", "def setup\n    skip\n  end"])
def test_a_setup_that_skips(setup: str) -> None:
    opened = re.compile(r"^(class .*Test < .*)$", re.MULTILINE)
    changes = {path: opened.sub(rf"\1\n  {setup}", content) for path, content in SUITE.items()}
    assert verdict("tests.present", changed(changes)) == "fail"


def test_what_is_asserted_before_a_skip_counts() -> None:
    body = "".join(f'  test "a{n}" do\n    assert_equal {n}, Prompt.new.size\n    skip\n  end\n' for n in range(3))
    changes: Changes = {"test/": None, "test/a_test.rb": f"class ATest < ActiveSupport::TestCase\n{body}end\n"}
    found = outcome("tests.present", changed(changes))
    assert "skipped" not in found.summary
