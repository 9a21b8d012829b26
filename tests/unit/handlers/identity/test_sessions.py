"""What a refresh does to a session, and which requests are repeats: a row per boundary."""

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from contracts.sessions import Refresh, ReplyKey
from handlers.identity import sessions
from handlers.identity.sessions import (
    SESSIONS_MAX,
    Ended,
    Refreshed,
    RefreshToken,
    Repeat,
    Repeated,
    Reused,
    Rotated,
    Superseded,
    Unknown,
)
from handlers.model.input_records import RequestRecord
from handlers.model.outcome import Source, Trace
from handlers.model.session import Answered, Session
from tests.unit.sealed import NOON

HERE = Source(topic="accounts.requests.refresh", partition=3, offset=7)
DAY = timedelta(days=1)
MS = timedelta(milliseconds=1)


def a_token(whole: str, family: str = "family", session_id: str = "s-1") -> RefreshToken:
    return RefreshToken(
        session_id=session_id, whole_hash=whole.encode(), family_hash=family.encode()
    )


def a_session() -> Session:
    """Return alice's, opened at noon for a day and renewed an hour later by request `r-1`."""
    first, second = a_token("first"), a_token("second")
    session = sessions.opened(
        first, username="alice", epoch=0, source=None, now=NOON, expires_at=NOON + DAY
    )
    later = NOON + timedelta(hours=1)
    rotated = sessions.refresh(session, asked("r-1"), first, second, later, epoch=0)
    assert isinstance(rotated, Rotated)
    return rotated.session


def asked(request_id: str = "r-2", username: str = "alice", source: Source = HERE) -> RequestRecord:
    request = Refresh(
        request_id=request_id,
        username=username,
        sealed_refresh_token="a.b.c.d.e",
        reply_key=ReplyKey(kty="OKP", crv="X25519", x="a" * 43),
    )
    return RequestRecord(
        request=request,
        type="refresh",
        source=source,
        timestamp_ms=int(NOON.timestamp() * 1000),
        trace=Trace(correlation_id="c"),
    )


RENEWED = NOON + timedelta(hours=1)


@pytest.mark.parametrize(
    ("token", "request_id", "after", "becomes"),
    [
        ("second", "r-2", timedelta(0), Rotated),
        ("second", "r-1", timedelta(0), Rotated),
        ("second", "r-2", timedelta(hours=23) - MS, Rotated),
        ("second", "r-2", timedelta(hours=23), Ended),
        ("first", "r-2", timedelta(0), Superseded),
        ("first", "r-2", timedelta(seconds=-1), Superseded),  # clocks differ
        ("first", "r-2", timedelta(seconds=10), Superseded),
        ("first", "r-2", timedelta(seconds=10) + MS, Reused),
        ("first", "r-1", timedelta(seconds=10) + MS, Repeated),
        ("first", "r-2", timedelta(hours=23), Ended),
        ("older", "r-2", timedelta(0), Reused),
        ("older", "r-1", timedelta(0), Reused),
    ],
)
def test_a_token_of_the_family(
    token: str, request_id: str, after: timedelta, becomes: type[Refreshed]
) -> None:
    session = a_session()

    found = sessions.refresh(
        session, asked(request_id), a_token(token), a_token("third"), RENEWED + after, epoch=0
    )

    assert type(found) is becomes


@pytest.mark.parametrize(
    ("epoch", "becomes"), [(6, Rotated), (7, Rotated), (8, Ended)], ids=["6", "7", "8"]
)
def test_a_session_of_before_all_were_ended(epoch: int, becomes: type[Refreshed]) -> None:
    session = replace(a_session(), epoch=7)

    found = sessions.refresh(
        session, asked(), a_token("second"), a_token("third"), RENEWED, epoch=epoch
    )

    assert type(found) is becomes


class TestATokenOfNobody:
    def test_names_no_session(self) -> None:
        found = sessions.refresh(None, asked(), a_token("x"), a_token("y"), RENEWED, epoch=0)

        assert found == Unknown()

    def test_is_of_another_user(self) -> None:
        session = a_session()

        found = sessions.refresh(
            session, asked(username="bob"), a_token("second"), a_token("third"), RENEWED, epoch=0
        )

        assert found == Unknown()

    @pytest.mark.parametrize("now", [RENEWED, RENEWED + DAY])
    def test_is_made_up(self, now: datetime) -> None:
        made_up = a_token("second", family="another")

        found = sessions.refresh(a_session(), asked(), made_up, a_token("third"), now, epoch=0)

        assert found == Unknown()


