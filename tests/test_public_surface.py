import importlib.metadata
import inspect
import pathlib
import re
import types

import growlytics_pandas as gp
from growlytics_pandas.segments import SegmentPlan, SegmentResult

ROOT = pathlib.Path(__file__).parents[1]


def test_all_is_sorted_and_is_the_namespace():
    assert gp.__all__ == sorted(gp.__all__)
    visible = {
        name for name, value in vars(gp).items() if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    assert visible | {"csv_safe", "errors", "options", "__version__"} == set(gp.__all__)


def test_tab_shows_public_names_only():
    assert set(dir(gp)) == {*gp.__all__, "sandbox"}
    assert all(hasattr(gp, name) for name in dir(gp))


def test_public_names_have_an_example():
    for name in (
        "Client",
        "Ledger",
        "Plan",
        "PushResult",
        "Sandbox",
        "plan",
        "plan_batches",
        "preview",
        "push",
        "push_batches",
        "push_segment",
        "sample_customers",
        "schema",
        "suggest",
        "validate",
    ):
        assert ">>> " in inspect.getdoc(getattr(gp, name)), name


def test_options_are_keyword_only():
    for name in ("plan", "schema", "suggest", "validate", "preview", "push", "push_segment"):
        parameters = list(inspect.signature(getattr(gp, name)).parameters.values())
        first = ["df", "id_col", "attribute"] if name == "push_segment" else ["df", "id_col"]
        assert [p.name for p in parameters[: len(first)]] == first
        assert all(p.kind is p.KEYWORD_ONLY for p in parameters[len(first) :]), name


def test_typed_and_version_in_the_changelog():
    assert (pathlib.Path(gp.__file__).parent / "py.typed").exists()
    assert importlib.metadata.version("growlytics-pandas") == gp.__version__
    newest = re.search(r"^## \[(\d[^\]]*)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest[1] == gp.__version__


def test_dir_shows_public_names_only():
    shared = "counts plot rejects to_excel to_html violations"
    plan = "changes frame has_errors preview push schema suggest suggestions"
    result = (
        "failed has_incomplete_rows new_types note ok outcome_files outcome_parts outcomes plan resent retry run to_csv"
    )
    client = "declare_types export_types forget forget_everything forget_types history types upsert base_url ledger"
    promised = {
        gp.Plan: f"{shared} {plan}",
        gp.PushResult: f"{shared} {result}",
        gp.Client: client,
        SegmentPlan: f"{shared} {plan} is_first_run",
        SegmentResult: f"{shared} {result} is_first_run joined left stayed",
    }
    for kind, names in promised.items():
        shown = {*dir(kind), *getattr(kind, "__dataclass_fields__", ())}
        assert {name for name in shown if not name.startswith("_")} == set(names.split()), kind
