"""Draws what somebody sends who registers, signs in, and goes on with the tokens that come back."""

from collections.abc import Iterable, Iterator

from pydantic import BaseModel

from contracts.passwords import Passwords
from contracts.registration import Register
from contracts.requests import IDENTITY_REQUESTS
from contracts.sealing import Purpose
from contracts.sessions import Tokens
from contracts.topics import LOGIN, REGISTER, TopicSpec
from tests.simulation.history import Record, Secret
from tests.simulation.keys import Sealing, sealed
from tests.simulation.values import PASSWORDS, Values, a_record, encoded, purpose_of

WRONG = 0.15
"""How often one gives another password than the last that one chose."""


def signed_in(values: Values, user: str, password: str, count: int) -> Iterator[Record]:
    """Yield *count* requests of *user*, who has registered with *password*: a sign-in, then any."""
    random = values.random
    for number in range(count):
        topic = LOGIN if number == 0 else random.choice(list(IDENTITY_REQUESTS))
        said = password if random.random() >= WRONG else random.choice(PASSWORDS)
        passwords = Passwords(password=said, new_password=random.choice(PASSWORDS))
        record = a_request(values, topic, {"request_id": f"s{number}", "username": user}, passwords)
        if any(passwords.to_seal() == each.text for each in record.secrets):
            password = passwords.new_password
        yield record


def registered(values: Values, user: str, command_id: str, password: str) -> Record:
    """Return the registration of *user*."""
    body = values.body(Register, {"command_id": command_id, "username": user})
    sealing = Sealing(password, Purpose.REGISTER_PASSWORD, command_id, user)
    return a_record(REGISTER, {**body, "sealed_password": sealed(sealing)})


def changing(
    values: Values, user: str, prefix: str, steps: Iterable[tuple[TopicSpec, str]]
) -> Iterator[Record]:
    """Yield the requests of *steps*, each with the password that is given; a change is to the other one."""
    for number, (topic, password) in enumerate(steps):
        passwords = Passwords(password=password, new_password=PASSWORDS[1])
        identity = {"request_id": f"{prefix}{number}", "username": user}
        yield a_request(values, topic, identity, passwords)


def a_request(
    values: Values, topic: TopicSpec, identity: dict[str, str], passwords: Passwords
) -> Record:
    """Return a request whose sealed fields are filled from *passwords*, and from tokens as it is sent."""
    model = IDENTITY_REQUESTS[topic]
    secrets = tuple(_secrets(values, model, passwords))
    names = {each.field for each in secrets}
    body = {name: each for name, each in values.body(model, identity).items() if name not in names}
    key = identity["username"].encode()
    return Record(topic=topic.name, key=key, value=encoded(body), secrets=secrets)


def _secrets(values: Values, model: type[BaseModel], passwords: Passwords) -> Iterator[Secret]:
    texts = {
        "sealed_password": passwords.password,
        "sealed_passwords": passwords.to_seal(),
        **{f"sealed_{token}": f"{{{token}}}" for token in Tokens.model_fields},
    }
    to_reply = "reply_key" in model.model_fields
    for name, field in model.model_fields.items():
        purpose = purpose_of(model, name)
        is_sent = field.is_required() or values.random.random() < 1 / 2
        if purpose is not None and name in texts and is_sent:
            yield Secret(field=name, purpose=purpose, text=texts[name], to_reply=to_reply)
