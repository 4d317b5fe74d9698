"""Words that all share."""


def plural(count: int, noun: str) -> str:
    """Write a count and its noun.

    Examples
    --------
    >>> plural(1, "error"), plural(2000, "row")
    ('1 error', '2,000 rows')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
