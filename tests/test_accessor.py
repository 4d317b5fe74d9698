"""`df.growlytics`: an entry point to the functions, available on every frame, without effect until it is used."""

import inspect

import numpy as np
import pandas as pd
import pytest

import growlytics_pandas as gp
from growlytics_pandas.accessor import GrowlyticsAccessor
from growlytics_pandas.errors import InvalidArgumentTypeError

METHODS = ("plan", "schema", "validate", "preview", "push")


class Customers(pd.DataFrame):
    @property
    def _constructor(self):
        return Customers


FRAMES = {
    "no rows and columns": pd.DataFrame(),
    "no rows": pd.DataFrame({"id": []}),
    "multiindex columns": pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "b")])),
    "multiindex rows": pd.DataFrame({"id": ["a"]}, index=pd.MultiIndex.from_tuples([("x", 1)])),
    "column of that name": pd.DataFrame({"growlytics": ["a"], "X": [1]}),
    "labels that are no text": pd.DataFrame({0: [1], None: [2], 1.5: [3]}),
    "repeated labels": pd.DataFrame([[1, 2]], columns=["x", "x"]),
    "lists": pd.DataFrame({"x": [[1]]}),
    "subclass": Customers({"id": ["a"]}),
}


@pytest.mark.parametrize("method", METHODS)
def test_methods_share_signatures_and_docs(method):
    function, accessor_method = getattr(gp, method), getattr(GrowlyticsAccessor, method)
    of_function = list(inspect.signature(function).parameters.values())
    of_method = list(inspect.signature(accessor_method).parameters.values())
    assert (of_function[0].name, of_method[0].name) == ("df", "self")
    assert of_function[1:] == of_method[1:]
    assert inspect.signature(function).return_annotation == inspect.signature(accessor_method).return_annotation
    assert set(inspect.getdoc(function).split("\n")) - set(inspect.getdoc(accessor_method).split("\n")) == {
        "df : DataFrame",
        "    One row per customer.",
    }
    bound = inspect.signature(getattr(pd.DataFrame({"id": []}).growlytics, method))
    assert list(bound.parameters.values()) == of_function[1:]


@pytest.mark.parametrize("df", FRAMES.values(), ids=FRAMES)
def test_frame_attributes_are_unchanged(df):
    assert "growlytics" in dir(df)
    assert hasattr(df, "growlytics")
    assert not hasattr(df, "no_such_attribute")
    assert {*METHODS} <= set(dir(GrowlyticsAccessor(df)))


@pytest.mark.parametrize("df", FRAMES.values(), ids=FRAMES)
def test_constructor_only_stores_the_frame(df):
    accessor = GrowlyticsAccessor(df)
    assert vars(accessor) == {"_frame": df} if df.empty else vars(accessor)["_frame"] is df
    assert len(vars(accessor)) == 1


def test_column_named_growlytics():
    df = FRAMES["column of that name"]
    assert df["growlytics"].tolist() == ["a"]
    assert GrowlyticsAccessor(df).preview("growlytics") == gp.preview(df, "growlytics")


@pytest.mark.parametrize("method", ["schema", "validate"])
def test_methods_return_what_functions_do(method):
    df = gp.sample_customers(120, dirty=True)
    by_door = getattr(df.growlytics, method)("customer_id", keep="first")
    pd.testing.assert_frame_equal(by_door, getattr(gp, method)(df, "customer_id", keep="first"))


def test_copies_slices_and_subclasses():
    df = pd.DataFrame({"id": ["a", "b", "c"], "X": [1, 2, 3]})
    df.growlytics.validate("id")
    assert [body["id"] for body in df.iloc[1:].growlytics.preview("id")] == ["b", "c"]
    assert [body["id"] for body in df[df["X"] > 2].growlytics.preview("id")] == ["c"]
    assert [body["id"] for body in df.copy().assign(id=["x", "y", "z"]).growlytics.preview("id")] == ["x", "y", "z"]
    assert [body["id"] for body in Customers(df).growlytics.preview("id")] == ["a", "b", "c"]


def test_changed_frame_is_read_again():
    df = pd.DataFrame({"id": ["a"], "X": [1]})
    df.growlytics.preview("id")
    df["Y"] = np.int64(2)
    names = [attribute["name"] for attribute in df.growlytics.preview("id")[0]["attributes"]]
    assert names == ["X", "Y"]


def test_push_through_the_accessor(sandbox):
    result = pd.DataFrame({"id": ["a"], "X": [1]}).growlytics.push("id", client=sandbox.client, progress=False)
    assert result.ok
    assert sandbox.stored() == {"a": {"X": 1}}


@pytest.mark.parametrize("method", [*METHODS, "form"])
def test_client_passed_as_id_col(sandbox, method):
    call = getattr(pd.DataFrame({"id": ["a"], "X": [1]}).growlytics, method)
    with pytest.raises(InvalidArgumentTypeError, match=r"id_col: found a Client; .* Did you mean client=…\?"):
        call(sandbox.client)
    with pytest.raises(InvalidArgumentTypeError, match=r"found a Sandbox; .* Did you mean client=sandbox\.client\?"):
        call(gp.Sandbox())


@pytest.mark.parametrize("function", [gp.plan_batches, gp.push_batches])
def test_client_passed_as_id_col_of_batches(sandbox, function):
    with pytest.raises(InvalidArgumentTypeError, match=r"Did you mean client=…\?"):
        function([pd.DataFrame({"id": ["a"]})], sandbox.client)
    assert sandbox.requests == 0


def test_help_and_repr_of_the_accessor():
    df = pd.DataFrame({"id": ["a"], "City": ["Pune"]})
    for name in ("plan", "schema", "validate", "preview", "push"):
        doc = getattr(df.growlytics, name).__doc__
        assert "\ndf : " not in doc
        assert "\nid_col : hashable" in doc
    assert repr(df.growlytics).startswith("<growlytics of 1 rows × 2 columns: schema")


@pytest.mark.parametrize("verb", ["plan", "schema", "suggest", "validate", "preview", "push", "push_segment"])
def test_missing_argument_names_the_called_verb(verb):
    with pytest.raises(TypeError, match=rf"^{verb}\(\) missing .*'id_col'"):
        getattr(pd.DataFrame({"id": ["a"]}).growlytics, verb)()
