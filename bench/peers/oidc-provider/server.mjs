// An authorization server in memory, as services in Node have one: oidc-provider with its own store and one client. Its access tokens are JWTs,
// signed RS256 with a key of 2,048 bits.
//
// server.mjs CONFIG.json | --version

import { createHash, generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Provider } from 'oidc-provider';

if (process.argv[2] === '--version') {
  const { version } = JSON.parse(readFileSync(new URL('node_modules/oidc-provider/package.json', import.meta.url), 'utf8'));
  console.log(`oidc-provider ${version}, node ${process.version}`);
  process.exit();
}

const { host, port, client_id, client_secret, scope, resource } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const jwk = privateKey.export({ format: 'jwk' });
const kid = createHash('sha256').update(jwk.n).digest('base64url');

const provider = new Provider(`http://${host}:${port}`, {
  clients: [{
    client_id, client_secret, scope, grant_types: ['client_credentials'], redirect_uris: [], response_types: [],
    token_endpoint_auth_method: 'client_secret_post',
  }],
  jwks: { keys: [{ ...jwk, kid, use: 'sig', alg: 'RS256' }] },
  scopes: [scope],
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resource,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope, audience: resource, accessTokenTTL: 3600, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } },
      }),
    },
  },
  ttl: { ClientCredentials: 3600 },
});
provider.listen(port, host);
