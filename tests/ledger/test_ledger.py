"""What the ledger stores between pushes: body_digests, attributes, runs. Types are in `test_ledger_types.py`."""

import gc
import pickle
import subprocess
import sys
import warnings
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from support.ledger_rows import bodies

from growlytics_pandas.errors import InvalidArgumentError, InvalidArgumentTypeError
from growlytics_pandas.ledger import Digests, Ledger, Project
from growlytics_pandas.ledger import digests as log

URL = "https://api.example"
KEY = "a-very-secret-key"
WHEN = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
IDS = ["asha@example.com", "ravi@example.com", "+919211111111"]


@pytest.fixture
def project(ledger) -> Project:
    return ledger.project(URL, KEY)


def digest(project: Project, version: object, ids=IDS) -> Digests:
    return project.digest(ids, bodies([f'{{"id":"{id_}","v":"{version}"}}'.encode("utf-8", "replace") for id_ in ids]))


def push(project: Project, version: object, ids=IDS, names=(), present=None) -> Digests:
    digests = digest(project, version, ids)
    project.withdraw(digests, names, present)
    project.accept(digests)
    return digests


def unchanged(project: Project, version: object, ids=IDS) -> list[bool]:
    return project.unchanged(digest(project, version, ids)).tolist()


class TestPayloads:
    def test_nothing_is_unchanged_before_acceptance(self, project):
        assert unchanged(project, "A") == [False, False, False]
        project.withdraw(digest(project, "A"))
        assert unchanged(project, "A") == [False, False, False]

    def test_only_the_accepted_body_is_unchanged(self, project):
        push(project, "A")
        assert unchanged(project, "A") == [True, True, True]
        assert unchanged(project, "B") == [False, False, False]

    def test_only_accepted_rows_are_remembered(self, project):
        digests = digest(project, "A")
        project.withdraw(digests)
        project.accept(digests.take(np.array([True, False, True])))
        project.accept(digests.take([]))
        assert unchanged(project, "A") == [True, False, True]

    def test_it_survives_closing(self, path, project, ledger):
        push(project, "A")
        ledger.close()
        with Ledger(path) as reopened:
            assert unchanged(reopened.project(URL, KEY), "A") == [True, True, True]

    def test_body_after_an_uncertain_one_is_changed(self, path, project):
        """A body sent again after another that may have arrived counts as changed."""
        push(project, "A")
        project.flush()
        project.withdraw(digest(project, "B"))  # and then the process dies, or the answer is lost
        with Ledger(path) as other:
            assert unchanged(other.project(URL, KEY), "A") == [False, False, False]
        assert unchanged(project, "B") == [False, False, False]

    def test_same_body_sent_again_stays_unchanged(self, project):
        push(project, "A")
        project.withdraw(digest(project, "A"))
        assert unchanged(project, "A") == [True, True, True]

    def test_projects_are_independent(self, ledger, project):
        push(project, "A")
        project.register({"city": "string"}, WHEN, certain=True)
        for other in (ledger.project(URL, "another-key"), ledger.project("https://elsewhere.example", KEY)):
            assert unchanged(other, "A") == [False, False, False]
            assert other.known_types() == {}
            assert other.forget() == 0
        assert ledger.project(URL + "/", KEY) is project

    def test_lone_surrogate_does_not_stop_a_run(self, project):
        push(project, "A", ["\ud83c@x"])
        assert project.unchanged(project.digest(["\ud83c@x"], bodies([b"other"]))).tolist() == [False]

    def test_empty_frame_is_fine(self, project):
        push(project, "A", [], ["city"])
        assert unchanged(project, "A", []) == []
        assert project.forget([]) == 0

    def test_many_customers_are_distinguished(self, project):
        ids = [f"user-{n}" for n in range(5_000)]
        push(project, "A", ids[:3_000])
        push(project, "B", ids[2_000:])
        assert unchanged(project, "A", ids) == [True] * 2_000 + [False] * 3_000
        assert unchanged(project, "B", ids) == [False] * 2_000 + [True] * 3_000


