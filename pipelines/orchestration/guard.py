"""What the web UI answers to: this machine's own addresses and its own pages. Dagster's web server asks for neither.

A browser sends to 127.0.0.1 whatever any page in it wants, so that loopback alone keeps nobody out. Why so:
docs/adr/0017-guard-before-the-web-ui.md.
"""

from __future__ import annotations

from graphql import GraphQLError, OperationDefinitionNode, OperationType, parse
from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

READING = ("GET", "HEAD", "OPTIONS")
NO_PAGES = {"graphql", "logs", "notebook", "download_debug"}
"""Parts of paths at which Dagster answers with something else than a page of its UI."""


class Guard:
    """The application `app` behind the checks of each request and each WebSocket; what is refused never reaches it."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers as `app` does, or with a sentence and a status from 400 on."""
        refused = None if scope["type"] == "lifespan" else refusal(scope)
        if refused is not None:
            await refused(scope, receive, send)
            return

        async def unframed(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["x-frame-options"] = "SAMEORIGIN"
            await send(message)

        await self._app(scope, receive, unframed)


def refusal(scope: Scope) -> Response | None:
    """The answer to a request or WebSocket that is refused: 421 for another host, 403 for another page, 405 or 400 for
    a query by GET that changes something or cannot be read, 415 for what a form of any page could send. Else None."""
    headers = Headers(scope=scope)
    hosts = _hosts(scope["server"][1])
    here = f"http://{hosts[0]}"
    if [host.lower() for host in headers.getlist("host")] not in [[host] for host in hosts]:
        return _refused(421, f"This server answers to {', '.join(hosts)} and no other host. Open {here} instead.")
    if _is_foreign(scope, headers, hosts):
        return _refused(403, f"Another page sent this. Only the pages of {here} may do so.")
    if scope["type"] == "websocket":
        return None
    if scope["method"] not in READING:
        kinds = [kind.partition(";")[0].strip().lower() for kind in headers.getlist("content-type")]
        if kinds != ["application/json"]:
            return _refused(415, "What changes something is sent as JSON, with the Content-Type application/json.")
    elif "graphql" in _parts(scope):
        return _unless_it_reads(QueryParams(scope["query_string"]).getlist("query"))
    return None


def _hosts(port: int) -> list[str]:
    """What a Host header may say of a server on that port, the address that people are told first."""
    names = ["127.0.0.1", "localhost", "[::1]"]
    return [f"{name}:{port}" for name in names] + (names if port == 80 else [])


def _is_foreign(scope: Scope, headers: Headers, hosts: list[str]) -> bool:
    """Whether a page of another site sent it. Browsers name the page in Origin, on all but plain GETs; there they tell
    by Sec-Fetch-Site whose it is. What sends neither is no browser of today."""
    origins = headers.getlist("origin")
    if origins:
        return not {origin.lower() for origin in origins} <= {f"http://{host}" for host in hosts}
    ours = headers.get("sec-fetch-site", "none") in ("none", "same-origin")
    return not ours and not _follows_a_link(scope, headers)


def _follows_a_link(scope: Scope, headers: Headers) -> bool:
    """Whether somebody comes to a page of the UI from elsewhere, in a window of its own."""
    return (
        scope["type"] == "http"
        and scope["method"] == "GET"
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
        and not _parts(scope) & NO_PAGES
    )


def _parts(scope: Scope) -> set[str]:
    return set(scope["path"].split("/"))


def _unless_it_reads(queries: list[str]) -> Response | None:
    for query in queries:
        try:
            definitions = parse(query).definitions
        except (GraphQLError, RecursionError):
            return _refused(400, "The query cannot be read as GraphQL.")
        kinds = {item.operation for item in definitions if isinstance(item, OperationDefinitionNode)}
        if not kinds <= {OperationType.QUERY}:
            sentence = "GET only reads. Send a mutation by POST, as JSON."
            return _refused(405, sentence, {"allow": "POST"})
    return None


def _refused(status: int, sentence: str, headers: dict[str, str] | None = None) -> Response:
    return PlainTextResponse(f"{sentence}\n", status, headers)
