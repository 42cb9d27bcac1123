"""Searching users beyond Cognito's filters, and changing a pool's schema while its users sign in.

    schema.py UP_JSON [USERS]

Through boto3 and `tollgate admin schema` of the program that runs. Makes a pool of its own and deletes it.
"""

import os
import subprocess
import threading

from botocore.exceptions import ClientError

from system import Mismatch, expect, expect_equal, expect_error, new_password, run


def program(system):
    """The executable of the running `up`."""
    return os.readlink(f"/proc/{system.pids['up']}/exe")


class Schema:
    def __init__(self, system, users):
        self.system, self.count = system, users
        self.admin = system.admin
        schema = [{"Name": "plan", "AttributeDataType": "String", "Mutable": True}, {"Name": "seats", "AttributeDataType": "String", "Mutable": True}]
        made = self.admin.create_user_pool(PoolName="schema", Schema=schema, AliasAttributes=["preferred_username"])
        self.pool = made["UserPool"]["Id"]
        flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
        client = self.admin.create_user_pool_client(
            UserPoolId=self.pool, ClientName="schema", ExplicitAuthFlows=flows, ReadAttributes=["email", "custom:plan"],
            PreventUserExistenceErrors="ENABLED",
        )
        self.client = client["UserPoolClient"]["ClientId"]
        self.password = new_password()

    def command(self, *words, fails=False):
        system = self.system
        key = {"AWS_ACCESS_KEY_ID": system.access_key_id, "AWS_SECRET_ACCESS_KEY": system.secret_access_key}
        where = ["--pool", self.pool, "--admin", system.metrics, "--region", system.region]
        words = [program(system), "admin", "schema", *words, *where]
        done = subprocess.run(words, env={**os.environ, **key}, capture_output=True, text=True, timeout=120)
        said = done.stdout + done.stderr
        expect((done.returncode != 0) == fails, f"{' '.join(words[2:5])}: {said}")
        return said

    def make_users(self):
        for number in range(self.count):
            attributes = {
                "email": f"user{number}@{'x' if number % 2 else 'y'}.example", "email_verified": "true",
                "custom:plan": ["gold", "free", "golden"][number % 3], "custom:seats": str(number), "preferred_username": f"Pref{number}",
            }
            pairs = [{"Name": name, "Value": value} for name, value in attributes.items()]
            self.admin.admin_create_user(UserPoolId=self.pool, Username=f"User{number}", UserAttributes=pairs, MessageAction="SUPPRESS")
        for number in range(4):
            self.admin.admin_set_user_password(
                UserPoolId=self.pool, Username=f"User{number}", Password=self.password, Permanent=True
            )

    def found(self, text, size=7):
        pages = self.admin.get_paginator("list_users").paginate(UserPoolId=self.pool, Filter=text, PaginationConfig={"PageSize": size})
        names = [user["Username"] for page in pages for user in page["Users"]]
        expect_equal(len(names), len(set(names)), f"{text}: nobody twice")
        return sorted(int(name.removeprefix("User")) for name in names)

    def search(self):
        everybody = range(self.count)
        cases = [
            ('custom:plan = "gold"', lambda n: n % 3 == 0),
            ('custom:plan ^= "gold"', lambda n: n % 3 != 1),
            ('custom:plan *= "old"', lambda n: n % 3 != 1),
            ('custom:plan $= "en"', lambda n: n % 3 == 2),
            ('email *= "@x."', lambda n: n % 2 == 1),
            ('email $= "y.example"', lambda n: n % 2 == 0),
            ('email *= "3@"', lambda n: n % 10 == 3),
            ('username $= "7" and custom:plan = "free"', lambda n: n % 10 == 7 and n % 3 == 1),
            ('custom:plan = "gold" AND email $= "@x.example" and status = "Enabled"', lambda n: n % 6 == 3),
        ]
        for text, wanted in cases:
            expect_equal(self.found(text), [n for n in everybody if wanted(n)], text)
        said = expect_error("InvalidParameterException", self.admin.list_users, "unknown", UserPoolId=self.pool, Filter='custom:no = "x"')
        expect_equal(said, "Invalid search attribute: custom:no", "an attribute that the pool lacks")

    def signs_in(self, name):
        parameters = {"USERNAME": name, "PASSWORD": self.password}
        try:
            answer = self.system.public.initiate_auth(ClientId=self.client, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=parameters)
        except ClientError as error:
            expect_equal(error.response["Error"]["Code"], "NotAuthorizedException", f"sign-in as {name}")
            return None
        return answer["AuthenticationResult"]["AccessToken"]

    def attributes(self, name):
        user = self.system.public.get_user(AccessToken=self.signs_in(name))
        return {pair["Name"]: pair["Value"] for pair in user["UserAttributes"]}

    def while_users_sign_in(self, *words):
        """Runs a change while users sign in and read themselves; each sees one of the two schemas whole."""
        ended, wrong, seen = threading.Event(), [], []

        def sign_in():
            try:
                while not ended.is_set():
                    seen.append(frozenset(name for name in self.attributes("User0") if name.startswith("custom:")))
            except (Mismatch, ClientError) as error:
                wrong.append(error)

        people = threading.Thread(target=sign_in)
        people.start()
        try:
            said = self.command(*words)
        finally:
            ended.set()
            people.join()
        expect(not wrong, f"a sign-in during {words}: {wrong[:1]}")
        return said, seen

    def changes(self):
        said = self.command("rename", "custom:plan", "custom:tier", "--dry-run")
        expect(f"{self.count} users, {self.count} affected, 0 in the way" in said, said)
        expect_equal(self.attributes("User0")["custom:plan"], "gold", "a dry run changes nothing")
        _, seen = self.while_users_sign_in("rename", "custom:plan", "custom:tier")
        expect(set(seen) <= {frozenset({"custom:plan"}), frozenset({"custom:tier"})}, f"seen during a rename: {set(seen)}")
        moves = [before != after for before, after in zip(seen, seen[1:])]
        expect(sum(moves) <= 1, "from the one to the other once")
        expect_equal(self.found('custom:tier = "gold"'), [n for n in range(self.count) if n % 3 == 0], "by the new name")
        client = self.admin.describe_user_pool_client(UserPoolId=self.pool, ClientId=self.client)["UserPoolClient"]
        expect_equal(sorted(client["ReadAttributes"]), ["custom:tier", "email"], "ReadAttributes follow")

        self.command("retype", "custom:seats", "number")
        said = self.command("retype", "custom:tier", "number", fails=True)
        expect("in the way" in said and "nothing was changed" in said, said)

        expect(self.signs_in("user0@y.example") is None and self.signs_in("Pref0"), "before the change of aliases")
        self.while_users_sign_in("sign-in", "--alias-attributes", "email", "--case-insensitive")
        for name in ("user0@y.example", "USER1@X.example", "user2", "USER3"):
            expect(self.signs_in(name), f"{name} signs in")
        expect(self.signs_in("Pref0") is None, "the alias that is none any more")
        self.command("drop", "custom:seats")
        names = {attribute["Name"] for attribute in self.admin.describe_user_pool(UserPoolId=self.pool)["UserPool"]["SchemaAttributes"]}
        expect("custom:seats" not in names and "custom:tier" in names, "the schema")

    def index(self):
        self.command("index", "email")
        expect("search index email ready" in self.command("show"), "the index is shown")
        expect_equal(self.found('email *= "3@"'), [n for n in range(self.count) if n % 10 == 3], "by the index")
        self.admin.admin_update_user_attributes(
            UserPoolId=self.pool, Username="User3", UserAttributes=[{"Name": "email", "Value": "else@z.example"}]
        )
        expect_equal(self.found('email $= "@z.example"'), [3], "the index follows")
        self.command("unindex", "email")
        expect_equal(self.found('email $= "@z.example"'), [3], "without the index")


def check(system, arguments):
    users = int(arguments[0]) if arguments else 60
    schema = Schema(system, users)
    schema.make_users()
    schema.search()
    schema.changes()
    schema.index()
    system.admin.delete_user_pool(UserPoolId=schema.pool)
    return f"{users} users searched, and their schema changed while they signed in"


run(check)
