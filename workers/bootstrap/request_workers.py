"""Builds the workers that answer requests: sign-ins, sessions, questions."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import datetime, timedelta

from client.tokens import Claims, verify_access_token
from contracts.requests import IDENTITY_REQUESTS, QUERIES, AnyRequest
from contracts.topics import TopicSpec
from storage.mongo.identities import MongoIdentities
from storage.mongo.reads import MongoReads
from storage.mongo.throttles import MongoThrottles
from workers.bootstrap.workers import Resources, publishing
from workers.clock import utc_now
from workers.config.groups import NEEDS_HASH
from workers.credentials.hashing import LowPriorityPool, PasswordHasher
from workers.identity.building import identity_answerers
from workers.identity.dependencies import IdentityDependencies
from workers.identity.options import DEVICE_TOKEN, IdentityOptions
from workers.identity.token_crypto import TokenCrypto
from workers.keys.tokens import TokenIssuer
from workers.monitoring.progress import Progress
from workers.requests.answering import Answerer
from workers.requests.queries import QueryAnswerer
from workers.requests.reader import RequestReader


def build_queries(resources: Resources, stack: AsyncExitStack) -> RequestReader:
    """Return the query worker."""
    answerer = QueryAnswerer(MongoReads(resources.mongo), resources.credentials, utc_now)
    return _reader(resources, stack, answerer, resources.settings.query_group, QUERIES, "query")


def build_identity(
    resources: Resources, hasher: PasswordHasher, stack: AsyncExitStack
) -> list[RequestReader]:
    """Return the identity worker's parts that sign users in, and keep and end their sessions."""
    settings = resources.settings
    # Those who wait are signed in, and it is quick.
    pool = LowPriorityPool("envelopes", 1, niceness=0)
    stack.callback(pool.close)
    dependencies = IdentityDependencies(
        identities=MongoIdentities(resources.mongo),
        throttles=MongoThrottles(resources.mongo),
        accounts=resources.ledger,
        hasher=hasher,
        envelopes=_envelopes(resources, pool),
        clock=utc_now,
        metrics=resources.metrics,
        options=IdentityOptions(
            prefix=settings.topic_prefix,
            access_token=timedelta(seconds=settings.access_token_s),
            refresh_token=timedelta(seconds=settings.refresh_token_s),
            leeway=timedelta(seconds=settings.token_leeway_s),
            request_age_max=timedelta(seconds=settings.request_age_max_s),
        ),
    )
    sign_ins, sessions = identity_answerers(dependencies)
    hashed = {topic: model for topic, model in IDENTITY_REQUESTS.items() if topic in NEEDS_HASH}
    quick = {topic: model for topic, model in IDENTITY_REQUESTS.items() if topic not in NEEDS_HASH}
    return [
        _reader(resources, stack, sign_ins, settings.signin_group, hashed, "sign-ins"),
        _reader(resources, stack, sessions, settings.sessions_group, quick, "sessions"),
    ]


def _envelopes(resources: Resources, pool: LowPriorityPool) -> TokenCrypto:
    settings, ring = resources.settings, resources.ring
    issuer = TokenIssuer(
        ring=ring,
        issuer=settings.token_issuer,
        audience=settings.token_audience,
        access_token_s=settings.access_token_s,
        device_token_s=int(DEVICE_TOKEN.total_seconds()),
        leeway_s=settings.token_leeway_s,
    )

    def verify(token: str, now: datetime) -> Claims:
        return verify_access_token(
            token,
            ring.jwks(),
            issuer=settings.token_issuer,
            audience=settings.token_audience,
            leeway_s=settings.token_leeway_s,
            now=now,
        )

    return TokenCrypto(ring, issuer, verify, pool)


def _reader(
    resources: Resources,
    stack: AsyncExitStack,
    answerer: Answerer,
    group: str,
    read: Mapping[TopicSpec, type[AnyRequest]],
    name: str,
) -> RequestReader:
    publisher, replies = publishing(resources, stack)
    return RequestReader(
        answerer,
        group=group,
        topics=read,
        prefix=resources.settings.topic_prefix,
        publisher=publisher,
        replies=replies,
        metrics=resources.metrics,
        corrupt=resources.corrupt,
        progress=Progress(name, resources.halt),
        options=resources.settings.ledger,
    )
