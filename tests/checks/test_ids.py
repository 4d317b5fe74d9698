"""Ids: equal ids, similar ids and unusable ids, across blocks and with `keep`."""

import ipaddress
import pathlib
import uuid

import numpy as np
import pandas as pd
import pytest

import growlytics_pandas as gp


def frame(*ids, dtype=object):
    return pd.DataFrame({"id": pd.Series(ids, dtype=dtype), "Score": range(len(ids))})


def rows(df, rule, **options):
    return gp.validate(df, "id", **options).query("rule == @rule")["row"].tolist()


def count(df, rule, **options):
    """Cells concerned, of a property of the column, which has one row."""
    found = gp.validate(df, "id", **options).query("rule == @rule")
    assert found["row"].isna().all()
    return found["count"].sum()


def sent(df, **options):
    return [body["id"] for body in gp.preview(df, "id", n=100, **options)]


def test_gap_does_not_turn_integer_ids_to_floats():
    df = frame(919211112, None, 12, dtype="float64")
    assert sent(df) == ["919211112", "12"]
    found = gp.validate(df, "id").query("rule == 'id_float'")
    assert (found["row"].isna().tolist(), found["count"].tolist()) == ([True], [2])
    assert rows(df, "id_missing") == [1]


def test_three_spellings_of_a_number_are_one_id():
    df = frame(True, 1, 1.0, "1")
    assert rows(df, "id_missing") == [0]
    assert rows(df, "id_duplicate") == [1, 2, 3]


def test_leading_zeros_make_another_id():
    assert rows(frame("07", "7", 7), "id_duplicate") == [1, 2]


@pytest.mark.parametrize(
    "pair",
    [("A@x.com", "a@x.com"), ("a@x.com", "a\u200b@x.com"), ("caf\u00e9", "cafe\u0301"), ("ﬁn", "fin")],
    ids=["case", "zero width", "composed", "ligature"],
)
def test_lookalike_ids_are_reported_and_unchanged(pair):
    df = frame(*pair, "other")
    assert rows(df, "id_case_duplicate") == [0, 1]
    assert sent(df) == [*pair, "other"]


@pytest.mark.parametrize("padded", [" a", "a\t", "a\u00a0", "\u2003a", "a\r\n"], ids=ascii)
def test_white_space_around_ids_is_stripped(padded):
    assert sent(frame(padded)) == ["a"]
    assert count(frame(padded), "id_whitespace") == 1
    assert rows(frame(padded, "a"), "id_duplicate") == [0, 1]


@pytest.mark.parametrize(("keep", "kept"), [(False, [1]), ("first", [0, 1]), ("last", [1, 3])])
def test_keep_picks_one_row_per_id(keep, kept):
    df = frame("a", "b", "a", "a")
    scores = [body["attributes"][0]["value"] for body in gp.preview(df, "id", n=10, keep=keep)]
    assert scores == kept
    assert sorted({0, 1, 2, 3} - set(kept)) == rows(df, "id_duplicate", keep=keep)


@pytest.mark.parametrize("keep", ["first", "last"])
def test_rows_dropped_by_keep_do_not_refuse_push(sandbox, keep):
    df = frame("a", "b", "a")
    result = gp.push(df, "id", keep=keep, client=sandbox.client, progress=False)
    found = result.violations.query("rule == 'id_duplicate'")
    assert (found["severity"].item(), found["effect"].item()) == ("warning", "row skipped")
    assert (result.counts["accepted"], result.counts["invalid"]) == (2, 1)
    assert sandbox.stored()["a"]["Score"] == (0 if keep == "first" else 2)


def test_lone_surrogate_is_not_an_id():
    assert sent(frame("a", "\ud800", "b")) == ["a", "b"]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "no id"),
        ("", "empty text"),
        ("  ", "white space"),
        ("\ud800", "Unicode"),
        (["a"], "a list"),
        (np.inf, "infinite"),
        (True, "a bool"),
    ],
    ids=repr,
)
def test_invalid_id_reason_is_reported(value, words):
    message = gp.validate(frame("a", value), "id").query("rule == 'id_missing'")["message"].item()
    assert words in message


