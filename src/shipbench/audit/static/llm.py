"""The library and the model: is RubyLLM what reaches the model, is it set up, with which model, told what."""

import re
from collections.abc import Iterator

from shipbench.audit.app import App
from shipbench.audit.data import table
from shipbench.audit.finding import Evidence
from shipbench.audit.parse import gemfile, ruby
from shipbench.audit.parse.tree import Node
from shipbench.audit.provider import LIBRARY, names_model_host, uses_http
from shipbench.audit.registry import check
from shipbench.audit.verdict import Outcome, failed, listed, not_applicable, passed, unproven

GEM = "ruby_llm"
OTHER_GEMS = (
    "ruby-openai",
    "openai",
    "open_router",
    "openrouter",
    "openrouter_client",
    "anthropic",
    "ruby-anthropic",
    "langchainrb",
    "langchainrb_rails",
    "raix",
    "llm.rb",
    "omniai",
    "omniai-openai",
)
CODE = ("app/", "lib/", "config/")


@check("llm.gem_in_production")
def gem_in_production(app: App) -> Outcome:
    if app.gemfile is None:
        return app.missing("there is no Gemfile to look at", "Gemfile", reads=("Gemfile",))
    gem = app.gemfile.get(GEM)
    if gem is None:
        if app.gemfile and any(
            app.text("Gemfile").find(word) >= 0 for word in ("gemspec", "eval_gemfile", "instance_eval")
        ):
            return unproven("the Gemfile takes gems from elsewhere", app.at("Gemfile"))
        return failed("the Gemfile does not name ruby_llm", app.nothing('gem "ruby_llm"', "Gemfile"))
    place = app.at("Gemfile", gem.line)
    if not gemfile.in_production(gem):
        return failed(
            f"ruby_llm is only in the group {listed(sorted(gem.groups))}, so production does not load it", place
        )
    if gem.conditional:
        return unproven("a condition in the Gemfile decides whether ruby_llm is there", place)
    if not gem.required:
        required = [
            app.at(call.path, call.node)
            for call in app.program.named("require")
            if _first(call.node) in (GEM, "ruby_llm")
        ]
        if required:
            return passed("ruby_llm is required by the code", place, *required)
        return failed("ruby_llm has require: false and no code requires it", place)
    return passed("ruby_llm is in the default group and required", place)


def _first(call: Node) -> str | None:
    given = ruby.arguments(call)
    return ruby.literal(given[0]) if given else None


@check("llm.configured")
def configured(app: App) -> Outcome:
    for call in app.program.named("configure", "context"):
        if ruby.constant(ruby.receiver(call.node)) != LIBRARY or call.node.kind != "call":
            continue
        given = ruby.block(call.node)
        names = [_setter(node) for node in given.walk()] if given else []
        if "openrouter_api_key" in names:
            return passed("RubyLLM is configured for OpenRouter", app.at(call.path, call.node))
        if given and "openai_api_base" in names and names_model_host(given):
            return passed("RubyLLM is pointed at OpenRouter's OpenAI-compatible address", app.at(call.path, call.node))
    for path, root in app.program.files.items():
        for node in root.walk():
            if _setter(node) == "openrouter_api_key":
                return passed("RubyLLM is configured for OpenRouter", app.at(path, node))
    return app.missing(
        "RubyLLM is not configured for OpenRouter", "openrouter_api_key = in a RubyLLM.configure block", reads=CODE
    )


def _setter(node: Node) -> str | None:
    if node.kind not in ("assignment", "operator_assignment"):
        return None
    left = node.get("left")
    return ruby.call_name(left) if left is not None and left.kind == "call" else None


@check("llm.library_used")
def library_used(app: App) -> Outcome:
    found = [call.call for call in app.provider.calls if call.road == "library"]
    if found:
        dead = app.unreached("code calls the model through RubyLLM")
        return dead or passed(
            "application code calls the model through RubyLLM", *(app.at(call.path, call.node) for call in found)
        )
    others = [call.call for call in app.provider.calls]
    if others:
        return failed("the model is reached without RubyLLM", *(app.at(call.path, call.node) for call in others))
    mentions = [app.at(path) for path in sorted(app.provider.mentions) if not path.startswith("config/")]
    if mentions:
        return unproven("the code names RubyLLM, and no call that sends a message was recognised", *mentions)
    return app.missing(
        "no application code calls the model through RubyLLM",
        "RubyLLM.chat, RubyLLM::Chat.new and a call of ask or complete",
        reads=CODE,
    )


