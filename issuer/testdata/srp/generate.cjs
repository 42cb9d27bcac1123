// Lets amazon-cognito-identity-js sign in against a server played here, and prints the exchanges. See README.md.
const { createHash, randomBytes } = require('node:crypto');
const { readFileSync } = require('node:fs');
const path = require('node:path');
const { AuthenticationDetails, CognitoUser, CognitoUserPool } = require('amazon-cognito-identity-js');
const AuthenticationHelper = require('amazon-cognito-identity-js/lib/AuthenticationHelper').default;

const POOL = 'eu-central-1_AbCdEf123';
const N = BigInt('0x' + new AuthenticationHelper('x').N.toString(16));

const pow = (base, exponent) => {
  let result = 1n;
  for (base %= N; exponent > 0n; exponent >>= 1n, base = (base * base) % N) if (exponent & 1n) result = (result * base) % N;
  return result;
};
const java = number => {
  let hex = number.toString(16);
  hex = hex.length % 2 ? '0' + hex : hex;
  return Buffer.from(/^[89a-f]/.test(hex) ? '00' + hex : hex, 'hex');
};
const sha = (...parts) => createHash('sha256').update(Buffer.concat(parts)).digest();
const number = bytes => BigInt('0x' + bytes.toString('hex'));
const K = number(sha(java(N), java(2n)));
const scrambler = (A, B) => number(sha(java(A), java(B)));
const short = (value, bits) => value < 1n << BigInt(bits);

const verifier = ({ user, password, salt }) => {
  const inner = sha(Buffer.from(`${POOL.split('_')[1]}${user}:${password}`, 'utf8'));
  return pow(2n, number(sha(java(BigInt('0x' + salt)), inner)));
};

// Returns undefined when A is not the wanted one: the library draws it.
function exchange(c, negative, aWanted = () => true, bWanted = () => true) {
  const pool = new CognitoUserPool({ UserPoolId: POOL, ClientId: 'client' });
  const user = new CognitoUser({ Username: c.user, Pool: pool });
  const v = verifier(c);
  let made;
  user.client = pool.client = {
    request(operation, body, answer) {
      if (operation === 'InitiateAuth') {
        const A = BigInt('0x' + body.AuthParameters.SRP_A);
        if (!aWanted(A)) return;
        let b, B;
        do {
          b = number(randomBytes(32));
          B = (((K * v + (negative ? N - pow(2n, b) : pow(2n, b))) % N) + N) % N;
        } while (!bWanted(B, b, A, v));
        const secret_block = randomBytes(64).toString('base64');
        made = {
          why: c.why, pool_id: POOL, user_id_for_srp: c.user, password: c.password, salt: c.salt,
          srp_a: body.AuthParameters.SRP_A, b: b.toString(16).padStart(64, '0'), negative, srp_b: B.toString(16), secret_block,
        };
        answer(null, {
          ChallengeName: 'PASSWORD_VERIFIER',
          ChallengeParameters: {
            USERNAME: c.user, USER_ID_FOR_SRP: c.user, SALT: c.salt, SRP_B: made.srp_b, SECRET_BLOCK: secret_block,
          },
        });
      } else {
        made.timestamp = body.ChallengeResponses.TIMESTAMP;
        made.signature = body.ChallengeResponses.PASSWORD_CLAIM_SIGNATURE;
      }
    },
  };
  const fail = error => { throw error; };
  user.authenticateUser(new AuthenticationDetails({ Username: c.user, Password: c.password }), { onFailure: fail });
  return made;
}

const randomText = longest => {
  const ranges = [[0x21, 0x7e], [0xa1, 0x17f], [0x400, 0x4ff], [0x5d0, 0x5ea], [0x4e00, 0x9fff], [0x1f300, 0x1f64f]];
  const between = (low, high) => low + Math.floor(Math.random() * (high - low + 1));
  return Array.from({ length: between(1, longest) }, () => String.fromCodePoint(between(...ranges[between(0, 5)]))).join('');
};

if (process.argv.length > 2) {
  const drawn = Array.from({ length: Number(process.argv[2]) }, (_, i) => exchange({
    why: `random ${i}`, user: randomText(40), password: randomText(60), salt: BigInt('0x1' + randomBytes(i % 16).toString('hex')).toString(16),
  }, i % 2));
  console.log(JSON.stringify(drawn));
  process.exit();
}

const cases = JSON.parse(readFileSync(path.join(__dirname, 'cases.json'), 'utf8'));
const vectors = [];
const until = make => { for (;;) { const made = make(); if (made) { vectors.push(made); return; } } };
for (const c of cases) {
  if (c.password === 'LONG') c.password = 'Aa1!'.repeat(64);
  for (const negative of [0, 1]) until(() => exchange(c, negative));
}
const s = (A, B, b, v) => pow(A * pow(v, scrambler(A, B)), b);
for (const negative of [0, 1]) {
  const named = why => ({ ...cases[0], why });
  until(() => exchange(named('A begins with a zero byte'), negative, A => short(A, 3064)));
  until(() => exchange(named('B begins with a zero byte'), negative, undefined, B => short(B, 3064)));
  until(() => exchange(named('B of odd length'), negative, undefined, B => short(B, 3068) && !short(B, 3064)));
  until(() => exchange(named('u begins with a zero byte'), negative, undefined, (B, b, A) => short(scrambler(A, B), 248)));
  until(() => exchange(named('S begins with a zero byte'), negative, undefined, (B, b, A, v) => short(s(A, B, b, v), 3064)));
}
console.log(JSON.stringify(vectors, null, 1));
