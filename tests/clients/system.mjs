// A running `tollgate up`, as its up.json describes it, for the node programs beside this file.
// Exit status: 0 all as expected, 1 a mismatch (said in one line), 2 the program was called wrongly.

import { randomBytes, randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import cognito from 'amazon-cognito-identity-js';

/** Something is not as Cognito, or DESIGN, says it should be. */
export class Mismatch extends Error {}

export function expect(condition, what) {
  if (!condition) throw new Mismatch(what);
}

export function expectEqual(found, wanted, what) {
  expect(found === wanted, `${what}: expected ${JSON.stringify(wanted)}, found ${JSON.stringify(found)}`);
}

/** The error of a call that must fail under this name. */
export async function expectError(name, call, what) {
  let value;
  try {
    value = await call();
  } catch (error) {
    expectEqual(error.code ?? error.name, name, what);
    return error;
  }
  throw new Mismatch(`${what}: expected ${name}, but it succeeded with ${JSON.stringify(value)?.slice(0, 80)}`);
}

/** An administrator's client of the AWS SDK. */
export function admin(up) {
  return new CognitoIdentityProviderClient({
    endpoint: up.issuer,
    region: up.region,
    credentials: { accessKeyId: up.access_key_id, secretAccessKey: up.secret_access_key },
    maxAttempts: 1,
  });
}

/** Signs in by SRP with amazon-cognito-identity-js; its session, or the library's error. */
export function signInBySrp(up, pool, client, username, password) {
  const userPool = new cognito.CognitoUserPool({ UserPoolId: pool, ClientId: client, endpoint: up.issuer });
  return authenticate(new cognito.CognitoUser({ Username: username, Pool: userPool }), username, password);
}

/** The same with a CognitoUser, who may remember a device. */
export function authenticate(user, username, password) {
  const details = new cognito.AuthenticationDetails({ Username: username, Password: password });
  return new Promise((resolve, reject) => {
    const unexpected = (challenge) => () => reject(new Mismatch(`sign-in asks for ${challenge}`));
    user.authenticateUser(details, {
      onSuccess: resolve,
      onFailure: reject,
      newPasswordRequired: unexpected('a new password'),
      mfaRequired: unexpected('MFA'),
      totpRequired: unexpected('TOTP'),
      customChallenge: unexpected('a custom challenge'),
    });
  });
}

export function newPassword() {
  return `Aa1!${randomBytes(12).toString('base64url')}`;
}

/** Text of random length over the code points of `letters`. */
export function randomText(letters, least, most) {
  const points = [...letters];
  const length = randomInt(least, most + 1);
  return Array.from({ length }, () => points[randomInt(points.length)]).join('');
}

/** Runs `check(up, arguments)` for the up.json that the command line names. */
export async function run(check) {
  const name = basename(process.argv[1]);
  if (process.argv.length < 3) {
    console.error(`usage: ${name} UP_JSON [...]`);
    process.exit(2);
  }
  await tell(name, () => check(JSON.parse(readFileSync(process.argv[2], 'utf8')), process.argv.slice(3)));
}

/** Runs `check(program, arguments)` for a program of tollgate, which the command line names, or an up.json whose edge runs it. */
export async function runWithProgram(check) {
  const name = basename(process.argv[1]);
  if (process.argv.length < 3) {
    console.error(`usage: ${name} UP_JSON|TOLLGATE [...]`);
    process.exit(2);
  }
  const named = process.argv[2];
  const program = () => (named.endsWith('.json') ? `/proc/${JSON.parse(readFileSync(named, 'utf8')).pids.edge}/exe` : named);
  await tell(name, () => check(program(), process.argv.slice(3)));
}

async function tell(name, check) {
  try {
    const said = await check();
    console.log(`${name}: ok${said ? `: ${said}` : ''}`);
  } catch (error) {
    const unexpected = error instanceof Mismatch ? '' : `unexpected ${error.code ?? error.name}: `;
    console.error(`${name}: MISMATCH: ${unexpected}${error.message}`);
    process.exit(1);
  }
}