@check("llm.no_bypass", absence=True)
def no_bypass(app: App) -> Outcome:
    gems = [gem for name, gem in (app.gemfile or {}).items() if name in OTHER_GEMS]
    if gems:
        return failed(
            f"the Gemfile names another client: {listed([gem.name for gem in gems])}",
            *(app.at("Gemfile", gem.line) for gem in gems),
        )
    roads = [call.call for call in app.provider.calls if call.road != "library"]
    if roads:
        return failed("code reaches the model without RubyLLM", *(app.at(call.path, call.node) for call in roads))
    browser = list(_browser_calls(app))
    if browser:
        return failed("the browser calls the model's provider itself", *browser)
    unsure = list(_unclear_hosts(app))
    if unsure:
        return unproven("code names a model provider's address beside an HTTP client", *unsure)
    return passed(
        "no raw HTTP and no other client reaches a model",
        *(app.at(call.call.path, call.call.node) for call in app.provider.calls),
    )


def _browser_calls(app: App) -> Iterator[Evidence]:
    for path in app.paths("app/javascript/", suffix=(".js", ".mjs")):
        root = app.javascript(path)
        for node in root.walk() if root else []:
            if node.kind == "call_expression":
                called, given = node.get("function"), node.get("arguments")
                if (
                    called
                    and given
                    and called.text == "fetch"
                    and any(host in given.text for host in ("openrouter.ai", "api.openai.com", "api.anthropic.com"))
                ):
                    yield app.at(path, node)


def _unclear_hosts(app: App) -> Iterator[Evidence]:
    for path, root in app.program.files.items():
        host = names_model_host(root) if path.startswith(("app/", "lib/")) else None
        if host and uses_http(root):
            yield app.at(path, host)


# The model


class Slug:
    """A model's name as the code gives it, and how the chat is made with it."""

    def __init__(self, text: str, place: Evidence, provider: bool, assumed: bool) -> None:
        self.text, self.place, self.provider, self.assumed = text, place, provider, assumed


SLUG = re.compile(
    r"~?[\w.:/-]*(claude|sonnet|gpt|gemini|llama|mistral|qwen|deepseek|kimi|grok)[\w.:/-]*", re.IGNORECASE
)
SETTING = re.compile(r"[\w~.:/=-]*claude[\w.:/-]*")
GENERATION = re.compile(r"(?<![\d.])(\d{1,2})(?:[.-](\d{1,2}))?(?![\d])")


def slugs(app: App) -> list[Slug]:
    """The models that the application may use: first those in the Ruby code, else those in its settings."""
    options = _chat_options(app)
    found = []
    for path, root in app.program.files.items():
        for node in root.walk():
            text = ruby.literal(node) if node.kind in ("string", "simple_symbol") else None
            if text and SLUG.fullmatch(text) and ("-" in text or "/" in text) and not _is_label(node):
                found.append(
                    Slug(
                        text,
                        app.at(path, node),
                        "provider" in options,
                        "assume_model_exists" in options or "assume_exists" in options,
                    )
                )
    if found:
        return found
    for path in [
        *app.paths("config/", suffix=(".yml", ".yaml")),
        *app.paths("", suffix=(".env.example", "compose.yaml", "compose.yml", "Dockerfile", "mise.toml")),
    ]:
        for number, line in enumerate(app.text(path).split("\n"), 1):
            names = [match[0].split("=")[-1].lstrip(":-") for match in SETTING.finditer(line.split("#")[0])]
            found += [Slug(name, app.at(path, number), "provider" in options, False) for name in names]
    return found


def _is_label(node: Node) -> bool:
    """Text for people: keys of locale-like hashes, arguments of log calls."""
    parent = node.parent
    return parent is not None and parent.kind == "pair" and node.field == "key"


def _chat_options(app: App) -> set[str]:
    """Names of the options with which chats are made, and the settings that RubyLLM is given."""
    names: set[str] = set()
    for call in app.program.named("chat", "new", "with_model", "create!", "create"):
        if call.node.kind == "call" and (call.path in app.provider.mentions or "model" in ruby.options(call.node)):
            names |= set(ruby.options(call.node))
    for root in app.program.files.values():
        for node in root.walk():
            if (
                node.kind == "pair"
                and (key := node.get("key"))
                and key.text in ("provider", "assume_model_exists", "assume_exists")
            ):
                names.add(key.text)
    return names


