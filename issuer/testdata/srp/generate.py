"""Lets pycognito sign in against a server played here, and prints the exchanges. See README.md."""
import base64, datetime, hashlib, json, os, pathlib, random, sys
from pycognito import aws_srp
from pycognito.aws_srp import AWSSRP

N, g, POOL = aws_srp.hex_to_long(aws_srp.N_HEX), 2, "eu-central-1_AbCdEf123"


def java(number):
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


K = int.from_bytes(sha(java(N), java(g)), "big")


def fixed_time(second):
    moment = datetime.datetime(2026, 11, 1 + second % 28, second % 24, second % 60, 59 - second % 60)

    class Clock(datetime.datetime):
        @classmethod
        def utcnow(cls):
            return moment

    fake = type("fake", (), {"datetime": Clock})
    aws_srp.datetime = fake


def verifier(case):
    inner = sha((POOL.split("_")[1] + case["user"] + ":" + case["password"]).encode())
    x = int.from_bytes(sha(java(int(case["salt"], 16)), inner), "big")
    return pow(g, x, N)


def exchange(case, negative, index, a_wanted=lambda A: True, b_wanted=lambda B, b, A, v: True):
    client = AWSSRP(case["user"], case["password"], POOL, "client", client=object())
    while not a_wanted(client.large_a_value):
        client.small_a_value = client.generate_random_small_a()
        client.large_a_value = client.calculate_a()
    v = verifier(case)
    while True:
        b = int.from_bytes(os.urandom(32), "big")
        blind = pow(g, b, N)
        B = (K * v + (-blind if negative else blind)) % N
        if b_wanted(B, b, client.large_a_value, v):
            break
    block = base64.b64encode(os.urandom(64)).decode()
    fixed_time(index)
    sent = client.get_auth_params()
    answer = client.process_challenge(
        {"USERNAME": case["user"], "USER_ID_FOR_SRP": case["user"], "SALT": case["salt"], "SRP_B": f"{B:x}",
         "SECRET_BLOCK": block}, sent)
    return {"why": case["why"], "pool_id": POOL, "user_id_for_srp": case["user"], "password": case["password"],
            "salt": case["salt"], "srp_a": sent["SRP_A"], "b": f"{b:064x}", "negative": negative, "srp_b": f"{B:x}",
            "secret_block": block, "timestamp": answer["TIMESTAMP"], "signature": answer["PASSWORD_CLAIM_SIGNATURE"]}


def u(A, B):
    return int.from_bytes(sha(java(A), java(B)), "big")


def s(A, B, b, v):
    return pow(A * pow(v, u(A, B), N), b, N)


def random_text(longest):
    ranges = [(0x21, 0x7E), (0xA1, 0x17F), (0x400, 0x4FF), (0x5D0, 0x5EA), (0x4E00, 0x9FFF), (0x1F300, 0x1F64F)]
    return "".join(chr(random.randint(*random.choice(ranges))) for _ in range(random.randint(1, longest)))


if len(sys.argv) > 1:
    drawn = [{"why": f"random {i}", "user": random_text(40), "password": random_text(60),
              "salt": f"{random.getrandbits(random.choice([128, 128, 124, 120, 7]) ) or 1:x}"} for i in range(int(sys.argv[1]))]
    print(json.dumps([exchange(case, i % 2, i) for i, case in enumerate(drawn)], ensure_ascii=False))
    sys.exit()

cases = json.loads(pathlib.Path(__file__).with_name("cases.json").read_text())
for case in cases:
    if case["password"] == "LONG":
        case["password"] = "Aa1!" * 64
made = [exchange(case, negative, 2 * i + negative) for i, case in enumerate(cases) for negative in (0, 1)]
plain = cases[0]
short = lambda number, bits: number < 1 << bits
for negative in (0, 1):
    named = lambda why: dict(plain, why=why)
    made += [
        exchange(named("A begins with a zero byte"), negative, 40, a_wanted=lambda A: short(A, 3064)),
        exchange(named("A of odd length"), negative, 41, a_wanted=lambda A: short(A, 3068) and not short(A, 3064)),
        exchange(named("B begins with a zero byte"), negative, 42, b_wanted=lambda B, *_: short(B, 3064)),
        exchange(named("B of odd length"), negative, 43, b_wanted=lambda B, *_: short(B, 3068) and not short(B, 3064)),
        exchange(named("u begins with a zero byte"), negative, 44, b_wanted=lambda B, b, A, v: short(u(A, B), 248)),
        # Where the server took the negative, the client may get N - S instead.
        exchange(named("S begins with a zero byte"), negative, 45,
                 b_wanted=lambda B, b, A, v: short(s(A, B, b, v), 3064)),
        exchange(named("S with a set top bit"), negative, 46,
                 b_wanted=lambda B, b, A, v: not short(s(A, B, b, v), 3071)),
    ]
print(json.dumps(made, indent=1, ensure_ascii=False))
