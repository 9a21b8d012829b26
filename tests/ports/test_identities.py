"""What every store of sessions, credentials and answered requests keeps."""

import asyncio
from dataclasses import replace as as_changed
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from handlers.model.session import Session
from storage.mongo.identities import PAGE_SESSIONS_MAX, UPDATES_MAX
from storage.ports.errors import LostRaceError
from storage.ports.identity import Identities, IdentityChanges
from tests.builders import NOON
from tests.identity_builders import a_credential, a_session, an_answered
from tests.ports.conftest import Store

SECOND = timedelta(seconds=1)
RACERS = 20


def changed(session: Session, **fields: Any) -> Session:
    return replace(session, version=session.version + 1, **fields)


FULL = a_session(
    previous_hash=bytes(32),
    rotated_at=NOON + SECOND,
    ended_at=NOON + 2 * SECOND,
    ended_reason="token_reused",
    source="198.51.100.7",
    epoch=7,
    version=2,
)


async def opened(identities: Identities, *sessions: Session, request_id: str = "r0") -> None:
    await identities.apply(IdentityChanges(answered=an_answered(request_id), opened=sessions))


class TestSession:
    async def test_one_that_is_not_there_is_none(self, identities: Identities) -> None:
        assert await identities.session("s1") is None

    async def test_it_comes_back_as_opened(self, identities: Identities) -> None:
        await opened(identities, a_session())

        assert await identities.session("s1") == a_session()

    async def test_it_comes_back_as_changed(self, identities: Identities) -> None:
        await opened(identities, a_session())

        await identities.apply(IdentityChanges(answered=an_answered(), changed=[FULL]))

        assert await identities.session("s1") == FULL

    async def test_changed_again_it_loses_what_it_no_longer_has(
        self, identities: Identities
    ) -> None:
        await opened(identities, a_session(source="a", previous_hash=b"x"))

        without = changed(a_session())
        await identities.apply(IdentityChanges(answered=an_answered(), changed=[without]))

        assert await identities.session("s1") == without

    async def test_an_id_is_given_out_once(self, identities: Identities) -> None:
        await opened(identities, a_session())

        with pytest.raises(LostRaceError):
            await opened(identities, a_session(username="bob"), request_id="r2")


class TestLiveSessions:
    async def test_are_those_of_the_user_that_have_not_ended(self, identities: Identities) -> None:
        ended = a_session("s3", ended_at=NOON, ended_reason="logout")
        soon = a_session("s4", expires_at=NOON + SECOND)
        sessions = (a_session("s2"), a_session("s1"), ended, soon, a_session("s5", "alicea"))
        await opened(identities, *sessions)

        async def live(seconds: float) -> list[str]:
            found = await identities.live_sessions("alice", now=NOON + seconds * SECOND)
            return sorted(each.session_id for each in found)

        assert await live(0.999) == ["s1", "s2", "s4"]
        assert await live(1) == ["s1", "s2"]
        assert await live(1.001) == ["s1", "s2"]

    @pytest.mark.parametrize("count", [PAGE_SESSIONS_MAX, PAGE_SESSIONS_MAX + 1])
    async def test_are_all_of_them(self, identities: Identities, count: int) -> None:
        sessions = [a_session(f"s{number:05}") for number in range(count)]
        await opened(identities, *sessions)

        found = await identities.live_sessions("alice", now=NOON)
        ended = [changed(each, ended_at=NOON, ended_reason="logout") for each in found]
        await identities.apply(IdentityChanges(answered=an_answered(), changed=ended))

        assert list(found) == sessions
        assert not await identities.live_sessions("alice", now=NOON)

    @pytest.mark.parametrize(("limit", "count"), [(1, 1), (3, 3), (4, 3)])
    async def test_are_as_many_as_are_asked_for(
        self, identities: Identities, limit: int, count: int
    ) -> None:
        await opened(identities, *(a_session(f"s{number}") for number in range(3)))

        found = await identities.live_sessions("alice", now=NOON, limit=limit)

        assert len({each.session_id for each in found}) == len(found) == count

    async def test_end_together_however_large_they_are(self, identities: Identities) -> None:
        """More than fits into one command, and more than one command takes."""
        sessions = [
            a_session(f"s{number:05}", source="x" * 17 * 1024) for number in range(2 * UPDATES_MAX)
        ]
        for start in range(0, len(sessions), UPDATES_MAX):
            some = sessions[start : start + UPDATES_MAX]
            await opened(identities, *some, request_id=f"in-{start}")

        ended = [changed(each, ended_at=NOON, ended_reason="logout") for each in sessions]
        await identities.apply(IdentityChanges(answered=an_answered(), changed=ended))

        assert not await identities.live_sessions("alice", now=NOON)


class TestAnswered:
    async def test_one_that_is_not_there_is_none(self, identities: Identities) -> None:
        assert await identities.answered("alice:r1") is None

    @pytest.mark.parametrize("request_id", ["r1", "$where", "a:b.c", "bob:r1"])
    async def test_it_comes_back_as_answered(self, identities: Identities, request_id: str) -> None:
        answered = an_answered(request_id)
        await identities.apply(IdentityChanges(answered=answered))

        assert await identities.answered(answered.id) == answered

    async def test_a_request_is_answered_once(self, identities: Identities) -> None:
        await identities.apply(IdentityChanges(answered=an_answered()))

        with pytest.raises(LostRaceError):
            await identities.apply(IdentityChanges(answered=an_answered(body=b"other")))
        await identities.apply(IdentityChanges(answered=an_answered(username="bob")))

        assert await identities.answered("alice:r1") == an_answered()


