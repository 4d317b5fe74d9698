"""Third-party packages are imported in one place each; `.ci/house.py` checks the imports between our own modules."""

import ast
import pathlib

import pytest

import growlytics_pandas

PACKAGE = pathlib.Path(growlytics_pandas.__file__).parent

# third-party package -> the only modules that may import it
FENCED = {
    "requests": {"http", "client"},
    "urllib3": {"http"},
    "pycurl": {"http"},
    "certifi": {"upload"},
    "sqlite3": {"ledger", "sandbox", "segments"},  # segments: only to lock the members file
    "httptools": {"sandbox"},
    "tqdm": {"views"},
    "ipywidgets": {"form", "views"},
    "IPython": {"form", "views"},
    "marimo": {"views"},
    "email_validator": {"columns"},
    "phonenumbers": {"columns"},
    "platformdirs": {"ledger"},
    "dask": {"dask"},
    "distributed": {"dask"},
    "matplotlib": {"views"},
    "python_calamine": {"cli"},
    "xlsxwriter": {"views"},
    "jinja2": {"_text", "sandbox", "views"},
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
def test_third_party_imports(path):
    for name, typing_only, _ in imports(path):
        package = name.split(".")[0]
        if package in FENCED and not typing_only:
            assert module_of(path) in FENCED[package], f"{module_of(path)} imports {package}"


def test_no_module_shares_a_function_name():
    public = {name for name in growlytics_pandas.__all__ if callable(getattr(growlytics_pandas, name))}
    assert not public & {path.stem for path in PACKAGE.glob("*.py")}