class TestForget:
    def test_all(self, path, project):
        push(project, "A")
        project.register({"city": "string"}, WHEN, certain=True)
        assert project.forget() == 3
        assert project.forget() == 0
        assert unchanged(project, "A") == [False, False, False]
        assert list(project.known_types()) == ["city"]
        with Ledger(path) as other:
            assert unchanged(other.project(URL, KEY), "A") == [False, False, False]

    def test_some(self, project):
        push(project, "A")
        assert project.forget(iter([IDS[1], IDS[1], "nobody@example.com"])) == 1
        assert unchanged(project, "A") == [True, False, True]

    def test_single_text_is_not_a_list_of_letters(self, project):
        with pytest.raises(InvalidArgumentTypeError, match="pass a list of ids"):
            project.forget(IDS[0])

    def test_another_process_learns_of_it(self, path, project):
        push(project, "A")
        with Ledger(path) as other:
            neighbour = other.project(URL, KEY)
            project.flush()
            assert unchanged(neighbour, "A") == [True, True, True]
            project.forget(attributes=True)
            assert unchanged(neighbour, "A") == [False, False, False]


class TestCompaction:
    @pytest.fixture(autouse=True)
    def often(self, monkeypatch):
        monkeypatch.setattr(log, "MAX_SEGMENTS", 2)
        monkeypatch.setattr(log, "BLOCK_RECORDS", 2)

    def test_compaction_loses_nothing_for_others(self, path, project):
        with Ledger(path) as other:
            neighbour = other.project(URL, KEY)
            for version in range(9):
                push(project, version, IDS, [f"a{version}"])
                project.flush()
                assert unchanged(neighbour, version) == [True, True, True]
                assert unchanged(neighbour, version - 1) == [False, False, False]
            assert neighbour.count_attributes(neighbour.keys(IDS)).tolist() == [9, 9, 9]

    def test_compaction_keeps_a_push_in_progress(self, path, project):
        mine = digest(project, "A", ["mine"])
        project.withdraw(mine)
        with Ledger(path) as other:
            neighbour = other.project(URL, KEY)
            for version in range(5):
                push(neighbour, version, ["theirs"])
        project.accept(mine)
        assert unchanged(project, "A", ["mine"]) == [True]

    def test_file_does_not_grow_with_pushes(self, path):
        ids = [f"user-{n}" for n in range(500)]
        sizes = []
        for version in range(20):
            with Ledger(path) as ledger:
                push(ledger.project(URL, KEY), version, ids)
            sizes.append(path.stat().st_size)
        assert max(sizes[5:]) <= max(sizes[:5])


class TestTwoPushesAtOnce:
    def test_concurrent_sends_leave_a_row_uncertain(self, path, project):
        with Ledger(path) as other:
            neighbour = other.project(URL, KEY)
            for first, second in ((project, neighbour), (neighbour, project)):
                one, two = digest(project, "A"), digest(project, "B")
                project.withdraw(one)
                neighbour.withdraw(two)
                for side in (first, second):
                    side.accept(one if side is project else two)
                    side.flush()
                for side in (project, neighbour):
                    assert unchanged(side, "A") == unchanged(side, "B") == [False, False, False]

    def test_later_push_alone_is_trusted_again(self, path, project):
        project.withdraw(digest(project, "A"))
        with Ledger(path) as other:
            push(other.project(URL, KEY), "B")
        assert unchanged(project, "B") == [True, True, True]
        push(project, "C")
        assert unchanged(project, "C") == [True, True, True]