@check("llm.model_slug")
def model_slug(app: App) -> Outcome:
    found = slugs(app)
    claude = [slug for slug in found if "claude" in slug.text.lower() or "sonnet" in slug.text.lower()]
    if not claude:
        if found:
            return failed(
                f"the model is {listed(sorted({slug.text for slug in found}))}, not a Claude Sonnet",
                *(slug.place for slug in found),
            )
        return app.missing("no model is named", "a string such as anthropic/claude-sonnet-…", reads=CODE)
    sonnets = [slug for slug in claude if "sonnet" in slug.text.lower()]
    if not sonnets:
        return failed(
            f"the model is {listed(sorted({slug.text for slug in claude}))}, not a Sonnet",
            *(slug.place for slug in claude),
        )
    bare = [slug for slug in sonnets if not slug.text.removeprefix("~").lower().startswith("anthropic/")]
    if not bare:
        known = sonnets[0].text in table("models")["aliases"].values()
        said = "is" if known else "is not in the table of known models; its name has the shape of a Claude Sonnet:"
        return passed(f"the model {said} {sonnets[0].text}", *(slug.place for slug in sonnets))
    if len(bare) < len(sonnets):
        return unproven("some names of the model lack the vendor's prefix", *(slug.place for slug in bare))
    return _without_vendor(bare)


def _without_vendor(bare: list[Slug]) -> Outcome:
    places = [slug.place for slug in bare]
    names = listed(sorted({slug.text for slug in bare}))
    if bare[0].provider and not bare[0].assumed:
        if all(slug.text in table("models")["aliases"] for slug in bare):
            return passed(f"RubyLLM's alias table turns {names} into OpenRouter's name", *places)
        return unproven(
            f"{names} lacks the vendor's prefix; whether RubyLLM knows it as an alias is not certain", *places
        )
    return failed(f"{names} lacks the vendor's prefix anthropic/, so OpenRouter does not know it", *places)


@check("llm.model_current")
def model_current(app: App) -> Outcome:
    accepted = table("models")
    sonnets = [slug for slug in slugs(app) if "sonnet" in slug.text.lower()]
    if not sonnets:
        return not_applicable("no Claude Sonnet is named, so none can be stale")
    stale = [
        slug for slug in sonnets if (version := generation(slug.text)) and version < _pair(accepted["oldest_accepted"])
    ]
    unknown = [slug for slug in sonnets if not _tabled(slug.text)]
    if unknown:
        return unproven(
            f"{unknown[0].text} is not in the table of {accepted['as_of']}, neither among the current nor the stale",
            *(slug.place for slug in unknown),
        )
    if not stale:
        return passed(f"{sonnets[0].text} was current in {accepted['as_of']}", *(slug.place for slug in sonnets))
    if len(stale) < len(sonnets):
        return unproven("more than one model is named and some are stale", *(slug.place for slug in stale))
    return failed(
        f"{stale[0].text} was stale in {accepted['as_of']}; the newest was Sonnet {accepted['newest']}",
        *(slug.place for slug in stale),
    )


def generation(slug: str) -> tuple[int, int] | None:
    """claude-3.7-sonnet → (3, 7), claude-sonnet-4-20250514 → (4, 0); None where the name tells none."""
    found = GENERATION.search(slug)
    return (int(found[1]), int(found[2] or 0)) if found else None


def _tabled(slug: str) -> bool:
    """Whether the table knows the generation that a model's name tells, whatever date follows it."""
    known = {generation(name) for name in [*table("models")["aliases"], *table("models")["stale"]]}
    mine = generation(slug)
    return mine is not None and mine in known


def _pair(version: str) -> tuple[int, int]:
    major, _, minor = version.partition(".")
    return int(major), int(minor or 0)


@check("llm.system_prompt")
def system_prompt(app: App) -> Outcome:
    for call in app.program.named("with_instructions", "instructions"):
        if call.node.kind != "call" or not ruby.arguments(call.node):
            continue
        if call.name == "instructions" and not app.provider.is_chat_class(call.owner):
            continue
        if _empty_text(app, ruby.arguments(call.node)[0]):
            return failed("the instructions are empty", app.at(call.path, call.node))
        return passed("the model is given instructions", app.at(call.path, call.node))
    for path, root in app.program.files.items():
        for node in root.walk():
            if (
                node.kind == "pair"
                and (key := node.get("key"))
                and ruby.literal(key) == "role"
                and ruby.literal(node.get("value")) == "system"
            ):
                return passed("the model is given a system message", app.at(path, node))
    if not app.provider.calls:
        return not_applicable("no call to a model was found")
    return app.missing(
        "the model is given no system prompt", "with_instructions, or a message with the role system", reads=CODE
    )


def _empty_text(app: App, node: Node) -> bool:
    name = ruby.constant(node)
    value = app.program.constant_value(name, app.program.owner_of(node)) if name else node
    return ruby.literal(value) == "" or (value is not None and value.kind == "string" and not value.children)
