"""Which consumer group reads a topic."""

from contracts import topics
from contracts.requests import QUERIES
from contracts.topics import ORDERED, TopicSpec
from workers.config.settings import Settings

NEEDS_HASH = {topics.LOGIN, topics.CHANGE_PASSWORD}
"""Read in a group of their own: nobody who is signed in waits for those who sign in."""


def group_of(settings: Settings, topic: TopicSpec) -> str:
    """Return the group that reads *topic*, which is one of our inputs."""
    if topic in ORDERED:
        return settings.ledger.group
    if topic is topics.CREDENTIALS:
        return settings.identity_group
    if topic in QUERIES:
        return settings.query_group
    return settings.signin_group if topic in NEEDS_HASH else settings.sessions_group