def test_duplicate_names_the_other_row():
    messages = gp.validate(frame("a", "b", "a"), "id")["message"].tolist()
    assert "such as row 2" in messages[0]
    assert "such as row 0" in messages[1]


def test_duplicates_are_detected_across_blocks():
    ids = np.arange(40_000).astype(object)
    ids[39_999], ids[20_000] = 7, " 7"
    assert rows(frame(*ids), "id_duplicate") == [7, 20_000, 39_999]


def test_imprecise_float_ids_are_skipped():
    """Float ids that have lost digits are skipped, and they are not duplicates."""
    df = frame(1577134800018164905.0, 1577134800018164906.0, 5.0, np.nan, dtype="float64")
    assert sent(df) == ["5"]
    found = gp.validate(df, "id")
    assert found.query("rule == 'id_rounded'")["row"].tolist() == [0, 1]
    assert "Int64" in found.query("rule == 'id_rounded'")["fix"].iloc[0]
    assert not found["rule"].isin(["id_duplicate"]).any()
    assert rows(df, "id_missing") == [3]


@pytest.mark.parametrize(
    ("dtype", "exact"), [("float64", 2**53 - 1), ("float32", 2**24 - 1), ("Float64", 2**53 - 1), (object, 2**53 - 1)]
)
def test_first_imprecise_float_by_precision(dtype, exact):
    """The first float that may have lost digits depends on its precision."""
    assert sent(frame(float(exact), float(exact + 1), dtype=dtype)) == [str(exact)]


def test_ids_in_scientific_notation_are_skipped():
    assert sent(frame("9.19812E+11", "9,19812E+11", "1e+16", "1e5", "919812000000")) == ["1e5", "919812000000"]


def test_rounded_ids_are_skipped_and_counted(sandbox):
    df = frame(1e17, 1e17, 7.0, dtype="float64")
    result = gp.push(df, "id", errors="drop", client=sandbox.client, progress=False)
    assert (result.counts["accepted"], result.counts["invalid"]) == (1, 2)
    assert list(sandbox.stored()) == ["7"]
    assert "id_rounded" in result.outcomes["error"][0]


def test_id_column_properties_are_counted_once():
    assert count(frame(*range(300), 0.5, dtype="float64"), "id_float") == 301
    assert count(frame(*(f"{n}.0" for n in range(300))), "id_stringified") == 300
    assert count(frame("1.0", "a", "2.0"), "id_stringified") == 2
    assert count(frame("'1", "'2", "3"), "id_wrapped") == 2


def test_id_placeholders_name_the_missing_words():
    found = gp.validate(frame("a", "None", "b", "nan"), "id").query("rule == 'id_stringified'")
    assert found["fix"].tolist() == ["na_values={'id': ['None', 'nan']}"]


class ObjectId:
    """An id of a database: compared by value, written as its hexadecimal digits."""

    def __init__(self, text):
        self.text = text

    def __eq__(self, other):
        return isinstance(other, ObjectId) and other.text == self.text

    def __hash__(self):
        return hash(self.text)

    def __str__(self):
        return self.text


UUIDS = [uuid.UUID(int=n) for n in range(3)]


@pytest.mark.parametrize(
    "values",
    [UUIDS, [ObjectId("65f"), ObjectId("660")], [ipaddress.ip_address("10.0.0.1")], [pathlib.PurePosixPath("a/b")]],
    ids=["uuid", "ObjectId", "address", "path"],
)
def test_scalar_types_have_one_text_everywhere(values):
    """Values whose text is their identity are text as ids and as attributes."""
    df = frame(*values).assign(Key=values)
    bodies = gp.preview(df, "id", n=9)
    assert [body["id"] for body in bodies] == list(map(str, values))
    assert [body["attributes"][1]["value"] for body in bodies] == list(map(str, values))
    assert gp.schema(df, "id")["type"].tolist() == ["number", "string"]
    assert not gp.validate(df, "id")["column"].isin(["id", "Key"]).any()


