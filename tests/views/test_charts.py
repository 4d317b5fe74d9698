import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import growlytics_pandas as gp

matplotlib = pytest.importorskip("matplotlib")

from matplotlib.axes import Axes  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

PNG = b"\x89PNG"
HOSTILE = "$\\frac{a}{$ <script> \u202e \\notacommand{" + "x" * 10_000


def broken(rows=20):
    return pd.DataFrame({"id": [None, *range(1, rows)], "Score": np.inf, HOSTILE: [1j] * rows})


def test_plan_chart_has_a_bar_per_rule_and_column():
    plan = gp.plan(broken(), "id")
    axes = plan.plot()
    assert isinstance(axes, Axes)
    groups = plan.violations.groupby(["rule", plan.violations["column"].map(str)])["count"].sum()
    assert sorted(bar.get_width() for bar in axes.patches) == sorted(groups)
    assert "id_missing" in " ".join(label.get_text() for label in axes.get_yticklabels())


def test_formula_like_labels_are_drawn_literally():
    picture = gp.plan(broken(), "id").plot()._repr_png_()
    assert picture.startswith(PNG)
    assert len(picture) < 200_000


def test_charts_are_saved_as_documented(tmp_path):
    plan = gp.plan(broken(), "id")
    result = plan.push(dry_run=True, progress=False)
    lines = ('plan.plot().figure.savefig("plan.png")', 'result.plot()[0].figure.savefig("result.png")')
    for line in lines:
        name = re.search(r'"(.+\.png)"', line)[1]
        exec(line.replace(name, str(tmp_path / name)), {"plan": plan, "result": result})
        assert (tmp_path / name).read_bytes().startswith(PNG)


def test_a_plan_is_drawn_in_the_given_axes():
    own = Figure().subplots()
    assert gp.plan(broken(), "id").plot(ax=own) is own
    assert own.patches


def test_plan_without_violations_has_a_chart():
    axes = gp.plan(pd.DataFrame({"id": ["a"], "b": [1]}), "id").plot()
    assert axes.get_title(loc="left") == "No violations"
    assert axes._repr_png_().startswith(PNG)


def test_bars_beyond_the_maximum_are_counted():
    df = pd.DataFrame({"id": ["a"], "b": [1], **{f"c{i}": [np.inf] for i in range(30)}})
    axes = gp.plan(df, "id").plot()
    assert len(axes.patches) == 20
    assert "+10 more rules and columns" in axes.get_xlabel()


def test_result_chart_has_outcomes_and_times(faulty):
    box = faulty(latency=0.05, success_false=0.1, seed=1)
    df = pd.DataFrame({"id": range(300), "a": 1})
    result = gp.push(df, "id", client=box.client, progress=False)
    axes = result.plot()
    assert len(axes) == 3
    assert {bar.get_width() for bar in axes[0].patches} == set(result.counts.values())
    assert len(axes[1].lines[0].get_xdata()) >= 2
    assert axes[2].lines[0].get_ydata().max() > 50
    assert axes._repr_png_().startswith(PNG)


def test_a_dry_run_is_drawn_too():
    result = gp.push(pd.DataFrame({"id": ["a"], "b": [1]}), "id", dry_run=True, progress=False)
    assert result.plot()._repr_png_().startswith(PNG)


def test_charts_need_no_display_or_global_state():
    code = (
        "import sys, pandas as pd, growlytics_pandas as gp\n"
        "assert 'matplotlib' not in sys.modules\n"
        "gp.plan(pd.DataFrame({'id': [None]}), 'id').plot()._repr_png_()\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run(
        [sys.executable, "-c", code], check=True, env={"PATH": "", "HOME": "/nonexistent", "MPLBACKEND": "TkAgg"}
    )


def test_missing_matplotlib_names_the_extra():
    code = (
        "import sys, pandas as pd, growlytics_pandas as gp\n"
        "sys.modules['matplotlib.axes'] = None\n"
        "try: gp.plan(pd.DataFrame({'id': [None]}), 'id').plot()\n"
        "except gp.errors.MissingDependencyError as error: print(error)\n"
    )
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert 'pip install "PATH[plot]"' in printed
