"""An origin made of a server that others wrote: it answers everything, and says each request that it saw in a line of JSON.

    origin.py gunicorn|waitress|uvicorn|hypercorn

Its first line says on which port it listens, which the system chose.
"""

import json
import logging
import socket
import sys

ANSWER = b"hello"


def say(**line):
    # One write for each line, so that the lines of two threads never mix.
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def saw(method, target, host, content, length):
    # What came short of its own length is no request that was seen whole.
    if length is None or int(length) == len(content):
        say(method=method, target=target, host=host, content=content.decode("latin-1"))


def wsgi(environ, start_response):
    content = environ["wsgi.input"].read()
    target = environ.get("RAW_URI") or environ["REQUEST_URI"]
    length = environ.get("CONTENT_LENGTH") or None
    saw(environ["REQUEST_METHOD"], target, environ["HTTP_HOST"], content, length)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(ANSWER)))])
    return [ANSWER]


async def asgi(scope, receive, send):
    if scope["type"] != "http":
        raise RuntimeError("this is for HTTP only")
    content, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        content += message.get("body", b"")
        more = message.get("more_body", False)
    fields = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    target = scope["raw_path"].decode("latin-1")
    if scope["query_string"] and "?" not in target:
        target += "?" + scope["query_string"].decode("latin-1")
    saw(scope["method"], target, fields["host"], content, fields.get("content-length"))
    head = [(b"content-type", b"text/plain"), (b"content-length", str(len(ANSWER)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": ANSWER})


def gunicorn(listener):
    from gunicorn.app.base import BaseApplication

    class Application(BaseApplication):
        def load_config(self):
            options = {"bind": f"fd://{listener.fileno()}", "worker_class": "gthread", "threads": 4, "keepalive": 60}
            for name, value in options.items():
                self.cfg.set(name, value)

        def load(self):
            return wsgi

    Application().run()


def waitress(listener):
    from waitress import serve

    serve(wsgi, sockets=[listener])


def uvicorn(listener):
    from uvicorn import Config, Server

    Server(Config(asgi, http="httptools", log_level="error", lifespan="off")).run(sockets=[listener])


def hypercorn(listener):
    import asyncio

    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    asyncio.run(serve(asgi, config))


def main():
    servers = {serve.__name__: serve for serve in (gunicorn, waitress, uvicorn, hypercorn)}
    # What a server warns of (hostile requests, mostly) is no part of the record.
    logging.disable(logging.WARNING)
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    listener.set_inheritable(True)
    say(port=listener.getsockname()[1])
    servers[sys.argv[1]](listener)


main()
