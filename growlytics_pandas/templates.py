"""How the templates of a package are set as HTML: everything escaped, and a name that is not there is an error."""

from collections.abc import Callable
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


def open_templates(package: str, finalize: Callable[[Any], Any] | None = None) -> Environment:
    """Open the folder ``templates`` of `package`; `finalize` is applied to each value before it is escaped."""
    environment = Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["thousands"] = "{:,}".format
    return environment
