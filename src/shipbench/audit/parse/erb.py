"""Reading ERB templates: the Ruby in them, the HTML around it, line numbers kept in both."""

import time
from dataclasses import dataclass, field
from html.parser import HTMLParser

from shipbench.audit.parse.tree import PARSE_SECONDS, Node, UnparsableError, parse

# Stands for each byte of `<%= … %>` in the HTML, so that an attribute shows that it is not constant.
DYNAMIC = "\x1a"


@dataclass
class Tag:
    """An HTML start tag, with the text inside it where it is a script or style."""

    name: str
    attributes: dict[str, str]
    line: int
    content: str = ""


@dataclass
class Template:
    """An ERB template. `ruby` is its code as one program; `unescaped` are the expressions in `<%== … %>`."""

    ruby: Node
    tags: list[Tag] = field(default_factory=list)
    unescaped: list[Node] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)


def read(source: bytes) -> Template:
    """Parse a template. UnparsableError over the limits of size and time."""
    tree = parse("embedded_template", source)
    code = bytearray(_blank(source))
    page = bytearray(source)
    raw: list[tuple[int, int]] = []
    for node in tree.children:
        if node.kind == "content":
            continue
        page[node.start : node.end] = _filled(source[node.start : node.end], node.kind == "output_directive")
        inner = next((child for child in node.children if child.kind == "code"), None)
        if node.kind == "comment_directive" or inner is None:
            continue
        start, end = inner.start, inner.end
        if source[node.start : node.start + 4] == b"<%==":
            raw.append((start, end))
        code[start:end] = source[start:end]
        if end < len(code) and code[end : end + 1] == b" ":
            code[end : end + 1] = b";"
    ruby = parse("ruby", bytes(code))
    unescaped = [_outermost(ruby, start, end) for start, end in raw]
    return Template(ruby, html_tags(page.decode("utf-8", "replace")), [node for node in unescaped if node])


def html_tags(text: str) -> list[Tag]:
    """The start tags. UnparsableError where it takes too long: HTMLParser needs quadratic time for tags left open."""
    reader = _Tags()
    try:
        reader.feed(text)
        reader.close()
    except AssertionError as reason:  # HTMLParser's answer to some declarations, such as `<![\0`
        raise UnparsableError(f"its HTML not parsed: {reason}") from None
    return reader.found


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[Tag] = []
        self._open: Tag | None = None
        self._deadline = time.monotonic() + PARSE_SECONDS

    def parse_starttag(self, i: int) -> int:
        if time.monotonic() > self._deadline:
            raise UnparsableError(f"its HTML not parsed within {PARSE_SECONDS:g} s")
        return super().parse_starttag(i)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = Tag(tag, {name: value or "" for name, value in attrs}, self.getpos()[0])
        self.found.append(found)
        self._open = found if tag in ("script", "style") else None

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002
        self._open = None

    def handle_data(self, data: str) -> None:
        if self._open:
            self._open.content += data


def _blank(source: bytes) -> bytes:
    """As long as `source`, all spaces but the line breaks."""
    return bytes(byte if byte in b"\r\n" else 0x20 for byte in source)


def _filled(source: bytes, output: bool) -> bytes:
    filler = ord(DYNAMIC) if output else 0x20
    return bytes(byte if byte in b"\r\n" else filler for byte in source)


def _outermost(root: Node, start: int, end: int) -> Node | None:
    for node in root.walk():
        if start <= node.start and node.end <= end and node.kind != "comment":
            return node
    return None
