"""How long things of the identity worker last, and how patient it is with guesses."""

from dataclasses import dataclass
from datetime import timedelta

from contracts.topics import AUDIT_EVENTS, REVOCATIONS
from handlers.throttling import FAILURES_MAX, ThrottleRule

SEAL_AGE_MAX = timedelta(minutes=30)
"""How far the time of sealing may be from the broker's: senders' clocks are wrong by less, and who
gets hold of an old request cannot have it honoured under its id when that is forgotten."""

ANSWERS_KEPT = 2 * SEAL_AGE_MAX
"""How long an answer is remembered beyond the age at which its own record is too old: as long as
what was sealed in it opens in any record. At 300 requests a second that is 2 GB."""

USER_RULE = ThrottleRule(free=0, failures_max=FAILURES_MAX)
"""Of one user: every failure costs a wait, so that guessing one password takes for ever."""

SOURCE_RULE = ThrottleRule(free=100, halved_every=timedelta(hours=1))
"""Of one source: many people share an address, and nobody may lock them all out for good.

Nobody there fails or succeeds for all the others, so there is no 'in a row' among them: failures are
halved every hour instead, whatever was tried in it. A device that keeps sending an old password is
held back by its user's wait to a dozen failures in the first hour and four in each other; who
guesses over many users gets some hundred and ten in the first, then less than sixty in each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityOptions:
    """What is configured, as the identity worker needs it."""

    prefix: str = "accounts."
    access_token: timedelta = timedelta(minutes=5)
    """How long an access token is good."""
    refresh_token: timedelta = timedelta(days=30)
    """How long a session lasts, however often it is refreshed."""
    leeway: timedelta = timedelta(seconds=5)
    """How far the clocks of whoever makes and checks tokens may be apart."""
    request_age_max: timedelta = timedelta(minutes=5)
    """How old a request may be, by broker time, to be answered."""
    user_rule: ThrottleRule = USER_RULE
    source_rule: ThrottleRule = SOURCE_RULE

    @property
    def audit_topic(self) -> str:
        """Where it says who did what."""
        return self.prefix + AUDIT_EVENTS.name

    @property
    def revocations_topic(self) -> str:
        """Where it says which sessions ended."""
        return self.prefix + REVOCATIONS.name