class TestCredential:
    async def test_one_that_is_not_there_is_none(self, identities: Identities) -> None:
        assert await identities.credential("alice") is None

    async def test_it_comes_back_as_registered(self, store: Store) -> None:
        await store.credentials.insert([a_credential()])

        assert await store.identities.credential("alice") == a_credential()

    async def test_it_comes_back_as_changed(self, store: Store) -> None:
        await store.credentials.insert([a_credential()])
        new = a_credential(hash="$y$other", epoch=1, version=2, created_at=NOON + SECOND)

        await store.identities.apply(IdentityChanges(answered=an_answered(), credential=new))

        assert await store.identities.credential("alice") == new

    async def test_registering_again_does_not_undo_a_change(self, store: Store) -> None:
        await store.credentials.insert([a_credential()])
        new = a_credential(hash="$y$other", epoch=1, version=2)
        await store.identities.apply(IdentityChanges(answered=an_answered(), credential=new))

        await store.credentials.insert([a_credential()])

        assert await store.identities.credential("alice") == new

    async def test_nobody_gets_one_by_changing_it(self, store: Store) -> None:
        new = a_credential(version=2)

        with pytest.raises(LostRaceError):
            await store.identities.apply(IdentityChanges(answered=an_answered(), credential=new))

        assert await store.identities.credential("alice") is None


class TestApply:
    @pytest.mark.parametrize(
        "lost",
        [
            {"changed": [a_session("s1", version=2)]},
            {"changed": [a_session("s1", version=4)]},
            {"changed": [a_session("s9", version=2)]},
            {"changed": [a_session("s1", version=3), a_session("s9", version=2)]},
            {"credential": a_credential(version=1)},
            {"credential": a_credential(version=3)},
            {"relied_on": a_credential(version=2)},
            {"relied_on": a_credential("bob")},
            {"answered": an_answered("r0")},
            {"opened": [a_session("s2"), a_session("s1")]},
        ],
    )
    async def test_stores_all_or_nothing(self, store: Store, lost: dict[str, Any]) -> None:
        identities = store.identities
        await store.credentials.insert([a_credential()])
        await opened(identities, a_session())
        second = changed(a_session())
        await identities.apply(IdentityChanges(answered=an_answered("r1"), changed=[second]))
        changes = IdentityChanges(answered=an_answered("r2"), opened=[a_session("s2")])

        with pytest.raises(LostRaceError):
            await identities.apply(replace(changes, **lost))

        assert await identities.answered("alice:r2") is None
        assert await identities.session("s2") is None
        assert await identities.session("s1") == second
        assert await identities.credential("alice") == a_credential()

    async def test_lets_one_of_many_win(self, identities: Identities) -> None:
        """Refresh raced by 20 callers."""
        await opened(identities, a_session())

        async def refresh(number: int) -> bool:
            session = changed(a_session(), refresh_hash=bytes([number]))
            answered = an_answered(f"r-{number}")
            try:
                await identities.apply(IdentityChanges(answered=answered, changed=[session]))
            except LostRaceError:
                return False
            return True

        won = await asyncio.gather(*(refresh(number) for number in range(RACERS)))

        stored = await identities.session("s1")
        assert won.count(True) == 1
        assert stored is not None
        assert stored.refresh_hash == bytes([won.index(True)])
        assert stored.version == 2

    async def test_opens_no_session_after_a_change_of_password(self, store: Store) -> None:
        await store.credentials.insert([a_credential()])
        read = await store.identities.credential("alice")
        new = a_credential(epoch=1, version=2)
        await store.identities.apply(IdentityChanges(answered=an_answered("r1"), credential=new))

        with pytest.raises(LostRaceError):
            await store.identities.apply(
                IdentityChanges(answered=an_answered("r2"), opened=[a_session()], relied_on=read)
            )

        assert await store.identities.session("s1") is None

    async def test_misses_no_session_opened_since_the_credential_was_read(
        self, store: Store
    ) -> None:
        identities = store.identities
        await store.credentials.insert([a_credential()])
        read = await identities.credential("alice")
        assert read is not None
        assert not await identities.live_sessions("alice", now=NOON)
        login = IdentityChanges(answered=an_answered("r1"), opened=[a_session()], relied_on=read)
        await identities.apply(login)

        counted_up = as_changed(read, epoch=1, version=2)
        with pytest.raises(LostRaceError):
            await identities.apply(
                IdentityChanges(answered=an_answered("r2"), credential=counted_up)
            )

        again = await identities.credential("alice")
        assert again is not None
        counted_up = as_changed(again, epoch=1, version=2)
        await identities.apply(IdentityChanges(answered=an_answered("r2"), credential=counted_up))
        assert await identities.credential("alice") == counted_up

    async def test_relying_on_a_credential_only_counts(self, store: Store) -> None:
        await store.credentials.insert([a_credential()])

        for number in range(3):
            await store.identities.apply(
                IdentityChanges(answered=an_answered(f"r{number}"), relied_on=a_credential())
            )

        assert await store.identities.credential("alice") == a_credential(relied_on=3)
