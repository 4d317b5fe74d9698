"""Options in a file: they round-trip, and errors name the file and the key."""

import datetime as dt

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import growlytics_pandas as gp
from growlytics_pandas import options
from growlytics_pandas.errors import InvalidArgumentError, InvalidArgumentTypeError

EVERY = {
    "id_col": "Customer Id",
    "columns": ["Joined", "a.b", 'say "hi"'],
    "exclude": ["Note"],
    "rename": {"Joined": "Joined On", "ключ": "Ключ"},
    "types": {"City": "string"},
    "date_format": {"Joined": "%d/%m/%Y", "At": ["%d-%m-%Y", "ISO8601"]},
    "decimal": {"Price": ","},
    "na_values": {"Joined": ["", "NULL"], "Orders": [-999, 0.5]},
    "strip": ["City"],
    "normalize": {"E-mail": "email"},
    "timezone": "Asia/Kolkata",
    "region": "GB",
    "keep": "last",
    "name": "line\nbreak\tand \x7f",
    "new_attributes": "forbid",
    "errors": "drop",
    "skip_unchanged": True,
    "max_rate": 12.5,
    "max_failures": 10,
}


def test_every_option_comes_back_as_it_was(tmp_path):
    options.save(tmp_path / "a.toml", **EVERY)
    assert options.load(tmp_path / "a.toml") == EVERY


@pytest.mark.parametrize(
    "given_",
    [
        {},
        {"strip": True},
        {"decimal": ","},
        {"date_format": ["%d/%m/%Y", "epoch_s"], "types": {"X": "date"}},
        {"keep": False},
    ],
    ids=str,
)
def test_values_for_all_columns_come_back(tmp_path, given_):
    options.save(tmp_path / "a.toml", **given_)
    assert options.load(str(tmp_path / "a.toml")) == given_


def test_none_is_left_out(tmp_path):
    options.save(tmp_path / "a.toml", id_col="id", columns=None, rename=None)
    assert options.load(tmp_path / "a.toml") == {"id_col": "id"}


label = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)


@settings(deadline=None)
@given(st.dictionaries(label, label), st.lists(label, max_size=4), label)
def test_any_text_comes_back(tmp_path_factory, rename, words, id_col):
    path = tmp_path_factory.mktemp("options") / "a.toml"
    options.save(path, id_col=id_col, rename=rename, na_values=words)
    assert options.load(path) == {"id_col": id_col, "rename": rename, "na_values": words}


def test_a_file_written_by_hand_is_read(tmp_path):
    (tmp_path / "a.toml").write_text('\ufeffid_col = "id"\nna_values = [1900-01-01, -1, "x"] # what means missing\n')
    assert options.load(tmp_path / "a.toml") == {"id_col": "id", "na_values": [dt.date(1900, 1, 1), -1, "x"]}


def test_loaded_options_match_the_call(tmp_path):
    frame = pd.DataFrame({"id": [" a"], "At": ["31/01/2025"]})
    options.save(tmp_path / "a.toml", id_col="id", strip=True, date_format={"At": "%d/%m/%Y"})
    assert gp.preview(frame, **options.load(tmp_path / "a.toml"))[0]["attributes"][0]["value"] == "2025-01-31 00:00:00"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id_cool = 'x'", "a.toml: id_cool: there is no such option. Did you mean 'id_col'?"),
        ("zzz = 1", "a.toml: zzz: there is no such option. The options are: id_col, columns"),
        ("keep = 'newest'", "a.toml: keep: found 'newest'; allowed are 'first', 'last', False"),
        ("errors = 'ignore'", "a.toml: errors: found 'ignore'; allowed are 'raise', 'drop'"),
        ("max_rate = -1", "a.toml: max_rate: found -1"),
        ("[types]\nX = 'int'", "a.toml: types['X']: found 'int'; allowed are"),
        ("[date_format]\nX = 'd/m/y'", "a.toml: date_format['X']: found 'd/m/y'"),
        ("timezone = 'Asia/Bombay '", "a.toml: timezone: found"),
        ("strip", "a.toml: it is not TOML"),
        ("strip = 'X'", "a.toml: strip: found 'X'"),
        ("client = 'x'", "a.toml: client: there is no such option"),
        ("is_retry = true", "a.toml: is_retry: there is no such option"),
        ("id_col = ''", "a.toml: id_col: found ''"),
        ("id_col = ['id']", "a.toml: id_col: found ['id']"),
    ],
)
def test_errors_name_file_and_key(tmp_path, text, message):
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises((InvalidArgumentError, InvalidArgumentTypeError)) as caught:
        options.load(tmp_path / "a.toml")
    assert message in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InvalidArgumentError, match=r"none\.toml: it cannot be read: No such file"):
        options.load(tmp_path / "none.toml")


@pytest.mark.parametrize("given_", [{"rename": {1: "One"}}, {"normalize": {("a", "b"): "lower"}}], ids=str)
def test_only_text_labels_can_be_saved(tmp_path, given_):
    with pytest.raises(InvalidArgumentTypeError, match="is not text; the keys of a TOML file are text"):
        options.save(tmp_path / "a.toml", **given_)
    assert not (tmp_path / "a.toml").exists()


def test_a_wrong_option_is_not_saved(tmp_path):
    with pytest.raises(InvalidArgumentError, match=r"date_fromat: there is no such option. Did you mean 'date_format'"):
        options.save(tmp_path / "a.toml", date_fromat="%Y")
    with pytest.raises(InvalidArgumentTypeError, match="columns: found"):
        options.save(tmp_path / "a.toml", columns=[("a", "b")])
