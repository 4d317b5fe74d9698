"""Ids: what is the same, what looks the same, what is none, over blocks and with `keep`."""

import numpy as np
import pandas as pd
import pytest

import growlytics_pandas as gp


def frame(*ids, dtype=object):
    return pd.DataFrame({"id": pd.Series(ids, dtype=dtype), "Score": range(len(ids))})


def rows(df, rule, **options):
    return gp.validate(df, "id", **options).query("rule == @rule")["row"].tolist()


def sent(df, **options):
    return [body["id"] for body in gp.preview(df, "id", n=100, **options)]


def test_a_missing_value_does_not_turn_integer_ids_into_floats_on_the_wire():
    df = frame(919211112, None, 12, dtype="float64")
    assert sent(df) == ["919211112", "12"]
    found = gp.validate(df, "id").query("rule == 'id_float'")
    assert (found["row"].isna().tolist(), found["count"].tolist()) == ([True], [2])
    assert rows(df, "id_missing") == [1]


def test_float_ids_beyond_2_53_are_told_to_have_lost_digits():
    df = frame(1e16, 5.0, dtype="float64")
    assert sent(df) == ["10000000000000000", "5"]
    found = gp.validate(df, "id").query("rule == 'integer_unsafe'")
    assert found["row"].tolist() == [0]
    assert "digits are lost" in found["message"].item()


def test_a_float_id_with_a_fraction_is_told_apart():
    found = gp.validate(frame(1.5, 2.0, dtype="float64"), "id").query("rule == 'id_float'")
    assert found["message"].str.contains("fraction").tolist() == [True, False]
    assert sent(frame(1.5, 2.0, dtype="float64")) == ["1.5", "2"]


def test_what_nearly_all_ids_are_is_said_once_and_what_some_are_row_by_row():
    floats = frame(*range(300), 0.5, dtype="float64")
    found = gp.validate(floats, "id")
    assert found[["rule", "count"]].to_numpy().tolist() == [["id_float", 300], ["id_float", 1]]
    assert found["row"].tolist() == [pd.NA, 300]
    texts = frame(*(f"{n}.0" for n in range(300)))
    assert gp.validate(texts, "id")[["rule", "count"]].to_numpy().tolist() == [["id_stringified", 300]]
    assert rows(frame(1.0, "a", 2.0), "id_float") == [0, 2]
    assert rows(frame("1.0", "a", "2.0"), "id_stringified") == [0, 2]


def test_an_id_that_was_a_missing_value_is_told_even_where_it_stands_alone():
    df = frame("a", None, "b", float("nan")).assign(id=lambda d: d["id"].map(str))
    assert rows(df, "id_stringified") == [1, 3]
    scope = {"df": df}
    for line in gp.validate(df, "id")["fix"].unique():
        exec(line, scope)
    assert scope["df"]["id"].tolist() == ["a", "b"]


def test_one_number_in_three_spellings_is_one_id_and_true_is_none():
    df = frame(True, 1, 1.0, "1")
    assert rows(df, "id_missing") == [0]
    assert rows(df, "id_duplicate") == [1, 2, 3]


def test_zeros_in_front_make_another_id():
    assert rows(frame("07", "7", 7), "id_duplicate") == [1, 2]


@pytest.mark.parametrize(
    "pair",
    [("A@x.com", "a@x.com"), ("a@x.com", "a\u200b@x.com"), ("caf\u00e9", "cafe\u0301"), ("ﬁn", "fin")],
    ids=["case", "zero width", "composed", "ligature"],
)
def test_ids_that_look_alike_are_reported_and_sent_as_they_are(pair):
    df = frame(*pair, "other")
    assert rows(df, "id_case_duplicate") == [0, 1]
    assert sent(df) == [*pair, "other"]


@pytest.mark.parametrize("padded", [" a", "a\t", "a\u00a0", "\u2003a", "a\r\n"], ids=ascii)
def test_white_space_around_an_id_is_stripped_and_told(padded):
    assert sent(frame(padded)) == ["a"]
    assert rows(frame(padded), "id_whitespace") == [0]
    assert rows(frame(padded, "a"), "id_duplicate") == [0, 1]


@pytest.mark.parametrize(("keep", "kept"), [(False, [1]), ("first", [0, 1]), ("last", [1, 3])])
def test_keep_chooses_among_the_rows_of_one_id(keep, kept):
    df = frame("a", "b", "a", "a")
    scores = [body["attributes"][0]["value"] for body in gp.preview(df, "id", n=10, keep=keep)]
    assert scores == kept
    assert sorted({0, 1, 2, 3} - set(kept)) == rows(df, "id_duplicate", keep=keep)


@pytest.mark.parametrize("keep", ["first", "last"])
def test_rows_that_keep_leaves_out_are_no_reason_to_refuse_the_push(sandbox, keep):
    df = frame("a", "b", "a")
    result = gp.push(df, "id", keep=keep, client=sandbox.client, progress=False)
    found = result.violations.query("rule == 'id_duplicate'")
    assert (found["severity"].item(), found["effect"].item()) == ("warning", "row skipped")
    assert (result.counts["accepted"], result.counts["invalid"]) == (2, 1)
    assert sandbox.stored()["a"]["Score"] == (0 if keep == "first" else 2)


def test_half_a_character_is_no_id_and_the_others_go_out():
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
def test_what_is_no_id_is_told_why(value, words):
    message = gp.validate(frame("a", value), "id").query("rule == 'id_missing'")["message"].item()
    assert words in message


def test_a_duplicate_names_another_row_that_has_the_id():
    messages = gp.validate(frame("a", "b", "a"), "id")["message"].tolist()
    assert "such as row 2" in messages[0]
    assert "such as row 0" in messages[1]


def test_duplicates_are_found_across_blocks():
    ids = np.arange(40_000).astype(object)
    ids[39_999], ids[20_000] = 7, " 7"
    assert rows(frame(*ids), "id_duplicate") == [7, 20_000, 39_999]


def test_the_fix_of_duplicates_keeps_rows_without_an_id():
    df = frame("a", "a", None, None)
    scope = {"df": df}
    exec(gp.validate(df, "id").query("rule == 'id_duplicate'")["fix"].iloc[0], scope)
    assert scope["df"]["Score"].tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("keep", "dropped", "kept"),
    [
        (False, "last of each id although 2 of those dropped held other values, in 'City'", [None, "Goa"]),
        ("first", "first of each id although 1 of those dropped held other values, in 'City'", ["Pune", "Delhi"]),
        ("last", "last of each id although 2 of those dropped held other values, in 'City'", [None, "Goa"]),
    ],
)
def test_the_fix_of_duplicates_says_how_many_rows_go_and_which_stay(keep, dropped, kept):
    df = pd.DataFrame({"id": ["a", "b", "a", "b"], "City": ["Pune", "Delhi", None, "Goa"], "Score": 1}, dtype=object)
    line = gp.validate(df, "id", keep=keep).query("rule == 'id_duplicate'")["fix"].unique().item()
    assert line.partition("  # ")[2] == f"drops 2 rows, keeps the {dropped}"
    scope = {"df": df}
    exec(line, scope)
    assert scope["df"]["City"].tolist() == kept