class TestWhatItDoes:
    def test_a_rotation_keeps_all_but_the_token(self) -> None:
        session = a_session()

        found = sessions.refresh(
            session, asked(), a_token("second"), a_token("third"), RENEWED, epoch=0
        )

        assert found == Rotated(
            replace(
                session,
                refresh_hash=b"third",
                previous_hash=b"second",
                rotated_at=RENEWED,
                rotated_by="r-2",
                version=3,
            )
        )

    def test_a_reuse_ends_it(self) -> None:
        session, late = a_session(), RENEWED + timedelta(hours=1)

        found = sessions.refresh(
            session, asked(), a_token("first"), a_token("third"), late, epoch=0
        )

        assert isinstance(found, Reused)
        assert found.session == replace(
            session, ended_at=late, ended_reason="token_reused", version=3
        )
        assert not found.session.is_live(late)

    def test_an_ended_one_stays_as_it_is(self) -> None:
        ended = sessions.end(a_session(), "logout", RENEWED)

        for token in ("second", "first", "older"):
            found = sessions.refresh(
                ended, asked(), a_token(token), a_token("third"), RENEWED, epoch=0
            )
            assert found == Ended(ended)


@pytest.mark.parametrize(
    ("live", "ended"),
    [
        (0, 0),
        (SESSIONS_MAX - 1, 0),
        (SESSIONS_MAX, 1),
        (SESSIONS_MAX + 1, 2),
        (2 * SESSIONS_MAX - 1, SESSIONS_MAX),
        (2 * SESSIONS_MAX, SESSIONS_MAX),
    ],
)
def test_a_new_session_displaces_the_oldest(live: int, ended: int) -> None:
    by_age = [
        replace(a_session(), session_id=f"s-{9999 - n}", opened_at=NOON + n * MS)
        for n in range(live)
    ]

    found = sessions.displaced(by_age[::-1])

    assert found == by_age[:ended]


ANSWERED = Answered(
    username="alice",
    request_id="r-2",
    fingerprint=asked().fingerprint,
    source=HERE,
    body=b"",
    answered_at=NOON,
    expires_at=NOON + DAY,
)


@pytest.mark.parametrize(
    ("source", "after", "found"),
    [
        (HERE, timedelta(0), Repeat.SAME),
        (HERE, 1000 * DAY, Repeat.SAME),
        (replace(HERE, offset=8), timedelta(0), Repeat.AGAIN),
        (replace(HERE, partition=4), timedelta(seconds=10), Repeat.AGAIN),
        (replace(HERE, offset=8), timedelta(seconds=10) + MS, Repeat.EXPIRED),
        (replace(HERE, topic="accounts.requests.login"), timedelta(0), Repeat.EXPIRED),
    ],
)
def test_a_repeat(source: Source, after: timedelta, found: Repeat) -> None:
    assert sessions.repeat(ANSWERED, asked(source=source), NOON + after) is found


@pytest.mark.parametrize(
    ("source", "after", "found"),
    [
        (HERE, timedelta(0), Repeat.SAME),
        (replace(HERE, offset=8), timedelta(0), Repeat.CONFLICT),
        (replace(HERE, offset=8), DAY, Repeat.CONFLICT),
        (replace(HERE, topic="accounts.requests.login"), timedelta(0), Repeat.CONFLICT),
    ],
)
def test_another_content(source: Source, after: timedelta, found: Repeat) -> None:
    """The same record is the same content; of others only the fingerprint tells."""
    other = replace(ANSWERED, fingerprint=bytes(16))

    assert sessions.repeat(other, asked(source=source), NOON + after) is found


@pytest.mark.parametrize(
    ("after", "too_old"),
    [
        (timedelta(seconds=-5), False),
        (timedelta(seconds=300), False),
        (timedelta(seconds=300) + MS, True),
    ],
)
def test_an_age(after: timedelta, too_old: bool) -> None:  # noqa: FBT001 - a column of the table
    found = sessions.is_too_old(asked(), timedelta(seconds=300), NOON + after)

    assert found is too_old
