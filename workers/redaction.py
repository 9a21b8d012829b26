"""Blanks what is secret in text that was not made by us."""

import re

BLANK = "***"

URL_CREDENTIALS = re.compile(r"(?<=://)\S*@")
"""Greedy up to the last `@`: an unescaped one inside a password hides with it."""

URL_SECRET = re.compile(
    r"([?&][^=&\s]*(?:password|secret|token|properties)[^=&\s]*=)[^&\s]*", re.IGNORECASE
)
"""Query parameters that carry secrets, such as tlsCertificateKeyFilePassword."""


def redact(text: str) -> str:
    """Return *text* with the credentials inside of URLs blanked."""
    return URL_SECRET.sub(rf"\1{BLANK}", URL_CREDENTIALS.sub(f"{BLANK}@", text))
