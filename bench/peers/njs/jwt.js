// Answers nginx's auth_request: 204 with the subject for a good bearer token, else 401.
//
// njs gives every request a fresh copy of its virtual machine, so a key object can't be kept from one request to the next: it is
// imported each time. Its bytes come from js_preload_object (`settings`), which the copies share.

async function verify(r) {
    const claims = await verified(r.headersIn.Authorization || '');
    if (!claims) {
        r.return(401);
        return;
    }
    r.headersOut['x-user-id'] = claims.sub;
    r.return(204);
}

// The claims of a token with the algorithm, signature, issuer and expiry that are asked for; null of any other.
async function verified(authorization) {
    if (!authorization.startsWith('Bearer ')) {
        return null;
    }
    const token = authorization.substring(7);
    const parts = token.split('.');
    if (parts.length !== 3) {
        return null;
    }
    try {
        if (JSON.parse(Buffer.from(parts[0], 'base64url')).alg !== 'RS256') {
            return null;
        }
        const rs256 = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
        const spki = Buffer.from(settings.spki, 'base64');
        const key = await crypto.subtle.importKey('spki', spki, rs256, false, ['verify']);
        const signed = token.substring(0, parts[0].length + 1 + parts[1].length);
        const signature = Buffer.from(parts[2], 'base64url');
        if (!await crypto.subtle.verify(rs256, key, signature, Buffer.from(signed))) {
            return null;
        }
        const claims = JSON.parse(Buffer.from(parts[1], 'base64url'));
        const now = Date.now() / 1000;
        return claims.iss === settings.issuer && claims.exp > now && claims.sub ? claims : null;
    } catch (e) {
        return null;
    }
}

export default { verify };
