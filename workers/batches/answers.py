"""Publishing for the workers beside the ledger: single answers, and states said again."""

from collections.abc import Sequence

from handlers.model.account import Account
from handlers.model.outcome import Outcome
from workers.batches.rendered import events_of, state_of
from workers.kafka.publishing import Outgoing, Publisher
from workers.kafka.replies import AddressedAnswer, Replies
from workers.kafka.topic_names import TopicNames


class Answering:
    """Answers one at a time or many, each to a reply topic where one is named."""

    def __init__(self, publisher: Publisher, replies: Replies) -> None:
        self._publisher = publisher
        self._replies = replies

    async def publish(self, answer: Outgoing, reply_to: str | None = None) -> None:
        """Publish *answer* and await the acknowledgement.

        With *reply_to* it goes there; if that topic cannot be used, to the answer's own.

        Raises:
            PublishError: It was not acknowledged.
        """
        await self.publish_all([(answer, reply_to)])

    async def publish_all(self, answers: Sequence[tuple[Outgoing, str | None]]) -> None:
        """As `publish`, for each of *answers* and its `reply_to`."""
        addressed = [
            AddressedAnswer(to=to, answer=answer)
            for answer, to in answers
            if to is not None and to != answer.topic
        ]
        undelivered = await self._replies.deliver(addressed)
        own = [answer for answer, to in answers if to is None or to == answer.topic]
        await self._publisher.publish([*own, *undelivered])


class Republisher:
    """Says states and events again, as the housekeeper's sweep asks."""

    def __init__(self, publisher: Publisher, names: TopicNames) -> None:
        self._publisher = publisher
        self._names = names

    async def publish_states(self, accounts: Sequence[Account], owed: Sequence[Outcome]) -> None:
        """Publish the states, then the events of *owed* in order; return once acknowledged.

        Raises:
            PublishError: Not everything was acknowledged.
        """
        await self._publisher.publish(
            [
                Outgoing.of(self._names.balances, account.username.encode(), state)
                for account in accounts
                if (state := state_of(account)) is not None
            ]
        )
        await self._publisher.publish(
            [
                Outgoing.of(self._names.balance_events, username.encode(), event)
                for username, event in events_of(owed)
            ]
        )
