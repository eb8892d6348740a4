"""Where an application keeps what must outlive a request: durable places, and places in one process's memory."""

from collections.abc import Iterator
from dataclasses import dataclass

from shipbench.audit.parse import ruby
from shipbench.audit.parse.program import Program
from shipbench.audit.parse.tree import Node

TALK = ("messag", "histor", "conversation", "chat", "thread", "turn", "transcript", "dialog")
ONLY_AN_ID = ("uuid", "securerandom", "hex", ".id", "_id", "token", "urlsafe")
MUTATING = {
    "<<",
    "push",
    "append",
    "store",
    "delete",
    "clear",
    "[]=",
    "merge!",
    "concat",
    "unshift",
    "shift",
    "fetch_or_store",
    "compute_if_absent",
    "put",
    "put_if_absent",
    "update",
    "pop",
    "add",
    "replace",
    "prepend",
}
LOCAL_STORES = ("memory_store", "null_store", "MemoryStore", "NullStore")
FILE_WRITES = {"write", "binwrite", "open", "atomic_write"}


@dataclass(eq=False)
class Store:
    """A place that keeps state. `talk` says that its name or what is put there is about the conversation."""

    kind: str
    path: str
    node: Node
    durable: bool
    talk: bool


def cache_stores(files: dict[str, Node]) -> list[tuple[str, Node, str]]:
    """Every `config.cache_store = …` that production runs: path, place and the store's name."""
    found = []
    for path in ("config/application.rb", "config/environments/production.rb"):
        root = files.get(path)
        for node in root.walk() if root else []:
            left = node.get("left") if node.kind == "assignment" else None
            right = node.get("right")
            if left is not None and right is not None and left.kind == "call" and ruby.call_name(left) == "cache_store":
                first = (
                    right.children[0] if right.kind in ("array", "right_assignment_list") and right.children else right
                )
                found.append((path, node, ruby.literal(first) or first.text))
    return found


def stores(program: Program) -> list[Store]:
    local_cache = any(
        name.endswith(LOCAL_STORES) or "MemoryStore" in name for _, _, name in cache_stores(program.files)[-1:]
    )
    found: list[Store] = []
    for path, root in program.files.items():
        if path.startswith(("app/", "lib/")):
            for node in root.walk():
                found += _durable(program, path, node, local_cache)
    found += _process_local(program)
    found += _records(program)
    return found


def _durable(program: Program, path: str, node: Node, local_cache: bool) -> Iterator[Store]:
    if node.kind in ("assignment", "operator_assignment"):
        left, right = node.get("left"), node.get("right")
        base = _base(left) if left is not None and left.kind == "element_reference" else None
        if left is not None and right is not None and base in ("session", "cookies") and not _is_id(left, right):
            yield Store(base, path, node, True, _about_talk(node.text) or _about_talk(path))
    elif node.kind == "call":
        name, source = ruby.call_name(node), ruby.receiver(node)
        base = _base(source)
        if (
            base in ("session", "cookies")
            and source is not None
            and name in MUTATING - {"delete", "clear"}
            and source.kind == "element_reference"
        ):
            yield Store(base, path, node, True, _about_talk(node.text) or _about_talk(path))
        elif name in ("write", "fetch", "write_multi") and source is not None and _is_cache(program, source):
            yield Store("Rails.cache", path, node, not local_cache, _about_talk(node.text) or _about_talk(path))
        elif (
            name in FILE_WRITES
            and ruby.constant(source) in ("File", "IO", "Pathname", "FileUtils")
            and (name != "open" or _writes(node))
        ) or (
            name == "write"
            and source is not None
            and any(word in source.text.lower() for word in ("path", "file", "pathname", "rails.root"))
        ):
            yield Store("a file", path, node, True, _about_talk(path) or _about_talk(node.text))
        elif ruby.constant(source) in (
            "Redis",
            "RedisClient",
            "PStore",
            "YAML::Store",
            "SQLite3::Database",
            "Dalli::Client",
            "ConnectionPool",
        ) and name in ("new", "config", "current"):
            yield Store(ruby.constant(source) or "", path, node, True, True)
        elif ruby.constant(source) == "Kredis" or (name.startswith("kredis_") and source is None):
            yield Store("Kredis", path, node, True, True)
        if source is None or base is None:
            yield from _session_handed_on(path, node)


def _session_handed_on(path: str, node: Node) -> Iterator[Store]:
    """`ChatHistory.new(session)`: another object keeps the conversation in the session."""
    if not path.startswith("app/controllers"):
        return
    given = [*ruby.arguments(node), *ruby.options(node).values()]
    for argument in given:
        if argument.kind in ("identifier", "hash_key_symbol") and argument.text in ("session", "cookies"):
            yield Store(argument.text, path, node, True, True)


def _base(node: Node | None) -> str | None:
    """`session` of `session[:a][:b]`, `cookies` of `cookies.encrypted[:a]`; `request.session` and `@session` too."""
    while node is not None:
        if node.kind in ("identifier", "instance_variable"):
            name = node.text.lstrip("@")
            return name if name in ("session", "cookies") else None
        if node.kind == "call":
            if ruby.call_name(node) in ("session", "cookie_jar"):
                return "session"
            node = ruby.receiver(node)
        elif node.kind == "element_reference":
            node = node.get("object") or (node.children[0] if node.children else None)
        else:
            return None
    return None


