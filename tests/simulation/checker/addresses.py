"""P4: an answer stands where its sender wants it, or where all others stand, with the reason."""

from contracts.headers import REPLY_TO, UNDELIVERED
from contracts.topics import RESULTS
from tests.simulation.checker.evidence import PREFIX, Evidence, Findings, named


def check_addresses(evidence: Evidence) -> Findings:
    """Look where every answer stands."""
    if not evidence.history.reply_topics:
        return
    wanted: dict[str, set[str]] = {}
    for record in evidence.inputs:
        if record.topic in evidence.remade:
            continue
        named_topic = dict(record.headers).get(REPLY_TO, b"") or b""
        topic = named_topic.decode().removeprefix(PREFIX) or RESULTS.name
        wanted.setdefault(named(record.body), set()).add(topic)
    for answer in evidence.answered:
        name = named(answer.body)
        is_undelivered = UNDELIVERED in dict(answer.headers)
        if name not in wanted or (is_undelivered and answer.topic == RESULTS.name):
            continue
        if answer.topic not in wanted[name]:
            yield f"P4: {name} was answered on {answer.topic}, wanted on {sorted(wanted[name])}"
