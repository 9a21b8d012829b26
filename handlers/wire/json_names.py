"""Whether each name of a JSON object stands once; where one does not, readers disagree what it says."""

import jiter


def repeats_a_name(text: bytes, read: int) -> bool:
    """Say whether an object in *text* has a name twice (RFC 8259 §4).

    *read* is how many different names of the outermost object were read. *text* is valid JSON: with
    as many colons as that, each name has one, and nothing is left to look for in most commands.
    """
    if text.count(b":") == read:
        return False
    try:
        jiter.from_json(text, catch_duplicate_keys=True, cache_mode="none")
    except ValueError:
        return True
    return False
