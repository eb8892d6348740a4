"""The library's API against its real source: calls in the application, fakes and stubs in its tests."""

from shipbench.audit.app import App
from shipbench.audit.finding import Evidence
from shipbench.audit.registry import check
from shipbench.audit.verdict import Outcome, capped, failed, listed, not_applicable, passed, unproven
from shipbench.truth.model import Use

GEM = "ruby_llm"
WRONG = ("invented", "version_mismatch")


@check("llm.api_real", absence=True)
def api_real(app: App) -> Outcome:
    uses = [use for use in app.truth.uses if use.area == "application"]
    if not uses:
        if app.unread("app/", "lib/", "config/"):
            return unproven("no use of RubyLLM was found in what could be read")
        return not_applicable("the application does not use RubyLLM")
    wrong = [use for use in uses if use.verdict in WRONG]
    if wrong:
        names = list(dict.fromkeys(use.symbol for use in wrong))
        return failed(
            f"{listed(names)} is not in RubyLLM {app.truth.version or 'of any known version'}", *_sides(app, wrong)
        )
    holes = app.unread("app/", "lib/")
    if holes:
        return unproven("no invented call was found in what could be read", *holes)
    certain = [use for use in uses if use.verdict == "real"]
    if not certain:
        return unproven(f"none of the {len(uses)} uses of RubyLLM could be resolved", *_lines(app, uses))
    rest = len(uses) - len(certain)
    tail = f"; {rest} could not be resolved and accuse nobody" if rest else ""
    return passed(
        f"{len(certain)} uses of RubyLLM exist in {app.truth.version or 'every known version'}{tail}",
        *_sides(app, certain),
    )


@check("tests.mocks_faithful", absence=True)
def mocks_faithful(app: App) -> Outcome:
    uses = [use for use in app.truth.uses if use.area == "test"]
    wrong = [use for use in uses if use.verdict in WRONG]
    if wrong:
        names = list(dict.fromkeys(use.symbol for use in wrong))
        return failed(f"tests stand on {listed(names)}, which RubyLLM does not have", *_sides(app, wrong))
    if app.unread("test/"):
        return unproven("not every test could be read", *app.unread("test/"))
    stand_ins = [
        found
        for found in app.suite.replacements
        if found.how != "own" and any(app.suite.used_in(path, found) for path in app.suite.files)
    ]
    if not stand_ins:
        return not_applicable("no test replaces the provider, so there is no fake to compare")
    places = [app.at(found.path, found.node) for found in stand_ins]
    return passed(
        "fakes and stubs stand for API that exists",
        *places,
        *_sides(app, [use for use in uses if use.verdict == "real"]),
    )


def _sides(app: App, uses: list[Use]) -> list[Evidence]:
    """Both sides of each use: the line of the application, then what the library says to it."""
    found = []
    for use in uses:
        place = app.at(use.path, use.line)
        library = f"{use.symbol}: {use.reason}" if use.reason else use.symbol
        found.append(place)
        found.append(
            place.model_copy(
                update={"text": capped(f"{library} [{GEM} {use.defined_at}]" if use.defined_at else library)}
            )
        )
    return found


def _lines(app: App, uses: list[Use]) -> list[Evidence]:
    """The application's side alone, each line once."""
    return list(dict.fromkeys(app.at(use.path, use.line) for use in uses))
