"""How one published message looks in a line of `accounts watch`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from rich.text import Text

from cli.screen.answers import change
from client import received
from contracts.dead_letters import DlqHeader

USER_WIDTH = 14
"""Most usernames fit; a longer one pushes its own line."""

HOW = {"accepted": ("✓", "green"), "rejected": ("✗", "red")}
"""Status → its sign and colour; of one that is not here a later release knows what it means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One record, as far as a line needs it."""

    topic: str
    timestamp_ms: int
    key: str
    headers: Mapping[str, str]
    body: Any
    """The parsed JSON value, or None where it is none."""


def line(watched: Watched) -> Text:
    """Return *watched* as one line: when, what, who, and what it says."""
    moment = received.moment(watched.timestamp_ms)
    text = Text(f"{moment:%H:%M:%S}.{watched.timestamp_ms % 1000:03d}  ", "dim")
    text.append(f"{watched.topic:<12}  ", "cyan")
    text.append(f"{watched.key:<{USER_WIDTH}}  ", "bold")
    return text.append_text(_said(watched))


def _said(watched: Watched) -> Text:
    say = _SAY.get(watched.topic)
    if not isinstance(watched.body, dict) and watched.topic != "dead-letters":
        return Text("not JSON; what else writes to this topic?", "red")
    try:
        return say(watched) if say else Text()
    except (KeyError, TypeError, AttributeError):
        return Text("not as the contract says; is this program older than the service?", "red")


def _body(watched: Watched) -> dict[str, Any]:
    return cast("dict[str, Any]", watched.body)


def _answer(watched: Watched) -> Text:
    body = _body(watched)
    return _reply(body) if "request_id" in body else _result(body)


def _reply(body: dict[str, Any]) -> Text:
    return _how(body).append_text(_why(body)).append(body["request_id"], "dim")


def _result(body: dict[str, Any]) -> Text:
    text = _how(body)
    if body.get("entry"):
        text.append(f"{_moved(body['entry'])}  ", "default")
    text.append_text(_why(body))
    if body["duplicate"]:
        text.append("repeat  ", "yellow")
    return text.append(body["command_id"], "dim")


def _moved(entry: dict[str, Any]) -> str:
    if "postings" not in entry:  # as release 0.1 said it
        return f"{entry['before']} → {entry['after']} {entry['currency']}"
    return ", ".join(
        change(one["amount"], entry["balances"][one["currency"]]["posted"], one["currency"])
        for one in entry["postings"]
        if one["account"] == entry["username"]
    )


def _how(body: dict[str, Any]) -> Text:
    sign, colour = HOW.get(body["status"], ("?", "yellow"))
    return Text(f"{sign} {body['type']:<14}  ", colour)


def _why(body: dict[str, Any]) -> Text:
    error = body.get("error")
    return Text(f"{error['code']}: {error['detail']}  " if error else "", "default")


def _balance(watched: Watched) -> Text:
    body = _body(watched)
    text = Text(f"  {body['kind']:<14}  ", "default")
    text.append(f"{_moved(body)}  ", "default")
    return text.append(f"#{body['sequence']}", "dim")


def _audit(watched: Watched) -> Text:
    body = _body(watched)
    text = Text(f"  {body['action']:<14}  {body['outcome']}  ", "default")
    if body.get("code"):
        text.append(f"{body['code']}  ", "default")
    return text.append(f"by {body['actor']}" if body.get("actor") else "", "dim")


def _state(watched: Watched) -> Text:
    body = _body(watched)
    held = [f"{state['posted']} {currency}" for currency, state in body["balances"].items()]
    text = Text(f"  {', '.join(held) or 'empty'}  ", "default")
    return text.append(f"#{body['sequence']}", "dim")


def _revocation(watched: Watched) -> Text:
    body = _body(watched)
    text = Text(f"  {body['reason']:<14}  ", "default").append(f"{body['username']}  ", "default")
    return text.append(f"until {body['expires_at']}", "dim")


def _dead_letter(watched: Watched) -> Text:
    headers = watched.headers
    text = Text(f"✗ {headers.get(DlqHeader.CODE, '?'):<14}  ", "red")
    text.append(f"{headers.get(DlqHeader.REASON, '')}  ", "default")
    place = [headers.get(name, "?") for name in (DlqHeader.TOPIC, DlqHeader.PARTITION)]
    return text.append(f"{':'.join(place)}@{headers.get(DlqHeader.OFFSET, '?')}", "dim")


_SAY: dict[str, Callable[[Watched], Text]] = {
    "results": _answer,
    "balance": _balance,
    "audit": _audit,
    "state": _state,
    "revocations": _revocation,
    "dead-letters": _dead_letter,
}
