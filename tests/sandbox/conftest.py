"""A running sandbox, emptied for each test, and a way to post to it."""

import json

import pytest
import requests
from support.emptied import running, sandbox
from support.sandbox_http import TIMEOUT_SECONDS

from growlytics_pandas import contract

__all__ = ["running", "sandbox"]  # fixtures


@pytest.fixture(scope="module")
def session():
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture
def post(sandbox, session):
    def send(body, **headers):
        data = body if isinstance(body, (bytes, str)) else json.dumps(body)
        headers = {contract.KEY_HEADER: sandbox.api_key} | headers
        url = sandbox.base_url + contract.CUSTOMER_PATH
        return session.post(url, data=data, headers=headers, timeout=TIMEOUT_SECONDS)

    return send
