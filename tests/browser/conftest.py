"""A private JupyterLab on loopback, and notebooks in it that are driven through a real Chromium."""

import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from playwright.sync_api import expect, sync_playwright

import growlytics_pandas as gp

ROOT = pathlib.Path(gp.__file__).parents[1]
CHROMIUM = "/usr/bin/chromium"
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
OLDER_KERNELS = {"7.3.0": [], "6.31.0": ["nest_asyncio"]}  # each processes a click on Stop differently
QUIET = {
    "@jupyterlab/apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "@jupyterlab/docmanager-extension/plugin": {"autosave": False},
}
START_SECONDS = 60
IS_READY = "() => window.jupyterapp?.shell.currentWidget?.context?.sessionContext?.session?.kernel?.status === 'idle'"
RUN_CELL = """(i) => {
    const notebook = jupyterapp.shell.currentWidget.content;
    notebook.activeCellIndex = i;
    notebook.deselectAll();
    jupyterapp.commands.execute('notebook:run-cell');
}"""


@pytest.fixture(scope="session")
def kernels(request):
    """Folders of older ipykernels, each put before the installed one by PYTHONPATH; kept between runs."""
    folder = request.config.cache.mkdir("ipykernels")
    for version, more in OLDER_KERNELS.items():
        if not (folder / version).exists():
            pip = [
                sys.executable,
                "-m",
                "pip",
                "install",
                "-q",
                "--no-deps",
                "--target",
                str(folder / f"{version}.part"),
            ]
            subprocess.run([*pip, f"ipykernel=={version}", *more], check=True, capture_output=True)
            (folder / f"{version}.part").rename(folder / version)
    return folder


@pytest.fixture(scope="session")
def lab(tmp_path_factory, kernels):
    """A running JupyterLab, without the developer's settings; returns its URL and the folder of its notebooks."""
    home, notebooks = tmp_path_factory.mktemp("lab"), tmp_path_factory.mktemp("notebooks")
    for name, settings in QUIET.items():
        path = home / "settings" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings))
    write_kernel(home, "newest", [])
    for version in OLDER_KERNELS:
        write_kernel(home, version, [kernels / version])
    with serving(home, notebooks) as url:
        yield url, notebooks


def write_kernel(home, name, paths):
    folder = home / "data" / "kernels" / name
    folder.mkdir(parents=True)
    subshells = {"supported_features": ["kernel subshells"]} if not name.startswith("6") else {}
    spec = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": name,
        "language": "python",
        "env": {
            "PYTHONPATH": os.pathsep.join(map(str, [*paths, ROOT])),
            "GROWLYTICS_LEDGER": str(home / f"{name}.ledger"),
        },
        "metadata": subshells,
    }
    (folder / "kernel.json").write_text(json.dumps(spec))


@contextlib.contextmanager
def serving(home, notebooks):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    places = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "run",
        "IPYTHONDIR": "ipython",
    }
    places |= {"JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces", "HOME": "."}
    environment = {**os.environ, **{name: str(home / place) for name, place in places.items()}}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}"]
    command += [f"--ServerApp.root_dir={notebooks}", "--IdentityProvider.token=", "--ServerApp.password="]
    command += ["--expose-app-in-browser", "--ServerApp.port_retries=0"]
    log = home / "lab.log"
    with log.open("w") as out:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=out, start_new_session=True)
        try:
            wait_for(f"http://127.0.0.1:{port}/api/status", process, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=20)


def wait_for(url, process, log):
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:
                answer.read()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(log.read_text()[-3000:]) from None
            time.sleep(0.1)
        else:
            return


@pytest.fixture(scope="session")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_OPTIONS)
        yield browser
        browser.close()


class Notebook:
    """One notebook in one page. Cells are counted from 0; waits use the prompt, since kernel states are unreliable."""

    def __init__(self, page, url, path):
        self.page, self.url, self.path = page, url, path
        self.dialogs = []
        page.on("dialog", self._dismiss)

    def _dismiss(self, dialog):
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def open(self):
        self.page.goto(f"{self.url}/lab/tree/{self.path.name}?reset")
        self.page.wait_for_function(IS_READY, timeout=START_SECONDS * 1000)
        return self

    def cell(self, i):
        return self.page.locator(".jp-Notebook .jp-CodeCell").nth(i)

    def output(self, i):
        return self.cell(i).locator(".jp-Cell-outputArea")

    def start(self, i):
        self.page.evaluate(RUN_CELL, i)

    def wait(self, i, seconds=30):
        prompt = self.cell(i).locator(".jp-InputPrompt").first
        expect(prompt).to_have_text(re.compile(r"\[\d+\]:?"), timeout=seconds * 1000)

    def run(self, i, seconds=30):
        self.start(i)
        self.wait(i, seconds)

    def command(self, name):
        self.page.evaluate("(name) => jupyterapp.commands.execute(name).then(() => null)", name)

    def interrupt(self):
        self.page.evaluate("() => { jupyterapp.commands.execute('notebook:interrupt-kernel') }")

    def stop_button(self, i):
        return self.cell(i).get_by_role("button", name="Stop")

    def wait_for_movement(self, i):
        """Wait until the panel has shown two different counts."""
        accepted = self.output(i).locator("b").first
        expect(accepted).to_have_text(re.compile(r"[1-9]"), timeout=15_000)
        expect(accepted).not_to_have_text(accepted.inner_text(), timeout=15_000)

    def save(self):
        self.command("docmanager:save")
        return json.loads(self.path.read_text())

    def shut_down(self):
        self.page.evaluate(
            """async () => { const widget = jupyterapp.shell.currentWidget;
               await widget.context.sessionContext.shutdown(); await widget.context.revert(); widget.close() }"""
        )


@pytest.fixture
def notebook(lab, chromium, request):
    """Create and open notebooks with given cells; after the test, close them and shut down their kernels."""
    url, folder = lab
    opened = []

    def make(*cells, kernel="newest", name=None, width=1200, height=900):
        path = folder / f"{name or request.node.name.partition('[')[0]}-{len(opened)}-{kernel}.ipynb"
        path.write_text(json.dumps(document(cells, kernel)))
        context = chromium.new_context(viewport={"width": width, "height": height})
        opened.append(Notebook(context.new_page(), url, path))
        return opened[-1].open()

    yield make
    for one in opened:
        one.shut_down()
        one.page.context.close()


def document(cells, kernel):
    code = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": kernel, "display_name": kernel, "language": "python"}},
        "cells": [{**code, "id": f"cell-{i}", "source": source} for i, source in enumerate(cells)],
    }
