"""Looks whether what is stored beside the accounts agrees with them, page by page."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from contracts.registration import name_claim
from handlers.history.discrepancy import Discrepancy, Violation, corrupt_document
from handlers.history.reference import (
    Reference,
    Referring,
    disagreement,
    no_credential,
    unclaimed,
    unclaimed_name,
)
from handlers.model.account import Account
from handlers.model.corrupt import CorruptDocument
from storage.ports.inspection import Inspection
from storage.ports.ledger import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedPage:
    """What one page of documents came to."""

    named: int
    """Documents that name an account."""
    looked_at: int
    """Documents gone past, roughly."""
    last: str | None
    """Where the next page starts; None at the end."""
    discrepancies: list[Discrepancy]
    corrupt: list[CorruptDocument]


async def check_references(
    ledger: Ledger, inspection: Inspection, collection: Referring, *, after: str, limit: int
) -> CheckedPage:
    """Compare the next *limit* documents of *collection* with the accounts they name."""
    page = await inspection.references(collection, after=after, limit=limit)
    discrepancies, corrupt = await _disagreements(ledger, inspection, page.found)
    return CheckedPage(
        named=len(page.found),
        looked_at=page.looked_at,
        last=page.last,
        discrepancies=discrepancies,
        corrupt=corrupt,
    )


async def check_user(ledger: Ledger, inspection: Inspection, username: str) -> CheckedPage:
    """Compare everything that names one user's account with it."""
    found = await inspection.references_of(username)
    discrepancies, corrupt = await _disagreements(ledger, inspection, found)
    return CheckedPage(
        named=len(found),
        looked_at=len(found),
        last=None,
        discrepancies=discrepancies,
        corrupt=corrupt,
    )


async def check_accounts(
    ledger: Ledger, inspection: Inspection, accounts: Sequence[Account]
) -> list[Discrepancy]:
    """Look whether each of *accounts* has its address and name claimed, and can be signed in to."""
    able = await inspection.able_to_sign_in([account.username for account in accounts])
    unable = [
        no_credential(account)
        for account in accounts
        if account.signs_in and account.username not in able
    ]
    return [
        *await _unclaimed(ledger, accounts),
        *await _unclaimed_names(ledger, accounts),
        *unable,
    ]


async def _disagreements(
    ledger: Ledger, inspection: Inspection, found: Iterable[Reference | CorruptDocument]
) -> tuple[list[Discrepancy], list[CorruptDocument]]:
    corrupt = [one for one in found if isinstance(one, CorruptDocument)]
    references = [one for one in found if isinstance(one, Reference)]
    # After what names them: an account is written with its references or before them.
    accounts = await inspection.accounts({one.username for one in references})
    discrepancies = [corrupt_document(one) for one in corrupt]
    for one in references:
        wrong = disagreement(one, accounts.get(one.username))
        if wrong is None:
            continue
        stray_email = (
            wrong.violation is Violation.STRAY_CLAIM and one.collection is Referring.EMAILS
        )
        if stray_email and not await _is_stray(ledger, one):
            continue  # the address was given up, or taken, in between
        discrepancies.append(wrong)
    return discrepancies, corrupt


async def _is_stray(ledger: Ledger, claim: Reference) -> bool:
    """Look again, at claim and account as of one moment."""
    async with ledger.transaction() as snapshot:
        accounts = await snapshot.accounts([claim.username])
        owners = await snapshot.email_owners([claim.id])
        await snapshot.commit()
    account = accounts.get(claim.username)
    if owners.get(claim.id) != claim.username or not isinstance(account, Account):
        return False
    return account.profile.email_claim != claim.id


async def _unclaimed(ledger: Ledger, accounts: Sequence[Account]) -> list[Discrepancy]:
    """Return the accounts whose address is not claimed for them, as of one moment."""
    claims = _addresses(accounts)
    async with ledger.transaction() as snapshot:
        owners = await snapshot.email_owners({*claims.values()})
        await snapshot.commit()
    suspects = [name for name, email in claims.items() if owners.get(email) != name]
    if not suspects:
        return []
    async with ledger.transaction() as snapshot:
        found = await snapshot.accounts(suspects)
        now = [one for one in found.values() if isinstance(one, Account)]
        claims = _addresses(now)
        owners = await snapshot.email_owners({*claims.values()})
        await snapshot.commit()
    found_wrong: list[Discrepancy] = []
    for one in now:
        if one.username not in claims:
            continue
        owner = owners.get(claims[one.username])
        wrong = (
            corrupt_document(owner) if isinstance(owner, CorruptDocument) else unclaimed(one, owner)
        )
        if wrong is not None:
            found_wrong.append(wrong)
    return found_wrong


async def _unclaimed_names(ledger: Ledger, accounts: Iterable[Account]) -> list[Discrepancy]:
    """Return the accounts whose look-alikes could be registered; a claim is written with its account."""
    claims = {name_claim(one.username): one for one in accounts}
    # A name in lower case is kept from others by the account itself.
    names = {name: one for name, one in claims.items() if name and name != one.username}
    if not names:
        return []
    async with ledger.transaction() as snapshot:
        owners = await snapshot.name_owners(names.keys())
        await snapshot.commit()
    return [unclaimed_name(one) for name, one in names.items() if name not in owners]


def _addresses(accounts: Iterable[Account]) -> dict[str, str]:
    """Return username → address as it is claimed, of those that have one."""
    claims = {one.username: one.profile.email_claim for one in accounts}
    return {username: claim for username, claim in claims.items() if claim is not None}
