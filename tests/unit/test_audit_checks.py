# ruff: noqa: E501 - a program or a page on one line is easier to compare
"""Check by check: what is right though it looks wrong, and what is wrong though it looks right."""

from typing import NamedTuple

import pytest
from audit_apps import Changes, changed, golden, outcome


class Case(NamedTuple):
    check: str
    name: str
    verdict: str
    changes: Changes


def text(path: str) -> str:
    return golden()[path].decode()


GEMFILE = text("Gemfile")
ASSISTANT = text("app/services/assistant.rb")
CONTROLLER = text("app/controllers/messages_controller.rb")
LAYOUT = text("app/views/layouts/application.html.erb")
WORKFLOW = text(".github/workflows/ci.yml")
DOCKERFILE = text("Dockerfile")
STORE = "app/models/conversation_store.rb"
ASK = "    response = chat.ask(prompt)\n"
KEYED = "services:\n  web:\n    build: .\n    ports: ['3000:3000']\n    environment:\n"


def gemfile(old: str, new: str) -> Changes:
    assert old in GEMFILE
    return {"Gemfile": GEMFILE.replace(old, new)}


def assistant(old: str, new: str) -> Changes:
    assert old in ASSISTANT
    return {"app/services/assistant.rb": ASSISTANT.replace(old, new)}


def without_rescue() -> str:
    start, end = ASSISTANT.index("  rescue RubyLLM::Conf"), ASSISTANT.index("  def fail_with")
    return ASSISTANT[:start] + "  end\n\n" + ASSISTANT[end:]


def with_rescue(clause: str) -> Changes:
    return {
        "app/services/assistant.rb": without_rescue().replace(
            "  end\n\n  def fail_with", f"  {clause}\n  end\n\n  def fail_with"
        ),
        "app/controllers/messages_controller.rb": CONTROLLER.replace(
            "  rescue_from Assistant::Failure, with: :render_failure\n", ""
        ),
    }


MODEL = '"anthropic/claude-sonnet-4.6"'
RUBY_LLM = 'gem "ruby_llm", "~> 1.14.1"'
SECRET = "sk-or-v1-" + "9f3a7c51e8b24d60" * 4

