"""Made-up customers of an Indian shop, for examples, tests and experiments.

A clean frame breaks no rule; a dirty one breaks those in `PLANTED`. The e-mail addresses are in
domains that RFC 2606 reserves for examples; the mobile numbers may be real, so push them to the sandbox only.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from growlytics_pandas.contract import MAX_CUSTOM_ATTRIBUTES, MAX_ID_CHARS, MAX_SAFE_INTEGER
from growlytics_pandas.errors import InvalidArgumentError, InvalidArgumentTypeError

MIN_DIRTY_ROWS: Final = 100  # rows; the faults are in the first hundred, most of them alone in their row

PLANTED: Final = (
    *("id_missing", "id_duplicate", "id_whitespace", "id_float", "id_stringified", "id_case_duplicate", "id_too_long"),
    *("attribute_name_empty", "attribute_name_too_long", "attribute_name_duplicate", "attribute_name_case_clash"),
    *("attribute_name_whitespace", "type_unsupported", "value_wrong_type", "value_not_finite", "date_out_of_range"),
    *(
        "integer_unsafe",
        "value_too_long",
        "value_stringified",
        "value_whitespace",
        "date_truncated",
        "reserved_not_string",
    ),
    *("email_invalid", "mobile_invalid", "too_many_attributes", "row_empty"),
)
"""The rules that a dirty frame breaks."""

FIRST_NAMES: Final = (
    *("Aarav", "Aditi", "Akash", "Amit", "Ananya", "Anjali", "Arjun", "Asha", "Deepa", "Devika", "Farhan", "Gaurav"),
    *("Harpreet", "Imran", "Ishaan", "Jaya", "Karan", "Kavya", "Lakshmi", "Manish", "Meera", "Mohit", "Naina"),
    *("Neha", "Nikhil", "Pooja", "Pranav", "Priya", "Rahul", "Ravi", "Riya", "Rohan", "Sana", "Sanjay", "Shreya"),
    *("Sneha", "Suresh", "Tanvi", "Varun", "Vikram", "Yash", "Zoya"),
)
LAST_NAMES: Final = (
    *("Agarwal", "Banerjee", "Bhat", "Chauhan", "Chopra", "Das", "Desai", "Fernandes", "Ghosh", "Gupta", "Iyer"),
    *("Jain", "Joshi", "Kapoor", "Khan", "Kulkarni", "Kumar", "Malhotra", "Mehta", "Menon", "Mishra", "Nair"),
    *("Pandey", "Patel", "Pillai", "Rao", "Reddy", "Saxena", "Shah", "Sharma", "Shetty", "Singh", "Sinha", "Thomas"),
    *("Trivedi", "Verma", "Yadav"),
)
CITIES: Final = (
    *("Ahmedabad", "Bengaluru", "Bhopal", "Chandigarh", "Chennai", "Delhi", "Guwahati", "Hyderabad", "Indore"),
    *("Jaipur", "Kochi", "Kolkata", "Lucknow", "Mumbai", "Nagpur", "Patna", "Pune", "Surat", "Visakhapatnam"),
)
CATEGORIES: Final = ("Beauty", "Books", "Electronics", "Fashion", "Footwear", "Grocery", "Home & Kitchen", "Toys")
EMAIL_DOMAINS: Final = ("example.com", "example.org", "example.net")  # RFC 2606: reserved, owned by nobody
MOBILE_STARTS: Final = (70, 84, 85, *range(90, 100))  # all numbers with these first digits may be mobiles

MOBILE_BLOCK: Final = 10**8  # numbers that share one of MOBILE_STARTS
MOBILE_SPACE: Final = len(MOBILE_STARTS) * MOBILE_BLOCK
MOBILE_STEP: Final = 927_051_017  # coprime to MOBILE_SPACE, so that stepping by it reaches every number once
FIRST_ORDER: Final = np.datetime64("2023-01-01T00:00:00", "us")
ORDER_SECONDS: Final = 3 * 365 * 24 * 60 * 60  # the span of the last orders, three years
MEAN_BASKET: Final = 1150.0  # rupees
SHARE_OF_FIRST_ORDERS: Final = 0.35  # customers who have ordered once
N_TAGS: Final = MAX_CUSTOM_ATTRIBUTES + 1
TAGGED_ROW: Final = 62  # the customer with more attributes than are allowed
EMPTY_ROW: Final = 65  # the customer with an id and nothing else

LONG_LABEL: Final = "Average Basket Value In Rupees Over The Last Twelve Months"
LONG_NOTE: Final = "Called about the delivery of the festive order. " * 12


def sample_customers(n: int = 1000, seed: int = 0, dirty: bool = False) -> pd.DataFrame:
    """Return made-up customers of an Indian shop.

    The same `n` and `seed` give the same frame, and a smaller `n` gives the first rows of a clean one.

    Parameters
    ----------
    n : int
        Rows; at least 100 for a dirty frame.
    seed : int
        The seed of the random numbers, 0 or more.
    dirty : bool
        Add faults that are common in real data, in about twenty of the first 100 rows and in columns of their own.
        Every rule of `PLANTED` is broken at least once:

        - ids that are missing, duplicate, padded with spaces, a float, "nan", equal except for case, or too long;
        - labels that are empty, too long, duplicate (``Segment``), equal except for case (``city``), or padded with
          spaces (``" Notes "``);
        - a timedelta column; a column of text and numbers (``Referral Code``);
        - infinite lifetime values; a date in the year 10000 and one with a sub-second part; loyalty points that a
          JSON reader may round; a note of more than 512 characters; a city "None";
        - invalid e-mail addresses, a mobile that is too short, and mobiles read as floats because one is missing;
        - a customer with more than 100 custom attributes (``Tag 001``, …), and one with an id and nothing else.

    Returns
    -------
    DataFrame
        One row per customer, with a RangeIndex. ``customer_id``, ``email`` and ``mobile`` are unique in a clean frame,
        in which ``Lifetime Value`` and ``Loyalty Points`` have missing values.

    Raises
    ------
    InvalidArgumentError
        If `n` or `seed` is negative, or `n` is below 100 for a dirty frame.
    InvalidArgumentTypeError
        If `n` or `seed` is not an integer.

    Examples
    --------
    >>> sample_customers(2)["customer_id"].tolist()
    ['C000000', 'C000001']
    """
    _check_count("n", n, MIN_DIRTY_ROWS if dirty else 0, "the rows of a dirty frame" if dirty else "rows")
    _check_count("seed", seed, 0, "it")
    clean = _make_clean(int(n), int(seed))
    return _make_dirty(clean) if dirty else clean


def _check_count(argument: str, value: Any, least: int, what: str) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise InvalidArgumentTypeError(f"{argument}: found a {type(value).__name__}; it must be an integer.")
    if value < least:
        raise InvalidArgumentError(f"{argument}: found {value}; {what} must be {least} or more.")


def _make_clean(n: int, seed: int) -> pd.DataFrame:
    def draw(label: str) -> np.random.Generator:
        """Return the random numbers of a label, so that columns are independent."""
        return np.random.default_rng([seed, *label.encode()])

    def pick(label: str, choices: Sequence[str]) -> list[str]:
        picked: list[str] = np.array(choices, dtype=object)[draw(label).integers(len(choices), size=n)].tolist()
        return picked

    positions = range(n)
    first, last, domains = pick("first name", FIRST_NAMES), pick("last name", LAST_NAMES), pick("domain", EMAIL_DOMAINS)
    emails = [f"{first[i]}.{last[i]}{i}@{domains[i]}".lower() for i in positions]
    orders = draw("orders").geometric(SHARE_OF_FIRST_ORDERS, n)
    spent = np.round(orders * draw("basket").gamma(2.0, MEAN_BASKET / 2.0, n), 2)
    order_seconds = draw("date").integers(ORDER_SECONDS, size=n).astype("timedelta64[s]")
    categories = draw("category").integers(len(CATEGORIES), size=n)
    points = draw("points").integers(5000, size=n)
    columns = {
        "customer_id": _text([f"C{i:06d}" for i in positions]),
        "email": _text(emails),
        "name": _text([f"{first[i]} {last[i]}" for i in positions]),
        "mobile": _text(_make_mobiles(n, int(draw("mobile").integers(MOBILE_SPACE)))),
        "City": _text(pick("city", CITIES)),
        "Total Orders": orders,
        "Lifetime Value": np.where(draw("no value").random(n) < 0.05, np.nan, spent),  # noqa: PLR2004 - a share
        "Is First Time Purchaser": orders == 1,
        "Last Order Date": FIRST_ORDER + order_seconds,
        "Favourite Category": pd.Categorical.from_codes(categories, pd.Index(CATEGORIES)),
        "Loyalty Points": pd.arrays.IntegerArray(points, draw("no points").random(n) < 0.1),  # noqa: PLR2004 - likewise
    }
    return pd.DataFrame(columns)


def _text(values: list[str]) -> pd.Series:
    """Return a text column; the dtype is explicit, since an empty list has none."""
    return pd.Series(values, dtype="str")


def _make_mobiles(n: int, offset: int) -> list[str]:
    """Return distinct ten-digit numbers, by constant steps modulo the number of all of them."""
    blocks, rest = np.divmod((offset + np.arange(n) * MOBILE_STEP) % MOBILE_SPACE, MOBILE_BLOCK)
    return [str(number) for number in (np.array(MOBILE_STARTS)[blocks] * MOBILE_BLOCK + rest).tolist()]


def _make_dirty(clean: pd.DataFrame) -> pd.DataFrame:
    """Return the clean frame with more columns, in nullable dtypes, and with faults, most alone in their row."""
    columns = {label: clean[label].copy() for label in clean.columns}
    columns["customer_id"] = clean["customer_id"].astype(object)
    columns["mobile"] = clean["mobile"].astype("float64")  # as when reading a file with a missing number
    columns["Total Orders"] = clean["Total Orders"].astype("Int64")
    columns["Is First Time Purchaser"] = clean["Is First Time Purchaser"].astype("boolean")
    columns[""] = _sparse(clean, "left over from a merge")
    columns[LONG_LABEL] = (clean["Lifetime Value"] / clean["Total Orders"]).round(2)
    columns["Segment"] = _sparse(clean, "Gold")
    columns["Segment, again"] = _sparse(clean, "Silver")
    columns["city"] = clean["City"].copy()
    columns[" Notes "] = _sparse(clean, "Prefers delivery in the evening")
    columns["Time To Second Order"] = pd.to_timedelta(clean["Total Orders"], unit="D")
    columns["Referral Code"] = _sparse(clean, "FRIEND10")
    for label, row, value in _planted_cells(clean["customer_id"].tolist()):
        columns[label].iloc[row] = value
    columns |= _tag_columns(len(clean))
    for label, values in columns.items():
        if label != "customer_id":
            values.iloc[EMPTY_ROW] = None
    return pd.DataFrame(columns).rename(columns={"Segment, again": "Segment"})


def _planted_cells(ids: list[str]) -> list[tuple[str, int, Any]]:
    """Return the faults that are single cells: column, row, value."""
    return [
        ("customer_id", 3, None),
        ("customer_id", 8, ids[5]),
        ("customer_id", 11, f" {ids[11]} "),
        ("customer_id", 14, 919211.0),
        ("customer_id", 17, ids[20].lower()),
        ("customer_id", 23, f"{ids[23]}-{'0' * MAX_ID_CHARS}"),
        ("customer_id", 68, "nan"),
        ("email", 26, "asha.nair.example.com"),
        ("email", 29, "imran.khan@example"),
        ("email", 32, "neha.rao@example.com "),
        ("mobile", 35, 99192.0),
        ("mobile", 38, np.nan),
        ("City", 71, "None"),
        ("Lifetime Value", 41, np.inf),
        ("Lifetime Value", 44, -np.inf),
        ("Last Order Date", 47, np.datetime64("10000-01-01T00:00:00", "us")),
        ("Last Order Date", 50, np.datetime64("2025-03-14T09:26:53.589793", "us")),
        ("Loyalty Points", 53, MAX_SAFE_INTEGER + 2),
        (" Notes ", 56, LONG_NOTE),
        ("Referral Code", 59, 2024),
    ]


def _sparse(clean: pd.DataFrame, text: str) -> pd.Series:
    """Return a column that has `text` in every fifth of the first rows, and is missing elsewhere."""
    values = np.full(len(clean), None, dtype=object)
    values[:MIN_DIRTY_ROWS:5] = text
    return pd.Series(values, dtype=object)


def _tag_columns(n: int) -> dict[str, pd.Series]:
    """Return more columns than a customer may have attributes; one row has all. One byte per cell."""
    codes = np.full(n, -1, dtype=np.int8)
    codes[TAGGED_ROW] = 0
    tagged = pd.Categorical.from_codes(codes, pd.Index(["tagged"]))
    return {f"Tag {number:03d}": pd.Series(tagged.copy()) for number in range(1, N_TAGS + 1)}
