"""Draws histories: who sends what, and what goes wrong meanwhile."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from random import Random

from contracts.commands import COMMANDS
from contracts.headers import REPLY_TO
from contracts.ledger import Movement
from contracts.requests import IDENTITY_REQUESTS, QUERIES
from contracts.topics import DEPOSIT, OPEN, ORDERED, REGISTER, REPLIES, WITHDRAW, TopicSpec
from tests.simulation.checker.evidence import PREFIX, parsed
from tests.simulation.clocks import Wrong
from tests.simulation.history import (
    Ends,
    History,
    Placement,
    Record,
    Sender,
    Unit,
    Waits,
)
from tests.simulation.keys import opened
from tests.simulation.particular import particular
from tests.simulation.signing import signed_in
from tests.simulation.troubles import seldom, troubles
from tests.simulation.values import USERS, Values, broken, encoded
from workers.config.roles import Role

RECORDS_MIN = 20
"""Of one history at least."""

BUSY_S = (1.5, 4.5)
"""How long senders send and things go wrong: in some histories much comes at once, in others there is time."""

WORKERS = ("worker-1", "worker-2")

UNIT_MAX = 5
"""Records that one sends before it waits for answers, at most: several of them are one batch."""

NEWCOMERS = ("erin", "frank", "grace", "heidi")
"""Who registers beside the users whose money is moved."""

USERS_FEW = 2
"""Where it is always the same that goes wrong, so that it meets the same account again."""

SIGNING_IN = 0.7
"""How often somebody signs in who has registered."""

ADDRESSED = 0.25
"""How often some answers are wanted on a topic of their senders' own."""

MOVEMENT_WEIGHT = 4
"""How much more often money is moved than anything else is done."""


def drawn(seed: int, *, remaking: bool | None = None) -> History:
    """Return the history of *seed*."""
    history = _Drawing(Random(f"history {seed}")).history(seed, remaking=remaking)
    # Drawn apart, so that all else of a seed stays as it is.
    more = () if history.remakes else seldom(Random(f"seldom {seed}"), history.busy_s)
    made = replace(history, disturbances=(*history.disturbances, *more))
    return made if more else particular(made)


