"""Challenges and captchas of web ACLs for programs, by the Python that docs/WAF.md prints. Starts an edge of its own.

Usage: challenge.py UP_JSON|TOLLGATE
"""

import contextlib
import json
import os
import re
import sys
import tempfile
from pathlib import Path

from own_edge import Recorder, free_ports, running
from system import Mismatch, expect, expect_equal

PAGE = Path(__file__).resolve().parents[2] / "docs" / "WAF.md"
METRIC = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "m"}


def rule(priority, path, action):
    match = {"FieldToMatch": {"UriPath": {}}, "SearchString": path, "PositionalConstraint": "STARTS_WITH"}
    match["TextTransformations"] = [{"Priority": 0, "Type": "NONE"}]
    statement = {"ByteMatchStatement": match}
    named = {"Name": action, "Priority": priority, "Statement": statement}
    return {**named, "Action": {action: {}}, "VisibilityConfig": METRIC}


@contextlib.contextmanager
def edge(binary):
    """The addresses of two edges with one key, before one upstream."""
    recorder = Recorder()
    rules = [rule(0, "/challenge", "Challenge"), rule(1, "/captcha", "Captcha")]
    acl = {"Name": "a", "DefaultAction": {"Allow": {}}, "Rules": rules, "VisibilityConfig": METRIC}
    with contextlib.ExitStack() as stack:
        stack.callback(recorder.server_close)
        stack.callback(recorder.shutdown)
        key = os.urandom(32).hex()
        yield [stack.enter_context(one(binary, key, acl, recorder)) for _ in range(2)], recorder


@contextlib.contextmanager
def one(binary, key, acl, recorder):
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        [port] = free_ports(1)
        (folder / "acl.json").write_text(json.dumps(acl))
        (folder / "challenge.key").touch(0o600)
        (folder / "challenge.key").write_text(key)
        (folder / "edge.toml").write_text(
            f"""[listen]
http = "127.0.0.1:{port}"
[log]
access = "off"
[challenge]
key_file = "challenge.key"
difficulty = 14
captcha_difficulty = 15
captcha_wait = "1s"
[[acl]]
name = "a"
file = "acl.json"
search_strings = "text"
[[upstream]]
name = "recorder"
servers = ["127.0.0.1:{recorder.server_port}"]
[[route]]
match = {{ path = "/*" }}
upstream = "recorder"
acl = "a"
"""
        )
        with running(binary, folder, [port]):
            yield f"http://127.0.0.1:{port}"


def check(binary):
    [printed] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    page = {}
    exec(compile(printed, str(PAGE), "exec"), page)
    fetch, token_for = page["fetch"], page["token_for"]
    with edge(binary) as ([first, second], recorder):
        expect_equal(token_for(f"{first}/open"), None, "what is asked where no rule asks")
        recorder.seen.clear()
        for path, status, weaker in [("/challenge/a?b=c", 202, None), ("/captcha", 405, "/challenge")]:
            url = first + path
            asked = fetch(url)
            expect_equal((asked.status, asked.read()), (status, b""), f"{path} without a token")
            token = token_for(url)
            sent = fetch(url, **{"x-aws-waf-token": token})
            expect_equal(sent.status, 200, f"{path} with the token in the header")
            expect_equal(fetch(url, cookie=f"aws-waf-token={token}").status, 200, f"{path} with the token as a cookie")
            expect_equal(fetch(second + path, cookie=f"aws-waf-token={token}").status, 200, f"{path} at the other edge")
            if weaker:
                expect_equal(fetch(first + weaker, cookie=f"aws-waf-token={token}").status, 200, "a captcha as a challenge")
            changed = token[:-2] + ("AA" if token[-2:] != "AA" else "BB")
            expect_equal(fetch(url, cookie=f"aws-waf-token={changed}").status, status, f"{path} with a changed token")
        puzzle = json.load(fetch(f"{first}/.tollgate/challenge?for=/challenge"))
        solution = page["solve"](puzzle)
        answer = {"puzzle": puzzle["puzzle"], "solution": solution}
        post = lambda site, body: fetch(site + puzzle["verify"], body, **{"content-type": "application/json"})
        wrong = {**answer, "solution": [number + 1 for number in solution]}
        for site, body, error in [
            (first, wrong, "unsolved"),
            (second.replace("127.0.0.1", "localhost"), answer, "other_host"),
            (second, {**answer, "puzzle": answer["puzzle"][:-4] + "AAAA"}, "not_ours"),
            (first, {}, "malformed"),
        ]:
            refused = post(site, body)
            expect_equal(json.load(refused)["error"], error, "an answer that is none")
            expect(refused.status >= 400 and "set-cookie" not in refused.headers, f"{error}: {refused.status}")
        expect_equal(post(first, answer).status, 200, "the answer")
        expect_equal(json.load(post(first, answer))["error"], "used", "the answer again")
        paths = {seen[1] for seen in recorder.seen}
        expect(not any(path.startswith("/.tollgate") for path in paths), f"the edge's own paths went on: {paths}")
    return "challenge and captcha at two edges with one key"


def program(argument):
    if not argument.endswith(".json"):
        return argument
    return os.readlink(f"/proc/{json.loads(Path(argument).read_text())['pids']['edge']}/exe")


def main():
    if len(sys.argv) < 2:
        print("usage: challenge.py UP_JSON|TOLLGATE", file=sys.stderr)
        sys.exit(2)
    try:
        said = check(program(sys.argv[1]))
    except Mismatch as mismatch:
        print(f"challenge.py: MISMATCH: {mismatch}", file=sys.stderr)
        sys.exit(1)
    except (OSError, KeyError, ValueError) as error:
        print(f"challenge.py: MISMATCH: unexpected {type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(1)
    print(f"challenge.py: ok: {said}")


if __name__ == "__main__":
    main()