def _is_id(left: Node, right: Node) -> bool:
    name = left.text.lower()
    value = right.text.lower()
    key_is_id = any(
        name.rstrip("]'\"").endswith(ending) for ending in ("_id", "id", "token", "uuid", "locale", "theme", "model")
    )
    return (
        key_is_id
        or (any(sign in value for sign in ONLY_AN_ID) and not _about_talk(name))
        or right.kind in ("nil", "true", "false", "integer")
    )


def _is_cache(program: Program, source: Node) -> bool:
    if source.kind == "call" and ruby.call_name(source) == "cache":
        return ruby.constant(ruby.receiver(source)) == "Rails" or ruby.receiver(source) is None
    name = source.text.lstrip("@")
    if source.kind not in ("identifier", "instance_variable") or not any(word in name for word in ("cache", "store")):
        return False
    # `@cache` is the cache where something in its class says Rails.cache, and by its name alone where nothing does.
    owner = program.owner_of(source)
    return any("Rails.cache" in opened.node.text for opened in program.classes.get(owner, [])) or name.endswith("cache")


def _writes(call: Node) -> bool:
    return any((ruby.literal(argument) or "")[:1] in ("w", "a") for argument in ruby.arguments(call)[1:])


def _about_talk(text: str) -> bool:
    lower = text.lower()
    return any(word in lower for word in TALK)


# Memory of one process


def _process_local(program: Program) -> Iterator[Store]:
    for path, root in program.files.items():
        if not path.startswith(("app/", "lib/", "config/initializers/")):
            continue
        singleton = _is_singleton(program, path)
        for node in root.walk():
            if node.kind not in ("assignment", "operator_assignment"):
                continue
            left, right = node.get("left"), node.get("right")
            if left is None or right is None:
                continue
            if left.kind == "class_variable" or left.kind == "global_variable":
                if _holds_state(right) and _changed(root, left.text):
                    yield Store(
                        f"the variable {left.text}", path, node, False, _about_talk(node.text) or _about_talk(path)
                    )
            elif left.kind == "instance_variable" and (singleton or _of_class(program, node)):
                if _holds_state(right) and (_changed(root, left.text) or _handed_out(node)):
                    what = "a Singleton" if singleton else "a class's own variable"
                    yield Store(f"{what} ({left.text})", path, node, False, _about_talk(node.text) or _about_talk(path))
            elif left.kind == "constant" and _holds_state(right) and _changed(root, left.text) and not _frozen(right):
                yield Store(f"the constant {left.text}", path, node, False, _about_talk(node.text) or _about_talk(path))


def _is_singleton(program: Program, path: str) -> bool:
    return any(
        opened.path == path and "Singleton" in opened.mixins for places in program.classes.values() for opened in places
    )


def _of_class(program: Program, node: Node) -> bool:
    """Whether an instance variable is the class's own: in `def self.x`, in `class << self`, or in the class's body."""
    method = program.method_at(node)
    if method is not None:
        return method.singleton
    return bool(program.owner_of(node))


def _holds_state(value: Node) -> bool:
    """A container that can grow, or an object made anew."""
    if value.kind in ("hash", "array"):
        return True
    text = value.text
    if value.kind == "call":
        name, source = ruby.call_name(value), ruby.constant(ruby.receiver(value)) or ""
        return name == "new" and (
            source in ("Hash", "Array", "Set", "Queue", "ObjectSpace::WeakMap")
            or source.startswith("Concurrent::")
            or source.endswith("MemoryStore")
        )
    return text.startswith(("Hash.new", "Concurrent::"))


def _frozen(value: Node) -> bool:
    return value.kind == "call" and ruby.call_name(value) == "freeze"


def _changed(root: Node, name: str) -> bool:
    """Whether the container `name` is added to anywhere in its file."""
    for node in root.walk():
        if node.kind == "call" and ruby.call_name(node) in MUTATING:
            source = ruby.receiver(node)
            if source is not None and _root_text(source) == name:
                return True
        elif node.kind in ("assignment", "operator_assignment"):
            left = node.get("left")
            if left is not None and left.kind == "element_reference" and _root_text(left) == name:
                return True
        elif node.kind == "binary" and (operator := node.get("operator")) and operator.text == "<<":
            side = node.get("left")
            if side is not None and _root_text(side) == name:
                return True
    return False


def _root_text(node: Node) -> str:
    while True:
        if node.kind == "element_reference":
            inner = node.get("object") or (node.children[0] if node.children else None)
        elif node.kind == "call":
            inner = ruby.receiver(node)
        else:
            return node.text
        if inner is None:
            return node.text
        node = inner


def _handed_out(node: Node) -> bool:
    """`def self.storage = @storage ||= {}`: whoever calls it may add to it."""
    left = node.get("left")
    for ancestor in node.ancestors():
        if ancestor.kind in ("method", "singleton_method"):
            inner = ruby.statements(ancestor.get("body"))
            last = inner[-1] if inner else ancestor.get("body")
            return node.kind == "operator_assignment" and (
                last is node
                or ancestor.get("body") is node
                or (left is not None and last is not None and last.text == left.text)
            )
    return False


def _records(program: Program) -> Iterator[Store]:
    for name, places in program.classes.items():
        lineage = program.lineage(name)
        if any(other in ("ApplicationRecord", "ActiveRecord::Base") for other in lineage[1:]):
            for opened in places:
                yield Store("a database table", opened.path, opened.node, True, _about_talk(name))
