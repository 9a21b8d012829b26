"""Each kind of change that breaks somebody, made on today's contract, and the sentence that says so."""

from contracts.message import USERNAME_PATTERN
from contracts.money import AMOUNT_PATTERN
from contracts.published import KNOWN_VALUES
from tests.unit.contract_docs.compatibility.changes import (
    Change,
    having,
    headers,
    message,
    optional,
    renamed,
    schema,
    with_field,
    without,
    without_option,
)

DEPOSIT = "Breaks senders: accounts.commands.deposit, Deposit"
LIST = "Breaks senders: accounts.requests.list-transactions, ListTransactions"
EVENT = "Breaks readers: accounts.events.balance, BalanceChangedV1"
ENTRY = "Breaks readers: accounts.events.balance, BalanceChanged"
RESULT = "Breaks readers: the topic in reply_to and accounts.results, Result"
REPLY = "Breaks readers: the topic in reply_to and accounts.results, Reply"
REFUSED = "so that what was accepted may be refused"
UNEXPECTED = "so that readers may find what they did not have to expect"


BREAKING: dict[str, tuple[Change, list[str]]] = {
    "a field of an event goes": (
        without("BalanceChangedV1", "held"),
        [f"{EVENT}, `held`: it is gone."],
    ),
    "a field of an event has another name": (
        renamed,
        [f"{EVENT}, `held`: it is gone; new beside it: blocked."],
    ),
    "a field of an event has another type": (
        having("BalanceChangedV1", "sequence", type="string", minimum=None),
        [f"{EVENT}, `sequence`: its type was integer and is string."],
    ),
    "a field of an event may be absent": (
        optional("BalanceChangedV1", "held"),
        [f"{EVENT}, `held`: it may be absent now, and was always there."],
    ),
    "a number of an event may be smaller": (
        having("BalanceChangedV1", "sequence", minimum=0),
        [f"{EVENT}, `sequence`: its smallest number was 1 and is 0, {UNEXPECTED}."],
    ),
    "an amount of an event has another pattern": (
        having("BalanceChangedV1", "held", pattern="^-?[0-9]+$"),
        [(f"{EVENT}, `held`: its pattern was {AMOUNT_PATTERN} and is ^-?[0-9]+$, {UNEXPECTED}.")],
    ),
    "a time of an event has another format": (
        having("BalanceChangedV1", "occurred_at", format="date"),
        [f"{EVENT}, `occurred_at`: its format was date-time and is date, {UNEXPECTED}."],
    ),
    "a known value is never said again": (
        having("BalanceChangedV1", "kind", **{KNOWN_VALUES: ["credited", "withdrawn"]}),
        [f"{EVENT}, `kind`: it is never `deposited` any more."],
    ),
    "a field deep in a result goes": (
        without("Error", "title"),
        [
            f"{RESULT}, `error.title`: it is gone.",
            f"{REPLY}, `outcome.result.error.title`: it is gone.",
            f"{REPLY}, `error.title`: it is gone.",
        ],
    ),
    "a field in each of a map's values goes": (
        without("BalanceState", "held"),
        [
            f"{RESULT}, `entry.balances.*.held`: it is gone.",
            f"{REPLY}, `balances.balances.*.held`: it is gone.",
            f"{REPLY}, `page.transactions[].balances.*.held`: it is gone.",
            f"{REPLY}, `outcome.result.entry.balances.*.held`: it is gone.",
            f"{ENTRY}, `balances.*.held`: it is gone.",
            "Breaks readers: accounts.state.balances, Balances, `balances.*.held`: it is gone.",
        ],
    ),
    "what was sealed holds less": (
        without("Tokens", "refresh_token"),
        [f"{REPLY}, `sealed_tokens opened.refresh_token`: it is gone."],
    ),
    "a currency has three letters": (
        having("Deposit", "currency", pattern="^[A-Z]{3}$"),
        [
            (
                f"{DEPOSIT}, `currency`: its pattern was ^[A-Z][A-Z0-9]{{2,9}}$ and is ^[A-Z]{{3}}$, "
                f"{REFUSED}."
            )
        ],
    ),
    "a username has 20 characters": (
        having("Deposit", "username", pattern="^[a-z0-9][a-z0-9._-]{2,19}$"),
        [
            (
                f"{DEPOSIT}, `username`: its pattern was {USERNAME_PATTERN} and is "
                f"^[a-z0-9][a-z0-9._-]{{2,19}}$, {REFUSED}."
            )
        ],
    ),
    "a page has 100 transactions": (
        having("ListTransactions", "limit", maximum=100),
        [f"{LIST}, `limit`: its largest number was 200 and is 100, {REFUSED}."],
    ),
    "a deposit needs one field more": (
        with_field("Deposit", "purpose", required=True),
        [f"{DEPOSIT}, `purpose`: it is required, and it was not there before."],
    ),
    "a deposit needs what was optional": (
        lambda document: schema(document, "Deposit")["required"].append("reason"),
        [f"{DEPOSIT}, `reason`: it is required, and it was optional."],
    ),
    "a deposit has one field less": (
        lambda document: schema(document, "Deposit")["properties"].pop("related_id"),
        [f"{DEPOSIT}, `related_id`: it is gone."],
    ),
    "an input is no longer cleared by null": (
        without_option("UpdateProfile", "phone"),
        [
            (
                "Breaks senders: accounts.commands.update-profile, UpdateProfile, `phone`: "
                "its type was string or null and is string."
            )
        ],
    ),
    "an input is shorter": (
        having("Login", "sealed_password", maxLength=100),
        [
            (
                "Breaks senders: accounts.requests.login, Login, `sealed_password`: its greatest "
                f"length was 8192 and is 100, {REFUSED}."
            )
        ],
    ),
    "an input is bound for the first time": (
        having("Register", "sealed_password", minLength=50),
        [
            (
                "Breaks senders: accounts.commands.register, Register, `sealed_password`: its least "
                f"length was none and is 50, {REFUSED}."
            )
        ],
    ),
    "a list of an input is shorter": (
        having("ListTransactions", "order", enum=["newest"]),
        [f"{LIST}, `order`: it no longer takes `oldest`."],
    ),
    "an input is one of a list for the first time": (
        having("Logout", "everywhere", enum=[True]),
        [
            (
                "Breaks senders: accounts.requests.logout, Logout, `everywhere`: "
                "it takes only `True` now."
            )
        ],
    ),
    "an input that is left out means another": (
        having("ListTransactions", "limit", default=20),
        [f"{LIST}, `limit`: left out, it meant 50 and means 20."],
    ),
    "an input has a rule that nothing here knows": (
        having("ListTransactions", "limit", multipleOf=10),
        [f"{LIST}, `limit`: `multipleOf` changed, of which nobody can say here what that breaks."],
    ),
    "only named headers are taken": (
        lambda document: message(document, "Deposit")["headers"].update(additionalProperties=False),
        [f"{DEPOSIT}, header: it may no longer have other fields than those named."],
    ),
    "headers that are not named are texts": (
        lambda document: message(document, "Deposit")["headers"].update(
            additionalProperties={"type": "string"}
        ),
        [f"{DEPOSIT}, header: other fields than those named have a schema now."],
    ),
    "a header is no longer read": (
        lambda document: headers(document, "Deposit")["properties"].pop("actor"),
        [f"{DEPOSIT}, header `actor`: it is gone."],
    ),
    "a header is no longer written": (
        lambda document: headers(document, "Result")["required"].remove("ce_id"),
        [f"{RESULT}, header `ce_id`: it may be absent now, and was always there."],
    ),
    "a header says something else": (
        lambda document: headers(document, "BalanceChangedV1")["properties"]["ce_type"].update(
            const="accounts.balance-changed.v2"
        ),
        [
            (
                f"{EVENT}, header `ce_type`: it may be `accounts.balance-changed.v2` now, which its "
                "closed list did not have."
            )
        ],
    ),
    "a content type changes": (
        lambda document: message(document, "Result").update(contentType="application/cbor"),
        [f"{RESULT}: its content type was application/json and is application/cbor."],
    ),
    "a correlation id stands elsewhere": (
        lambda document: message(document, "BalanceChangedV1")["correlationId"].update(
            location="$message.header#/ce_id"
        ),
        [
            (
                f"{EVENT}: its correlation id was $message.header#/correlation_id and is "
                "$message.header#/ce_id."
            )
        ],
    ),
    "records have another key": (
        lambda document: message(document, "BalanceChangedV1")["bindings"]["kafka"]["key"].update(
            description="The account id."
        ),
        [f"{EVENT}: its record key was “The username.” and is “The account id.”."],
    ),
    "a key is narrower": (
        lambda document: message(document, "Deposit")["bindings"]["kafka"]["key"].update(
            pattern="^[a-z]{3}$"
        ),
        [
            f"{DEPOSIT}, record key: its pattern was {USERNAME_PATTERN} and is ^[a-z]{{3}}$, {REFUSED}."
        ],
    ),
    "a topic has another address": (
        lambda document: document["channels"]["commands-deposit"].update(address="deposits"),
        ["Breaks senders: accounts.commands.deposit: its address is deposits now."],
    ),
    "a topic is cleaned up otherwise": (
        lambda document: document["channels"]["state-balances"]["bindings"]["kafka"][
            "topicConfiguration"
        ].update({"cleanup.policy": ["delete"]}),
        ["Breaks readers: accounts.state.balances: its clean-up was compact and is delete."],
    ),
    "a channel goes": (
        lambda document: document["channels"].pop("events-audit"),
        ["Breaks readers: accounts.events.audit: the channel is gone."],
    ),
    "a message goes": (
        lambda document: document["channels"]["results"]["messages"].pop("Reply"),
        ["Breaks readers: accounts.results, Reply: the message is gone."],
    ),
    "a message is no longer sent": (
        lambda document: document["operations"]["send-results"]["messages"].pop(),
        ["Breaks readers: accounts.results, Reply: the message is gone."],
    ),
    "an operation goes": (
        lambda document: document["operations"].pop("receive-commands-deposit"),
        [
            (
                "Breaks senders: accounts.commands.deposit: the operation receive-commands-deposit "
                "is gone."
            )
        ],
    ),
    "an operation turns round": (
        lambda document: document["operations"]["receive-commands-deposit"].update(action="send"),
        [
            (
                "Breaks senders: accounts.commands.deposit: the action of the operation "
                "receive-commands-deposit is another one."
            )
        ],
    ),
    "a command is answered by another message": (
        lambda document: document["operations"]["receive-commands-deposit"]["reply"].update(
            messages=[{"$ref": "#/channels/replies/messages/Reply"}]
        ),
        ["Breaks senders: accounts.commands.deposit: it is answered by another message."],
    ),
    "a command says elsewhere where to answer": (
        lambda document: document["operations"]["receive-commands-deposit"]["reply"][
            "address"
        ].update(location="$message.header#/answer_to"),
        [
            (
                "Breaks senders: accounts.commands.deposit: where to answer stood in "
                "$message.header#/reply_to and stands in $message.header#/answer_to."
            )
        ],
    ),
}
