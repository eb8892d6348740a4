"""Hostile text made harmless to the reader: nothing invisible, nothing endless. Escaping for HTML is Jinja's part."""

import hashlib
import re
import unicodedata

MAX_INLINE = 2_000
MAX_LINE = 300
MAX_MARKS = 4  # combining marks on one letter; more of them would paint over the neighbouring lines

_NOT_SLUG = re.compile(r"[^a-z0-9]+")


def visible(text: str, limit: int = MAX_INLINE) -> str:
    """`text` with every control, bidi, zero-width and unassigned character shown by name, cut after `limit` characters.

    A tab stays a tab. A character that cannot be printed becomes its control picture (`␛`) or `⟨U+202E⟩`.
    """
    cut = len(text) - limit
    if cut > 0:
        text = text[:limit]
    if not (text.isascii() and text.isprintable()):
        text = _shown(text)
    return f"{text} … ({cut} more characters)" if cut > 0 else text


def _shown(text: str) -> str:
    shown = []
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.category(character).startswith("M") else 0
        printable = character.isprintable() or character == "\t"
        shown.append(character if printable and marks <= MAX_MARKS else _named(character))
    return "".join(shown)


def _named(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"⟨U+{code:04X}⟩"


def slug(text: str, longest: int = 60) -> str:
    """`text` reduced to a-z, 0-9 and single hyphens: safe as a file name, an id and a URL. Not unique by itself."""
    return _NOT_SLUG.sub("-", text.lower()).strip("-")[:longest].strip("-") or "x"


def short_digest(*parts: str) -> str:
    """Ten hex digits that tell apart what slugs do not."""
    joined = "\0".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(joined.encode(errors="surrogatepass")).hexdigest()[:10]
