"""Text that was not made by us, before it is shown: secrets blanked, nothing that steers a screen."""

import re

BLANK = "***"

URL_CREDENTIALS = re.compile(r"(?<=://)\S*@")
"""Greedy up to the last `@`: an unescaped one inside a password hides with it."""

URL_SECRET = re.compile(
    r"([?&][^=&\s]*(?:password|secret|token|properties)[^=&\s]*=)[^&\s]*", re.IGNORECASE
)
"""Query parameters that carry secrets, such as tlsCertificateKeyFilePassword."""


UNPRINTABLE = "·"
"""Stands for one character that is not shown: one for one, so that columns and styles stay right."""


def cleaned(text: str) -> str:
    """Return *text* as one line that shows what it holds and does nothing else.

    Whatever moves the cursor, breaks the line, reorders it (Unicode's bidirectional controls) or is
    not seen at all (other format characters, private and unassigned ones) becomes a dot.
    """
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else UNPRINTABLE for sign in text)


def redact(text: str) -> str:
    """Return *text* with the credentials inside of URLs blanked."""
    return URL_SECRET.sub(rf"\1{BLANK}", URL_CREDENTIALS.sub(f"{BLANK}@", text))
