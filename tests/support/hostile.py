"""Text that is harmful if it is not escaped, and a check in a browser that it is harmless."""

RUN = "window.XSS = (window.XSS || 0) + 1; alert(1)"
HOSTILE = (
    "\u202egnp\u2066\u200f"
    f'</td></tr></table></div></pre></svg></style></title></script><script>{RUN}</script><img src=x onerror="{RUN}">'
    f"<svg onload='{RUN}'><style>*{{display:none}}</style>\"' onmouseover='{RUN}' javascript:{RUN} "
    "{{7*7}} $$\\rule{5000px}{5000px}$$ \\(x\\) `code` [link](javascript:alert(3))"
)
LONG = HOSTILE + "W" * 10_000
_SERVER = """
import http.server, itertools, json as _json, threading
import growlytics_pandas as gp

words = itertools.cycle([LONG, EVIL])

class Hostile(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = _json.dumps({"success": False, "message": next(words)}).encode()
        self.send_response(422)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hostile)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = gp.Client("a-key", f"http://127.0.0.1:{server.server_port}", ledger=None)
"""
# Code for a notebook cell: hostile texts, a service that responds with them, and a `client` for it.
BAD_SERVER = f"EVIL, LONG = {HOSTILE!r}, {LONG!r}\n{_SERVER}"
FOREIGN_ELEMENTS = "script, img, style, mjx-container"


class Visit:
    """One page opened in a browser, with the requests it made and the scripts that ran."""

    def __init__(self, browser, url, width, **options):
        self.requests, self.loaded, self.dialogs = [], [], []
        self.context = browser.new_context(viewport={"width": width, "height": 800}, **options)
        self.page = self.context.new_page()
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("requestfinished", lambda request: self.loaded.append(request.url))
        self.page.on("dialog", lambda dialog: (self.dialogs.append(dialog.message), dialog.dismiss()))
        self.page.goto(url)
        self.page.mouse.move(200, 200)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()

    def ran(self):
        return self.page.evaluate("window.XSS || 0") + len(self.dialogs)

    def overflow(self):
        return self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")

    def ink_and_paper(self):
        """Return the lightness of the text and of its background, each 0 to 765."""
        return self.page.evaluate(
            "(() => { const s = getComputedStyle(document.body);"
            " return [s.color, s.backgroundColor].map(c => c.match(/\\d+/g).slice(0, 3).reduce((a, b) => a + +b, 0)); })()"
        )


def assert_harmless(node, dialogs, max_height, elements=FOREIGN_ELEMENTS):
    """No script ran, the text created no element, and nothing is wider than its container or extremely high."""
    node.page.wait_for_timeout(300)  # for what an injected element would load
    assert dialogs == []
    assert not node.page.evaluate("window.XSS")
    assert node.locator(elements).count() == 0
    assert node.evaluate("(node) => node.scrollWidth <= node.clientWidth + 1")
    assert node.page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert node.bounding_box()["height"] < max_height
