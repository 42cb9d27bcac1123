"""Credential stuffing, with honest people in between: what an edge refuses of it, and who is hurt.

    python3 tests/clients/stuffing.py TOLLGATE [PAIRS [ADDRESSES [SHAPE ...]]]

TOLLGATE is the program (or the `up.json` of a running one). It starts an edge of its own before a stand-in that answers as Cognito's API does, and sends
PAIRS pairs of a name and a password (1500) from ADDRESSES addresses (75), each name once, as the shapes have it, while people sign in: alone at an address
(some mistype once, some twice, some their name), forty in an office behind one address, some in attackers' networks, some who come back. For each shape
it prints which share of the attack was refused, how many of the stolen pairs that are right got in, and who of the people was refused once or more.

Addresses are told by X-Forwarded-For, which the edge believes 127.0.0.1. It needs nothing but Python."""

import asyncio
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ACL = {
    "Name": "sign-in", "DefaultAction": {"Allow": {}},
    "VisibilityConfig": {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": "sign-in"},
    "Rules": [{
        "Name": "takeover", "Priority": 0, "OverrideAction": {"None": {}},
        "Statement": {"ManagedRuleGroupStatement": {"VendorName": "Tollgate", "Name": "TollgateAccountTakeoverRuleSet"}},
        "VisibilityConfig": {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": "takeover"},
    }],
}
SETTINGS = """
[listen]
http = "127.0.0.1:{port}"
admin = "127.0.0.1:{admin}"
trusted_proxies = ["127.0.0.1/32"]
[log]
access = "off"
[[upstream]]
name = "idp"
servers = ["127.0.0.1:{idp}"]
[[acl]]
name = "sign-in"
file = "acl.json"
[[route]]
match = {{ path = "/*" }}
upstream = "idp"
acl = "sign-in"
"""
# So many requests are on their way at a time.
WORKERS = 48
# Answers of the stand-in take so long; seconds.
THINKS = (0.01, 0.04)
PEOPLE = 120
OFFICE = 40
# Of a hundred stolen pairs so many are right.
RIGHT = 2


class StandIn:
    """Answers InitiateAuth as Cognito does: 200 and tokens, or 400 NotAuthorizedException."""

    def __init__(self):
        self.users = {}

    async def start(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0, backlog=1024)
        return self.server.sockets[0].getsockname()[1]

    async def serve(self, reader, writer):
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                length = int(head.split("content-length: ")[1].split("\r\n")[0]) if "content-length: " in head else 0
                body = await reader.readexactly(length)
                await asyncio.sleep(random.uniform(*THINKS))
                said = json.loads(body)["AuthParameters"]
                if self.users.get(said["USERNAME"]) == said["PASSWORD"]:
                    status, kind, answer = 200, "", {"AuthenticationResult": {"AccessToken": "x"}}
                else:
                    status, kind = 400, "x-amzn-ErrorType: NotAuthorizedException:\r\n"
                    answer = {"__type": "NotAuthorizedException", "message": "Incorrect username or password."}
                text = json.dumps(answer).encode()
                head = f"HTTP/1.1 {status} X\r\n{kind}Content-Type: application/x-amz-json-1.1\r\nContent-Length: {len(text)}\r\n\r\n"
                writer.write(head.encode() + text)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


class Client:
    """Connections to the edge that are used again."""

    def __init__(self, port):
        self.port, self.idle = port, []

    async def sign_in(self, address, name, password):
        """The status."""
        body = json.dumps({"AuthFlow": "USER_PASSWORD_AUTH", "ClientId": "stuffing",
                           "AuthParameters": {"USERNAME": name, "PASSWORD": password}}).encode()
        head = (f"POST / HTTP/1.1\r\nHost: idp.test\r\nX-Forwarded-For: {address}\r\nContent-Type: application/x-amz-json-1.1\r\n"
                f"X-Amz-Target: AWSCognitoIdentityProviderService.InitiateAuth\r\nContent-Length: {len(body)}\r\n\r\n")
        while True:  # a connection that was idle for too long is closed, a new one is not
            last = not self.idle
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port) if last else self.idle.pop()
            try:
                writer.write(head.encode() + body)
                answer = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                await reader.readexactly(int(answer.split("content-length: ")[1].split("\r\n")[0]))
                self.idle.append((reader, writer))
                return int(answer.split(" ")[1])
            except (asyncio.IncompleteReadError, ConnectionError):
                writer.close()
                if last:
                    raise


class Attack:
    """Who tries which pair from where, in which order; how far it is."""

    def __init__(self, shape, pairs, addresses, seed):
        self.done, chance = 0, random.Random(seed)
        near = "near" in shape
        where = [f"10.{n // 200}.{n % 200}.9" if not near else f"10.0.{n // 200}.{n % 200 + 1}" for n in range(addresses)]
        each = max(1, pairs // addresses)
        order = list(range(pairs))
        self.tries = []
        for n in order:
            address = where[n // each % addresses] if "burst" in shape else where[n % addresses]
            password = "Winter2026!" if "spray" in shape else f"leaked{n}"
            self.tries.append((address, f"victim{n}@example.com", password))
        if "shuffled" in shape:
            chance.shuffle(self.tries)
        right = 10 if "stolen" in shape else RIGHT
        self.right = {name: password for _, name, password in self.tries if chance.randrange(100) < right}
        # Requests a second; 0 is as fast as it goes.
        self.pace = 0 if "fast" in shape else 60 if "slow" in shape else 250


class People:
    """Honest ones."""

    def __init__(self, seed):
        chance = random.Random(seed)
        self.all = []
        for n in range(PEOPLE + OFFICE):
            in_office = n >= PEOPLE
            near = not in_office and n % 4 == 0  # in an attacker's network
            address = "192.0.2.1" if in_office else f"10.{n // 200}.{n % 200}.250" if near else f"172.16.{n}.5"
            kind = chance.randrange(100)
            wrong = 0 if kind < 75 else 1 if kind < 93 else 2
            if in_office:
                wrong = 1 if kind < 6 else 0
            self.all.append({
                "name": f"person{n}@example.org", "password": f"own-{n}-{chance.random()}", "address": address, "wrong": wrong,
                "typo": kind == 99, "begins": chance.random() * 0.95, "returns": kind % 5 == 0, "pauses": chance.uniform(0.2, 0.6),
                "refused": 0, "in": False,
            })


async def attacking(client, attack, tally):
    waiting, began = iter(attack.tries), time.monotonic()

    async def work():
        for address, name, password in waiting:
            if attack.pace:
                await asyncio.sleep(max(0, began + attack.done / attack.pace - time.monotonic()))
            status = await client.sign_in(address, name, password)
            attack.done += 1
            tally["refused"] += status == 403
            tally["in"] += status == 200

    await asyncio.gather(*(work() for _ in range(WORKERS)))
    attack.done = len(attack.tries) + 1


async def living(client, attack, person):
    """Signs in at its time of the attack, as often as it takes."""
    while attack.done < person["begins"] * len(attack.tries):
        await asyncio.sleep(0.02)
    for visit in range(2 if person["returns"] else 1):
        tries = [f"mistyped{n}" for n in range(person["wrong"] if visit == 0 else 0)] + [person["password"]]
        for n, password in enumerate(tries):
            name = "typo-" + person["name"] if person["typo"] and n == 0 and len(tries) > 1 else person["name"]
            status = await client.sign_in(person["address"], name, password)
            person["refused"] += status == 403
            person["in"] |= status == 200
            await asyncio.sleep(person["pauses"])


def ports(count):
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    numbers = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return numbers


async def measure(tollgate, shape, pairs, addresses):
    stand_in = StandIn()
    idp = await stand_in.start()
    port, admin = ports(2)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "acl.json").write_text(json.dumps(ACL))
        Path(folder, "edge.toml").write_text(SETTINGS.format(port=port, admin=admin, idp=idp))
        edge = subprocess.Popen([tollgate, "edge", "--config", f"{folder}/edge.toml"], stderr=subprocess.DEVNULL)
        try:
            for _ in range(400):
                try:
                    (await asyncio.open_connection("127.0.0.1", port))[1].close()
                    break
                except OSError:
                    if edge.poll() is not None:
                        sys.exit(f"the edge has ended with {edge.returncode}")
                    await asyncio.sleep(0.05)
            attack, people = Attack(shape, pairs, addresses, 7), People(11)
            stand_in.users = {**attack.right, **{one["name"]: one["password"] for one in people.all}}
            client, tally, began = Client(port), {"refused": 0, "in": 0}, time.monotonic()
            await asyncio.gather(attacking(client, attack, tally), *(living(client, attack, one) for one in people.all))
            took = time.monotonic() - began
        finally:
            edge.terminate()
            edge.wait(60)
    stand_in.server.close()
    hurt = [one for one in people.all if one["refused"] or not one["in"]]
    alone = sum(one["address"] != "192.0.2.1" for one in hurt)
    share = tally["refused"] / pairs
    print(f"{shape}: {pairs} pairs from {addresses} addresses in {took:.0f} s: {100 * share:.1f} % blocked; "
          f"{tally['in']} of {len(attack.right)} right pairs got in; "
          f"hurt: {alone} of {PEOPLE} people alone, {len(hurt) - alone} of {OFFICE} in the office", flush=True)
    return share, len(hurt)


# What is expected at least of each shape.
SHAPES = {"round-robin": 0.85, "fast": 0.85, "round-robin-near": 0.85, "shuffled": 0.80, "burst": 0.60, "spray": 0.85, "stolen": 0.82, "slow": 0.85}


def main(subject, pairs="1500", addresses="75", *shapes):
    subject = Path(subject)
    if subject.suffix == ".json":
        subject = os.readlink(f"/proc/{json.loads(subject.read_text())['pids']['edge']}/exe")
    missed = []
    for shape in shapes or SHAPES:
        share, hurt = asyncio.run(measure(str(subject), shape, int(pairs), int(addresses)))
        # As fast as it goes is faster than an office can be told from an attack: people there come within a second or two.
        if share < SHAPES.get(shape, 0) or (hurt and shape != "fast"):
            missed.append(shape)
    if missed:
        sys.exit(f"more was to be blocked, or nobody to be hurt: {', '.join(missed)}")
    print("ok")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(*sys.argv[1:])
