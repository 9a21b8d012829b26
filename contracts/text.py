"""Which text people may write: by what Unicode promises never to change, not by an interpreter's tables.

Every worker decides alike whatever its Python, and a character of tomorrow is one today
([why](../docs/decisions/0044-text-by-what-never-changes.md)).
"""

import re
from functools import cache

_SPACES = " \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_JOINERS = "\u034f\u180b-\u180f\u200c\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef"
"""Invisible, and part of how names are spelled: of Persian, Sinhala, Malayalam; as variation selectors
of Japanese and Mongolian."""

_CONTROLS = "\0-\x1f\x7f-\x9f\u2028\u2029"
"""Cc, and the separators of lines and paragraphs."""
_INVISIBLE = (
    "\u00ad\u061c\u115f\u1160\u17b4\u17b5\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff"
    "\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
)
"""Default_Ignorable_Code_Point without the joiners: changes of direction, fillers, tags, the ranges kept
for more of them, and the anchors of annotations."""
_NONE_AT_ALL = "\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef\U000f0000-\U0010ffff" + "".join(
    chr((plane << 16) + last) for plane in range(15) for last in (0xFFFE, 0xFFFF)
)
"""Surrogates, what is for private use, and what is promised never to be a character."""

_REFUSED = f"[{_CONTROLS}{_INVISIBLE}{_NONE_AT_ALL}]|(?:^|[{_SPACES}])[{_JOINERS}]"
"""A joiner stands behind what it joins."""
_VISIBLE = f"[^{_SPACES}{_JOINERS}{_CONTROLS}{_INVISIBLE}\u2800]"
"""U+2800 is the Braille cell without dots."""
_SPACE_AROUND = f"^[{_SPACES}]|[{_SPACES}]$"


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Return *pattern*, compiled when it is first needed: with such ranges that takes a while."""
    return re.compile(pattern)


def is_plain(text: str) -> bool:
    """Say whether *text* has only what people write, on one line."""
    if text.isascii():
        return text.isprintable()  # every header of every command is asked about
    return _compiled(_REFUSED).search(text) is None


def is_blank(text: str) -> bool:
    """Say whether *text* shows nothing."""
    return _compiled(_VISIBLE).search(text) is None


def has_space_around(text: str) -> bool:
    """Say whether *text* begins or ends with a space of any kind."""
    return _compiled(_SPACE_AROUND).search(text) is not None
