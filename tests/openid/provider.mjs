// A real OpenID provider, twice, on ports of this machine: it does what stands in the lines that it reads.
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import process from "node:process";
import { createInterface } from "node:readline";
import Provider from "oidc-provider";

console.info = console.error; // its advice for production; what it answers is alone on its output

const KINDS = {
  RS256: ["rsa", { modulusLength: 2048 }],
  ES256: ["ec", { namedCurve: "P-256" }],
  EdDSA: ["ed25519", {}],
};
const ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"];

const key = (alg, more) => {
  const [kind, options] = KINDS[alg];
  const made = generateKeyPairSync(kind, options).privateKey.export({ format: "jwk" });
  return { ...made, kid: randomUUID(), use: "sig", ...more };
};
// An RSA key signs with whichever of its algorithms is asked for, as it names none.
const keys = () => ({ keys: [key("RS256"), key("ES256", { alg: "ES256" }), key("EdDSA", { alg: "EdDSA" })] });

// Of each client the access tokens are signed as its name says; all are for the API that was asked for.
const resources = {
  enabled: true,
  useGrantedResource: () => true,
  getResourceServerInfo: (_, resource, client) => ({
    scope: "money",
    audience: resource,
    accessTokenFormat: "jwt",
    accessTokenTTL: 600,
    jwt: { sign: { alg: client.clientId.replace("shop-", "") } },
  }),
};

// What else is said of a user, in a name such as `alice?tier=gold`.
const said = (login) => Object.fromEntries(new URLSearchParams(login.split("?")[1] ?? ""));

const configuration = (jwks) => ({
  jwks,
  clients: ALGORITHMS.map((alg) => ({
    client_id: `shop-${alg}`,
    token_endpoint_auth_method: "none",
    redirect_uris: ["https://shop.example/signed-in"],
  })),
  cookies: { keys: [randomUUID()] },
  enabledJWA: { idTokenSigningAlgValues: ALGORITHMS },
  extraTokenClaims: (_, token) => ({ name_there: token.accountId.split("?")[0], ...said(token.accountId) }),
  features: { resourceIndicators: resources },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
});

class Listening {
  constructor(jwks) {
    this.server = createServer((request, response) => this.provider(request, response));
    this.jwks = jwks;
  }

  async up(port = 0) {
    await new Promise((resolve) => this.server.listen(port, "127.0.0.1", resolve));
    this.port = this.server.address().port;
    this.issuer = `http://127.0.0.1:${this.port}`;
    this.provider ??= this.made(this.jwks);
  }

  made(jwks) {
    return new Provider(this.issuer, configuration(jwks)).callback();
  }

  async down() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

const first = keys();
const [one, other] = [new Listening(first), new Listening(first)];
const commands = {
  rotate: () => (one.provider = one.made(keys())),
  down: () => one.down(),
  up: () => one.up(one.port),
};

await one.up();
await other.up();
process.stdout.write(`${JSON.stringify([one.issuer, other.issuer])}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  await commands[line]();
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
process.exit(); // whoever started it has ended
