"""`callbill ui` as a browser and as another page meet it: what it answers, what it refuses, and that nothing was begun."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote

import pytest

from pipelines.operations.ui import WORKSPACE
from tests.pipelines.command import ended, start
from tests.pipelines.homes import make_home
from tests.pipelines.test_command_line import free_port, processes_of, wait_for

LAUNCH = """mutation {
  launchRun(executionParams: {
    selector: {repositoryLocationName: "callbill", repositoryName: "__repository__", jobName: "month_end"}
    runConfigData: "{}"
    executionMetadata: {tags: [{key: "dagster/partition", value: "2026-04"}]}
  }) { __typename ... on PythonError { message } }
}"""
RUNS = "{runsOrError {... on Runs {results {jobName}}}}"
JSON = {"Content-Type": "application/json"}
PAGE = "http://page.example"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a `callbill ui` that runs while the tests of this file do."""
    home = make_home(tmp_path_factory.mktemp("ui"))
    port = free_port()
    with start("ui", "--port", str(port), *home.arguments) as process:
        try:
            wait_for(f"http://127.0.0.1:{port}/server_info")
            yield port
        finally:
            process.send_signal(signal.SIGINT)
            ended(process)
    # A run that has begun is let come to its end, and its code server with it.
    deadline = time.monotonic() + 240
    while list(processes_of(home)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert list(processes_of(home)) == []


def ask(port: int, method: str, path: str, body: str | None = None, **headers: str) -> tuple[int, str]:
    """Status and text of the answer; `Host` is that of the server where no other is given."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.putrequest(method, path, skip_host=True)
    for name, value in ({"Host": f"127.0.0.1:{port}"} | named).items():
        connection.putheader(name, value)
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body.encode() if body is not None else None)
    answer = connection.getresponse()
    text = answer.read().decode("utf-8", "replace")
    connection.close()
    return answer.status, text


def runs(port: int) -> list[str]:
    """The jobs of the runs that there are, asked as the UI's own pages ask."""
    headers = {"Content_Type": "application/json", "Origin": f"http://127.0.0.1:{port}"}
    code, text = ask(port, "POST", "/graphql", json.dumps({"query": RUNS}), **headers)
    assert code == 200, text
    return [run["jobName"] for run in json.loads(text)["data"]["runsOrError"]["results"]]


def shake_hands(port: int, host: str, origin: str | None) -> str:
    """The first line of the answer to a WebSocket's opening."""
    lines = [
        "GET /graphql HTTP/1.1",
        f"Host: {host}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Protocol: graphql-ws",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        *([f"Origin: {origin}"] if origin is not None else []),
    ]
    with socket.create_connection(("127.0.0.1", port), timeout=60) as sock:
        sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        return sock.makefile("r", encoding="latin-1").readline().strip()


def test_no_page_begins_a_run(port: int) -> None:
    image = {"Accept": "image/avif,image/webp,*/*", "Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "no-cors"}
    assert ask(port, "GET", f"/graphql?query={quote(LAUNCH)}", **image)[0] == 403
    body = json.dumps({"query": LAUNCH})
    answers = {
        "a link to an image, in an old browser": ask(port, "GET", f"/graphql?query={quote(LAUNCH)}", Accept="*/*"),
        "a form": ask(port, "POST", f"/graphql?query={quote(LAUNCH)}", "", Origin=PAGE),
        "a form of no page": ask(port, "POST", f"/graphql?query={quote(LAUNCH)}", "", Origin="null"),
        "a form, in an old browser": ask(port, "POST", f"/graphql?query={quote(LAUNCH)}", ""),
        "a script": ask(port, "POST", "/graphql", body, Content_Type="text/plain", Origin=PAGE),
        "a script that claims JSON": ask(port, "POST", "/graphql", body, Content_Type="application/json", Origin=PAGE),
        "a name that leads here": ask(
            port, "POST", "/graphql", body, Content_Type="application/json", Host="a.example"
        ),
    }
    assert {how: code for how, (code, _) in answers.items()} == {
        "a link to an image, in an old browser": 405,
        "a form": 403,
        "a form of no page": 403,
        "a form, in an old browser": 415,
        "a script": 403,
        "a script that claims JSON": 403,
        "a name that leads here": 421,
    }
    assert ask(port, "POST", "/report_asset_materialization/bills", "", Origin=PAGE)[0] == 403
    assert runs(port) == []


def test_the_ui_itself_works(port: int) -> None:
    link = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "document"}
    for path in ("/", "/assets/bills", "/server_info", "/favicon.png"):
        for host in (f"127.0.0.1:{port}", f"localhost:{port}"):
            assert ask(port, "GET", path, Host=host)[0] == 200
    assert ask(port, "GET", "/assets/bills", **link)[0] == 200
    code, text = ask(port, "GET", f"/graphql?query={quote('{version}')}")
    assert (code, set(json.loads(text)["data"])) == (200, {"version"})
    headers = {"Content_Type": "application/json", "Host": f"localhost:{port}", "Origin": f"http://localhost:{port}"}
    code, text = ask(port, "POST", "/graphql", json.dumps({"query": "{version}"}), **headers)
    assert (code, set(json.loads(text)["data"])) == (200, {"version"})


def test_live_updates_go_to_the_own_pages_alone(port: int) -> None:
    here = f"127.0.0.1:{port}"
    switched = "HTTP/1.1 101 Switching Protocols"
    assert shake_hands(port, here, f"http://{here}") == switched
    assert shake_hands(port, f"localhost:{port}", f"http://localhost:{port}") == switched
    assert shake_hands(port, here, None) == switched
    assert shake_hands(port, here, PAGE).startswith("HTTP/1.1 403 ")
    assert shake_hands(port, here, "null").startswith("HTTP/1.1 403 ")
    assert shake_hands(port, f"a.example:{port}", f"http://a.example:{port}").startswith("HTTP/1.1 421 ")


def test_dagster_finds_callbill_by_the_same_name_everywhere() -> None:
    top = (Path(__file__).parents[2] / "workspace.yaml").read_text(encoding="utf-8")
    assert WORKSPACE.partition("\n")[2] == top


def test_a_port_that_is_taken_is_told(port: int, tmp_path: Path) -> None:
    home = make_home(tmp_path)
    said = ended(start("ui", "--port", str(port), *home.arguments))
    assert (said.status, said.out) == (2, "")
    assert said.err == (
        f"callbill: 127.0.0.1:{port} is not free (Address already in use): name another port with --port\n"
    )


def test_a_run_is_begun_by_the_own_page(port: int) -> None:
    """Last: the tests before it found none."""
    headers = {
        "Content_Type": "application/json",
        "Origin": f"http://127.0.0.1:{port}",
        "Sec_Fetch_Site": "same-origin",
    }
    code, text = ask(port, "POST", "/graphql", json.dumps({"query": LAUNCH}), **headers)
    assert (code, json.loads(text)["data"]["launchRun"]["__typename"]) == (200, "LaunchRunSuccess"), text
    assert runs(port) == ["month_end"]
