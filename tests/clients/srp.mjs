// SRP by amazon-cognito-identity-js: N random users and passwords (300 unless told), Unicode included.
// Usage: node srp.mjs UP_JSON [N]

import {
  AdminCreateUserCommand,
  AdminSetUserPasswordCommand,
  CreateUserPoolClientCommand,
  CreateUserPoolCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { admin, expectEqual, expectError, Mismatch, randomText, run, signInBySrp } from './system.mjs';

const LETTERS = `abcXYZ019-_.+!#$%&*=?^~|@/äöüßéñçøåÆŁΑΩαωςЖжЯяאבגدشا日本語漢字かなカナ한국어ไทย😀🔑𝒜𠮷€£e\u0301o\u0308`;
const AT_ONCE = 4;

await run(async (up, [count = '300']) => {
  const sdk = admin(up);
  const { UserPool: pool } = await sdk.send(
    new CreateUserPoolCommand({
      PoolName: 'srp-js',
      Policies: {
        PasswordPolicy: {
          MinimumLength: 6,
          RequireUppercase: false,
          RequireLowercase: false,
          RequireNumbers: false,
          RequireSymbols: false,
        },
      },
      UsernameConfiguration: { CaseSensitive: true },
    }),
  );
  const { UserPoolClient: client } = await sdk.send(
    new CreateUserPoolClientCommand({
      UserPoolId: pool.Id,
      ClientName: 'srp-js',
      ExplicitAuthFlows: ['ALLOW_USER_SRP_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
    }),
  );

  async function one(turn) {
    // The number keeps names apart, whatever counts as the same name.
    const username = `${turn}-${randomText(LETTERS, 1, 30)}`;
    const password = randomText(LETTERS, 6, 60);
    try {
      const user = { UserPoolId: pool.Id, Username: username };
      await sdk.send(new AdminCreateUserCommand({ ...user, MessageAction: 'SUPPRESS' }));
      await sdk.send(new AdminSetUserPasswordCommand({ ...user, Password: password, Permanent: true }));
      const session = await signInBySrp(up, pool.Id, client.ClientId, username, password);
      expectEqual(session.getAccessToken().payload.username, username, 'username in the access token');
      expectEqual(session.getIdToken().payload['cognito:username'], username, 'cognito:username in the ID token');
      if (turn % 10 === 0) {
        const wrong = () => signInBySrp(up, pool.Id, client.ClientId, username, `${password}x`);
        await expectError('NotAuthorizedException', wrong, 'SRP with a wrong password');
      }
    } catch (error) {
      const reason = `${error.code ?? error.name}: ${error.message}`;
      throw new Mismatch(`name ${JSON.stringify(username)}, password ${JSON.stringify(password)}: ${reason}`);
    }
  }

  let next = 0;
  const total = Number(count);
  async function work() {
    while (next < total) await one(next++);
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return `${total} users`;
});
