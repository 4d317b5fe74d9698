"""Request bodies for tests of the sandbox, and a check of error responses."""

TIMEOUT_SECONDS = 10


def attribute(name, kind, value):
    return {"name": name, "type": kind, "value": value}


def customer(identifier, *attributes):
    return {"id": identifier, "attributes": list(attributes)}


def assert_refused(reply, status):
    assert reply.status_code == status
    assert reply.headers["content-type"] == "application/json"
    answer = reply.json()
    assert answer["success"] is False
    assert answer["message"]


PUBLISHED = {
    "id": "john@gmail.com",
    "name": "Purchased",
    "attributes": [
        attribute("name", "string", "John"),
        attribute("Total Orders", "number", 5),
        attribute("isPremium", "boolean", True),
        attribute("Last Order", "date", "2023-01-31 10:20:30"),
    ],
}
