"""The structure of the package: imports between its modules, late and type-only ones too, and the files of a push.

Prints the figures. Fails if one of them exceeds its limit, or if there is a cycle of imports. The allowed directions of
imports are checked by import-linter: see pyproject.toml.
"""

import statistics
import sys
from collections import defaultdict
from pathlib import Path

import grimp
import pandas as pd

import growlytics_pandas as gp

PACKAGE = "growlytics_pandas"
FOLDER = Path(__file__).parents[1] / PACKAGE
MAX_TOP_FILES = 18
MAX_CHAIN = 13
MAX_ENTERED_FILES = 30  # of the package, by one push of two rows, the sandbox aside


def imports():
    """Return module → the modules of the package that it imports."""
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    return {module: sorted(graph.find_modules_directly_imported_by(module)) for module in graph.modules}


def cycles(imported):
    """Return the groups of modules that import each other, however far around (Tarjan's algorithm)."""
    order, low, stack, groups = {}, {}, [], []

    def visit(module):
        order[module] = low[module] = len(order)
        stack.append(module)
        for other in imported[module]:
            if other not in order:
                visit(other)
            if other in stack:
                low[module] = min(low[module], low[other])
        if low[module] == order[module]:
            group = stack[stack.index(module) :]
            del stack[-len(group) :]
            groups.append(sorted(group))

    for module in sorted(imported):
        if module not in order:
            visit(module)
    return [group for group in groups if len(group) > 1]


def longest_chain(imported):
    """Return the longest chain of imports of a graph without cycles, the importing module first."""
    chains = {}

    def chain(module):
        if module not in chains:
            chains[module] = [module, *max(map(chain, imported[module]), key=len, default=[])]
        return chains[module]

    return max(map(chain, imported), key=len)


def without_groups(imported, groups):
    """Return the graph with each cycle as one module, so that the chains of the rest can be measured."""
    name = defaultdict(str, {module: " + ".join(group) for group in groups for module in group})
    merged = defaultdict(set)
    for module, others in imported.items():
        here = name[module] or module
        merged[here] |= {name[other] or other for other in others} - {here}
    return {module: sorted(others) for module, others in merged.items()}


def files_entered():
    """Return the files of the package whose functions a push of two rows calls."""
    frame = pd.DataFrame({"email": ["asha@example.com", "ravi@example.com"], "City": ["Pune", "Delhi"]})
    entered = set()

    def note(call, event, _):
        path = Path(call.f_code.co_filename)
        if event == "call" and path.is_relative_to(FOLDER) and "sandbox" not in path.parts:
            entered.add(str(path.relative_to(FOLDER)))

    with gp.Sandbox() as sandbox:
        client = sandbox.client
        sys.setprofile(note)
        try:
            gp.push(frame, "email", client=client, progress=False)
        finally:
            sys.setprofile(None)
    return sorted(entered)


def main():
    """Print the figures; return how many are over their limits."""
    sources = sorted(FOLDER.rglob("*.py"))
    lengths = [len(path.read_text().splitlines()) for path in sources]
    imported = imports()
    groups = cycles(imported)
    chain = longest_chain(without_groups(imported, groups))
    top = len(list(FOLDER.glob("*.py")))
    print(f"{sum(lengths):,} lines in {len(sources)} files, {top} at the top; median {statistics.median(lengths):.0f}")
    print(f"longest chain of imports: {len(chain)}")
    print("  " + " > ".join(module.removeprefix(PACKAGE + ".") for module in chain))
    for group in groups:
        print(f"cycle of {len(group)}: " + ", ".join(module.removeprefix(PACKAGE + ".") for module in group))
    entered = files_entered()
    print(f"files that a push of two rows enters: {len(entered)}")
    print("  " + " ".join(entered))
    over = [top > MAX_TOP_FILES, len(chain) > MAX_CHAIN, not 0 < len(entered) <= MAX_ENTERED_FILES]
    return sum(over) + len(groups)


if __name__ == "__main__":
    sys.exit(main())
