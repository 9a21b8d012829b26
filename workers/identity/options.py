"""How long things of the identity worker last, and how patient it is with guesses."""

from dataclasses import dataclass
from datetime import timedelta

from contracts.topics import AUDIT_EVENTS, REVOCATIONS
from handlers.identity.throttling import ThrottleRule

SEAL_AGE_MAX = timedelta(minutes=30)
"""How far the time of sealing may be from the broker's: senders' clocks are wrong by less, and who
gets hold of an old request cannot have it honoured under its id when that is forgotten."""

ANSWERS_KEPT = 2 * SEAL_AGE_MAX
"""How long an answer is remembered beyond the age at which its own record is too old: as long as
what was sealed in it opens in any record. At 300 requests a second that is 2 GB."""

DEVICE_TOKEN = timedelta(days=90)
"""How long a device is known that nobody signs in on: longer than most people stay away, and a
copy of its token is of little use."""

DEVICE_RULE = ThrottleRule(free=0)
"""Of one known device of a user; and of one user from one source, on devices that are not known.

Every failure costs a wait, so that guessing takes for ever: a dozen guesses in the first hour, then
four in each other."""

GUESSES_A_DAY_MAX = 100
"""Of one user, from wherever they come: more than anybody mistypes, and 36,500 guesses a year
(NIST SP 800-63B §5.2.2: no more than 100 in a row)."""

USER_RULE = ThrottleRule(
    free=GUESSES_A_DAY_MAX,
    failures_max=GUESSES_A_DAY_MAX,
    one_back_every=timedelta(days=1) / GUESSES_A_DAY_MAX,
)
"""Of all devices together that are not known to have signed the user in: those who guess from many
addresses wait for one another, and the user's own devices wait for none of them."""

SOURCE_RULE = ThrottleRule(free=100, one_back_every=timedelta(minutes=1))
"""Of one source: many people share an address.

Nobody there fails or succeeds for all the others, so there is no 'in a row' among them: a failure is
forgotten every minute instead, whatever was tried in it. A device that keeps sending an old password
is held back by its own wait, and adds nothing up; who guesses over many users gets less than 170
guesses in the first hour, then sixty in each."""


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
    device_rule: ThrottleRule = DEVICE_RULE
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