def test_a_uuid_and_its_text_are_one_id():
    assert rows(frame(UUIDS[1], str(UUIDS[1])), "id_duplicate") == [0, 1]


def test_bytes_are_not_an_id():
    message = gp.validate(frame("a", b"b"), "id").query("rule == 'id_missing'")["message"].item()
    assert "decode" in message


SPELLINGS = ["9876500001", "+91 98765 00001", "09876500001"]


@pytest.mark.parametrize("label", ["cid", "customer_id", "mobile"])
@pytest.mark.parametrize("ids", [[*SPELLINGS, "CRM-1"], [9876500001, *SPELLINGS[1:]]])
def test_mobiles_in_several_spellings_are_several_customers(label, ids):
    plan = gp.plan(pd.DataFrame({label: pd.Series(ids, dtype=object), "City": "Pune"}), label)
    found = plan.violations.query("rule == 'id_case_duplicate'")
    assert (found["column"].tolist(), found["count"].tolist()) == ([label], [3])
    assert plan.suggest() == {"normalize": {label: "E.164"}}


def test_a_rare_spelling_among_many_mobiles_is_found():
    ids = [f"98765{i:05}" for i in range(20_000)] + ["+919876500007"]
    assert gp.suggest(pd.DataFrame({"cid": ids, "City": "Pune"}), "cid") == {"normalize": {"cid": "E.164"}}


@pytest.mark.parametrize(
    "ids",
    [
        [f"98765{i:05}" for i in range(300)],
        [f"+91 98765 {i:05}" for i in range(300)],
        [f"{1_000_000_000 + i}" for i in range(300)] + ["0100000000", "10000-99999"],
        [f"2024-{100_000 + i}" for i in range(100)] + [f"2024 {200_000 + i}" for i in range(100)],
        [f"{size}" + "0" * size for size in range(1, 9)],
    ],
)
def test_one_spelling_and_internal_numbers_stay_alone(ids):
    plan = gp.plan(pd.DataFrame({"cid": ids, "City": "Pune"}), "cid")
    assert (plan.suggest(), len(plan.violations)) == ({}, 0)


@pytest.mark.parametrize("keep", [False, "last"])
def test_repeated_placeholders_are_no_customer_to_keep(keep):
    """Not one customer in several rows: the fix is na_values, whatever `keep` is."""
    df = pd.DataFrame({"id": ["none", "-", "none", "a", "b", "a"], "X": range(6)})
    found = gp.validate(df, "id", keep=keep).query("rule == 'id_duplicate'").set_index("row")
    of_none = found[found["message"].str.contains("placeholder")]
    assert set(of_none["severity"]) == {"error"}
    assert set(of_none["fix"]) == {"na_values={'id': ['-', 'none']}"}
    others = found[~found["message"].str.contains("placeholder")]
    assert set(others["severity"]) == ({"error"} if keep is False else {"warning"})
    assert gp.validate(df, "id", keep=keep, na_values=["none", "-"])["rule"].tolist().count("id_missing") == 3


@pytest.mark.parametrize("dtype", ["str", object])
@pytest.mark.parametrize("keep", [False, "first", "last"])
@pytest.mark.parametrize("word", ["não informado", "Nenhum", "kein Eintrag", "none yet", "00000"])
def test_a_word_as_the_id_of_several_rows_is_a_placeholder(dtype, keep, word):
    """It is no customer, whatever `keep` is, where all other ids are addresses or numbers."""
    ids = pd.Series([word] * 4 + [f"a{i}@x.com" for i in range(30)], dtype=dtype)
    df = pd.DataFrame({"id": ids, "Name": [f"N{i}" for i in range(34)]})
    for plan in (gp.plan(df, "id", keep=keep), gp.plan_batches([df[:2], df[2:]], "id", keep=keep)):
        found = plan.violations.query("rule == 'id_duplicate'")
        assert set(found["severity"]) == {"error"}
        assert set(found["fix"]) == {f"na_values={{'id': [{word!r}]}}"}
    assert gp.plan(df, "id", keep=keep).counts["invalid"] == 4, "none of them is sent as a customer"