class TestAttributeBudget:
    def test_attributes_add_up_by_customer(self, project):
        present = np.array([[True, True], [True, False], [False, False]])
        push(project, "A", names=["city", "orders"], present=present)
        push(project, "B", IDS[:1], ["orders", "plan"])
        keys = project.keys([*IDS, "nobody"])
        assert project.count_attributes(keys).tolist() == [3, 1, 0, 0]
        assert project.has_attributes(keys, ["plan", "never", "city"]).tolist() == [
            [True, False, True],
            [False, False, True],
            [False, False, False],
            [False, False, False],
        ]

    def test_sent_attributes_count_without_response(self, path, project):
        project.withdraw(digest(project, "A"), ["city"])
        with Ledger(path) as other:
            neighbour = other.project(URL, KEY)
            assert neighbour.count_attributes(neighbour.keys(IDS)).tolist() == [1, 1, 1]

    def test_reserved_attributes_take_no_slot(self, project):
        push(project, "A", names=["email", "city", "mobile", "name"])
        keys = project.keys(IDS)
        assert project.count_attributes(keys).tolist() == [1, 1, 1]
        assert project.has_attributes(keys[:1], ["email", "city"]).tolist() == [[False, True]]

    def test_hundreds_of_names_and_case_are_distinct(self, path, project):
        names = [f"a{n}" for n in range(150)] + [f"A{n}" for n in range(150)]
        push(project, "A", IDS[:1], ["first"])
        push(project, "B", IDS, names)
        project.flush()
        with Ledger(path) as other:
            neighbour = other.project(URL, KEY)
            keys = neighbour.keys(IDS)
            assert neighbour.count_attributes(keys).tolist() == [301, 300, 300]
            assert neighbour.has_attributes(keys, names).all()
            assert neighbour.has_attributes(keys, ["first"])[:, 0].tolist() == [True, False, False]

    def test_forgetting_bodies_keeps_the_counts(self, project):
        push(project, "A", names=["city"])
        keys = project.keys(IDS)
        project.forget()
        assert project.count_attributes(keys).tolist() == [1, 1, 1]
        assert project.forget(IDS[:1], attributes=True) == 1
        assert project.count_attributes(keys).tolist() == [0, 1, 1]


class TestHistory:
    def test_a_run_has_its_start_rows_and_end(self, project):
        empty = project.history()
        run = project.begin_run(10, WHEN)
        project.end_run(run, {"accepted": 7, "failed": 3}, "finished", ["city", "a, b"])
        project.begin_run(5, datetime.now(UTC))
        history = project.history()
        assert history.dtypes.to_dict() == empty.dtypes.to_dict()
        done, open_ = history.to_dict("records")
        assert (done["run"], done["started"], done["rows"], done["ended"]) == (run, pd.Timestamp(WHEN), 10, "finished")
        assert (done["accepted"], done["failed"], done["unsent"]) == (7, 3, 0)
        assert done["new_attributes"] == ("city", "a, b")
        assert done["seconds"] > 0
        assert open_["ended"] == "running"
        assert history["accepted"].isna().tolist() == [False, True]
        assert np.isnan(open_["seconds"])

    def test_run_of_a_lost_process_was_killed(self, path, project):
        script = (
            "import os, sys, datetime as d; from growlytics_pandas.ledger import Ledger\n"
            "Ledger(sys.argv[1]).project(sys.argv[2], sys.argv[3]).begin_run(3, d.datetime.now(d.UTC)); os._exit(9)"
        )
        subprocess.run([sys.executable, "-c", script, path, URL, KEY], check=False)
        assert project.history()["ended"].tolist() == ["killed"]

    def test_counts_of_no_status_are_refused(self, project):
        with pytest.raises(InvalidArgumentError, match=r"'sent'.*accepted, unchanged"):
            project.end_run(project.begin_run(1, WHEN), {"sent": 1}, "finished")

    def test_start_without_a_time_zone_is_refused(self, project):
        with pytest.raises(InvalidArgumentError, match="time zone"):
            project.begin_run(1, WHEN.replace(tzinfo=None))


class TestLedger:
    def test_the_file_is_made_on_first_use(self, path):
        with Ledger(path) as ledger:
            assert not path.exists()
            ledger.project(URL, KEY)
            assert path.exists()

    def test_path_is_from_environment_or_user_dir(self, monkeypatch, tmp_path):
        monkeypatch.setenv("GROWLYTICS_LEDGER", str(tmp_path / "named.sqlite3"))
        assert Ledger().path == tmp_path / "named.sqlite3"
        monkeypatch.delenv("GROWLYTICS_LEDGER")
        assert "growlytics-pandas" in str(Ledger().path)

    def test_it_can_be_pickled_and_shows_no_key(self, path, ledger, project):
        assert pickle.loads(pickle.dumps(ledger)).path == path
        for thing in (ledger, project, project._digester, digest(project, "A"), vars(ledger), vars(project)):
            assert KEY not in repr(thing)

    def test_unclosed_ledger_warns_of_nothing(self, path):
        Ledger(path).project(URL, KEY)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            gc.collect()
