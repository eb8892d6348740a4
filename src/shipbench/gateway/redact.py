"""Takes keys out of what goes to disk."""

import json
import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote

MARK = b"[redacted]"
SHORTEST = 8  # a shorter value ("none", "ollama") is a placeholder, and blanking it would spoil the evidence
_PREFIX = 6  # a body that was cut off may end inside a key: this much of one is taken out

# Each begins with a literal, which makes the search fast.
_SHAPES = re.compile(
    rb"sk-[A-Za-z0-9_-]{20,}|xai-[A-Za-z0-9]{20,}|gsk_[A-Za-z0-9]{20,}|AIza[A-Za-z0-9_-]{30,}"
    rb"|earer [A-Za-z0-9._~+/=-]{16,}|uthorization\\?[\"']?: ?\\?[\"']?[A-Za-z]+ [A-Za-z0-9._~+/=-]{8,}"
)
_WORD = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"


class Redactor:
    """Replaces the given secret values, and everything that has the shape of a provider's key, by a mark."""

    def __init__(self, secrets: Sequence[str]) -> None:
        forms: set[bytes] = set()
        for secret in secrets:
            if len(secret) >= SHORTEST:
                quoted = json.dumps(secret)[1:-1]
                forms |= {
                    form.encode() for form in (secret, quoted, quoted.replace("/", "\\/"), quote(secret, safe=""))
                }
        self._secrets = [secret for secret in secrets if len(secret) >= SHORTEST]
        self._forms = sorted(forms, key=len, reverse=True)
        beginnings = {form[:length] for form in forms for length in range(_PREFIX, len(form))}
        self._beginnings = tuple(sorted(beginnings, key=len, reverse=True))

    def told(self, texts: Iterable[str]) -> bool:
        """Whether a text holds a secret value, which its pieces on the wire may hide from `clean`."""
        return any(secret in text for text in texts for secret in self._secrets)

    def clean(self, body: bytes) -> bytes:
        """`body`, which must be whole: a key that is cut over two calls is seen by neither."""
        for form in self._forms:
            body = body.replace(form, MARK)
        body = _SHAPES.sub(_shape, body)
        if body.endswith(self._beginnings):
            longest = next(beginning for beginning in self._beginnings if body.endswith(beginning))
            return body[: -len(longest)] + MARK
        return body


def _shape(match: re.Match[bytes]) -> bytes:
    found, before = match.group(), match.string[match.start() - 1 : match.start()]
    if found.startswith(b"sk-"):
        # `task-list-component-partial` and style classes such as `sk-folding-cube-container` are no keys.
        if before and before in _WORD:
            return found
        return MARK if any(48 <= byte <= 57 for byte in found) else found
    if found.startswith(b"earer "):
        return b"earer " + MARK
    if found.startswith(b"uthorization"):
        return found[: found.rindex(b" ") + 1] + MARK
    return MARK
