// The script of amplify.mjs's page. Not a program.

import { AuthenticationDetails, CognitoUser, CognitoUserAttribute, CognitoUserPool } from 'amazon-cognito-identity-js';
import { Amplify } from 'aws-amplify';
import * as auth from 'aws-amplify/auth';

function amplify({ endpoint, pool, client }) {
  Amplify.configure({ Auth: { Cognito: { userPoolId: pool, userPoolClientId: client, userPoolEndpoint: endpoint } } });
  const tokens = async (options) => {
    const { tokens } = await auth.fetchAuthSession(options);
    return tokens ? { access: tokens.accessToken.toString(), id: tokens.idToken.toString() } : null;
  };
  return {
    async signUp(username, password, email) {
      const { isSignUpComplete } = await auth.signUp({ username, password, options: { userAttributes: { email } } });
      return { confirmed: isSignUpComplete };
    },
    confirm: (username, confirmationCode) => auth.confirmSignUp({ username, confirmationCode }),
    async signIn(username, password) {
      const { isSignedIn, nextStep } = await auth.signIn({ username, password });
      if (nextStep.signInStep === 'CONFIRM_SIGN_UP') throw Object.assign(new Error('not confirmed'), { name: 'UserNotConfirmedException' });
      if (!isSignedIn) throw new Error(nextStep.signInStep);
      return tokens();
    },
    attributes: () => auth.fetchUserAttributes(),
    setAttribute: (name, value) => auth.updateUserAttribute({ userAttribute: { attributeKey: name, value } }),
    session: (forceRefresh) => tokens({ forceRefresh }),
    forgot: (username) => auth.resetPassword({ username }),
    recover: (username, confirmationCode, newPassword) => auth.confirmResetPassword({ username, confirmationCode, newPassword }),
    signOutEverywhere: () => auth.signOut({ global: true }),
  };
}

function identity({ endpoint, pool, client }) {
  const userPool = new CognitoUserPool({ UserPoolId: pool, ClientId: client, endpoint });
  const person = (username) => new CognitoUser({ Username: username, Pool: userPool });
  const asked = (begin) => new Promise((resolve, reject) => begin((error, value) => (error ? reject(error) : resolve(value))));
  const told = (begin) => new Promise((onSuccess, onFailure) => begin({ onSuccess, onFailure }));
  const tokens = (session) => ({ access: session.getAccessToken().getJwtToken(), id: session.getIdToken().getJwtToken() });
  // As apps do it after a reload: the user from storage, and then its session.
  const current = async () => {
    const user = userPool.getCurrentUser();
    const session = user && (await asked((done) => user.getSession(done)));
    return [user, session];
  };
  return {
    async signUp(username, password, email) {
      const attributes = [new CognitoUserAttribute({ Name: 'email', Value: email })];
      const { userConfirmed } = await asked((done) => userPool.signUp(username, password, attributes, [], done));
      return { confirmed: userConfirmed };
    },
    confirm: (username, code) => asked((done) => person(username).confirmRegistration(code, false, done)),
    async signIn(Username, Password) {
      const details = new AuthenticationDetails({ Username, Password });
      return tokens(await told((handlers) => person(Username).authenticateUser(details, handlers)));
    },
    async attributes() {
      const [user] = await current();
      const list = await asked((done) => user.getUserAttributes(done));
      return Object.fromEntries(list.map((attribute) => [attribute.getName(), attribute.getValue()]));
    },
    async setAttribute(Name, Value) {
      const [user] = await current();
      return asked((done) => user.updateAttributes([new CognitoUserAttribute({ Name, Value })], done));
    },
    async session(force) {
      const [user, session] = await current();
      if (!user) return null;
      if (!force) return tokens(session);
      const refreshed = await asked((done) => user.refreshSession(session.getRefreshToken(), done)).catch(() => null);
      return refreshed && tokens(refreshed);
    },
    forgot: (username) => told((handlers) => person(username).forgotPassword(handlers)),
    recover: (username, code, password) => told((handlers) => person(username).confirmPassword(code, password, handlers)),
    async signOutEverywhere() {
      const [user] = await current();
      return told((handlers) => user.globalSignOut(handlers));
    },
  };
}

window.app = {
  use(library, settings) {
    this.functions = { amplify, identity }[library](settings);
  },
  async call(name, words) {
    try {
      if (name === 'forget') {
        localStorage.clear();
        return { value: null };
      }
      return { value: (await this.functions[name](...words)) ?? null };
    } catch (error) {
      return { error: error.name === 'Error' ? (error.code ?? error.message) : error.name, message: String(error.message) };
    }
  },
};
