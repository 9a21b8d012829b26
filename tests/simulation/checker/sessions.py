"""P3, P7, P8: a session goes on by its newest token alone, ends once, and is said to have ended before its end is answered."""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from contracts.requests import IDENTITY_REQUESTS
from contracts.topics import CHANGE_PASSWORD, LOGIN, LOGOUT, REFRESH, REVOCATIONS
from tests.simulation.checker.decided import Decided, as_of, decided
from tests.simulation.checker.evidence import Evidence, Findings, Versions, parsed
from tests.simulation.keys import opened

Sessions = Mapping[Any, Versions]


def check_sessions(evidence: Evidence) -> Findings:
    """Look at every session, and at every request that is about one."""
    sessions = evidence.written.get("sessions", {})
    if not sessions and not evidence.written.get("requests"):
        return
    yield from _ended_once(sessions)
    yield from _answered_once(evidence)
    yield from _opened(evidence, sessions)
    yield from _refreshed(evidence, sessions)
    yield from _ended(evidence, sessions)
    yield from _revoked(evidence)


def _ended_once(sessions: Sessions) -> Findings:
    """P8: what has ended stays so."""
    for identifier, versions in sessions.items():
        ended: Any = None
        for _, session in versions:
            now = None if session is None else session.get("ended_at")
            if ended is not None and session is not None and now != ended:
                yield f"P8: session {identifier} ended at {ended}, and then at {now}"
            ended = now


def _answered_once(evidence: Evidence) -> Findings:
    """P3: each request has one effect; what it is answered says so, each time with the same bytes."""
    stored = evidence.written.get("requests", {})
    for name, replies in evidence.replies.items():
        if replies[0].body["type"] not in _HONOURED_ONCE:
            continue
        accepted = {each.value for each in replies if each.body["status"] == "accepted"}
        if len(accepted) > 1:
            yield f"P3: {name} has {len(accepted)} different replies"
        if not accepted:
            continue
        first = min(each.number for each in replies if each.body["status"] == "accepted")
        if name not in stored or stored[name][0][0] > first:
            yield f"P2: {name} was answered before it was stored"


_HONOURED_ONCE = {topic.name.removeprefix("requests.") for topic in IDENTITY_REQUESTS}


def _opened(evidence: Evidence, sessions: Sessions) -> Findings:
    """P2: an accepted sign-in opens one session, of its user."""
    for each in decided(evidence, LOGIN):
        if each.is_accepted:
            session = as_of(sessions.get(each.body["session_id"], ()), each.number)
            if session is None or session["username"] != each.username:
                yield f"P2: {each.name} was accepted, and opened no session of its user's"


def _refreshed(evidence: Evidence, sessions: Sessions) -> Findings:
    """P8: a refresh token is good once, and only while its session lives."""
    spent: dict[str, str] = {}
    for each in decided(evidence, REFRESH):
        if not each.is_accepted:
            continue
        token = opened(each.record.body["sealed_refresh_token"])
        if token in spent:
            yield f"P8: {each.name} spent the token that {spent[token]} had spent"
        spent[token] = each.name
        session = as_of(sessions.get(each.stored["session_id"], ()), each.number - 1)
        if session is None or "ended_at" in session:
            yield f"P8: {each.name} refreshed a session that did not live"


def _ended(evidence: Evidence, sessions: Sessions) -> Findings:
    """P8: a logout ends its session, or all; a change of password ends all the others."""
    for each in chain(decided(evidence, LOGOUT), decided(evidence, CHANGE_PASSWORD)):
        if not each.is_accepted:
            continue
        own = each.stored.get("session_id")
        asking = as_of(sessions.get(own, ()), each.number - 1)
        if asking is None or "ended_at" in asking:
            continue  # the token of a session that has ended has no say over the others
        is_change = each.record.topic == CHANGE_PASSWORD.name
        ends_all = is_change or each.record.body.get("everywhere", False)
        for identifier in _live(each, sessions):
            wanted = (identifier != own) if is_change else (ends_all or identifier == own)
            session = as_of(sessions[identifier], each.number)
            if wanted and (session is None or "ended_at" not in session):
                yield f"P8: {each.name} was accepted, and session {identifier} goes on"


def _live(each: Decided, sessions: Sessions) -> Iterator[Any]:
    """Yield the sessions of a request's user that were live before it."""
    for identifier, versions in sessions.items():
        session = as_of(versions, each.number - 1)
        if session is not None and session.get("username") == each.username:
            yield identifier


def _revoked(evidence: Evidence) -> Findings:
    """P8: who verifies tokens hears of an ended session before whoever ended it does."""
    said: dict[bytes | None, int] = {}
    for each in evidence.topics.get(REVOCATIONS.name, ()):
        said.setdefault(each.key, each.number)
    for name, versions in evidence.written.get("requests", {}).items():
        stored = versions[0][1]
        if stored is None or not stored.get("ended"):
            continue
        replies = [
            each.number
            for each in evidence.replies.get(name, ())
            if each.body == parsed(stored["body"])
        ]
        for identifier in stored["ended"] if replies else ():
            told = said.get(identifier.encode())
            if told is None or told > replies[0]:
                yield f"P8: {name} was answered, and the end of session {identifier} not published"
