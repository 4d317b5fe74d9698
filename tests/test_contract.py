"""The facts of the API, compared with the published page, and how characters are counted."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from growlytics_pandas import contract
from growlytics_pandas.columns.convert import date_texts


def test_facts_match_the_published_page():
    assert contract.BASE_URL + contract.CUSTOMER_PATH == "https://dcqs-india.growlytics.in/rest-api/customer"
    assert contract.KEY_HEADER == "x-growlytics-key"
    assert contract.TYPES == ("string", "number", "boolean", "date")
    assert contract.RESERVED_ATTRIBUTES == ("name", "email", "mobile")
    assert contract.MAX_ATTRIBUTE_NAME_CHARS == 49  # "less than 50 characters"
    assert contract.MAX_CUSTOM_ATTRIBUTES == 100
    assert date_texts(np.array(["2026-01-31T18:30:00.5"], "M8[ms]")) == ["2026-01-31 18:30:00"]


def test_every_status_has_one_meaning():
    groups = (contract.RETRY_STATUSES, contract.KEY_STATUSES, contract.ENDPOINT_STATUSES)
    assert len(frozenset().union(*groups)) == sum(map(len, groups))
    assert not any(200 <= status < 300 for group in groups for status in group)


def test_emoji_count_two():
    assert [contract.count_chars(text) for text in ("", "é", "🎉", "👩‍👧")] == [0, 1, 2, 5]


@given(st.text(alphabet=st.characters(codec=None)))
def test_characters_are_never_undercounted(text):
    units = len(text.encode("utf-16-le", "surrogatepass")) // 2
    assert contract.count_chars(text) == max(len(text), units)
