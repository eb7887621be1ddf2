#!/usr/bin/env python3
"""Asks OpenAnalyst over HTTP, answers its questions, and prints the answer. Standard library only.

    OPENANALYST_URL=http://127.0.0.1:8080 OPENANALYST_TOKEN=... ./ask.py "what can you do?" [file ...]
"""

import base64
import json
import os
import pathlib
import sys
import urllib.error
import urllib.request
import uuid

URL = os.environ.get("OPENANALYST_URL", "http://127.0.0.1:8080").rstrip("/")
TOKEN = os.environ["OPENANALYST_TOKEN"]


def call(method, path, body=None, headers=None):
    """One request. A problem (RFC 9457) ends the program with its detail."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(URL + path, data=data, method=method)
    request.add_header("authorization", f"Bearer {TOKEN}")
    request.add_header("content-type", "application/json")
    for name, value in (headers or {}).items():
        request.add_header(name, value)
    try:
        with urllib.request.urlopen(request, timeout=150) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        problem = json.load(error)
        sys.exit(f"{problem.get('code')}: {problem.get('detail')}")


def until_it_rests(task):
    """Follows the task's events (SSE) until it has an end or a question."""
    request = urllib.request.Request(f"{URL}/v1/tasks/{task['taskId']}/events")
    request.add_header("authorization", f"Bearer {TOKEN}")
    with urllib.request.urlopen(request, timeout=600) as events:
        for line in events:
            if line.startswith(b"event:") and line.split(b":", 1)[1].strip() in (
                b"completed",
                b"failed",
                b"cancelled",
                b"asked",
            ):
                break
    return call("GET", f"/v1/tasks/{task['taskId']}")


def main(content, *files):
    attachments = [
        {"name": pathlib.Path(file).name, "base64": base64.b64encode(pathlib.Path(file).read_bytes()).decode()}
        for file in files
    ]
    # The same key sent again gets the same task, so a broken connection never makes a second one.
    key = str(uuid.uuid4())
    task = call(
        "POST",
        "/v1/requests?wait=60",
        {"content": content, "sessionId": f"ask-{os.getpid()}", "attachments": attachments},
        {"idempotency-key": key},
    )
    while True:
        if task["status"] not in ("completed", "failed", "cancelled", "needs-clarification"):
            task = until_it_rests(task)
        if task["status"] != "needs-clarification":
            break
        answers = []
        for question in task["questions"]:
            print(question["text"], " / ".join(question["options"]), file=sys.stderr)
            answers.append({"questionId": question["id"], "text": input("> ")})
        task = call("POST", f"/v1/tasks/{task['taskId']}/answers", {"answers": answers})
    if task["status"] != "completed":
        sys.exit(f"{task['status']}: {(task.get('error') or {}).get('message', '')}")
    print(task["content"])


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(*sys.argv[1:])
