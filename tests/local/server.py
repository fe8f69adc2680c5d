"""A model server of the least kind, run as a process by the tests: it answers one token, and misbehaves when told to.

What it is to do is said by files in its working directory, so that a test can change it while it runs: ``hang`` (takes
requests and answers none), ``steps`` (its counters move though it does not answer), ``asleep``, ``refuse`` (503).
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

COUNTER = 'vllm:generation_tokens_total{engine="0",model_name="m"}'
PATHS = {"/v1/completions": "prompt", "/v1/chat/completions": "messages"}
SLEEP = 'vllm:engine_sleep_state{engine="0",model_name="m",sleep_state="awake"}'


class Handler(BaseHTTPRequestHandler):
    """Health, metrics, and one token."""

    def do_GET(self) -> None:
        text = ""
        if self.path == "/metrics":
            if not Path("vllm").exists():
                self.answer(404, "")
                return
            steps = time.monotonic() if Path("steps").exists() else 7.0
            text = f"{COUNTER} {steps}\n{SLEEP} {0.0 if Path('asleep').exists() else 1.0}\n"
        self.answer(200, text)

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if asked.get("model") != "m" or asked.get("max_tokens") != 1 or not asked.get(PATHS.get(self.path, "")):
            self.answer(400, "")
            return
        write("asked", self.path)
        while Path("hang").exists():
            time.sleep(0.02)
        if Path("refuse").exists():
            self.answer(503, "busy")
        elif Path("unknown").exists():
            self.answer(404, '{"error": {"message": "The model `m` does not exist."}}')
        else:
            self.answer(200, '{"choices": [{"text": "!"}]}')

    def answer(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


def write(name: str, line: str) -> None:
    """Add a line to a file, whole."""
    with Path(name).open("a") as file:
        file.write(f"{line}\n")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int)
    parser.add_argument("--after", type=float, default=0.0)
    parser.add_argument("--before-listening", type=Path)
    parser.add_argument("--die", action="store_true")
    parser.add_argument("--die-once", type=Path)
    parser.add_argument("--stubborn", action="store_true")
    parser.add_argument("--children", action="store_true")
    parser.add_argument("--say", default="")
    parser.add_argument("--environment", default="")
    options = parser.parse_args()
    if options.stubborn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    if options.children:
        sleep = [sys.executable, "-S", "-c", "import time; time.sleep(600)"]
        apart = subprocess.Popen(sleep, start_new_session=True)
        near = subprocess.Popen(sleep)
        write("pids", f"{os.getpid()} {apart.pid} {near.pid}")
    if options.environment:
        write("environment", str(os.environ.get(options.environment)))
    if options.say:
        print(options.say, flush=True)
    if options.die:
        sys.exit(3)
    if options.die_once and not options.die_once.exists():
        options.die_once.touch()
        sys.exit(4)
    time.sleep(options.after)
    while options.before_listening and not options.before_listening.exists():
        time.sleep(0.01)
    ThreadingHTTPServer(("127.0.0.1", options.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
