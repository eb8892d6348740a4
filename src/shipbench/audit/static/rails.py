"""The Rails skeleton, its versions, and the frameworks that must stay out."""

import re
import tomllib

from shipbench.audit.app import App
from shipbench.audit.data import table
from shipbench.audit.finding import Evidence
from shipbench.audit.parse import ruby
from shipbench.audit.registry import check
from shipbench.audit.verdict import Outcome, failed, listed, passed, unproven

PARTS = (
    "config/application.rb",
    "config/boot.rb",
    "config/environment.rb",
    "config/routes.rb",
    "config.ru",
    "bin/rails",
    "Gemfile",
    "Gemfile.lock",
)
RAILS_GEMS = ("rails", "railties", "actionpack")
UNWANTED = {
    "rails/all": "all of Rails",
    "active_record/railtie": "Active Record",
    "active_record": "Active Record",
    "active_job/railtie": "Active Job",
    "action_mailer/railtie": "Action Mailer",
    "active_storage/engine": "Active Storage, which needs Active Record",
    "action_mailbox/engine": "Action Mailbox, which needs Active Record",
    "action_text/engine": "Action Text, which needs Active Record",
}
DATABASE_GEMS = (
    "sqlite3",
    "pg",
    "mysql2",
    "trilogy",
    "activerecord",
    "activejob",
    "actionmailer",
    "solid_cache",
    "solid_queue",
    "solid_cable",
    "sidekiq",
)
MISE = (
    "mise.toml",
    ".mise.toml",
    "mise/config.toml",
    ".mise/config.toml",
    ".config/mise.toml",
    ".config/mise/config.toml",
)


@check("rails.application")
def application(app: App) -> Outcome:
    absent = [part for part in PARTS if not app.has(part)]
    if absent:
        return app.missing(f"a bootable application needs {listed(absent)}", ", ".join(absent), reads=tuple(absent))
    gemfile = app.gemfile
    if gemfile is None:
        return unproven(f"the Gemfile cannot be parsed: {app.unparsed.get('Gemfile', '')}")
    rails = next((gemfile[name] for name in RAILS_GEMS if name in gemfile), None)
    if rails is None:
        return failed("the Gemfile names no Rails", app.nothing('gem "rails"', "Gemfile"))
    routes = app.ruby("config/routes.rb")
    if routes is None:
        return unproven(f"the routes cannot be parsed: {app.unparsed.get('config/routes.rb', '')}")
    if not any(ruby.calls(routes, "draw")) and routes.broken is None:
        return failed(
            "config/routes.rb draws no routes", app.nothing("Rails.application.routes.draw", "config/routes.rb")
        )
    holes = app.broken_at("app/", "lib/", "config/", "config.ru", "Gemfile", "Rakefile")
    if holes:
        return unproven(f"whether it boots is not certain: {holes[0].path}:{holes[0].line} does not parse", *holes)
    return passed("config, routes, entry scripts, Gemfile and lock are there", app.at("Gemfile", rails.line))


@check("rails.versions")
def versions(app: App) -> Outcome:
    accepted = table("versions")
    ruby_version, ruby_place = _ruby_version(app)
    rails_version = next((app.lock[name] for name in RAILS_GEMS if name in app.lock), None)
    if ruby_version is None:
        return app.missing(
            "Ruby is pinned nowhere",
            ", ".join([*MISE, ".tool-versions", ".ruby-version"]),
            reads=(*MISE, ".tool-versions", ".ruby-version"),
        )
    if rails_version is None:
        return app.missing("no lock file tells the version of Rails", "rails in Gemfile.lock", reads=("Gemfile.lock",))
    lines = app.text("Gemfile.lock").split("\n")
    rails_line = next(
        (number for number, line in enumerate(lines, 1) if line.startswith(("    rails (", "    railties ("))),
        None,
    )
    rails_place = app.at("Gemfile.lock", rails_line)
    if not _new_enough(rails_version, accepted["rails"]["oldest_accepted"]):
        return failed(f"Rails {rails_version} is older than {accepted['rails']['oldest_accepted']}", rails_place)
    if not ruby_version[:1].isdigit():
        if ruby_version in ("latest", "lts"):
            return passed(f"Ruby {ruby_version} and Rails {rails_version} are pinned", ruby_place, rails_place)
        return unproven(f"the Ruby version {ruby_version!r} is no number", ruby_place)
    if not _new_enough(ruby_version, accepted["ruby"]["oldest_accepted"]):
        return failed(f"Ruby {ruby_version} is older than {accepted['ruby']['oldest_accepted']}", ruby_place)
    return passed(f"Ruby {ruby_version} and Rails {rails_version} are pinned", ruby_place, rails_place)


