"""What failed sign-ins are counted by, as the counts are named in the store.

A username has no slash, so that no count of one user is named as one of another.
"""

from contracts.sources import counted_as


def of_user(username: str) -> str:
    """Name the count that all devices share on which *username* has never signed in."""
    return f"user:{username}"


def of_device(username: str, device: str) -> str:
    """Name the count of one device on which *username* has signed in."""
    return f"user:{username}/device/{device}"


def of_user_from(username: str, source: str | None) -> str:
    """Name the count of who signs in as *username* from *source*, or from nowhere that is known."""
    known = "" if source is None else f"/{counted_as(source)}"
    return f"user:{username}/source{known}"


def of_source(source: str) -> str:
    """Name the count of *source* over all users."""
    return f"source:{counted_as(source)}"


def below(username: str) -> tuple[str, str]:
    """Return the first and the end of all names of counts of *username* alone but `of_user`."""
    return f"user:{username}/", f"user:{username}0"  # 0 is the character behind the slash
