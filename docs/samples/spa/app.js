// Sign-in of a single-page app by the authorization code flow with PKCE (RFC 6749, RFC 7636), without a library. settings.json beside this file names the
// issuer, the client and the API: { "issuer": "…", "client_id": "…", "api": "…" }. Libraries such as oidc-client-ts do the same and more.

const settings = await (await fetch('settings.json')).json();
const provider = await (await fetch(`${settings.issuer}/.well-known/openid-configuration`)).json();
const here = new URL('.', location.href).href;
const show = (id, text) => { document.getElementById(id).textContent = text; };

/** Tokens live as long as the page: a script that gets in finds none in the browser's storage. */
let tokens;

document.getElementById('in').onclick = signIn;
document.getElementById('out').onclick = signOut;
document.getElementById('api').onclick = callApi;
const answer = new URLSearchParams(location.search);
if (answer.has('state')) await signedIn(answer);

/** To the sign-in page, with what proves later that the answer is for this page. */
async function signIn() {
  const [state, verifier] = [random(), random()];
  sessionStorage.setItem(state, verifier);
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier));
  const url = new URL(provider.authorization_endpoint);
  url.search = new URLSearchParams({
    response_type: 'code', client_id: settings.client_id, redirect_uri: here, scope: 'openid email', state,
    code_challenge: base64url(new Uint8Array(digest)), code_challenge_method: 'S256',
  });
  location.assign(url);
}

/** Back from it: the answer must be to our request, and from our provider (RFC 9207). */
async function signedIn(answer) {
  history.replaceState(null, '', here);
  const verifier = sessionStorage.getItem(answer.get('state'));
  sessionStorage.removeItem(answer.get('state'));
  if (!verifier || answer.get('iss') !== provider.issuer) return show('said', 'The answer is not for this page.');
  if (answer.has('error')) return show('said', `${answer.get('error')}: ${answer.get('error_description')}`);
  const redeemed = await fetch(provider.token_endpoint, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code', client_id: settings.client_id, redirect_uri: here, code: answer.get('code'), code_verifier: verifier,
    }),
  });
  if (!redeemed.ok) return show('said', JSON.stringify(await redeemed.json()));
  tokens = await redeemed.json();
  const user = await (await ask(provider.userinfo_endpoint)).json();
  show('who', `Signed in: ${user.email}`);
  for (const id of ['api', 'out']) document.getElementById(id).hidden = false;
  document.getElementById('in').hidden = true;
}

async function callApi() {
  const answer = await ask(settings.api);
  show('said', `${answer.status} ${await answer.text()}`);
}

/** Of this app and of every other one that this browser is signed in to. */
function signOut() {
  const url = new URL(provider.end_session_endpoint);
  url.search = new URLSearchParams({ id_token_hint: tokens.id_token, post_logout_redirect_uri: here });
  location.assign(url);
}

function ask(url) {
  return fetch(url, { headers: { authorization: `Bearer ${tokens.access_token}` } });
}

function random() {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