def _ruby_version(app: App) -> tuple[str | None, Evidence]:
    """The pinned version ("3.4.7", "latest") and its place."""
    for path in MISE:
        if app.has(path):
            try:
                tools = tomllib.loads(app.text(path)).get("tools", {})
            except (tomllib.TOMLDecodeError, RecursionError):
                continue
            value = tools.get("ruby") if isinstance(tools, dict) else None
            value = value[0] if isinstance(value, list) and value else value
            value = value.get("version") if isinstance(value, dict) else value
            if isinstance(value, str | int | float):
                return str(value), app.at(path, _line(app.text(path), "ruby"))
    for line_number, line in enumerate(app.text(".tool-versions").split("\n"), 1):
        words = line.split("#")[0].split()
        if len(words) > 1 and words[0] == "ruby":
            return words[1], app.at(".tool-versions", line_number)
    pinned = app.text(".ruby-version").strip().removeprefix("ruby-").strip()
    return (pinned or None), app.at(".ruby-version", 1)


def _line(text: str, word: str) -> int | None:
    return next((number for number, line in enumerate(text.split("\n"), 1) if line.strip().startswith(word)), None)


def _new_enough(version: str, oldest: str) -> bool:
    """`3` alone means the newest 3.x and is compared by what it says."""
    mine = [int(part) for part in re.findall(r"\d{1,6}", version)[:2]]
    wanted = [int(part) for part in oldest.split(".")]
    return mine >= wanted[: len(mine)]


@check("rails.no_persistence_frameworks", absence=True)
def no_persistence_frameworks(app: App) -> Outcome:
    tree = app.ruby("config/application.rb")
    if tree is None:
        return app.missing("there is no config/application.rb to look at", "config/application.rb", reads=("config/",))
    loaded = []
    names = []
    for path in ("config/application.rb", "config/boot.rb", "config/environment.rb"):
        root = app.ruby(path)
        for node in root.walk() if root else []:
            text = ruby.literal(node) if node.kind == "string" else None
            # `%w[ active_record/railtie … ].each { |railtie| require railtie }` loads as much as a plain require.
            text = node.text if node.kind == "bare_string" else text
            if text in UNWANTED:
                loaded.append(app.at(path, node))
                names.append(UNWANTED[text])
    for name in DATABASE_GEMS:
        gem = (app.gemfile or {}).get(name)
        if gem:
            loaded.append(app.at("Gemfile", gem.line))
            names.append(f"the gem {name}")
    if loaded:
        return failed(f"the application loads {listed(names)}", *loaded)
    texts = [(node.text if node.kind == "bare_string" else ruby.literal(node), node) for node in tree.walk()]
    wanted = [node for text, node in texts if text == "rails" or (text or "").endswith(("/railtie", "/engine"))]
    if not wanted:
        return unproven(
            "config/application.rb requires no part of Rails by name",
            app.nothing('require "rails"', "config/application.rb"),
        )
    return passed(
        "config/application.rb requires only the parts of Rails that are asked for",
        *(app.at("config/application.rb", call) for call in wanted),
    )
