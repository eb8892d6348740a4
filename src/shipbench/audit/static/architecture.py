"""Where the code for what stands."""

from shipbench.audit.app import App
from shipbench.audit.finding import Evidence
from shipbench.audit.parse.tree import Node
from shipbench.audit.registry import check
from shipbench.audit.verdict import Outcome, failed, not_applicable, passed, unproven

# Longer than this and a controller does somebody else's work. Lines of code, without blanks and comments.
MAX_CONTROLLER_LINES = 150
MAX_ACTION_LINES = 40


@check("architecture.provider_seam", absence=True)
def provider_seam(app: App) -> Outcome:
    wrong: list[Evidence] = []
    right: list[Evidence] = []
    for call in app.provider.calls:
        at = app.at(call.call.path, call.call.node)
        in_page = call.call.path.startswith(("app/controllers/", "app/views/", "app/helpers/"))
        (wrong if in_page or app.program.is_controller(call.call.owner) else right).append(at)
    for path, template in app.views.items():
        wrong += [
            app.at(path, node) for node in template.ruby.walk() if node.kind == "constant" and node.text == "RubyLLM"
        ]
    if wrong:
        return failed("the model is called from a controller, view or helper", *wrong)
    if not right:
        if app.provider.mentions:
            return unproven("no call to a model was recognised")
        return not_applicable("no call to a model was found")
    dead = app.unreached("the model is called from an object of its own")
    return dead or passed("the model is called from an object of its own", *right)


@check("architecture.thin_controllers", absence=True)
def thin_controllers(app: App) -> Outcome:
    controllers = [
        opened
        for name, places in app.program.classes.items()
        for opened in places
        if opened.path.startswith("app/controllers/") and name
    ]
    if not controllers:
        return app.missing("there is no controller", "a class in app/controllers/", reads=("app/controllers/",))
    long = [
        (opened.path, opened.node, f"{opened.name} has {lines} lines")
        for opened in controllers
        if (lines := code_lines(opened.node)) > MAX_CONTROLLER_LINES
    ]
    long += [
        (method.path, method.node, f"{method.owner}#{method.name} has {lines} lines")
        for method in app.program.methods
        if method.path.startswith("app/controllers/") and (lines := code_lines(method.node)) > MAX_ACTION_LINES
    ]
    if long:
        return failed(f"{long[0][2]}", *(app.at(path, node) for path, node, _ in long))
    return passed("the controllers are short", *(app.at(opened.path, opened.node) for opened in controllers))


def code_lines(node: Node) -> int:
    lines = node.text.split("\n")
    return sum(1 for line in lines if line.strip() and not line.strip().startswith("#"))
