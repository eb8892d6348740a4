"""Where the application stands."""

from shipbench.audit.app import EMBEDDED, App
from shipbench.audit.registry import check
from shipbench.audit.verdict import Outcome, failed, passed, unproven


@check("layout.workspace_root")
def workspace_root(app: App) -> Outcome:
    if app.root:
        marker = app.first("config/application.rb", "Gemfile", "config.ru") or ""
        return failed(
            f"the application stands in {app.root.rstrip('/')}/, not in the workspace's root", app.at(marker, 1)
        )
    holes = [hole for hole in app.unread("app/", "config/") if hole.path in ("app", "config")]
    if holes:
        return unproven(f"{holes[0].path} could not be looked into: {holes[0].text}", *holes)
    doubled = [path for path in app.paths("app/app/", "app/config/") if path.endswith(".rb")]
    if doubled:
        return failed("a second application tree is nested in app/", *(app.at(path, 1) for path in doubled))
    others = [
        path
        for path in app.files
        if path.endswith("/config/application.rb") and not any(part in f"/{path}" for part in (*EMBEDDED, "/engines/"))
    ]
    if others:
        return failed("a second application is nested in a folder", *(app.at(path, 1) for path in others))
    found = app.first("config/application.rb", "Gemfile")
    if found is None:
        return app.missing(
            "no application's root was found", "config/application.rb, Gemfile", reads=("config/", "Gemfile")
        )
    return passed("the application stands in the workspace's root", app.at(found, 1))
