"""Pools, app clients, groups and users by boto3: created, read back, listed in pages of several sizes, updated, deleted.

    lists.py UP_JSON [SEED]
    lists.py UP_JSON [SEED] delete-demo-pool     also deletes the demo pool, to see the edge refuse its tokens; nothing works after it

Inputs are random (the seed is said). Shapes and limits: botocore's model; semantics and texts: Cognito's documentation.
"""

import random
import secrets

from system import Mismatch, expect, expect_equal, expect_error, new_email, new_password, run

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
SIZES = [1, 7, 59, 60]
ODD = "Aä%_'\"\\=^ 💐"


def check(system, arguments):
    seed = next((int(argument) for argument in arguments if argument.isdigit()), secrets.randbelow(10**9))
    lists = Lists(system, random.Random(seed))
    try:
        lists.pools()
        lists.clients()
        lists.groups()
        lists.users()
        lists.tokens()
        lists.deleted_client()
        if "delete-demo-pool" in arguments:
            lists.deleted_demo_pool()
    except Mismatch as mismatch:
        raise Mismatch(f"seed {seed}: {mismatch}") from None
    return f"seed {seed}"


class Lists:
    def __init__(self, system, rng):
        self.system, self.admin, self.rng = system, system.admin, rng

    # Random inputs

    def word(self, least=3, most=20):
        return "".join(self.rng.choices(LETTERS, k=self.rng.randint(least, most)))

    def pool(self, **settings):
        return self.admin.create_user_pool(PoolName=self.word(1, 128), **settings)["UserPool"]["Id"]

    def delete(self, pool):
        self.admin.delete_user_pool(UserPoolId=pool)

    # Pages

    def all_pages(self, operation, member, size, token="NextToken", limit="Limit", **parameters):
        """Every row, by hand; each page but the last is full."""
        rows, given = [], {}
        while True:
            answer = getattr(self.admin, operation)(**parameters, **{limit: size}, **given)
            rows += answer[member]
            if token not in answer:
                expect(len(answer[member]) <= size, f"{operation}: a page of more than {size}")
                return rows
            expect_equal(len(answer[member]), size, f"{operation}: rows of a page that is not the last")
            given = {token: answer[token]}

    def same_rows(self, operation, member, key, wanted, **parameters):
        """All sizes of pages show the same rows in the same order, each once."""
        first = None
        for size in SIZES:
            rows = [row[key] for row in self.all_pages(operation, member, size, **parameters)]
            expect_equal(sorted(rows), sorted(wanted), f"{operation} in pages of {size}")
            first = first or rows
            expect_equal(rows, first, f"{operation}: the order in pages of {size}")
        return first

    def paginated(self, operation, member, key, size, **parameters):
        pages = self.admin.get_paginator(operation).paginate(PaginationConfig={"PageSize": size}, **parameters)
        return [row[key] for page in pages for row in page[member]]

    # Pools

    def pools(self):
        admin = self.admin
        made = {self.pool(): None for _ in range(8)}
        for size in (1, 5, 60):
            listed = self.paginated("list_user_pools", "UserPools", "Id", size)
            expect_equal(len(set(listed)), len(listed), f"pools in pages of {size}: one came twice")
            expect(set(made) <= set(listed) and self.system.pool_id in listed, f"pools in pages of {size}: one is missing")
        pool = next(iter(made))
        self._update_pool(pool)
        self._protected(pool)
        for pool in made:
            self.delete(pool)
            for what in (
                lambda **p: admin.describe_user_pool(**p),
                lambda **p: admin.delete_user_pool(**p),
                lambda **p: admin.list_users(**p),
                lambda **p: admin.update_user_pool(**p),
            ):
                said = expect_error("ResourceNotFoundException", what, "a deleted pool", UserPoolId=pool)
                expect_equal(said, f"User pool {pool} does not exist.", "text")
        left = self.paginated("list_user_pools", "UserPools", "Id", 60)
        expect(not set(made) & set(left), "a deleted pool is listed")
        for limit in (61, 1000):
            expect_error("InvalidParameterException", admin.list_user_pools, f"MaxResults={limit}", MaxResults=limit)

    def _update_pool(self, pool):
        policy = {"MinimumLength": self.rng.randint(6, 99), "RequireNumbers": True, "TemporaryPasswordValidityDays": 3}
        name = self.word()
        before = self.admin.describe_user_pool(UserPoolId=pool)["UserPool"]
        self.admin.update_user_pool(
            UserPoolId=pool,
            PoolName=name,
            Policies={"PasswordPolicy": policy},
            AutoVerifiedAttributes=["email"],
            AdminCreateUserConfig={"AllowAdminCreateUserOnly": True},
            UserPoolTags={"team": "a"},
        )
        after = self.admin.describe_user_pool(UserPoolId=pool)["UserPool"]
        expect_equal(after["Name"], name, "the pool's new name")
        for key, value in policy.items():
            expect_equal(after["Policies"]["PasswordPolicy"][key], value, key)
        expect_equal(after["AutoVerifiedAttributes"], ["email"], "AutoVerifiedAttributes")
        expect_equal(after["UserPoolTags"], {"team": "a"}, "UserPoolTags")
        expect(after["LastModifiedDate"] >= before["LastModifiedDate"], "LastModifiedDate went back")
        self.admin.update_user_pool(UserPoolId=pool)
        reset = self.admin.describe_user_pool(UserPoolId=pool)["UserPool"]
        expect_equal(reset["Policies"], before["Policies"], "policies that an update leaves out")
        expect("AutoVerifiedAttributes" not in reset, "AutoVerifiedAttributes that an update leaves out")
        expect_equal(reset["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"], False, "AllowAdminCreateUserOnly")
        expect_equal(reset["Name"], name, "a name that an update leaves out")
        expect_error("InvalidParameterException", self.admin.update_user_pool, "MFA by nothing", UserPoolId=pool, MfaConfiguration="ON")
        triggers = {"PreSignUp": "arn:aws:lambda:us-east-1:123456789012:function:f"}
        self.admin.update_user_pool(UserPoolId=pool, LambdaConfig=triggers)
        expect_equal(self.admin.describe_user_pool(UserPoolId=pool)["UserPool"]["LambdaConfig"], triggers, "triggers")
        self.admin.update_user_pool(UserPoolId=pool)

    def _protected(self, pool):
        self.admin.update_user_pool(UserPoolId=pool, DeletionProtection="ACTIVE")
        said = expect_error("InvalidParameterException", self.admin.delete_user_pool, "a protected pool", UserPoolId=pool)
        wanted = "The user pool cannot be deleted because deletion protection is activated. Deletion protection must be inactivated first."
        expect_equal(said, wanted, "a protected pool")
        expect_equal(self.admin.describe_user_pool(UserPoolId=pool)["UserPool"]["DeletionProtection"], "ACTIVE", "protection")
        self.admin.update_user_pool(UserPoolId=pool, DeletionProtection="INACTIVE")

    # App clients

    def clients(self):
        admin, pool = self.admin, self.pool()
        names = {}
        for _ in range(61):
            name = self.word(1, 128)
            made = admin.create_user_pool_client(UserPoolId=pool, ClientName=name, GenerateSecret=self.rng.random() < 0.5)
            names[made["UserPoolClient"]["ClientId"]] = made["UserPoolClient"]
        self.same_rows("list_user_pool_clients", "UserPoolClients", "ClientId", names, limit="MaxResults", UserPoolId=pool)
        listed = self.paginated("list_user_pool_clients", "UserPoolClients", "ClientName", 10, UserPoolId=pool)
        expect_equal(sorted(listed), sorted(made["ClientName"] for made in names.values()), "client names by the paginator")
        for client, made in names.items():
            found = admin.describe_user_pool_client(UserPoolId=pool, ClientId=client)["UserPoolClient"]
            expect_equal(found, made, "a client, read back")
        self._update_client(pool, *self.rng.choice(list(names.items())))
        for client in self.rng.sample(list(names), 20):
            del names[client]
            admin.delete_user_pool_client(UserPoolId=pool, ClientId=client)
            for what in (admin.describe_user_pool_client, admin.delete_user_pool_client, admin.update_user_pool_client):
                said = expect_error("ResourceNotFoundException", what, "a deleted client", UserPoolId=pool, ClientId=client)
                expect_equal(said, f"User pool client {client} does not exist.", "text")
            parameters = {"USERNAME": "a", "PASSWORD": "b"}
            call = {"ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters}
            expect_error("ResourceNotFoundException", self.system.public.initiate_auth, "sign-in at a deleted client", **call)
        self.same_rows("list_user_pool_clients", "UserPoolClients", "ClientId", names, limit="MaxResults", UserPoolId=pool)
        elsewhere = {"UserPoolId": self.system.pool_id, "ClientId": next(iter(names))}
        expect_error("ResourceNotFoundException", admin.describe_user_pool_client, "a client by another pool", **elsewhere)
        self.delete(pool)
        call = {"ClientId": next(iter(names)), "Username": "a", "Password": new_password()}
        expect_error("ResourceNotFoundException", self.system.public.sign_up, "a client of a deleted pool", **call)

    def _update_client(self, pool, client, made):
        admin, minutes = self.admin, self.rng.randint(5, 1440)
        changes = {
            "ClientName": self.word(),
            "AccessTokenValidity": minutes,
            "TokenValidityUnits": {"AccessToken": "minutes"},
            "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
            "ReadAttributes": ["email", "name"],
            "PreventUserExistenceErrors": "ENABLED",
        }
        answer = admin.update_user_pool_client(UserPoolId=pool, ClientId=client, **changes)["UserPoolClient"]
        found = admin.describe_user_pool_client(UserPoolId=pool, ClientId=client)["UserPoolClient"]
        expect_equal(found, answer, "an updated client, read back")
        for key, value in changes.items():
            expect_equal(found[key], value, f"an updated client's {key}")
        expect_equal(found.get("ClientSecret"), made.get("ClientSecret"), "the secret after an update")
        reset = admin.update_user_pool_client(UserPoolId=pool, ClientId=client)["UserPoolClient"]
        for key, value in made.items():
            if key not in ("ClientName", "LastModifiedDate"):
                expect_equal(reset.get(key), value, f"{key} that an update leaves out")
        expect_equal(reset["ClientName"], changes["ClientName"], "a client's name that an update leaves out")
        for bad in ({"ReadAttributes": ["custom:nothing"]}, {"AccessTokenValidity": 86401}, {"AuthSessionValidity": 16}):
            call = {"UserPoolId": pool, "ClientId": client, **bad}
            expect_error("InvalidParameterException", admin.update_user_pool_client, f"update with {bad}", **call)

    # Groups

    def groups(self):
        admin, pool = self.admin, self.pool()
        groups = {f"{self.word()}-{n}": None for n in range(63)}
        for name in groups:
            optional = {"Description": self.word(0, 200), "Precedence": self.rng.randint(0, 2**31 - 1)}
            given = {key: value for key, value in optional.items() if self.rng.random() < 0.7 and value != ""}
            made = admin.create_group(UserPoolId=pool, GroupName=name, **given)["Group"]
            expect_equal(admin.get_group(UserPoolId=pool, GroupName=name)["Group"], made, "a group, read back")
            groups[name] = made
        said = expect_error("GroupExistsException", admin.create_group, "a group again", UserPoolId=pool, GroupName=name)
        expect_equal(said, "A group with the name already exists.", "text")
        self.same_rows("list_groups", "Groups", "GroupName", groups, UserPoolId=pool)
        expect_equal(sorted(self.paginated("list_groups", "Groups", "GroupName", 9, UserPoolId=pool)), sorted(groups), "paginator")
        self._update_group(pool, name, groups[name])
        self._members(pool, list(groups))
        for name in self.rng.sample(list(groups), 10):
            del groups[name]
            admin.delete_group(UserPoolId=pool, GroupName=name)
            for what in (admin.get_group, admin.delete_group, admin.update_group, admin.list_users_in_group):
                said = expect_error("ResourceNotFoundException", what, "a deleted group", UserPoolId=pool, GroupName=name)
                expect_equal(said, "Group not found.", "text")
        self.same_rows("list_groups", "Groups", "GroupName", groups, UserPoolId=pool)
        for limit in (61, 1000):
            expect_error("InvalidParameterException", admin.list_groups, f"Limit={limit}", UserPoolId=pool, Limit=limit)
        expect_equal(len(admin.list_groups(UserPoolId=pool, Limit=0)["Groups"]), len(groups), "Limit=0 is the most")
        self.delete(pool)

    def _update_group(self, pool, name, made):
        description, role = self.word(), "arn:aws:iam::123456789012:role/" + self.word()
        answer = self.admin.update_group(UserPoolId=pool, GroupName=name, Description=description, Precedence=0)["Group"]
        expect_equal((answer["Description"], answer["Precedence"]), (description, 0), "an updated group")
        answer = self.admin.update_group(UserPoolId=pool, GroupName=name, RoleArn=role)["Group"]
        expect_equal((answer["Description"], answer["Precedence"], answer["RoleArn"]), (description, 0, role), "what stays")
        expect_equal(answer["CreationDate"], made["CreationDate"], "CreationDate after an update")
        expect_equal(self.admin.get_group(UserPoolId=pool, GroupName=name)["Group"], answer, "an updated group, read back")

    def _members(self, pool, groups):
        admin, group = self.admin, groups[0]
        users = [f"{self.word()}{n}" for n in range(65)]
        for user in users:
            admin.admin_create_user(UserPoolId=pool, Username=user, MessageAction="SUPPRESS")
            admin.admin_add_user_to_group(UserPoolId=pool, Username=user, GroupName=group)
        admin.admin_add_user_to_group(UserPoolId=pool, Username=users[0], GroupName=group)
        self.same_rows("list_users_in_group", "Users", "Username", users, UserPoolId=pool, GroupName=group)
        for user in users[:9]:
            admin.admin_remove_user_from_group(UserPoolId=pool, Username=user, GroupName=group)
            admin.admin_remove_user_from_group(UserPoolId=pool, Username=user, GroupName=group)
        call = {"UserPoolId": pool, "GroupName": group}
        expect_equal(sorted(self.paginated("list_users_in_group", "Users", "Username", 8, **call)), sorted(users[9:]), "members")
        for name in groups:
            admin.admin_add_user_to_group(UserPoolId=pool, Username=users[0], GroupName=name)
        self.same_rows("admin_list_groups_for_user", "Groups", "GroupName", groups, UserPoolId=pool, Username=users[0])
        # A group that is made again under its old name begins empty.
        admin.delete_group(UserPoolId=pool, GroupName=group)
        admin.create_group(UserPoolId=pool, GroupName=group)
        expect_equal(admin.list_users_in_group(UserPoolId=pool, GroupName=group)["Users"], [], "members of a new group")
        for what in (admin.admin_add_user_to_group, admin.admin_remove_user_from_group):
            call = {"UserPoolId": pool, "Username": users[0], "GroupName": "nothing"}
            expect_equal(expect_error("ResourceNotFoundException", what, "no such group", **call), "Group not found.", "text")
            expect_error("UserNotFoundException", what, "no such user", **{**call, "Username": "nobody", "GroupName": group})
        call = {"UserPoolId": pool, "Username": "nobody"}
        expect_error("UserNotFoundException", admin.admin_list_groups_for_user, "groups of nobody", **call)

    # Users

    def users(self):
        admin = self.admin
        schema = [{"Name": "tier", "AttributeDataType": "String"}]
        pool = self.pool(Schema=schema)
        users = {}
        for number in range(130):
            name = f"{self.rng.choice('abAB')}{self.word()}{number}"
            attributes = {"email": f"{self.rng.choice(['ann', 'Ann', 'bob'])}{number}@x.example"}
            for attribute in ("name", "given_name", "family_name", "preferred_username"):
                if self.rng.random() < 0.6:
                    attributes[attribute] = self.rng.choice(ODD) + self.rng.choice(ODD) + self.word(1, 3)
            if self.rng.random() < 0.3:
                attributes["phone_number"] = "+49" + str(self.rng.randint(10**9, 10**10))
            pairs = [{"Name": key, "Value": value} for key, value in attributes.items()]
            call = {"UserPoolId": pool, "Username": name, "UserAttributes": pairs, "MessageAction": "SUPPRESS"}
            user = admin.admin_create_user(**call)["User"]
            attributes["sub"] = next(pair["Value"] for pair in user["Attributes"] if pair["Name"] == "sub")
            users[name] = {**attributes, "username": name, "status": "Enabled", "cognito:user_status": user["UserStatus"]}
        for name in self.rng.sample(list(users), 20):
            admin.admin_disable_user(UserPoolId=pool, Username=name)
            users[name]["status"] = "Disabled"
        for name in self.rng.sample(list(users), 5):
            admin.admin_set_user_password(UserPoolId=pool, Username=name, Password=new_password(), Permanent=True)
            users[name]["cognito:user_status"] = "CONFIRMED"
        self._search(pool, users)
        self._attributes_to_get(pool, users)
        self._bad_filters(pool)
        self._moving(pool, set(users))
        self.delete(pool)

    def found(self, pool, text, size):
        parameters = {"UserPoolId": pool, "Filter": text} if text is not None else {"UserPoolId": pool}
        return [user["Username"] for user in self.all_pages("list_users", "Users", size, token="PaginationToken", **parameters)]

    def _search(self, pool, users):
        expect_equal(sorted(self.found(pool, None, 60)), sorted(users), "all users")
        expect_equal(sorted(self.paginated("list_users", "Users", "Username", 17, UserPoolId=pool)), sorted(users), "the paginator")
        expect_equal(sorted(self.found(pool, "", 60)), sorted(users), "an empty filter")
        attributes = ["username", "email", "phone_number", "name", "given_name", "family_name", "preferred_username", "sub"]
        attributes += ["status", "cognito:user_status"]
        for attribute in attributes * 3:
            values = sorted({user[attribute] for user in users.values() if attribute in user})
            value = self.rng.choice(values)
            prefix = value[: self.rng.randint(0, min(4, len(value)))]
            for kind, wanted in (("=", value), ("^=", prefix), ("=", "no" + value)):
                escaped = wanted.replace("\\", "\\\\").replace('"', '\\"')
                gap = self.rng.choice(["", " ", "  "])
                text = f'{attribute}{gap}{kind}{gap}"{escaped}"'
                match = str.__eq__ if kind == "=" else str.startswith
                right = [name for name, user in users.items() if attribute in user and match(user[attribute], wanted)]
                size = self.rng.choice(SIZES)
                expect_equal(sorted(self.found(pool, text, size)), sorted(right), f"filter {text} in pages of {size}")
        confirmed = sorted(self.found(pool, 'cognito:user_status = "confirmed"', 60))
        expect_equal(confirmed, sorted(self.found(pool, 'cognito:user_status="CONFIRMED"', 60)), "user_status minds no case")
        expect_equal(len(confirmed), 5, "confirmed users")

    def _attributes_to_get(self, pool, users):
        call = {"UserPoolId": pool, "AttributesToGet": ["email", "sub"], "Limit": 60}
        for user in self.admin.list_users(**call)["Users"]:
            given = {pair["Name"]: pair["Value"] for pair in user["Attributes"]}
            known = users[user["Username"]]
            expect_equal(given, {"email": known["email"], "sub": known["sub"]}, "AttributesToGet")
        for wanted in (["phone_number"], ["email", "custom:tier"], ["custom:nothing"], ["nothing"]):
            call = {"UserPoolId": pool, "AttributesToGet": wanted}
            said = expect_error("InvalidParameterException", self.admin.list_users, f"AttributesToGet {wanted}", **call)
            expect_equal(said, "One or more requested attributes do not exist.", "text")

    def _bad_filters(self, pool):
        for text in ("email", "email = x", 'email == "x"', 'email = "x', 'email = "x" or name = "y"', '"', "((((" * 60):
            call = {"UserPoolId": pool, "Filter": text}
            said = expect_error("InvalidParameterException", self.admin.list_users, f"filter {text}", **call)
            expect_equal(said, "Error while parsing filter", f"filter {text}")
        for name in ("custom:foo", "address", "Email"):
            call = {"UserPoolId": pool, "Filter": f'{name} = "x"'}
            said = expect_error("InvalidParameterException", self.admin.list_users, f"filter by {name}", **call)
            expect_equal(said, f"Invalid search attribute: {name}", f"filter by {name}")
        call = {"UserPoolId": pool, "Filter": "x" * 257}
        expect_error("InvalidParameterException", self.admin.list_users, "a filter of 257", **call)
        for limit in (61, 1000):
            expect_error("InvalidParameterException", self.admin.list_users, f"Limit={limit}", UserPoolId=pool, Limit=limit)

    def _moving(self, pool, users):
        """Users who are made between pages make none come twice, and none be left out."""
        seen, given, number = [], {}, 0
        while True:
            answer = self.admin.list_users(UserPoolId=pool, Limit=20, **given)
            seen += [user["Username"] for user in answer["Users"]]
            if "PaginationToken" not in answer:
                break
            given = {"PaginationToken": answer["PaginationToken"]}
            for _ in range(3):
                self.admin.admin_create_user(UserPoolId=pool, Username=f"new-{number}", MessageAction="SUPPRESS")
                number += 1
        expect_equal(len(set(seen)), len(seen), "one came twice")
        expect(users <= set(seen), "one was left out")

    # Tokens of pages

    def tokens(self):
        """A token of one list leads on in that list alone."""
        admin, pools = self.admin, [self.pool(), self.pool()]
        for pool in pools:
            for _ in range(3):
                admin.create_group(UserPoolId=pool, GroupName=self.word(12, 12))
                admin.create_user_pool_client(UserPoolId=pool, ClientName="a")
                email = [{"Name": "email", "Value": new_email()}]
                call = {"UserPoolId": pool, "Username": self.word(12, 12), "UserAttributes": email}
                admin.admin_create_user(MessageAction="SUPPRESS", **call)
        home, other = pools
        filtered = {"UserPoolId": home, "Filter": 'email ^= "user"'}
        users = admin.list_users(Limit=1, **filtered)["PaginationToken"]
        groups = admin.list_groups(UserPoolId=home, Limit=1)["NextToken"]
        clients = admin.list_user_pool_clients(UserPoolId=home, MaxResults=1)["NextToken"]
        lists = admin.list_user_pools(MaxResults=1)["NextToken"]
        at = self.rng.randrange(len(users))
        changed = users[:at] + ("A" if users[at] != "A" else "B") + users[at + 1 :]
        wrong = [
            (admin.list_users, {"UserPoolId": home, "PaginationToken": users}),
            (admin.list_users, {"UserPoolId": home, "Filter": 'email ^= "use"', "PaginationToken": users}),
            (admin.list_users, {**filtered, "UserPoolId": other, "PaginationToken": users}),
            (admin.list_users, {**filtered, "PaginationToken": changed}),
            (admin.list_users, {**filtered, "PaginationToken": groups}),
            (admin.list_users, {**filtered, "PaginationToken": "x" * 100000}),
            (admin.list_groups, {"UserPoolId": other, "NextToken": groups}),
            (admin.list_groups, {"UserPoolId": home, "NextToken": clients}),
            (admin.list_groups, {"UserPoolId": home, "NextToken": "ü"}),
            (admin.list_user_pool_clients, {"UserPoolId": other, "NextToken": clients}),
            (admin.list_user_pools, {"MaxResults": 1, "NextToken": clients}),
            (admin.list_groups, {"UserPoolId": home, "NextToken": lists}),
        ]
        for what, call in wrong:
            said = expect_error("InvalidParameterException", what, f"a token of another list: {call}"[:200], **call)
            expect(said.startswith("Paging marker ") and "is invalid for request" in said, f"text of a wrong token: {said}")
        expect_equal(len(admin.list_users(**filtered, PaginationToken=users)["Users"]), 2, "the token at home")
        for pool in pools:
            self.delete(pool)

    # What dies

    def deleted_client(self):
        """The tokens of a deleted client die at the issuer and at the edge; those of others live."""
        system = self.system
        flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
        made = self.admin.create_user_pool_client(UserPoolId=system.pool_id, ClientName=self.word(), ExplicitAuthFlows=flows)
        client = made["UserPoolClient"]["ClientId"]
        email, password, _ = system.sign_up()
        parameters = {"USERNAME": email, "PASSWORD": password}
        call = {"ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters}
        tokens = system.public.initiate_auth(**call)["AuthenticationResult"]
        own = system.sign_in(email, password)
        system.public.get_user(AccessToken=tokens["AccessToken"])
        expects_client = system.ask_edge(tokens["AccessToken"]).status == 200
        self.admin.delete_user_pool_client(UserPoolId=system.pool_id, ClientId=client)
        if expects_client:
            system.expect_refusal(tokens["AccessToken"], "a token of a deleted client")
        system.expect_edge(own["AccessToken"], 200, "a token of another client")
        call = {"AccessToken": tokens["AccessToken"]}
        expect_error("NotAuthorizedException", system.public.get_user, "a token of a deleted client", **call)
        system.public.get_user(AccessToken=own["AccessToken"])
        refresh = {"REFRESH_TOKEN": tokens["RefreshToken"]}
        call = {"ClientId": client, "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": refresh}
        expect_error("ResourceNotFoundException", system.public.initiate_auth, "refresh at a deleted client", **call)

    def deleted_demo_pool(self):
        """The tokens of a deleted pool die at once."""
        system = self.system
        token = system.sign_in(system.demo_user, system.demo_password)["AccessToken"]
        system.expect_edge(token, 200, "before the pool is deleted")
        self.admin.delete_user_pool_domain(UserPoolId=system.pool_id, Domain="demo")
        self.delete(system.pool_id)
        system.expect_refusal(token, "a token of a deleted pool")
        expect_error("NotAuthorizedException", system.public.get_user, "a token of a deleted pool", AccessToken=token)
        parameters = {"USERNAME": system.demo_user, "PASSWORD": system.demo_password}
        call = {"ClientId": system.client_id, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters}
        expect_error("ResourceNotFoundException", system.public.initiate_auth, "sign-in to a deleted pool", **call)


run(check)
