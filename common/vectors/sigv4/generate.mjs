// Writes aws-sdk-js.json: requests as an unmodified AWS SDK for JavaScript v3 sends them. Needs
// @aws-sdk/client-cognito-identity-provider (written with 3.1169.0) in node_modules of the working folder:
//
//     node generate.mjs > aws-sdk-js.json
//
// Each run has its own time and invocation ids.
import { createRequire } from "node:module";

const sdk = createRequire(process.cwd() + "/")("@aws-sdk/client-cognito-identity-provider");
const pool = "us-east-1_AbCdEf123";
const calls = [
  new sdk.CreateUserPoolCommand({ PoolName: "demo" }),
  new sdk.AdminCreateUserCommand({ UserPoolId: pool, Username: "zoë@example.com" }),
  new sdk.AdminGetUserCommand({ UserPoolId: pool, Username: "a/b?c=d" }),
  new sdk.ListUsersCommand({ UserPoolId: pool, Filter: 'email ^= "a"', Limit: 60 }),
];
const key = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" };
const rows = [];

for (const [endpoint, sessionToken] of [["http://127.0.0.1:8700", undefined], ["https://localhost:8843", "IQoJb3JpZ2lu=="]]) {
  for (const call of calls) {
    let sent;
    const requestHandler = { handle: async (request) => { sent = request; throw new Error("captured"); } };
    const client = new sdk.CognitoIdentityProviderClient({
      region: "us-east-1", endpoint, requestHandler, maxAttempts: 1, credentials: { ...key, sessionToken },
    });
    await client.send(call).catch(() => {});
    const date = sent.headers["x-amz-date"].replace(/^(....)(..)(..)T(..)(..)(..)Z$/, "$1-$2-$3T$4:$5:$6Z");
    rows.push({
      name: `js-${call.constructor.name}${sessionToken ? "-temporary" : ""}`,
      method: sent.method,
      target: sent.path,
      // The user agent is not signed; it would only tell about the machine.
      headers: Object.entries(sent.headers).map(([name, value]) => [name, name === "user-agent" ? "aws-sdk-js/3" : value]),
      body: Buffer.from(sent.body).toString("base64"),
      access_key_id: key.accessKeyId,
      secret_access_key: key.secretAccessKey,
      session_token: sessionToken ?? null,
      region: "us-east-1",
      service: "cognito-idp",
      now: Date.parse(date) / 1000,
    });
  }
}
process.stdout.write(`[\n${rows.map((row) => JSON.stringify(row)).join(",\n")}\n]\n`);
