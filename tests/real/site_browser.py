"""Opens a built site in Chromium from file://; as a program, takes pictures: site_browser.py SITE FOLDER TRIAL-GLOB."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CHROMIUM = Path("/usr/bin/chromium")
FORMS = {"desktop": (1280, 900), "phone": (390, 844)}


@dataclass
class Seen:
    """What a page did that a reader would not see."""

    console: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    @property
    def nothing(self) -> bool:
        return not (self.console or self.outside or self.dialogs)


@contextmanager
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # The sandbox of Chromium does not start for root, which containers mostly are.
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@contextmanager
def open_page(
    chromium: Any, path: Path, fragment: str = "", scheme: str = "light", form: str = "desktop", script: bool = True
) -> Iterator[tuple[Any, Seen]]:
    width, height = FORMS[form]
    context = chromium.new_context(
        color_scheme=scheme, viewport={"width": width, "height": height}, java_script_enabled=script
    )
    page, seen = context.new_page(), Seen()
    page.on("console", lambda message: seen.console.append(message.text))
    page.on("pageerror", lambda error: seen.console.append(str(error)))
    page.on("dialog", lambda dialog: (seen.dialogs.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: request.url.startswith(("file:", "data:")) or seen.outside.append(request.url))
    page.goto(f"{path.as_uri()}{fragment}")
    yield page, seen
    context.close()


def take_pictures(site: Path, folder: Path, trial: str) -> None:
    """leaderboard, trial, method and published pages, in light and dark, on a desktop and a phone."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = {
        "leaderboard": site / "index.html",
        "trial": next(iter(sorted((site / "trial").glob(trial)))),
        "method": site / "method.html",
        "published": next(iter(sorted(site.glob("published-*.html")))),
    }
    with browser() as chromium:
        for name, path in pages.items():
            for form in FORMS:
                for scheme in ("light", "dark"):
                    with open_page(chromium, path, scheme=scheme, form=form) as (page, _):
                        page.screenshot(path=folder / f"site-{name}-{scheme}-{form}.png")
        for part in ("findings", "timeline"):
            with open_page(chromium, pages["trial"], f"#{part}") as (page, _):
                page.screenshot(path=folder / f"site-trial-{part}-light-desktop.png")


if __name__ == "__main__":
    take_pictures(Path(sys.argv[1]).resolve(), Path(sys.argv[2]), sys.argv[3])