@dataclass(slots=True)
class _Drawing:
    random: Random
    values: Values = field(init=False)
    numbers: int = 0
    busy_s: float = BUSY_S[1]
    ordered: tuple[TopicSpec, ...] = ORDERED
    """The command topics that this history's workers answer."""
    reply_topics: tuple[str, ...] = ()
    """Where senders want some of their answers; the last one is missing."""

    def __post_init__(self) -> None:
        self.values = Values(self.random)

    def history(self, seed: int, *, remaking: bool | None) -> History:
        random = self.random
        remakes = random.random() < 0.05 if remaking is None else remaking
        roles = {Role.LEDGER}
        if random.random() < 0.15:
            roles.add(Role.IDENTITY)
        if random.random() < 0.1:
            roles.add(Role.QUERY)
        if random.random() < 0.25:
            roles.add(Role.HOUSEKEEPER)
        if Role.IDENTITY not in roles:  # which alone answers who has registered
            self.ordered = tuple(topic for topic in ORDERED if topic is not REGISTER)
        if random.random() < ADDRESSED:
            self.reply_topics = (f"{REPLIES}shop", f"{REPLIES}gone")
        self.busy_s = random.choice(BUSY_S)
        wrong = troubles(random, self.busy_s, remakes=remakes)
        senders = self._senders(roles, USERS_FEW if wrong.is_focused else len(USERS))
        return History(
            seed=seed,
            senders=senders,
            disturbances=wrong.disturbances,
            rates=wrong.rates,
            partitions=random.choice((1, 1, 2, 3)),
            busy_s=self.busy_s,
            brokers=random.choice((1, 1, 2)),
            roles=frozenset(roles),
            clocks=self._clocks(),
            reply_topics=self.reply_topics[:-1],
        )

    def _clocks(self) -> dict[str, Wrong]:
        random = self.random
        if random.random() < 1 / 2:
            return {}
        return {
            name: Wrong(offset_s=random.uniform(-5, 5), drift=random.uniform(-0.001, 0.001))
            for name in WORKERS
        }

    def _senders(self, roles: set[Role], most: int) -> tuple[Sender, ...]:
        random = self.random
        users: list[str] = list(USERS[: random.randint(min(2, most - 1), most)])
        opening = [OPEN, REGISTER] if Role.IDENTITY in roles else [OPEN]
        made = [self._begins(user, random.choice(opening)) for user in users]
        kinds: list[Callable[[str, list[str]], Sender]] = [
            self._careful,
            self._spending,
            self._steady,
            self._careless,
            self._repeating,
            self._transactional,
            self._elsewhere,
            self._broken,
        ]
        if Role.IDENTITY in roles:
            kinds.append(self._registering)
        if Role.IDENTITY in roles or Role.QUERY in roles:
            made.append(self._asking(roles, users))
        count = sum(len(unit.records) for sender in made for unit in sender.units)
        while count < RECORDS_MIN:
            sender = random.choice(kinds)(f"sender-{len(made)}", users)
            count += sum(len(unit.records) for unit in sender.units)
            made.append(sender)
        return tuple(made)

    def _one(self, name: str, waits: Waits, records: list[Record]) -> Sender:
        """Return who sends *records* one after the other, some of them without waiting for answers between."""
        units: list[Unit] = []
        most = 1 if any(record.secrets for record in records) else UNIT_MAX
        while records:  # what has secrets is made of the answer before it
            count = self.random.randint(1, most)
            units.append(Unit(pause_s=self._pause(), records=tuple(records[:count])))
            records = records[count:]
        return Sender(name=name, waits=waits, units=tuple(units))

    def _careful(self, name: str, users: list[str]) -> Sender:
        """Return who opens an account, and then moves what is in it, each after the other."""
        random = self.random
        user = random.choice(users)
        count = random.randint(3, 8)
        records = [self._command(self._a_command(), user) for _ in range(count)]
        return self._one(name, random.choice((Waits.ACKNOWLEDGED, Waits.ANSWERED)), records)

    def _spending(self, name: str, users: list[str]) -> Sender:
        """Return who pays in and takes out the same, as soon as it is acknowledged: nothing is left over."""
        random = self.random
        user = random.choice(users)
        records: list[Record] = []
        for _ in range(random.randint(1, 4)):
            moved = {"amount": self.values.amount(), "currency": random.choice(("USD", "EUR"))}
            records += [self._command(topic, user, moved=moved) for topic in (DEPOSIT, WITHDRAW)]
        return self._one(name, Waits.ACKNOWLEDGED, records)

    def _steady(self, name: str, users: list[str]) -> Sender:
        """Return who pays in again and again, with a short rest each time, so that cycles follow each other."""
        random = self.random
        user, rest_s = random.choice(users), random.choice((0.05, 0.2, 0.5))
        units = tuple(
            Unit(pause_s=rest_s, records=(self._command(DEPOSIT, user),))
            for _ in range(random.randint(4, 10))
        )
        return Sender(name=name, waits=Waits.NOTHING, units=units)

    def _registering(self, name: str, users: list[str]) -> Sender:
        """Return who registers many at once."""
        del users
        records = [self._command(REGISTER, user) for user in NEWCOMERS]
        return self._one(name, Waits.NOTHING, records)

    def _careless(self, name: str, users: list[str]) -> Sender:
        records = [
            self._command(self._a_command(), self.random.choice(users))
            for _ in range(self.random.randint(3, 10))
        ]
        return self._one(name, Waits.NOTHING, records)

    def _repeating(self, name: str, users: list[str]) -> Sender:
        """Return who sends some again, and some with another content under the same id."""
        random = self.random
        user = random.choice(users)
        records: list[Record] = []
        for _ in range(random.randint(2, 4)):
            topic = self._a_command()
            identifier = self._identifier()
            record = self._command(topic, user, identifier)
            records += [record] * random.randint(1, 3)
            if random.random() < 0.15:
                records.append(self._command(topic, user, identifier))
        if random.random() < 1 / 2:
            random.shuffle(records)
        return self._one(name, random.choice(tuple(Waits)), records)

    def _transactional(self, name: str, users: list[str]) -> Sender:
        random = self.random
        units = tuple(
            Unit(
                pause_s=self._pause(),
                records=tuple(
                    self._command(self._a_command(), random.choice(users))
                    for _ in range(random.randint(1, 3))
                ),
                ends=random.choice((Ends.COMMITTED, Ends.COMMITTED, Ends.ABORTED)),
                held_s=random.choice((0.0, 0.1, 2.0)),
            )
            for _ in range(random.randint(1, 3))
        )
        return Sender(name=name, waits=Waits.ACKNOWLEDGED, units=units)

    def _elsewhere(self, name: str, users: list[str]) -> Sender:
        """Return who has another partitioner."""
        random = self.random
        records = [
            self._command(self._a_command(), random.choice(users), placement=Placement.OTHER)
            for _ in range(random.randint(2, 6))
        ]
        return self._one(name, random.choice((Waits.NOTHING, Waits.ACKNOWLEDGED)), records)

    def _broken(self, name: str, users: list[str]) -> Sender:
        """Return who sends what cannot be understood, and something that can."""
        good = self._command(self._a_command(), self.random.choice(users))
        return self._one(name, Waits.NOTHING, [broken(good, self.random), good])

    def _asking(self, roles: set[Role], users: list[str]) -> Sender:
        random = self.random
        models = {
            **(IDENTITY_REQUESTS if Role.IDENTITY in roles else {}),
            **(QUERIES if Role.QUERY in roles else {}),
        }
        records: list[Record] = []
        for number in range(random.randint(1, 3)):
            topic = random.choice(list(models))
            user = random.choice(users)
            body = self.values.body(models[topic], {"request_id": f"q{number}", "username": user})
            records.append(self._record(topic, user, encoded(body)))
        return self._one("asks", Waits.NOTHING, records)

    def _begins(self, user: str, topic: TopicSpec) -> Sender:
        """Return who opens an account; whoever registers most often signs in, too."""
        random = self.random
        record = self._command(topic, user)
        records, waits = [record], random.choice((Waits.ACKNOWLEDGED, Waits.ANSWERED))
        if topic is REGISTER and random.random() < SIGNING_IN:
            password = opened(parsed(record.value)["sealed_password"])
            records += signed_in(self.values, user, password, random.randint(2, 7))
            waits = Waits.ANSWERED
        return self._one(f"opens-{user}", waits, records)

    def _a_command(self) -> TopicSpec:
        """Return the topic of any command, most often of one that moves money."""
        movements = [topic for topic in ORDERED if issubclass(COMMANDS[topic], Movement)]
        return self.random.choice([*self.ordered, *movements * MOVEMENT_WEIGHT])

    def _command(
        self,
        topic: TopicSpec,
        user: str,
        identifier: str | None = None,
        placement: Placement = Placement.JAVA,
        moved: Mapping[str, str] | None = None,
    ) -> Record:
        identity = {"command_id": identifier or self._identifier(), "username": user}
        body = self.values.body(COMMANDS[topic], identity) | dict(moved or {})
        return self._record(topic, user, encoded(body), placement)

    def _record(
        self, topic: TopicSpec, user: str, value: bytes, placement: Placement = Placement.JAVA
    ) -> Record:
        headers: tuple[tuple[str, bytes], ...] = ()
        if self.reply_topics and self.random.random() < 1 / 2:
            reply_to = PREFIX + self.random.choice(self.reply_topics)
            headers = ((REPLY_TO, reply_to.encode()),)
        return Record(
            topic=topic.name, key=user.encode(), value=value, headers=headers, placement=placement
        )

    def _identifier(self) -> str:
        self.numbers += 1
        return f"c{self.numbers}"

    def _pause(self) -> float:
        return self.random.choice((0.0, 0.0, 0.01, self.random.uniform(0, self.busy_s / 5)))
