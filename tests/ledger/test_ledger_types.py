"""The types in the ledger: recorded once, declared, exported, forgotten."""

import json
from datetime import UTC, datetime

import pandas as pd
import pytest

from growlytics_pandas.errors import InvalidArgumentError
from growlytics_pandas.ledger import KnownType, Project

URL = "https://api.example"
KEY = "a-very-secret-key"
WHEN = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)


@pytest.fixture
def project(ledger) -> Project:
    return ledger.project(URL, KEY)


class TestTypes:
    def test_what_was_accepted_is_pinned_once(self, project):
        assert project.register({"city": "string"}, WHEN, certain=True).new == {"city": "string"}
        later = WHEN.replace(year=2030)
        again = project.register({"city": "string", "orders": "number"}, later, certain=True)
        assert again.new == {"orders": "number"}
        assert again.conflicts == {}
        assert project.known_types() == {
            "city": KnownType("string", WHEN, "accepted"),
            "orders": KnownType("number", later, "accepted"),
        }

    def test_uncertain_type_becomes_certain(self, project):
        project.register({"city": "string"}, WHEN, certain=False)
        assert project.known_types()["city"] == KnownType("string", WHEN, "uncertain")
        assert project.register({"city": "string"}, datetime.now(UTC), certain=True).new == {"city": "string"}
        assert project.known_types()["city"] == KnownType("string", WHEN, "accepted")
        assert project.register({"city": "string"}, WHEN, certain=False).new == {}
        assert project.known_types()["city"].source == "accepted"

    @pytest.mark.parametrize("certain", [True, False])
    def test_known_type_is_never_overwritten(self, project, certain):
        project.register({"city": "string"}, WHEN, certain=certain)
        registration = project.register({"city": "number", "orders": "number"}, WHEN, certain=True)
        assert registration.conflicts == {"city": project.known_types()["city"]}
        assert registration.new == {"orders": "number"}
        assert project.known_types()["city"].type == "string"

    def test_contradicting_declaration_does_nothing(self, project):
        project.register({"city": "string"}, WHEN, certain=True)
        with pytest.raises(
            InvalidArgumentError, match=r"'city' .declared number, known as string, accepted on 2024-05-06"
        ):
            project.declare_types({"plan": "string", "city": "number"})
        assert list(project.known_types()) == ["city"]
        assert project.forget_types(["city", "plan"]) == 1
        project.declare_types({"city": "number"})
        assert project.known_types()["city"].source == "declared"

    def test_declaration_settles_only_uncertain_types(self, project):
        project.register({"plan": "string"}, WHEN, certain=False)
        project.register({"city": "string"}, WHEN, certain=True)
        project.declare_types({"plan": "number", "city": "string"})
        assert project.known_types() == {
            "city": KnownType("string", WHEN, "accepted"),
            "plan": KnownType("number", WHEN, "declared"),
        }

    def test_unsent_push_withdraws_uncertain_types(self, project):
        project.register({"city": "string"}, WHEN, certain=True)
        project.register({"plan": "string"}, WHEN, certain=False)
        assert project.forget_types(["city", "plan"], only_uncertain=True) == 1
        assert list(project.known_types()) == ["city"]

    @pytest.mark.parametrize(
        "types", [{"city": "text"}, {"": "string"}, {"email": "number"}, {3: "string"}, {"a": None}]
    )
    def test_impossible_types_are_refused(self, project, types):
        with pytest.raises(InvalidArgumentError, match="string, number, boolean, date"):
            project.declare_types(types)
        with pytest.raises(InvalidArgumentError, match="invalid types"):
            project.register(types, WHEN, certain=True)

    def test_types_file_round_trips(self, ledger, project, tmp_path):
        project.declare_types({"ville é": "string", "born": "date", "Born": "number"})
        project.register({"maybe": "boolean"}, WHEN, certain=False)
        exported = tmp_path / "types.json"
        project.export_types(exported)
        assert exported.read_text("utf-8") == '{\n  "Born": "number",\n  "born": "date",\n  "ville é": "string"\n}\n'
        other = ledger.project(URL, "another-key")
        other.declare_types(str(exported))
        assert {name: fact.type for name, fact in other.known_types().items()} == json.loads(
            exported.read_text("utf-8")
        )

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("[1]", "it contains a list"),
            ("{", "Expecting"),
            ('{"a": "string", "a": "date"}', "duplicate names: a"),
            (None, "No such file"),
        ],
    )
    def test_unreadable_types_file_is_named(self, project, tmp_path, text, message):
        path = tmp_path / "types.json"
        if text is not None:
            path.write_text(text)
        with pytest.raises(InvalidArgumentError, match=f"types.json: .*{message}"):
            project.declare_types(path)

    def test_empty_frame_has_the_same_dtypes(self, project):
        empty = project.types()
        project.register({"city": "string"}, WHEN, certain=False)
        full = project.types()
        assert full.dtypes.to_dict() == empty.dtypes.to_dict()
        assert full.to_dict("records") == [
            {"attribute": "city", "type": "string", "first_seen": pd.Timestamp(WHEN), "source": "uncertain"}
        ]
        assert str(full["first_seen"].dtype) == "datetime64[us, UTC]"
