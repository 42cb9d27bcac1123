"""From the API's acknowledgement of a revocation to the first refusal at the edge.

Usage: signout_latency.py UP_JSON [--events N] [--load CONNECTIONS] [--limit-ms MS]
Over four operations in turn, N events in all (300). --load keeps that many connections busy with good tokens meanwhile. Fails
when an event is never enforced, when enforcement does not last, or when the 99th percentile is over the limit (15).
"""

import argparse
import multiprocessing
import statistics
import time

from system import Mismatch, System, ask, expect, expect_equal, run

LONGEST_SECONDS = 5.0
USERS_AT_A_TIME = 4


def check(system, arguments):
    parser = argparse.ArgumentParser(prog="signout_latency.py")
    parser.add_argument("--events", type=int, default=300)
    parser.add_argument("--load", type=int, default=0)
    parser.add_argument("--limit-ms", type=float, default=15.0)
    wanted = parser.parse_args(arguments)
    operations = {
        "GlobalSignOut": global_sign_out,
        "RevokeToken": revoke_token,
        "AdminUserGlobalSignOut": admin_user_global_sign_out,
        "AdminDisableUser": admin_disable_user,
    }
    delays = {name: [] for name in operations}
    with Load(system, wanted.load) as load:
        people = [system.sign_up()[:2] for _ in range(USERS_AT_A_TIME)]
        for event in range(wanted.events):
            name = list(operations)[event % len(operations)]
            if name == "AdminDisableUser":  # a disabled user is spent
                person = system.sign_up()[:2]
            else:
                person = people[event // len(operations) % len(people)]
            delays[name].append(measure(system, person, operations[name], name))
        sent = load.stop()
    every = [delay for some in delays.values() for delay in some]
    for name, some in [*delays.items(), ("all", every)]:
        if some:
            print(f"{name:24} {len(some):4} events  p50 {at(some, 0.5):7.2f} ms  p99 {at(some, 0.99):7.2f} ms  max {max(some):7.2f} ms")
    if sent:
        print(f"under load: {sent} requests on {wanted.load} connections meanwhile")
    expect(at(every, 0.99) <= wanted.limit_ms, f"p99 is {at(every, 0.99):.2f} ms; the limit is {wanted.limit_ms:g} ms")
    return f"median {statistics.median(every):.2f} ms"


def measure(system, person, operation, name):
    """Milliseconds; counts from the moment the acknowledgement is here to the moment the first refusal is."""
    tokens = system.sign_in(*person)
    connection = system.edge_connection()
    try:
        token = tokens["AccessToken"]
        expect_equal(ask(connection, "GET", system.protected_path, token).status, 200, f"edge before {name}")
        operation(system, person, tokens)
        acknowledged = time.perf_counter()
        while ask(connection, "GET", system.protected_path, token).status != 401:
            if time.perf_counter() - acknowledged > LONGEST_SECONDS:
                raise Mismatch(f"{name} is not enforced at the edge after {LONGEST_SECONDS:g} s")
        delay = (time.perf_counter() - acknowledged) * 1000
        for _ in range(3):
            status = ask(connection, "GET", system.protected_path, token).status
            expect_equal(status, 401, f"edge after the first refusal, {name}")
        return delay
    finally:
        connection.close()


def global_sign_out(system, _, tokens):
    system.public.global_sign_out(AccessToken=tokens["AccessToken"])


def revoke_token(system, _, tokens):
    system.public.revoke_token(Token=tokens["RefreshToken"], ClientId=system.client_id)


def admin_user_global_sign_out(system, person, _):
    system.admin.admin_user_global_sign_out(UserPoolId=system.pool_id, Username=person[0])


def admin_disable_user(system, person, _):
    system.admin.admin_disable_user(UserPoolId=system.pool_id, Username=person[0])


def at(values, quantile):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * quantile))]


class Load:
    """Keeps connections to the edge busy from other processes, each counting what it sent."""

    def __init__(self, system, connections):
        self.over, self.workers = multiprocessing.Event(), []
        self.sent = multiprocessing.Value("Q", 0)
        if connections:
            token = system.sign_in(system.demo_user, system.demo_password)["AccessToken"]
            arguments = (system.edge, system.protected_path, token, self.over, self.sent)
            self.workers = [multiprocessing.Process(target=keep_busy, args=arguments) for _ in range(connections)]

    def __enter__(self):
        for worker in self.workers:
            worker.start()
        return self

    def stop(self):
        self.over.set()
        for worker in self.workers:
            worker.join(10)
            expect_equal(worker.exitcode, 0, "a load process (a good token was refused?)")
        return self.sent.value

    def __exit__(self, *_):
        for worker in self.workers:
            worker.kill()


def keep_busy(edge, path, token, over, sent):
    target = System.__new__(System)
    target.edge = edge
    connection = target.edge_connection()
    count = 0
    while not over.is_set():
        if ask(connection, "GET", path, token).status != 200:
            raise SystemExit(1)
        count += 1
    with sent.get_lock():
        sent.value += count


run(check)
