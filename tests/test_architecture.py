"""Imports run one way: each module may import only what stands for it here. README's map is this table."""

import ast
import pathlib

import pytest

import growlytics_pandas

PACKAGE = pathlib.Path(growlytics_pandas.__file__).parent

# module -> the modules of ours that it may import; a folder is one module here
ALLOWED = {
    "_known_keys": "",
    "_rules": "",
    "_starting": "",
    "_text": "",
    "contract": "",
    "errors": "_known_keys",
    "noise": "",
    "outcomes": "",
    "rate": "",
    "templates": "",
    "timeline": "",
    "wire": "",
    "contacts": "errors",
    "credentials": "_known_keys errors",
    "inference": "contract",
    "labels": "errors",
    "masking": "contract",
    "pacing": "noise rate",
    "progress": "errors outcomes wire",
    "retry": "contract wire",
    "run_log": "outcomes",
    "samples": "contract errors",
    "targets": "errors",
    "transport": "_known_keys contract errors wire",
    "zones": "errors",
    "cells": "contract inference",
    "csv_safe": "errors masking targets",
    "endings": "errors pacing retry wire",
    "ledger": "contract errors targets",
    "sandbox": "contract errors masking templates",
    "tries": "outcomes retry wire",
    "type_table": "inference",
    "conversion": "_rules cells contract inference",
    "delivery": "endings errors outcomes pacing retry transport tries wire",
    "columns": "_rules cells contacts conversion errors inference labels",
    "identifiers": "cells columns contacts contract conversion inference",
    "plan_options": "_known_keys columns contacts contract errors identifiers inference labels zones",
    "client": "_known_keys contract credentials errors ledger plan_options targets transport",
    "layout": "columns contract errors identifiers inference labels ledger plan_options zones",
    "blocks": "cells columns contract conversion identifiers inference layout",
    "checks": "_rules _text blocks cells columns contacts contract conversion identifiers inference layout ledger masking",
    "encoding": "blocks cells conversion inference",
    "recording": "encoding errors ledger outcomes",
    "rejects": "_rules blocks checks labels layout outcomes",
    "report": "_rules _text checks errors masking outcomes targets templates timeline",
    "workbooks": "_rules checks errors masking targets",
    "charts": "_rules _text checks errors outcomes report timeline",
    "planning": "_rules _text blocks cells checks contract encoding errors layout ledger masking outcomes plan_options rejects report workbooks",
    "result": "_text checks csv_safe errors masking outcomes report timeline workbooks",
    "push_options": "_rules client errors planning progress",
    "options": "contract errors plan_options push_options targets",
    "runs": "client delivery endings errors masking outcomes planning progress push_options result run_log timeline",
    "batches": "_rules _text blocks cells checks client columns delivery encoding endings errors identifiers inference layout ledger masking outcomes pacing plan_options planning progress push_options recording rejects report result runs",
    "execution": "blocks client delivery encoding errors masking outcomes pacing planning push_options recording result runs",
    "api": "_rules client columns execution layout plan_options planning progress push_options result runs",
    "segments": "_text batches cells checks client columns contract csv_safe encoding errors execution inference layout outcomes plan_options planning progress push_options result targets",
    "accessor": "api segments",
    "commands": "_known_keys _rules _text api checks client columns contract credentials csv_safe errors layout ledger options outcomes plan_options planning progress push_options result segments targets transport wire workbooks zones",
    "dask": "api batches client delivery errors outcomes pacing plan_options push_options runs segments wire",
    "form": "_rules _text api client columns contract errors identifiers layout masking outcomes planning progress report result sandbox",
    "single": "_rules api checks client contract errors outcomes plan_options runs",
    "__init__": "_starting accessor api batches client errors ledger options planning result samples sandbox segments",
    "demo": "accessor samples sandbox",
    "__main__": "_starting commands demo sandbox",
}

# An import inside a function, to break a circle or to load late: (module, what it imports)
LATE = {
    ("accessor", "form"),  # ipywidgets takes time to import
    ("client", "single"),  # one customer goes the way of a one-row frame, which begins with a client
    ("planning", "charts"),  # matplotlib is optional, and slow to import
    ("result", "charts"),  # likewise
    ("sandbox", "client"),  # only to hand out Sandbox.client
}

# third-party package -> the only modules that may import it
FENCED = {
    "requests": {"transport", "client"},
    "urllib3": {"transport"},
    "pycurl": {"transport"},
    "certifi": {"transport"},
    "sqlite3": {"ledger", "sandbox"},
    "uvicorn": {"sandbox"},
    "tqdm": {"progress"},
    "ipywidgets": {"form", "progress"},
    "IPython": {"progress"},
    "email_validator": {"contacts"},
    "phonenumbers": {"contacts"},
    "platformdirs": {"ledger"},
    "dask": {"dask"},
    "distributed": {"dask"},
    "matplotlib": {"charts"},
    "python_calamine": {"commands"},
    "xlsxwriter": {"workbooks"},
    "jinja2": {"report", "sandbox", "templates"},
}


def sources():
    return sorted(PACKAGE.rglob("*.py"))


def module_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path):
    """Every import of a file: (dotted name, is it for type checkers only, is it inside a function)."""
    tree = ast.parse(path.read_text())
    typing_only = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.dump(block.test)
        for node in ast.walk(block)
    }
    late = {
        id(node) for function in ast.walk(tree) if isinstance(function, ast.FunctionDef) for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "growlytics_pandas":
            names = [f"growlytics_pandas.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: imports are absolute"
            names = [node.module]
        else:
            continue
        for name in names:
            yield name, id(node) in typing_only, id(node) in late


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_what_stands_before_it(path):
    module = module_of(path)
    allowed = {module, *ALLOWED[module].split()}
    for name, typing_only, late in imports(path):
        if not name.startswith("growlytics_pandas") or typing_only:
            continue
        target = name.split(".")[1] if "." in name else "__init__"
        assert target in allowed or (late and (module, target) in LATE), f"{module} imports {target}"


def test_the_table_is_free_of_circles_and_names_every_module():
    assert set(ALLOWED) == {module_of(path) for path in sources()}
    placed = set()
    waiting = {module: set(names.split()) for module, names in ALLOWED.items()}
    while waiting:
        free = [module for module, needs in waiting.items() if needs <= placed]
        assert free, f"a circle among {sorted(waiting)}"
        placed.update(free)
        waiting = {module: needs for module, needs in waiting.items() if module not in free}


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_third_party_packages_stay_behind_their_fence(path):
    for name, typing_only, _ in imports(path):
        package = name.split(".")[0]
        if package in FENCED and not typing_only:
            assert module_of(path) in FENCED[package], f"{module_of(path)} imports {package}"


def test_no_module_bears_the_name_of_a_public_function():
    public = {name for name in growlytics_pandas.__all__ if callable(getattr(growlytics_pandas, name))}
    assert not public & {path.stem for path in PACKAGE.glob("*.py")}
