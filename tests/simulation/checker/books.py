"""`accounts verify` and the trial balance, as operators run them, are one part of the checks."""

from collections.abc import Callable, Sequence
from math import inf

from cli.verification.published import Finding
from cli.verification.tally import Tally
from cli.verification.verifying import Verifier
from handlers.history.trial_balance import unbalanced
from storage.mongo.client import MongoClient, MongoOptions
from storage.mongo.houses import MongoHouses
from storage.mongo.inspection import MongoInspection
from storage.mongo.ledger import MongoLedger
from tests.simulation.checker.evidence import Struck
from tests.simulation.checker.struck import verified
from tests.simulation.keys import key_ring
from tests.simulation.mongo.driver import connecting
from tests.simulation.network import Answer, Call, Network
from tests.simulation.processes import Servers


async def check_books(servers: Servers, struck: Struck | None = None) -> Sequence[str]:
    """Return what production's own verification finds, but for what is wrong with who was *struck*."""
    options = MongoOptions(uri="mongodb://simulated/", database="accounts", account_keys=key_ring())
    client = MongoClient(options, connect=connecting(servers.mongo, _AtOnce()))
    tally = _Silent()
    houses = MongoHouses(client)
    verifier = Verifier(MongoLedger(client), MongoInspection(client), houses, tally, live=False)
    await verifier.everything()
    totals = await houses.totals()
    await client.close()
    found = [f"verify: {each.username} {each.violation} {each.detail}" for each in tally.findings]
    if struck is None or struck.collection != "accounts":  # else they cannot come to zero
        found += [
            f"P13: {each.currency} differs by {each.difference_minor}"
            for each in unbalanced(totals)
        ]
    return verified(struck, found)


class _AtOnce(Network):
    """Answers whoever looks at what is left: nobody else runs any more, and no time passes."""

    def __init__(self) -> None:
        """Need no fates."""

    async def ask(
        self, call: Call, effect: Callable[[], Answer], *, patience_s: float = inf
    ) -> Answer:
        """Return what *effect* returns."""
        del call, patience_s
        return effect()


class _Silent(Tally):
    """Keeps what is found, and prints nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.findings: list[Finding] = []

    def take(self, findings: list[Finding]) -> None:
        self.findings += findings
        findings.clear()
