"""P2 to P4: every record is answered or a dead letter, and the same question always has the same answer."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from contracts.codes import Code, known_code
from contracts.commands import COMMANDS, AnyCommand
from contracts.requests import REQUESTS, AnyRequest
from contracts.topics import AUDIT_EVENTS, INPUTS, TOPICS, TopicSpec
from tests.simulation.checker.evidence import (
    PREFIX,
    Document,
    Evidence,
    Findings,
    Stood,
    named,
)
from tests.simulation.checker.flaws import failed_on

_IDS = {**dict.fromkeys(COMMANDS, "command_id"), **dict.fromkeys(REQUESTS, "request_id")}
TOPICS_BY_NAME = {topic.name: topic for topic in TOPICS}
MODELS: Mapping[TopicSpec, type[AnyCommand | AnyRequest]] = {**COMMANDS, **REQUESTS}


def check_answers(evidence: Evidence) -> Findings:
    """Look at every record that was sent, and at every answer."""
    yield from (f"P4: {each}" for each in evidence.unread)
    yield from _all_answered(evidence)
    copies = _copies(evidence)
    yield from _one_answer(evidence, copies)
    yield from _repeated(evidence, copies)
    yield from _recorded(evidence)
    yield from _audited(evidence)


def _all_answered(evidence: Evidence) -> Findings:
    for topic in TOPICS:
        if topic.kind not in INPUTS:
            continue
        identifier, model = _IDS[topic], MODELS[topic]
        said = evidence.answers if identifier == "command_id" else evidence.replies
        waiting: dict[str, int] = {}
        for record in evidence.topics.get(topic.name, ()):
            body = record.body
            name = f"{body.get('username')}:{body.get(identifier)}"
            if evidence.is_dead(record):
                is_ours = record.topic not in evidence.remade  # else it may be of the topic before
                if is_ours and is_sound(record, model) and not failed_on(evidence, record):
                    yield f"P4: {record} ({name}) is a dead letter, and nothing is wrong with it"
            else:
                waiting[name] = waiting.get(name, 0) + 1
                if name not in said:
                    yield f"P4: {record} ({name}) is neither answered nor a dead letter"
        yield from (
            f"P4: {name} stands there {count} times, and has {len(said[name])} answers"
            for name, count in waiting.items()
            if len(said.get(name, ())) < count and name in said
        )


def is_sound(record: Stood, model: type[AnyCommand | AnyRequest]) -> bool:
    """Say whether *record* is one that can be understood."""
    try:
        body = model.model_validate_json(record.value or b"")
    except ValidationError:
        return False
    return record.key in (None, body.username.encode())


def decisive(answer: Stood) -> bool:
    """Say whether *answer* tells of the decision, and not of what is wrong with one record."""
    code = _code(answer)
    return code is None or code.info.recorded


def _once(value: bytes | None) -> bytes:
    return (value or b"").replace(b'"duplicate":true', b'"duplicate":false')


def _one_answer(evidence: Evidence, copies: Mapping[str, Sequence[Stood]]) -> Findings:
    for name, answers in evidence.answers.items():
        decided = {_once(each.value) for each in answers if decisive(each)}
        if len(decided) > 1:
            yield f"P3: {name} has {len(decided)} answers: {sorted(decided)}"
        records = copies.get(name, ())
        if not records or any(each.topic in evidence.remade for each in records):
            continue  # what was sent before is gone
        if len(records) == 1 and any(each.body["duplicate"] for each in answers):
            yield f"P3: {name} was sent once, and its answer says that it is a repeat"


def _copies(evidence: Evidence) -> Mapping[str, Sequence[Stood]]:
    found: dict[str, list[Stood]] = {}
    for each in evidence.commands:
        if not evidence.is_dead(each):
            found.setdefault(named(each.body), []).append(each)
    return found


def _repeated(evidence: Evidence, copies: Mapping[str, Sequence[Stood]]) -> Findings:
    """P3: what is sent again is answered again, and another content under its id is refused."""
    for name, records in copies.items():
        first = evidence.sources.get(name)
        if first is None or len(records) == 1:
            continue
        answers = evidence.answers.get(name, ())
        same = sum(_content(each) == _content(first) for each in records)
        told = sum(decisive(each) for each in answers)
        if told < same:
            yield f"P3: {name} was sent {same} times, and its decision told {told} times"
        model = COMMANDS[TOPICS_BY_NAME[first.topic]]
        others = sum(_differs(each, first) and is_sound(each, model) for each in records)
        refused = sum(_code(each) is Code.COMMAND_ID_CONFLICT for each in answers)
        if refused < others:
            yield f"P3: {name} came {others} times with another content, refused {refused} times"
    for name, versions in evidence.written.get("outcomes", {}).items():
        number, last = versions[-1]
        if last is None or _is_gone(evidence, last) or evidence.calm is None:
            continue
        if number > evidence.calm.repeated_at:
            yield f"P2: {name} was only repeated, and decided once more"


def _content(record: Stood) -> tuple[str, bytes | None]:
    return record.topic, record.value


def _differs(record: Stood, first: Stood) -> bool:
    """Say whether it surely asks for something else: what is sealed, nobody can compare."""
    if record.topic != first.topic:
        return False
    return any(
        record.body.get(name) != first.body.get(name)
        for name in (record.body.keys() | first.body.keys()) & {"currency", "reason", "house"}
    )


def _code(answer: Stood) -> Code | None:
    error = answer.body.get("error")
    return None if error is None else known_code(error["code"])


def _recorded(evidence: Evidence) -> Findings:
    """P2: what is answered is recorded, and nothing else is."""
    told: dict[str, Stood] = {}
    for name, answers in evidence.answers.items():
        decided: Sequence[Stood] = [each for each in answers if decisive(each)]
        if decided:
            told[name] = decided[0]
    for name, answer in told.items():
        outcome = evidence.outcomes.get(name)
        if outcome is None:
            yield f"P2: {name} is answered, and no outcome is recorded"
            continue
        body: dict[str, Any] = answer.body
        nothing: dict[str, Any] = {}
        code = (body.get("error") or nothing).get("code")
        sequence = (body.get("entry") or nothing).get("sequence")
        if (outcome.get("code"), outcome.get("sequence")) != (code, sequence):
            yield f"P2: {name} is answered {code} {sequence}, recorded otherwise"
    for name, outcome in evidence.outcomes.items():
        if name not in told and not _is_gone(evidence, outcome):
            yield f"P2: {name} is recorded, and was never answered"


def _is_gone(evidence: Evidence, outcome: Document) -> bool:
    """Say whether its topic was deleted, and took the record with it before it was answered."""
    return outcome["source"]["topic"].removeprefix(PREFIX) in evidence.remade


def _audited(evidence: Evidence) -> Findings:
    """One audit event for each decision; repeats say the same."""
    said: dict[str, bytes | None] = {}
    for each in evidence.topics.get(AUDIT_EVENTS.name, ()):
        body = each.body
        known = said.setdefault(body["event_id"], each.value)
        is_recorded = body["event_id"].removesuffix(":audit") in evidence.outcomes
        if known != each.value and is_recorded:
            yield f"P5: the audit event {body['event_id']} is said in two ways"
    for name, outcome in evidence.outcomes.items():
        if f"{name}:audit" not in said and not _is_gone(evidence, outcome):
            yield f"P4: {name} has no audit event"
