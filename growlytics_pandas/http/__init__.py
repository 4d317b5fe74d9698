"""Two transports behind one protocol, retries, concurrency, and the API key. `upload.connection` opens a transport."""
