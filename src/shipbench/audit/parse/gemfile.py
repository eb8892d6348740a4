"""Reading a Gemfile and its lock: which gems, in which groups, and whether they are required."""

from dataclasses import dataclass

from shipbench.audit.parse import ruby
from shipbench.audit.parse.tree import Node


@dataclass
class Gem:
    """One `gem` line. `required` is False for `require: false`; `conditional` where an `if` or a platform decides."""

    name: str
    line: int
    groups: frozenset[str]
    required: bool
    conditional: bool
    source: str | None  # "path", "git" or "github" where the gem does not come from a registry


def read(root: Node) -> dict[str, Gem]:
    """The gems that a Gemfile names. Of a gem named twice the one that reaches production counts."""
    found: dict[str, Gem] = {}
    for call in ruby.calls(root, "gem"):
        names = ruby.arguments(call)
        name = ruby.literal(names[0]) if names and ruby.receiver(call) is None else None
        if name is None:
            continue
        gem = _gem(name, call)
        before = found.get(name)
        if before is None or not in_production(before):
            found[name] = gem
    return found


def in_production(gem: Gem) -> bool:
    return bool(gem.groups & {"default", "production"})


def _gem(name: str, call: Node) -> Gem:
    options = ruby.options(call)
    groups = _names(options.get("group")) | _names(options.get("groups"))
    conditional = "install_if" in options
    for ancestor in call.ancestors():
        if ancestor.kind in ("if", "unless", "if_modifier", "unless_modifier", "case", "conditional"):
            conditional = True
        elif ancestor.kind == "call" and ruby.call_name(ancestor) == "group":
            for argument in ruby.arguments(ancestor):
                groups |= _names(argument)
        elif ancestor.kind == "call" and ruby.call_name(ancestor) == "install_if":
            conditional = True
    required = options.get("require")
    return Gem(
        name,
        call.line,
        frozenset(groups or {"default"}),
        not (required is not None and required.kind in ("false", "nil")),
        conditional,
        next((key for key in ("path", "git", "github") if key in options), None),
    )


def _names(node: Node | None) -> set[str]:
    if node is None:
        return set()
    one = ruby.literal(node)
    if one is not None:
        return {one}
    return {name for child in node.children if (name := ruby.literal(child)) is not None}


def read_lock(text: str) -> dict[str, str]:
    """Gem name → locked version, from every `specs:` of a Gemfile.lock; `ruby` where the lock names it.

    A platform's suffix (1.18.0-x86_64-linux-gnu) is left out; of several versions the last line stands.
    """
    found: dict[str, str] = {}
    section = ""
    for line in text.splitlines():
        if line and not line[0].isspace():
            section = line.strip()
        elif section in ("GEM", "GIT", "PATH") and line.startswith("    ") and not line.startswith("     "):
            name, _, rest = line.strip().partition(" (")
            version = rest.removesuffix(")")
            if name and version:
                found[name] = version.split("-")[0]
        elif section == "RUBY VERSION" and line.strip().startswith("ruby "):
            found["ruby"] = line.strip().removeprefix("ruby ").split("p")[0].split(" ")[0]
    return found


def lock_sources(text: str) -> dict[str, str]:
    """Gem name → section of the lock (`GEM`, `GIT`, `PATH`) that it comes from."""
    found: dict[str, str] = {}
    section = ""
    for line in text.splitlines():
        if line and not line[0].isspace():
            section = line.strip()
        elif section in ("GEM", "GIT", "PATH") and line.startswith("    ") and not line.startswith("     "):
            found[line.strip().partition(" (")[0]] = section
    return found
