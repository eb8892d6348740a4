"""docker.dockerfile: an image that needs a Gemfile.lock cannot be built without one."""

import pytest
from audit_apps import changed, golden, outcome, verdict

DOCKERFILE = golden()["Dockerfile"].decode()
FREE = DOCKERFILE.replace("COPY Gemfile Gemfile.lock ./", "COPY Gemfile* ./").replace(
    '    BUNDLE_DEPLOYMENT="1" \\\n', ""
)
ASKING = {
    "as it is": DOCKERFILE,
    "copied by its name": FREE.replace("COPY Gemfile* ./", "COPY Gemfile Gemfile.lock ./"),
    "copied as a list": FREE.replace("COPY Gemfile* ./", 'COPY ["Gemfile", "./Gemfile.lock", "./"]'),
    "deployment mode alone": DOCKERFILE.replace("COPY Gemfile Gemfile.lock ./", "COPY Gemfile* ./"),
    "configured": FREE.replace("RUN bundle install", "RUN bundle config set --local deployment true && bundle install"),
}


@pytest.mark.parametrize("name", ASKING)
def test_needs_a_lock(name: str) -> None:
    found = outcome("docker.dockerfile", changed({"Dockerfile": ASKING[name], "Gemfile.lock": None}))
    assert found.verdict == "fail"
    assert "needs Gemfile.lock, and there is none" in found.summary
    assert verdict("docker.dockerfile", changed({"Dockerfile": ASKING[name]})) == "pass"


def test_one_that_gets_along_without_is_not_accused() -> None:
    assert verdict("docker.dockerfile", changed({"Dockerfile": FREE, "Gemfile.lock": None})) == "pass"
