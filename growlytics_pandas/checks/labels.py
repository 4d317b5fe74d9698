"""What the label of a column says about its values: ids and codes, dates, contacts."""

from __future__ import annotations

import re
from typing import Final

_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+")
_ID_ANYWHERE: Final = frozenset(
    {
        *(
            "pin",
            "pincode",
            "zip",
            "zipcode",
            "postal",
            "postcode",
            "gstin",
            "aadhaar",
            "aadhar",
            "isbn",
            "imei",
            "ean",
        ),
        *(
            "upc",
            "sku",
            "hsn",
            "ifsc",
            "msisdn",
            "version",
            "barcode",
            "uuid",
            "guid",
            "passport",
            "ssn",
            "iban",
            "swift",
        ),
    }
)
_ID_AT_END: Final = frozenset(
    {
        *(
            "id",
            "ids",
            "code",
            "codes",
            "no",
            "nr",
            "num",
            "number",
            "phone",
            "mobile",
            "mob",
            "tel",
            "telephone",
            "cell",
        ),
        *(
            "whatsapp",
            "fax",
            "contact",
            "account",
            "acct",
            "card",
            "gst",
            "pan",
            "ref",
            "reference",
            "invoice",
            "ticket",
        ),
        *(
            "ver",
            "build",
            "release",
            "batch",
            "voucher",
            "coupon",
            "licence",
            "license",
            "key",
            "serial",
            "docket",
            "awb",
        ),
        *(
            "plot",
            "flat",
            "door",
            "room",
            "roll",
            "token",
            "otp",
            "cin",
            "tin",
            "din",
            "vat",
            "folio",
            "policy",
            "model",
        ),
    }
)
_DATE_ANYWHERE: Final = frozenset(
    {
        *(
            "date",
            "dates",
            "dt",
            "dob",
            "doj",
            "datetime",
            "timestamp",
            "time",
            "birth",
            "birthday",
            "birthdate",
            "epoch",
        ),
        *("created", "updated", "modified", "joined", "joining", "registered", "anniversary", "expiry", "expires"),
        *("signup", "enrolled", "activated"),
    }
)
_DATE_AT_END: Final = frozenset({"at", "on", "ts"})
_NO_DATE: Final = frozenset(
    {
        *(
            "count",
            "days",
            "day",
            "n",
            "no",
            "num",
            "number",
            "amount",
            "total",
            "id",
            "year",
            "years",
            "month",
            "months",
        ),
        *("age", "diff", "duration", "zone", "hours", "minutes", "seconds", "times", "by", "value", "score", "code"),
    }
)


def words_of(name: str) -> list[str]:
    """Return the words of a label in lower case.

    Examples
    --------
    >>> words_of("Pin-Code"), words_of("createdAt"), words_of("DOB"), words_of("order_id2")
    (['pin', 'code'], ['created', 'at'], ['dob'], ['order', 'id'])
    """
    return [word.casefold() for word in _WORDS.findall(name.replace("WhatsApp", "Whatsapp"))]


def is_id_like(name: str) -> bool:
    """Tell whether a column holds ids or codes by its label, whose digits are no amounts.

    Examples
    --------
    >>> [is_id_like(name) for name in ("Pincode", "Invoice No", "No of Orders", "Phone Calls", "Spend")]
    [True, True, False, False, False]
    """
    words = words_of(name)
    return bool(words) and (not _ID_ANYWHERE.isdisjoint(words) or words[-1] in _ID_AT_END)


def is_date_like(name: str) -> bool:
    """Tell whether a column holds dates by its label.

    Examples
    --------
    >>> [is_date_like(name) for name in ("Joined", "created_at", "DOB", "Days since joined", "Spend")]
    [True, True, True, False, False]
    """
    words = words_of(name)
    if not words or not _NO_DATE.isdisjoint(words):
        return False
    return not _DATE_ANYWHERE.isdisjoint(words) or (len(words) > 1 and words[-1] in _DATE_AT_END)


def is_day_like(name: str) -> bool:
    """Tell whether a column holds days by its label: a response time is a number of seconds rather.

    Examples
    --------
    >>> is_day_like("Joined"), is_day_like("Response time")
    (True, False)
    """
    return is_date_like(name) and "time" not in words_of(name)
