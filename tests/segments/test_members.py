"""The members file round-trips every id that can be sent, and is replaced completely or not at all."""

import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growlytics_pandas.errors import UsageError
from growlytics_pandas.segments.members import read_members, write_members

ids = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda text: text == text.strip())
since = st.sampled_from(["", "2026-01-31T10:00:00Z"])


@given(
    members=st.dictionaries(ids | st.sampled_from(["=1+1", "'", "'=x", "''", '"', "a\rb", "a\x00b", "﻿x", ","]), since)
)
def test_every_id_is_read_back_unchanged(tmp_path_factory, members):
    path = tmp_path_factory.mktemp("members") / "vip.csv"
    write_members(path, members)
    assert read_members(path) == members


def test_temporary_file_of_a_kill_is_replaced(tmp_path):
    path, leftover = tmp_path / "vip.csv", tmp_path / "vip.csv.new"
    leftover.write_text("half a fi")
    leftover.chmod(0o644)
    write_members(path, {"a": ""})
    assert read_members(path) == {"a": ""}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not leftover.exists()


def test_file_that_cannot_be_replaced_stays(tmp_path):
    path = tmp_path / "vip.csv"
    write_members(path, {"a": ""})
    (tmp_path / "vip.csv.new").mkdir()
    with pytest.raises(UsageError, match=r"vip\.csv"):
        write_members(path, {"b": ""})
    assert read_members(path) == {"a": ""}
