"""What the guard of the web UI lets through to the application behind it, and what it answers itself."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from pipelines.orchestration.guard import Guard

JSON = {"content-type": "application/json"}
NAVIGATION = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
MUTATION = "query=mutation{launchRun(executionParams:{}){__typename}}"


def answer(
    method: str = "GET",
    path: str = "/",
    query: str = "",
    headers: dict[str, str] | None = None,
    *,
    more: tuple[tuple[str, str], ...] = (),
    host: str | None = "127.0.0.1:3000",
    port: int = 3000,
    kind: str = "http",
) -> tuple[int, str, dict[str, str]]:
    """Status, text and headers of the answer; the application behind the guard answers 200 and `reached`."""
    named = {} if host is None else {"host": host}
    sent = [*(named | (headers or {})).items(), *more]
    scope: dict[str, Any] = {
        "type": kind,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in sent],
        "server": ("127.0.0.1", port),
        "extensions": {"websocket.http.response": {}},
    }
    if kind == "http":
        scope["method"] = method
    messages: list[Message] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("reached")(scope, receive, send)

    async def receive() -> Message:
        raise AssertionError("what is refused is not read")

    async def send(message: Message) -> None:
        messages.append(message)

    asyncio.run(Guard(application)(scope, receive, send))
    start, *bodies = messages
    text = b"".join(message["body"] for message in bodies).decode()
    return start["status"], text, {name.decode(): value.decode() for name, value in start["headers"]}


def status(*arguments: Any, **options: Any) -> int:
    return answer(*arguments, **options)[0]


@pytest.mark.parametrize("host", ["127.0.0.1:3000", "localhost:3000", "LocalHost:3000", "[::1]:3000"])
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_addresses_of_loopback_are_answered(host: str, kind: str) -> None:
    assert status(host=host, kind=kind) == 200


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "rebound.example",
        "rebound.example:3000",
        "127.0.0.1",
        "127.0.0.1:3001",
        "localhost",
        "localhost:80",
        "[::1]",
        "::1:3000",
        "127.0.0.1:3000.rebound.example",
        "localhost.rebound.example:3000",
        "rebound.example@127.0.0.1:3000",
        "0.0.0.0:3000",
        "192.0.2.7:3000",
    ],
)
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_other_hosts_are_not(host: str | None, kind: str) -> None:
    assert status(host=host, kind=kind) == 421
    assert status("POST", "/graphql", "", JSON, host=host) == 421


def test_a_second_host_is_refused_whatever_it_says() -> None:
    assert status(more=(("host", "127.0.0.1:3000"),)) == 421
    assert status(more=(("host", "rebound.example"),)) == 421


def test_the_sentence_names_the_address_to_open() -> None:
    code, text, headers = answer(host="rebound.example")
    assert code == 421
    assert text == (
        "This server answers to 127.0.0.1:3000, localhost:3000, [::1]:3000 and no other host. "
        "Open http://127.0.0.1:3000 instead.\n"
    )
    assert headers["content-type"].startswith("text/plain")


def test_on_the_port_of_http_the_port_may_be_left_out() -> None:
    for host in ("127.0.0.1", "localhost", "[::1]", "localhost:80"):
        origin = {"origin": f"http://{host}"}
        assert status(host=host, port=80, headers=origin) == 200, host
    assert status(host="localhost:3000", port=80) == 421


OWN = ["http://127.0.0.1:3000", "http://localhost:3000", "http://[::1]:3000", "HTTP://LOCALHOST:3000"]
FOREIGN = [
    "null",
    "",
    "http://page.example",
    "http://localhost",
    "http://localhost:8080",
    "https://localhost:3000",
    "http://localhost:3000.page.example",
    "http://page.example:3000",
    "http://localhost:3000/",
    "http://localhost:3000 http://page.example",
    "file://",
    "chrome-extension://abcdefgh",
]


@pytest.mark.parametrize("origin", OWN)
def test_own_pages_may_ask_change_and_listen(origin: str) -> None:
    headers = {"origin": origin}
    assert status(headers=headers) == 200
    assert status("POST", "/graphql", "", headers | JSON) == 200
    assert status(path="/graphql", kind="websocket", headers=headers) == 200


@pytest.mark.parametrize("origin", FOREIGN)
def test_other_pages_may_not(origin: str) -> None:
    headers = {"origin": origin}
    assert status(headers=headers) == 403
    assert status("POST", "/graphql", "", headers | JSON) == 403
    assert status("OPTIONS", "/graphql", "", headers) == 403
    assert status(path="/graphql", kind="websocket", headers=headers) == 403
    assert status(headers={"origin": OWN[0]}, more=(("origin", origin),)) == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site", "something-new"])
def test_what_another_page_loads_without_an_origin_is_refused(site: str) -> None:
    image = {"sec-fetch-site": site, "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}
    frame = {"sec-fetch-site": site, "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}
    form = {"sec-fetch-site": site} | NAVIGATION
    for path in ("/", "/graphql", "/server_info", "/runs"):
        assert status(path=path, headers=image) == 403
        assert status(path=path, headers=frame) == 403
        assert status("POST", path, "", form | JSON) == 403
    assert status(path="/graphql", kind="websocket", headers={"sec-fetch-site": site}) == 403


def test_links_from_elsewhere_lead_to_pages_and_to_nothing_else() -> None:
    link = {"sec-fetch-site": "cross-site"} | NAVIGATION
    for path in ("/", "/assets/bills", "/jobs/month_end", "/runs/0d3f"):
        assert status(path=path, headers=link) == 200
        assert status(path=path, headers=link | {"sec-fetch-site": "same-site"}) == 200
    for path in ("/graphql", "/notebook", "/dagit/notebook", "/logs/run/out", "/download_debug/run", "/x/graphql"):
        assert status(path=path, headers=link) == 403


@pytest.mark.parametrize("site", ["none", "same-origin"])
def test_what_is_typed_or_comes_from_the_page_itself_is_answered(site: str) -> None:
    for path in ("/", "/graphql", "/logs/run/out", "/favicon.png"):
        assert status(path=path, headers={"sec-fetch-site": site} | NAVIGATION) == 200


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["/graphql", "/graphql/", "//graphql", "/prefix/graphql"])
@pytest.mark.parametrize(
    "query",
    [
        MUTATION,
        f"query={{version}}&{MUTATION}",
        f"{MUTATION}&query={{version}}",
        "operationName=read&query=query%20read{version}%20mutation%20write{terminateRun(runId:%22r%22){__typename}}",
        "query=subscription{capturedLogs(logKey:[]){stdout}}",
        "query=%23a%20comment%0Amutation{launchRun(executionParams:{}){__typename}}",
        "%71uery=%6Dutation{launchRun(executionParams:{}){__typename}}",
        "query=fragment%20f%20on%20Query{version}%20mutation{launchRun(executionParams:{}){__typename}}",
    ],
)
def test_get_changes_nothing(method: str, path: str, query: str) -> None:
    code, text, headers = answer(method, path, query)
    assert (code, text) == (405, "GET only reads. Send a mutation by POST, as JSON.\n")
    assert headers["allow"] == "POST"
    assert status(method, path, query, {"accept": "text/html"}) == 405
    assert status(method, path, query, {"origin": OWN[0]}) == 405


@pytest.mark.parametrize("query", ["query=", "query=mutation", "query={version", "query=" + "{a" * 5000])
def test_get_of_what_cannot_be_read_is_refused(query: str) -> None:
    assert answer("GET", "/graphql", query)[:2] == (400, "The query cannot be read as GraphQL.\n")


@pytest.mark.parametrize("query", ["", "query={version}", "query=query%20mutation{version}", "variables={}"])
def test_get_reads(query: str) -> None:
    assert status("GET", "/graphql", query) == 200
    assert status("GET", "/runs", MUTATION) == 200, "a page of the UI, to which a query is a word"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/graphql", "/report_asset_materialization/bills", "/report_asset_check/bills"])
def test_changes_are_sent_as_json(method: str, path: str) -> None:
    for kind in ("application/json", "application/json; charset=utf-8", "Application/JSON"):
        assert status(method, path, "", {"content-type": kind}) == 200
    for kind in (
        "",
        "text/plain",
        "text/plain; application/json",
        "application/graphql",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=application/json",
    ):
        assert status(method, path, MUTATION, {"content-type": kind}) == 415
    assert status(method, path, MUTATION) == 415
    assert status(method, path, MUTATION, JSON, more=(("content-type", "text/plain"),)) == 415


def test_no_other_page_has_the_ui_in_a_frame() -> None:
    assert answer()[2]["x-frame-options"] == "SAMEORIGIN"


def test_the_start_and_end_of_the_server_are_no_request() -> None:
    seen = []

    async def application(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope["type"])

    asyncio.run(Guard(application)({"type": "lifespan"}, None, None))  # type: ignore[arg-type]
    assert seen == ["lifespan"]