CASES = [
    # Gemfile
    Case("llm.gem_in_production", "group as an option", "fail", gemfile(RUBY_LLM, RUBY_LLM + ", group: :test")),
    Case("llm.gem_in_production", "only in a comment", "fail", gemfile(RUBY_LLM, "# " + RUBY_LLM)),
    Case("llm.gem_in_production", "in a group that has production", "pass", gemfile(RUBY_LLM, f"group :production, :test do\n  {RUBY_LLM}\nend")),
    Case("llm.gem_in_production", "not required", "fail", gemfile(RUBY_LLM, RUBY_LLM + ", require: false")),
    Case("llm.gem_in_production", "required by an initializer", "pass", {**gemfile(RUBY_LLM, RUBY_LLM + ", require: false"), "config/initializers/ruby_llm.rb": 'require "ruby_llm"\n' + text("config/initializers/ruby_llm.rb")}),
    Case("llm.gem_in_production", "under a condition", "unproven", gemfile(RUBY_LLM, RUBY_LLM + ' if ENV["LLM"]')),
    Case("ci.brakeman", "gem in a comment", "fail", gemfile('  gem "brakeman"', '  # gem "brakeman"')),
    Case("ci.brakeman", "step in a comment", "fail", {".github/workflows/ci.yml": WORKFLOW.replace("bin/brakeman", "true # brakeman-later").replace("run: true #", "run: true #"), "config/ci.rb": None, "bin/ci": None, ".github/workflows/x.yml": "# run: brakeman\n"}),
    Case("ci.brakeman", "in a rake task", "pass", {".github/": None, "config/ci.rb": None, "bin/ci": None, "lib/tasks/ci.rake": 'task(:ci) { sh "bundle exec brakeman -q" }\n'}),
    Case("ci.bundle_audit", "bundle audit in two words", "pass", {"config/ci.rb": None, ".github/workflows/ci.yml": "jobs: {a: {steps: [{run: 'bundle exec bundle audit check'}]}}"}),
    Case("ci.rubocop", "no configuration", "fail", {".rubocop.yml": None}),
    Case("ci.simplecov", "installed, never started", "fail", {"test/test_helper.rb": text("test/test_helper.rb").replace("SimpleCov.start", "SimpleCov.configure")}),
    # Rails
    Case("rails.application", "no lock", "fail", {"Gemfile.lock": None}),
    Case("rails.versions", "an old Ruby", "fail", {"mise.toml": '[tools]\nruby = "3.2.2"\n'}),
    Case("rails.versions", "latest", "pass", {"mise.toml": '[tools]\nruby = "latest"\n'}),
    Case("rails.versions", "Ruby 4 is no invention", "pass", {"mise.toml": '[tools]\nruby = "4.0.2"\n'}),
    Case("rails.versions", "an old Rails", "fail", {"Gemfile.lock": "GEM\n  specs:\n    rails (7.1.3)\n"}),
    Case("rails.no_persistence_frameworks", "rails/all in a comment", "pass", {"config/application.rb": '# require "rails/all"\n' + text("config/application.rb")}),
    Case("rails.no_persistence_frameworks", "in a list of words", "fail", {"config/application.rb": "%w[active_record/railtie].each { |part| require part }\n" + text("config/application.rb")}),
    Case("rails.no_persistence_frameworks", "a database gem", "fail", gemfile('gem "propshaft"', 'gem "propshaft"\ngem "sqlite3"')),
    Case("layout.workspace_root", "app in app", "fail", {"app/app/models/x.rb": "class X; end"}),
    Case("layout.workspace_root", "a dummy application of tests", "pass", {"test/dummy/config/application.rb": "module Dummy; end"}),
    # The key
    Case("key.from_environment", "from credentials only", "fail", {"config/initializers/ruby_llm.rb": "RubyLLM.configure { |c| c.openrouter_api_key = Rails.application.credentials.openrouter }"}),
    Case("key.from_environment", "credentials, else the environment", "pass", {"config/initializers/ruby_llm.rb": 'RubyLLM.configure { |c| c.openrouter_api_key = Rails.application.credentials.x || ENV["OPENROUTER_API_KEY"] }'}),
    Case("key.from_environment", "written into the code", "fail", {"config/initializers/ruby_llm.rb": 'RubyLLM.configure { |c| c.openrouter_api_key = "sk-or-v1-abc" }'}),
    Case("key.preflight", "fetch raises", "pass", {**assistant("    raise NotConfigured unless configured?\n", ""), "config/initializers/ruby_llm.rb": 'RubyLLM.configure { |c| c.openrouter_api_key = ENV.fetch("OPENROUTER_API_KEY") }'}),
    # Secrets
    Case("secrets.none_in_files", "a key in a comment of a view", "fail", {"app/views/x.html.erb": f"<%# {SECRET} %>"}),
    Case("secrets.none_in_files", "placeholders", "pass", {"README.md": "OPENROUTER_API_KEY=sk-or-v1-your-key-here sk-or-v1-" + "x" * 64 + " AKIAIOSFODNN7EXAMPLE", ".env.example": "OPENROUTER_API_KEY=sk-or-v1-0000"}),
    Case("secrets.none_in_files", "a key that git ignores", "pass", {"config/local.txt": SECRET, ".gitignore": "config/local.txt\n"}),
    Case("secrets.none_in_files", "an uncovered master key", "fail", {"config/master.key": "0f" * 16, ".gitignore": "tmp\n"}),
    Case("secrets.no_committed_env", "an example", "pass", {".env.example": "OPENROUTER_API_KEY=sk-or-..."}),
    Case("secrets.no_committed_env", "ignored by git", "pass", {".env": "OPENROUTER_API_KEY=abc", ".gitignore": ".env*\n"}),
    Case("secrets.no_committed_env", "names without values", "pass", {".env": "OPENROUTER_API_KEY=\n", ".gitignore": ""}),
    Case("secrets.no_committed_env", "a placeholder is a value", "fail", {".env": "OPENROUTER_API_KEY=your_key\n", ".gitignore": ""}),
    # The model
    Case("llm.model_slug", "an alias that RubyLLM knows", "pass", assistant(MODEL, '"claude-sonnet-4-5"') | {"app/services/assistant.rb": ASSISTANT.replace(MODEL, '"claude-sonnet-4-5"').replace(", assume_model_exists: true", "")}),
    Case("llm.model_slug", "an alias with assume_model_exists", "fail", assistant(MODEL, '"claude-sonnet-4-5"')),
    Case("llm.model_slug", "another family", "fail", assistant(MODEL, '"openai/gpt-5"')),
    Case("llm.model_slug", "from the environment with a default", "pass", assistant(MODEL, f'ENV.fetch("MODEL", {MODEL})')),
    Case("llm.model_current", "3.5", "fail", assistant(MODEL, '"anthropic/claude-3.5-sonnet"')),
    Case("llm.model_current", "4 with a date", "pass", assistant(MODEL, '"anthropic/claude-sonnet-4-20250514"')),
    Case("llm.system_prompt", "a message with the role system", "pass", assistant("chat.with_instructions(@instructions)", "chat.add_message(role: :system, content: @instructions)")),
    Case("llm.system_prompt", "empty instructions", "fail", assistant("chat.with_instructions(@instructions)", 'chat.with_instructions("")')),
    Case("llm.no_bypass", "the address in a header", "pass", assistant(ASK, '    chat.with_headers("HTTP-Referer" => "https://openrouter.ai/x")\n' + ASK)),
    Case("llm.no_bypass", "another client's gem", "fail", gemfile(RUBY_LLM, RUBY_LLM + '\ngem "ruby-openai"')),
    Case("llm.no_bypass", "HTTP to somewhere else", "pass", {"app/models/weather.rb": 'class Weather\n  def get = Net::HTTP.get(URI("https://weather.example"))\nend'}),
    Case("llm.no_bypass", "Faraday to the provider", "fail", {"app/models/raw.rb": 'class Raw\n  def ask(q) = Faraday.new("https://openrouter.ai").post("/api/v1/chat/completions", q)\nend'}),
    Case("llm.library_used", "a canned answer", "fail", {"app/services/assistant.rb": "class Assistant\n  def reply_to(prompt, history: []) = 'mock'\nend", "config/initializers/ruby_llm.rb": None, "lib/": None}),
    # Errors
    Case("errors.rescued", "none", "fail", with_rescue("")),
    Case("errors.rescued", "of another matter", "fail", with_rescue("rescue JSON::ParserError => e\n    nil")),
    Case("errors.rescued", "in the caller's caller", "pass", {**with_rescue(""), "app/controllers/messages_controller.rb": CONTROLLER.replace("rescue_from Assistant::Failure", "rescue_from StandardError")}),
    Case("errors.rescued", "as a modifier", "pass", {**with_rescue(""), "app/services/assistant.rb": without_rescue().replace("chat.ask(prompt)", "(chat.ask(prompt) rescue Message.from_assistant('Sorry, not now'))")}),
    Case("errors.rescued", "wrapped and never caught", "fail", with_rescue("rescue RubyLLM::Error => e\n    raise Unavailable")),
    Case("errors.rescued", "lost in a thread", "fail", {**with_rescue(""), "app/services/assistant.rb": without_rescue().replace("    response = chat.ask(prompt)", "    response = begin\n      Thread.new { chat.ask(prompt) }.value\n    rescue StandardError\n      nil\n    end")}),
    Case("errors.typed", "a bare rescue", "fail", with_rescue("rescue => e\n    'Sorry, that did not work'")),
    Case("errors.typed", "StandardError wrapped", "pass", {**with_rescue("rescue StandardError => e\n    raise Unavailable"), "app/controllers/messages_controller.rb": CONTROLLER}),
    Case("errors.typed", "a list in a constant", "pass", {**with_rescue("rescue *TROUBLE => e\n    'Sorry, that did not work'")} | {"app/services/assistant.rb": str(with_rescue("rescue *TROUBLE => e\n    'Sorry, that did not work'")["app/services/assistant.rb"]).replace("  PROVIDER =", "  TROUBLE = [RubyLLM::Error, Faraday::Error].freeze\n  PROVIDER =")}),
    Case("errors.visible", "only logged", "fail", with_rescue('rescue RubyLLM::Error => e\n    Rails.logger.error("it did not work: #{e.message}")\n    nil')),
    Case("errors.visible", "a sentence as the answer", "pass", with_rescue("rescue RubyLLM::Error\n    'Sorry, that did not work'")),
    # The conversation
    Case("history.durable", "session cookie", "pass", {STORE: "class ConversationStore\n  def initialize(session) = @session = session\n  def append(m) = @session[:messages] = [*@session[:messages], m].last(20)\nend"}),
    Case("history.durable", "a class variable", "fail", {STORE: "class ConversationStore\n  @@chats = {}\n  def append(id, m) = (@@chats[id] ||= []) << m\nend"}),
    Case("history.durable", "a class's own hash", "fail", {STORE: "class ConversationStore\n  def self.storage = @storage ||= {}\n  def append(id, m) = self.class.storage[id] = m\nend"}),
    Case("history.durable", "a global hash", "fail", {STORE: "CHATS = Concurrent::Map.new\nclass ConversationStore\n  def append(id, m) = CHATS[id] = m\nend"}),
    Case("history.durable", "a memory store for a cache", "fail", {"config/application.rb": None, "config/environments/production.rb": "Rails.application.configure do\n  config.cache_store = :memory_store\nend"}),
    Case("history.durable", "a file", "pass", {STORE: "class ConversationStore\n  def append(id, messages) = File.write(Rails.root.join('storage', id), messages.to_json)\nend"}),
    Case("history.durable", "Redis", "pass", {STORE: "class ConversationStore\n  def append(id, m) = Redis.new.rpush(id, m)\nend"}),
    Case("history.durable", "nowhere", "fail", {STORE: "class ConversationStore\n  def append(id, m) = nil\nend"}),
    Case("production.multi_worker", "a memoised constant setting", "pass", {"app/models/settings.rb": "class Settings\n  NAMES = %w[a b].freeze\n  def self.model = @model ||= ENV.fetch('MODEL', 'x')\nend"}),
    Case("production.multi_worker", "a Singleton with conversations", "fail", {"app/models/chats.rb": "class Chats\n  include Singleton\n  def initialize = @chats = {}\n  def add(id, m) = (@chats[id] ||= []) << m\nend"}),
    Case("history.replayed", "by symbol", "pass", assistant("history.each { |message| chat.add_message(role: message.role.to_sym, content: message.content) }", "history.each(&chat.method(:add_message))")),
    Case("history.replayed", "by a helper method", "pass", {"app/services/assistant.rb": ASSISTANT.replace("history.each { |message| chat.add_message(role: message.role.to_sym, content: message.content) }", "history.each { |message| remind(chat, message) }").replace("  def fail_with", "  def remind(chat, message)\n    chat.add_message(role: message.role.to_sym, content: message.content)\n  end\n\n  def fail_with")}),
    Case("history.replayed", "only the newest", "fail", assistant("    history.each { |message| chat.add_message(role: message.role.to_sym, content: message.content) }\n", "")),
    # The page
    Case("hotwire.stimulus_started", "imports what does not exist", "fail", {"app/javascript/controllers/application.js": None}),
    Case("hotwire.stimulus_started", "a comment for an entry", "fail", {"app/javascript/application.js": "// Entry point\n"}),
    Case("hotwire.stimulus_started", "a controller that nobody wrote", "fail", {"app/javascript/controllers/scroll_controller.js": None}),
    Case("hotwire.stimulus_started", "started inside a comment", "fail", {"app/javascript/controllers/application.js": "// const application = Application.start()\nexport {}\n"}),
    Case("hotwire.stimulus_started", "no pin for Stimulus", "fail", {"config/importmap.rb": text("config/importmap.rb").replace('pin "@hotwired/stimulus",', '# pin "@hotwired/stimulus",')}),
    Case("hotwire.stimulus_started", "registered by a computed name", "unproven", {"app/javascript/controllers/index.js": 'import { application } from "controllers/application"\nimport C from "controllers/scroll_controller"\nfor (const n of ["a"]) application.register(n, C)\n'}),
    Case("hotwire.no_fetch_innerhtml", "clearing is no rendering", "pass", {"app/javascript/x.js": 'fetch("/x"); el.innerHTML = ""'}),
    Case("hotwire.no_fetch_innerhtml", "streams rendered by Turbo", "pass", {"app/javascript/x.js": "fetch('/x').then(r => r.text()).then(t => Turbo.renderStreamMessage(t))"}),
    Case("hotwire.no_fetch_innerhtml", "an event source", "fail", {"app/javascript/x.js": "const s = new EventSource('/s'); s.onmessage = e => { box.innerHTML += e.data }"}),
    Case("hotwire.no_fetch_innerhtml", "in a template's script", "fail", {"app/views/x.html.erb": "<p></p>\n<script>\nfetch('/a').then(r => r.text()).then(t => { box.innerHTML = t })\n</script>"}),
    Case("ui.tailwind", "from a CDN", "fail", {**gemfile('gem "tailwindcss-rails", "~> 4.6"', ""), "app/views/layouts/application.html.erb": LAYOUT.replace("</head>", '<script src="https://cdn.tailwindcss.com"></script></head>')}),
    Case("ui.tailwind", "no entry file", "fail", {"app/assets/tailwind/application.css": "body { color: red }"}),
    Case("ui.partials", "a dump of style", "fail", {"app/views/layouts/application.html.erb": LAYOUT.replace("</head>", "<style>\n" + "a { b: c }\n" * 60 + "</style></head>")}),
    Case("ui.partials", "a short theme script", "pass", {"app/views/layouts/application.html.erb": LAYOUT.replace("</head>", "<script>\nif (dark) go()\n</script></head>")}),
    Case("ui.chat_interface", "no composer", "fail", {"app/views/messages/_composer.html.erb": "<p>later</p>"}),
    Case("ui.chat_interface", "no root", "fail", {"config/routes.rb": "Rails.application.routes.draw do\n  # root 'a#b'\nend"}),
    Case("ui.chat_interface", "not ERB", "unproven", {"app/views/conversations/show.html.erb": None, "app/views/conversations/show.html.haml": "%main"}),
    # Production
    Case("production.csrf", "skipped", "fail", {"app/controllers/messages_controller.rb": CONTROLLER.replace("  rescue_from", "  skip_forgery_protection\n  rescue_from")}),
    Case("production.csrf", "off in tests only", "pass", {"config/environments/test.rb": "Rails.application.configure { config.action_controller.allow_forgery_protection = false }"}),
    Case("production.csrf", "null session", "fail", {"app/controllers/application_controller.rb": "class ApplicationController < ActionController::Base\n  protect_from_forgery with: :null_session\nend"}),
    Case("production.no_unescaped_output", "constant markup", "pass", {"app/views/x.html.erb": '<%= raw "&nbsp;" %><%= "<br>".html_safe %>'}),
    Case("production.no_unescaped_output", "sanitized", "pass", {"app/views/x.html.erb": "<%== sanitize(message.content) %>"}),
    Case("production.no_unescaped_output", "a double equals sign", "fail", {"app/views/x.html.erb": "<%== message.content %>"}),
    Case("production.no_unescaped_output", "in a comment", "pass", {"app/views/x.html.erb": "<%# raw message.content %>"}),
    # Containers
    Case("docker.dockerfile", "for development", "fail", {"Dockerfile": DOCKERFILE.replace('RAILS_ENV="production"', 'RAILS_ENV="development"')}),
    Case("docker.dockerfile", "a placeholder", "fail", {"Dockerfile": "FROM ruby:3.4\n# TODO\n"}),
    Case("docker.dockerfile", "no FROM", "fail", {"Dockerfile": "hello\n"}),
    Case("docker.hardened", "a user of an earlier stage", "fail", {"Dockerfile": "FROM ruby AS build\nUSER app\nFROM ruby\nCMD [\"bin/rails\", \"server\"]\n"}),
    Case("docker.hardened", "a user inherited from the base", "pass", {"Dockerfile": "FROM ruby AS base\nUSER app\nFROM base\nCMD [\"bin/rails\", \"server\"]\n"}),
    Case("docker.hardened", "secrets let in", "fail", {".dockerignore": "tmp\n"}),
    *(Case("docker.compose", f"as {name}", "pass", {"compose.yaml": None, name: text("compose.yaml")}) for name in ("compose.yml", "docker-compose.yaml", "docker-compose.yml")),
    Case("docker.compose", "the key written in", "fail", {"compose.yaml": KEYED + "      OPENROUTER_API_KEY: abc\n"}),
    Case("docker.compose", "without the key", "fail", {"compose.yaml": KEYED + "      A: b\n"}),
    Case("docker.compose", "with an anchor", "pass", {"compose.yaml": "x-env: &env\n  OPENROUTER_API_KEY: ${OPENROUTER_API_KEY}\nservices:\n  web:\n    build: .\n    ports: ['1:1']\n    environment: *env\n"}),
    Case("docker.compose", "broken", "fail", {"compose.yaml": "services: [\n"}),
    # README
    Case("readme.setup", "missing", "fail", {"README.md": None}),
    Case("readme.setup", "no word on tests", "fail", {"README.md": "# Chat\n" + "word " * 80 + "OPENROUTER_API_KEY bin/setup bin/dev"}),
    Case("readme.setup", "short and complete", "pass", {"README.md": "# Chat\n" + " ".join(f"word{n}" for n in range(70)) + "\n\n    export OPENROUTER_API_KEY=…\n    bundle install\n    bin/rails server\n    bin/rails test\n"}),
    # Architecture
    Case("architecture.provider_seam", "in a controller", "fail", {"app/controllers/raw_controller.rb": "class RawController < ApplicationController\n  def create = RubyLLM.chat.ask(params[:q])\nend"}),
    Case("architecture.thin_controllers", "a long action", "fail", {"app/controllers/messages_controller.rb": "class MessagesController < ApplicationController\n  def create\n" + "    x = 1\n" * 60 + "  end\nend"}),
    # Tests
    Case("tests.present", "none", "fail", {"test/": None}),
    Case("tests.present", "RSpec", "fail", {"test/": None, "spec/a_spec.rb": "RSpec.describe('a') { it('b') { expect(1).to eq(1) } }"}),
    Case("tests.present", "nothing asserted", "fail", {"test/": None, "test/a_test.rb": 'class ATest < ActiveSupport::TestCase\n  test("a") { assert true }\n  test("b") { assert_equal 1, 1 }\n  test("c") { get "/" }\nend'}),
    Case("tests.no_network", "let through", "fail", {"test/test_helper.rb": text("test/test_helper.rb").replace("disable_net_connect!", "allow_net_connect!")}),
    Case("tests.error_path", "asserts nothing", "fail", {"test/": None, "test/a_test.rb": 'class ATest < ActiveSupport::TestCase\n  test "an error" do\n    Assistant.new.reply_to("x")\n  rescue => e\n    assert true\n  end\nend'}),
    Case("tests.no_network", "a real call, rescued", "fail", {"test/": None, "test/a_test.rb": 'class ATest < ActiveSupport::TestCase\n  test "an answer" do\n    Assistant.new.reply_to("x")\n  rescue => e\n    assert true\n  end\nend'}),
    Case("tests.reach_provider_call", "a stub beside the way", "fail", {"test/": None, "app/services/assistant.rb": ASSISTANT.replace("@client.chat(", "RubyLLM::Chat.new("), "test/a_test.rb": 'class ATest < ActiveSupport::TestCase\n  test "an answer" do\n    RubyLLM.stub :chat, 1 do\n      assert_equal "x", Assistant.new.reply_to("x")\n    end\n  end\nend'}),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.check}: {case.name}")
def test_case(case: Case) -> None:
    found = outcome(case.check, changed(case.changes))
    assert found.verdict == case.verdict, found
