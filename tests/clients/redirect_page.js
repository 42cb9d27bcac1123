// The script of redirect.mjs's page: a single-page app that signs in by redirect. Not a program.

import { Amplify } from 'aws-amplify';
import * as auth from 'aws-amplify/auth';
import 'aws-amplify/auth/enable-oauth-listener';
import { Hub } from 'aws-amplify/utils';
import { UserManager } from 'oidc-client-ts';

/** By oidc-client-ts: whatever OpenID Connect says. */
function oidc({ issuer, client, origin }) {
  const manager = new UserManager({
    authority: issuer,
    client_id: client,
    redirect_uri: `${origin}/oidc`,
    post_logout_redirect_uri: `${origin}/oidc`,
    scope: 'openid email',
    loadUserInfo: true,
    automaticSilentRenew: false,
  });
  return {
    begin: () => manager.signinRedirect({ state: 'kept' }),
    async end() {
      const user = await manager.signinCallback();
      return { access: user.access_token, email: user.profile.email, state: user.state };
    },
    async refresh() {
      const user = await manager.signinSilent();
      return { access: user.access_token };
    },
    signOut: () => manager.signoutRedirect(),
  };
}

/** By Amplify: Cognito's managed login, whose domain is always https. */
function amplify({ pool, client, domain, endpoint, origin }) {
  const oauth = {
    domain, scopes: ['openid', 'email', 'aws.cognito.signin.user.admin'], responseType: 'code',
    redirectSignIn: [`${origin}/amplify`], redirectSignOut: [`${origin}/amplify`],
  };
  Amplify.configure({
    Auth: { Cognito: { userPoolId: pool, userPoolClientId: client, userPoolEndpoint: endpoint, loginWith: { oauth } } },
  });
  const signedIn = new Promise((resolve, reject) => {
    Hub.listen('auth', ({ payload }) => {
      if (payload.event === 'signInWithRedirect') resolve();
      if (payload.event === 'signInWithRedirect_failure') reject(payload.data?.error ?? new Error('failure'));
    });
  });
  const session = async (options) => {
    const { tokens } = await auth.fetchAuthSession(options);
    return { access: tokens?.accessToken.toString(), email: tokens?.idToken?.payload.email };
  };
  return {
    begin: () => auth.signInWithRedirect(),
    async end() {
      await signedIn;
      return session();
    },
    refresh: () => session({ forceRefresh: true }),
    attributes: () => auth.fetchUserAttributes(),
    signOut: () => auth.signOut(),
  };
}

window.app = {
  use(library, settings) {
    this.functions = { oidc, amplify }[library](settings);
  },
  async call(name) {
    try {
      return { value: (await this.functions[name]()) ?? null };
    } catch (error) {
      return { error: `${error.name}: ${error.message} ${error.underlyingError?.message ?? ''}` };
    }
  },
};
