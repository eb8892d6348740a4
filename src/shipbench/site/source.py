"""The lines around a piece of evidence, from the snapshot that the audit saw."""

from collections.abc import Sequence
from dataclasses import dataclass

from shipbench.audit.finding import Evidence
from shipbench.bundle.layout import Bundle
from shipbench.bundle.schema import Snapshot
from shipbench.bundle.snapshot import read_blob
from shipbench.errors import InputError
from shipbench.site.text import MAX_LINE, visible

CONTEXT = 3  # lines before and after
MAX_TEXT = 600  # characters of an evidence's own text
MAX_SOURCE = 512 * 1024  # bytes of a file that are looked at


@dataclass(frozen=True)
class SourceLine:
    number: int
    text: str
    marked: bool


@dataclass(frozen=True)
class Quote:
    """All evidence for one place, as shown. `lines` is empty where no line or no content is known; a text that only
    repeats the marked line is left out of `texts`."""

    place: str
    texts: list[str]
    lines: list[SourceLine]


class Sources:
    """Reads the files of one snapshot, each of them once."""

    def __init__(self, bundle: Bundle, snapshot: Snapshot | None) -> None:
        self._bundle = bundle
        files = snapshot.files if snapshot else []
        self._digests = {file.path: file.sha256 for file in files if file.kind == "file" and file.sha256}
        self._lines: dict[str, list[str]] = {}

    def quotes(self, evidence: Sequence[Evidence]) -> list[Quote]:
        """One quote a place, in the order in which the places first come up."""
        texts: dict[tuple[str, int | None], dict[str, None]] = {}
        for piece in evidence:
            texts.setdefault((piece.path, piece.line), {})[visible(piece.text, MAX_TEXT).strip()] = None
        return [self._quote(path, line, list(said)) for (path, line), said in texts.items()]

    def _quote(self, path: str, line: int | None, texts: list[str]) -> Quote:
        lines = [] if line is None else self._around(path, line)
        repeated = {"", *(shown.text.strip() for shown in lines if shown.marked)}
        place = path if line is None else f"{path}:{line}"
        return Quote(visible(place), [text for text in texts if text not in repeated], lines)

    def _around(self, path: str, line: int) -> list[SourceLine]:
        lines = self._file(path)
        if not 1 <= line <= len(lines):
            return []
        first = max(1, line - CONTEXT)
        shown = lines[first - 1 : line + CONTEXT]
        return [
            SourceLine(number, visible(text.removesuffix("\r"), MAX_LINE), number == line)
            for number, text in enumerate(shown, first)
        ]

    def _file(self, path: str) -> list[str]:
        digest = self._digests.get(path)
        if digest is None:
            return []
        if digest not in self._lines:
            try:
                content = read_blob(self._bundle, digest, MAX_SOURCE)
            except InputError:
                # A missing blob breaks the seal, which the page says; the evidence's own text still stands.
                content = b""
            # As an editor counts them: only a line feed ends a line.
            self._lines[digest] = content.decode(errors="backslashreplace").split("\n")
        return self._lines[digest]
