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
def workspace(ledger) -> Project:
    return ledger.workspace(URL, KEY)


class TestTypes:
    def test_what_was_accepted_is_pinned_once(self, workspace):
        assert workspace.pin({"city": "string"}, WHEN, certain=True).new == {"city": "string"}
        later = WHEN.replace(year=2030)
        again = workspace.pin({"city": "string", "orders": "number"}, later, certain=True)
        assert again.new == {"orders": "number"}
        assert again.conflicts == {}
        assert workspace.known_types() == {
            "city": KnownType("string", WHEN, "accepted"),
            "orders": KnownType("number", later, "accepted"),
        }

    def test_uncertain_type_becomes_certain(self, workspace):
        workspace.pin({"city": "string"}, WHEN, certain=False)
        assert workspace.known_types()["city"] == KnownType("string", WHEN, "uncertain")
        assert workspace.pin({"city": "string"}, datetime.now(UTC), certain=True).new == {"city": "string"}
        assert workspace.known_types()["city"] == KnownType("string", WHEN, "accepted")
        assert workspace.pin({"city": "string"}, WHEN, certain=False).new == {}
        assert workspace.known_types()["city"].source == "accepted"

    @pytest.mark.parametrize("certain", [True, False])
    def test_known_type_is_never_overwritten(self, workspace, certain):
        workspace.pin({"city": "string"}, WHEN, certain=certain)
        pinned = workspace.pin({"city": "number", "orders": "number"}, WHEN, certain=True)
        assert pinned.conflicts == {"city": workspace.known_types()["city"]}
        assert pinned.new == {"orders": "number"}
        assert workspace.known_types()["city"].type == "string"

    def test_contradicting_declaration_does_nothing(self, workspace):
        workspace.pin({"city": "string"}, WHEN, certain=True)
        with pytest.raises(
            InvalidArgumentError, match=r"'city' .declared number, known as string, accepted on 2024-05-06"
        ):
            workspace.declare_types({"plan": "string", "city": "number"})
        assert list(workspace.known_types()) == ["city"]
        assert workspace.forget_types(["city", "plan"]) == 1
        workspace.declare_types({"city": "number"})
        assert workspace.known_types()["city"].source == "declared"

    def test_declaration_settles_only_uncertain_types(self, workspace):
        workspace.pin({"plan": "string"}, WHEN, certain=False)
        workspace.pin({"city": "string"}, WHEN, certain=True)
        workspace.declare_types({"plan": "number", "city": "string"})
        assert workspace.known_types() == {
            "city": KnownType("string", WHEN, "accepted"),
            "plan": KnownType("number", WHEN, "declared"),
        }

    def test_unsent_push_withdraws_uncertain_types(self, workspace):
        workspace.pin({"city": "string"}, WHEN, certain=True)
        workspace.pin({"plan": "string"}, WHEN, certain=False)
        assert workspace.forget_types(["city", "plan"], only_uncertain=True) == 1
        assert list(workspace.known_types()) == ["city"]

    @pytest.mark.parametrize(
        "types", [{"city": "text"}, {"": "string"}, {"email": "number"}, {3: "string"}, {"a": None}]
    )
    def test_impossible_types_are_refused(self, workspace, types):
        with pytest.raises(InvalidArgumentError, match="string, number, boolean, date"):
            workspace.declare_types(types)
        with pytest.raises(InvalidArgumentError, match="invalid types"):
            workspace.pin(types, WHEN, certain=True)

    def test_types_file_round_trips(self, ledger, workspace, tmp_path):
        workspace.declare_types({"ville é": "string", "born": "date", "Born": "number"})
        workspace.pin({"maybe": "boolean"}, WHEN, certain=False)
        exported = tmp_path / "types.json"
        workspace.export_types(exported)
        assert exported.read_text("utf-8") == '{\n  "Born": "number",\n  "born": "date",\n  "ville é": "string"\n}\n'
        other = ledger.workspace(URL, "another-key")
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
    def test_unreadable_types_file_is_named(self, workspace, tmp_path, text, message):
        path = tmp_path / "types.json"
        if text is not None:
            path.write_text(text)
        with pytest.raises(InvalidArgumentError, match=f"types.json: .*{message}"):
            workspace.declare_types(path)

    def test_empty_frame_has_the_same_dtypes(self, workspace):
        empty = workspace.types()
        workspace.pin({"city": "string"}, WHEN, certain=False)
        full = workspace.types()
        assert full.dtypes.to_dict() == empty.dtypes.to_dict()
        assert full.to_dict("records") == [
            {"attribute": "city", "type": "string", "first_seen": pd.Timestamp(WHEN), "source": "uncertain"}
        ]
        assert str(full["first_seen"].dtype) == "datetime64[us, UTC]"
