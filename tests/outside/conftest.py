"""Third-party programs, in pinned versions and cached between runs, each with its own sandbox."""

import os
import shutil
import subprocess

import pytest
from support.emptied import running, sandbox

__all__ = ["running", "sandbox"]  # fixtures
INSTALL_SECONDS = 300


@pytest.fixture(scope="session")
def npm(request):
    """Install npm packages, each with its version, and return the folder that has `node_modules`."""
    if not (shutil.which("npm") and shutil.which("node")):
        pytest.skip("NOT TESTED: npm and node are not installed")

    def install(name, *packages):
        folder = request.config.cache.mkdir("npm") / f"{name}-{'-'.join(packages)}".replace("/", "-")
        finished = folder / "finished"
        if not finished.exists():
            command = ["npm", "install", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund", *packages]
            done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
            assert done.returncode == 0, done.stderr
            finished.touch()
        return folder

    return install


@pytest.fixture(scope="session")
def quiet_environment():
    """No telemetry is sent, and no proxy is used for the loopback."""
    proxies = {"http_proxy", "https_proxy", "all_proxy"}
    kept = {name: value for name, value in os.environ.items() if name.lower() not in proxies}
    return kept | {"SCARF_ANALYTICS": "false", "NO_COLOR": "1"}
