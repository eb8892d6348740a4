"""The README: about this application, or what `rails new` wrote?"""

import re
from difflib import SequenceMatcher

from shipbench.audit.app import App
from shipbench.audit.registry import check
from shipbench.audit.verdict import Outcome, failed, listed, passed

NAMES = ("README.md", "README.markdown", "README", "README.rdoc", "README.txt", "Readme.md", "readme.md", "README.MD")
KEY = "OPENROUTER_API_KEY"
# The sentences that `rails new` writes; a README that is mostly these says nothing about the application.
STOCK = """This README would normally document whatever steps are necessary to get the application up and running.
Things you may want to cover: Ruby version System dependencies Configuration Database creation Database initialization
How to run the test suite Services (job queues, cache servers, search engines, etc.) Deployment instructions"""
MIN_WORDS = 60
MAX_CHARACTERS = 200_000

INSTALL = re.compile(
    r"bundle\s+install|bin/setup|mise\s+install|\bbundle\b(?=\s*$)|docker[ -]compose\s+(up|build)|docker\s+build",
    re.MULTILINE,
)
RUN = re.compile(
    r"bin/dev|rails\s+(s|server)\b|docker[ -]compose\s+up|docker\s+run|foreman|puma|bin/setup|\bmise\s+(run|dev)"
)
TEST = re.compile(
    r"rails\s+test|bin/ci\b|rake\s+test|bundle exec\s+rake|\bbin/test\b|mise\s+run\s+test|-Itest|rails\s+t\b"
)


@check("readme.setup")
def setup(app: App) -> Outcome:
    path = app.first(*NAMES)
    if path is None:
        return app.missing("there is no README", "README.md", reads=NAMES)
    text = app.text(path)[:MAX_CHARACTERS]
    words = plain(text).split()
    if similarity(words) > 0.6:
        return failed("the README is the one that Rails generates", app.at(path, _first_line(text)))
    lacks = [
        what
        for what, there in (
            (KEY, KEY in text),
            ("how to install it", INSTALL.search(text)),
            ("how to run it", RUN.search(text)),
            ("how to test it", TEST.search(text)),
        )
        if not there
    ]
    if lacks:
        return failed(f"the README does not tell {listed(lacks)}", app.nothing(", ".join(lacks), path))
    if len(words) < MIN_WORDS:
        return failed(f"the README has only {len(words)} words", app.at(path, _first_line(text)))
    return passed("the README tells how to set the application up, run and test it", app.at(path, _first_line(text)))


def plain(text: str) -> str:
    """The text that a Markdown document shows, code included."""
    from markdown_it import MarkdownIt

    tokens = MarkdownIt("commonmark", {"maxNesting": 20}).parse(text)
    return " ".join(token.content for token in tokens if token.type in ("inline", "fence", "code_block"))


def similarity(words: list[str]) -> float:
    """How much of the README is Rails' own text: 1.0 is all of it."""
    stock = STOCK.split()
    mine = words[:1000]
    if not mine:
        return 0.0
    same = sum(block.size for block in SequenceMatcher(None, stock, mine, autojunk=False).get_matching_blocks())
    return same / len(mine)


def _first_line(text: str) -> int:
    return next((number for number, line in enumerate(text.split("\n"), 1) if line.strip()), 1)
