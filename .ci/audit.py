"""Print the installed packages with known vulnerabilities, as pip-audit finds them. This never fails the gates.

An advisory can appear overnight, and its database may be unreachable; neither depends on a commit. Therefore this
distinguishes what pip-audit's exit status does not: vulnerabilities, none, and packages that were not looked up.
"""

import json
import subprocess
import sys
from typing import Any

LIMIT_SECONDS = 60


def main() -> None:
    """Print one line a finding, and how many packages were looked up."""
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off", "--timeout", "10"]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False)  # noqa: S603
        packages = json.loads(run.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, json.JSONDecodeError):
        say("AUDIT NOT DONE: no answer from the advisory database")
        return
    looked_up = [package for package in packages if "skip_reason" not in package]
    findings = [(package, advisory) for package in looked_up for advisory in package["vulns"]]
    for package, advisory in findings:
        say(describe(package, advisory))
    done = "AUDIT" if looked_up else "AUDIT NOT DONE"
    say(f"{done}: {len(looked_up)} of {len(packages)} packages looked up, {len(findings)} advisories")


def describe(package: dict[str, Any], advisory: dict[str, Any]) -> str:
    """Return one finding as a line: package, advisory, and the versions that fix it."""
    names = ", ".join([advisory["id"], *advisory["aliases"]])
    fixed = ", ".join(advisory["fix_versions"]) or "no release yet"
    return f"AUDIT FINDING: {package['name']} {package['version']}: {names}; fixed in {fixed}"


def say(text: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    main()
