"""Serves the built site on this machine; on any free port if the one that is given is in use."""

import contextlib
import functools
import sys
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SITE = Path(__file__).parents[1] / "build" / "site"


def server(port: int) -> ThreadingHTTPServer:
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(SITE))
    try:
        return ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError:
        return ThreadingHTTPServer(("127.0.0.1", 0), handler)


if __name__ == "__main__":
    wanted = int(sys.argv[1])
    with server(wanted) as found, contextlib.suppress(KeyboardInterrupt):
        got = found.server_address[1]
        why = "" if got == wanted else f"; port {wanted} is in use"
        print(f"The site: http://localhost:{got}/ (Ctrl-C ends{why})", flush=True)
        found.serve_forever()
