"""Imports run one way: each module may import only what stands for it here. README's map is this table."""

import ast
import pathlib

import pytest

import growlytics_pandas

PACKAGE = pathlib.Path(growlytics_pandas.__file__).parent

# module -> the modules of ours that it may import; a folder is one module here
ALLOWED = {
    "contract": "",
    "errors": "",
    "rules": "",
    "rate": "",
    "wire": "",
    "timeline": "",
    "templates": "",
    "masking": "contract",
    "targets": "errors",
    "csv_safe": "errors targets",
    "report": "errors masking outcomes rules targets templates timeline",
    "charts": "errors outcomes report rules timeline",
    "outcomes": "",
    "noise": "",
    "pacing": "noise rate",
    "retry": "contract wire",
    "contacts": "errors",
    "credentials": "errors",
    "samples": "contract errors",
    "ledger": "contract errors",
    "transport": "contract errors wire",
    "progress": "errors outcomes wire",
    "inference": "contract",
    "type_table": "inference",
    "cells": "contract inference",
    "conversion": "cells contract inference rules",
    "hints": "contract date_spellings inference looks readings shapes spellings",
    "looks": "cells contract date_spellings inference shapes spellings",
    "readings": "conversion date_spellings spellings",
    "shapes": "conversion date_spellings spellings",
    "date_spellings": "",
    "identifiers": "cells contract conversion inference",
    "zones": "errors",
    "columns": "errors",
    "layout": "columns contacts contract errors hints identifiers inference ledger zones",
    "blocks": "cells contract conversion identifiers inference layout",
    "fixes": "contract inference layout",
    "name_fixes": "contract fixes layout",
    "id_fixes": "fixes inference layout",
    "stringified": "cells fixes",
    "spellings": "conversion",
    "conditions": "contract conversion date_spellings fixes inference layout spellings",
    "contact_fixes": "conditions contacts fixes inference layout",
    "conversion_fixes": "conditions contract conversion fixes inference layout",
    "spelling_fixes": "conditions contract conversion_fixes date_spellings fixes inference layout readings spellings",
    "value_fixes": "conditions contract conversion_fixes fixes inference layout spelling_fixes",
    "type_fixes": "contract conversion_fixes fixes inference layout spelling_fixes",
    "violations": "rules",
    "name_rules": "contract fixes inference layout ledger name_fixes rules type_fixes violations",
    "id_rules": "blocks cells contract fixes id_fixes identifiers inference layout rules stringified violations",
    "value_rules": "blocks cells contact_fixes contacts contract conversion_fixes fixes identifiers inference layout name_fixes rules stringified value_fixes violations",
    "validation": "blocks cells id_rules layout name_rules rules value_rules violations",
    "encoding": "blocks cells conversion inference",
    "planning": "blocks contract encoding errors identifiers layout ledger masking outcomes report rules validation",
    "endings": "errors pacing retry wire",
    "tries": "outcomes retry wire",
    "delivery": "endings errors outcomes pacing retry transport tries wire",
    "recording": "encoding errors ledger outcomes",
    "result": "csv_safe errors masking outcomes report rules timeline",
    "client": "contract credentials errors ledger transport",
    "options": "client errors planning progress rules",
    "runs": "client delivery endings errors options outcomes planning progress result timeline",
    "execution": "blocks client delivery encoding errors options outcomes pacing planning recording result runs",
    "batches": "blocks cells client columns delivery encoding endings errors fixes hints id_rules identifiers inference layout ledger looks masking name_rules options outcomes pacing planning progress recording report result rules runs validation violations",
    "dask": "api batches client delivery errors options outcomes pacing runs wire",
    "api": "client columns execution identifiers layout options planning progress result runs",
    "single": "api client contract errors outcomes rules runs",
    "accessor": "api",
    "form": "api client columns contract errors identifiers layout masking outcomes planning progress report result rules sandbox",
    "sandbox": "contract errors masking templates",
    "demo": "accessor samples sandbox",
    "commands": "api client contract credentials csv_safe date_spellings errors layout ledger outcomes planning progress report result rules targets transport wire",
    "__main__": "commands demo sandbox",
    "__init__": "accessor api batches client errors ledger planning result samples sandbox",
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