@pytest.mark.parametrize("keep", [False, "first", "last"])
def test_no_row_of_a_placeholder_is_sent(sandbox, keep):
    df = pd.DataFrame({"id": ["n/a", "a@x.com", "n/a", "b@x.com", "n/a"], "X": range(5)})
    whole = gp.push(df, "id", keep=keep, errors="drop", client=sandbox.client, progress=False)
    parts = [df[:1], df[1:4], df[4:]]
    batches = gp.push_batches(parts, "id", keep=keep, errors="drop", client=sandbox.client, progress=False)
    for result in (whole, batches):
        assert (result.counts["accepted"], result.counts["invalid"]) == (2, 3)
        assert result.rejects().index.tolist() == [0, 2, 4]
    assert set(sandbox.stored()) == {"a@x.com", "b@x.com"}


@pytest.mark.parametrize("dtype", ["int64", "str", object])
def test_a_customer_number_of_one_digit_is_no_placeholder(dtype):
    """As in a log of purchases, where the last row of each customer is kept."""
    ids = pd.Series([11_111] * 4 + [22_222] * 3 + list(range(40))).astype(dtype)
    found = gp.plan(pd.DataFrame({"id": ids, "X": range(47)}), "id", keep="last").violations
    assert set(found["severity"]) == {"warning"}
    assert len(found) == 5


def test_names_that_are_ids_are_no_placeholders():
    df = pd.DataFrame({"id": ["asha"] * 4 + ["ravi", "meera", "kiran", "c7"], "X": range(8)})
    assert set(gp.plan(df, "id", keep="last").violations["severity"]) == {"warning"}


@pytest.mark.parametrize("dtype", ["str", object])
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("035.873.557-20", "03587355720"),
        ("11.222.333/0001-81", "11222333000181"),
        ("111.444.777-35", "111444777-35"),
        ("+91 98200 12345", "919820012345"),
        ("(11) 98765-4321", "11987654321"),
    ],
)
def test_numbers_with_and_without_separators_are_alike(dtype, one, other):
    df = pd.DataFrame({"id": pd.Series([one, other, "12345678901"], dtype=dtype), "X": [1, 2, 3]})
    for plan in (gp.plan(df, "id"), gp.plan_batches([df[:1], df[1:]], "id")):
        found = plan.violations.query("rule == 'id_case_duplicate' and row == row")
        assert found["row"].tolist() == [0, 1]
        assert "normalize" not in found["fix"].iloc[0]


@pytest.mark.parametrize(
    "ids",
    [
        ["1-12", "11-2"],
        ["A-1234567", "A1234567"],
        ["1.5", "15"],
        ["2025-01", "202501"],
        ["12345678.5", "123456785"],
        ["192.168.1.100", "19.216.81.100", "192168.1100"],
    ],
)
def test_separators_of_codes_and_short_numbers_count(ids):
    df = pd.DataFrame({"id": ids, "X": 1})
    assert "id_case_duplicate" not in set(gp.validate(df, "id")["rule"])


def test_parts_may_have_ids_of_both_kinds():
    df = pd.DataFrame({"id": ["03587355720", "035.873.557-20", "Asha@x.com", "asha@x.com"], "X": range(4)})
    whole = gp.validate(df, "id")
    assert whole["row"].tolist() == [0, 1, 2, 3]
    for parts in ([df[:2], df[2:]], [df[:1], df[1:3], df[3:]]):
        assert gp.plan_batches(parts, "id").violations["fix"].tolist() == whole["fix"].tolist()
