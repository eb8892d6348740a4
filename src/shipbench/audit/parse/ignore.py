"""Reading .gitignore and .dockerignore."""

import re

from pathspec import GitIgnoreSpec

MAX_LINES = 2000
MAX_LINE = 400


def read(text: str) -> GitIgnoreSpec:
    """The file's patterns; lines that are no patterns are left out."""
    good = []
    for line in text.splitlines()[:MAX_LINES]:
        try:
            GitIgnoreSpec.from_lines([line[:MAX_LINE]])
        except (ValueError, re.error):
            continue
        good.append(line[:MAX_LINE])
    return GitIgnoreSpec.from_lines(good)
