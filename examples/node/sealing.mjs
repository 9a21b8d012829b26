// Seals passwords to the service's key, opens the tokens that come back, and checks them.
import * as jose from "jose";

const ISSUER = "accounts"; // unless whoever runs the service configured others
const AUDIENCE = "accounts";
const LEEWAY_S = 5;
const HTTP_MS = 10_000;

/** Makes the key pair that the tokens of one request come back sealed to. */
export async function makeReplyKey() {
  const pair = await jose.generateKeyPair("ECDH-ES", { crv: "X25519", extractable: true });
  const { kty, crv, x } = await jose.exportJWK(pair.publicKey);
  return { public: { kty, crv, x }, private: pair.privateKey };
}

/**
 * Returns the secret as it travels: it opens for this message alone.
 * Seal once: what is sent again under the same id must be the same, byte for byte.
 */
export async function seal(secret, sidecar, purpose, message) {
  const { keys } = await published(sidecar, "sealing-keys.json");
  const key = keys.find(
    ({ kty, crv, use, alg }) => `${kty} ${crv} ${use} ${alg}` === "OKP X25519 enc ECDH-ES",
  );
  if (!key) throw new Error("the key set has no key to seal to");
  const header = {
    alg: "ECDH-ES",
    enc: "A256GCM",
    kid: key.kid,
    cid: message.command_id ?? message.request_id,
    sub: message.username,
    purpose,
    iat: Math.floor(Date.now() / 1000),
  };
  if (message.reply_key) {
    header.rkt = await jose.calculateJwkThumbprint(message.reply_key); // RFC 7638
  }
  return new jose.CompactEncrypt(new TextEncoder().encode(secret))
    .setProtectedHeader(header)
    .encrypt(await jose.importJWK(key));
}

/** Returns the tokens, if they were sealed for this request. */
export async function openTokens(sealed, replyKey, request) {
  const opened = await jose.compactDecrypt(sealed, replyKey.private, {
    keyManagementAlgorithms: ["ECDH-ES"],
    contentEncryptionAlgorithms: ["A256GCM"],
  });
  const { cid, sub, purpose } = opened.protectedHeader;
  if (
    cid !== request.request_id ||
    sub !== request.username ||
    purpose !== "login.sealed_tokens"
  ) {
    throw new Error("the tokens are an answer to another request: use nothing of them");
  }
  return JSON.parse(new TextDecoder().decode(opened.plaintext));
}

/**
 * Returns the claims of an access token that is good now, else throws.
 * Whoever lets users in by it also refuses the `sid`s on `accounts.state.revocations`.
 */
export async function verify(accessToken, sidecar, username) {
  const keys = jose.createLocalJWKSet(await published(sidecar, "jwks.json"));
  const { payload } = await jose.jwtVerify(accessToken, keys, {
    algorithms: ["ES256"], // no other, whatever it says
    typ: "at+jwt",
    issuer: ISSUER,
    audience: AUDIENCE,
    subject: username,
    clockTolerance: LEEWAY_S,
    requiredClaims: ["exp"],
  });
  return payload;
}

/** Returns a key set. Over HTTPS, where the sidecar is not on this machine. */
async function published(sidecar, name) {
  const answer = await fetch(`${sidecar}/.well-known/${name}`, {
    signal: AbortSignal.timeout(HTTP_MS),
  });
  if (!answer.ok) throw new Error(`${name}: the sidecar answered ${answer.status}`);
  return answer.json();
}
