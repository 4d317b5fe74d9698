"""Requests to the service: two transports behind one protocol, when to retry, how many at once, and the API key.

::

    protocol     endpoint, response, the interface of a transport, and the meaning of a request that failed
    curl         the transport with libcurl; requests, with `requests_connections`: the one with threads
    retry        what a response means and when to retry; which HTTP status means what is in `contract`
    concurrency  how many requests may start now
    api_key      the key, and the URLs that it may be sent to
"""
