"""How many decimals each currency has, from the ISO 4217 table."""

from functools import cache


@cache
def iso_scales() -> dict[str, int]:
    """Return code → decimals for every current ISO 4217 code that has minor units.

    Codes without them (XAU, XTS, XXX) are left out, so they are refused as unsupported.
    """
    from iso4217 import raw_table  # noqa: PLC0415 - parses its XML when it is loaded

    scales: dict[str, int] = {}
    for code, row in raw_table.items():
        units = str(row["CcyMnrUnts"] or "")
        if code and units.isdigit():
            scales[str(code)] = int(units)
    return scales
