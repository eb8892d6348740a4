"""Text for a terminal."""

import re

_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """Without the characters that steer a terminal or turn a line around: names and reasons may carry them.

    Nor those that no encoding has: a file's name may hold any bytes.
    """
    return _UNSAFE.sub("�", text)
