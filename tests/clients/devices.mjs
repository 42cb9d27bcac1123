// Devices by amazon-cognito-identity-js: confirmed and proven by the library itself, forgotten, and begun anew.
// Usage: node devices.mjs UP_JSON

import {
  AdminCreateUserCommand,
  AdminForgetDeviceCommand,
  AdminListDevicesCommand,
  AdminSetUserPasswordCommand,
  CreateUserPoolClientCommand,
  CreateUserPoolCommand,
  DeleteUserPoolCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import cognito from 'amazon-cognito-identity-js';
import { admin, authenticate, expect, expectEqual, expectError, newPassword, run } from './system.mjs';

/** What a browser keeps of a page. */
class Storage {
  #items = new Map();
  getItem = (key) => this.#items.get(key) ?? null;
  setItem = (key, value) => void this.#items.set(key, value);
  removeItem = (key) => void this.#items.delete(key);
  clear = () => this.#items.clear();
}

await run(async (up) => {
  const sdk = admin(up);
  const { UserPool: pool } = await sdk.send(
    new CreateUserPoolCommand({ PoolName: 'devices-js', DeviceConfiguration: { ChallengeRequiredOnNewDevice: true } }),
  );
  try {
    const { UserPoolClient: client } = await sdk.send(
      new CreateUserPoolClientCommand({
        UserPoolId: pool.Id,
        ClientName: 'devices-js',
        ExplicitAuthFlows: ['ALLOW_USER_SRP_AUTH', 'ALLOW_USER_PASSWORD_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
      }),
    );
    for (const flow of ['USER_SRP_AUTH', 'USER_PASSWORD_AUTH']) await signIns(up, sdk, pool.Id, client.ClientId, flow);
  } finally {
    await sdk.send(new DeleteUserPoolCommand({ UserPoolId: pool.Id }));
  }
});

async function signIns(up, sdk, pool, client, flow) {
  const [username, password, storage] = [`jane-${flow}`, newPassword(), new Storage()];
  const user = { UserPoolId: pool, Username: username };
  await sdk.send(new AdminCreateUserCommand({ ...user, MessageAction: 'SUPPRESS' }));
  await sdk.send(new AdminSetUserPasswordCommand({ ...user, Password: password, Permanent: true }));
  const person = () => {
    const userPool = new cognito.CognitoUserPool({ UserPoolId: pool, ClientId: client, endpoint: up.issuer, Storage: storage });
    const found = new cognito.CognitoUser({ Username: username, Pool: userPool, Storage: storage });
    found.setAuthenticationFlowType(flow);
    return found;
  };
  const devices = async () => (await sdk.send(new AdminListDevicesCommand(user))).Devices;
  const keyOf = (session) => session.getAccessToken().payload.device_key;

  const first = keyOf(await authenticate(person(), username, password));
  expectEqual((await devices()).map((device) => device.DeviceKey).join(), first, 'the device that the library confirmed');

  // The library proves the device, or the sign-in would not end.
  const jane = person();
  const again = await authenticate(jane, username, password);
  expectEqual(keyOf(again), first, 'device_key of a sign-in with the device');
  expectEqual((await devices()).length, 1, 'devices after it');
  const refreshed = await call((done) => jane.refreshSession(again.getRefreshToken(), done));
  expectEqual(keyOf(refreshed), first, 'device_key of a refreshed token');
  await call((done) => jane.setDeviceStatusNotRemembered(callbacks(done)));
  await authenticate(person(), username, password);
  await call((done) => jane.setDeviceStatusRemembered(callbacks(done)));
  const shown = await call((done) => jane.getDevice(callbacks(done)));
  expectEqual(shown.Device.DeviceKey, first, 'getDevice');
  const listed = await call((done) => jane.listDevices(10, null, callbacks(done)));
  expectEqual(listed.Devices.length, 1, 'listDevices');

  await sdk.send(new AdminForgetDeviceCommand({ ...user, DeviceKey: first }));
  await expectError('NotAuthorizedException', () => call((done) => jane.getDevice(callbacks(done))), 'a token of a forgotten device');
  if (flow === 'USER_SRP_AUTH') {
    // The library clears what it kept, and repeats its answer to the challenge.
    const second = keyOf(await authenticate(person(), username, password));
    expect(second && second !== first, 'a forgotten device comes back under its key');
    expectEqual((await devices()).map((device) => device.DeviceKey).join(), second, 'the device that the library confirmed anew');
  } else {
    await expectError('ResourceNotFoundException', () => authenticate(person(), username, password), 'a forgotten device');
  }
}

/** What a function of the library hands to a callback. */
function call(begin) {
  return new Promise((resolve, reject) => begin((error, value) => (error ? reject(error) : resolve(value))));
}

function callbacks(done) {
  return { onSuccess: (value) => done(null, value), onFailure: (error) => done(error) };
}
