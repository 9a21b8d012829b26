// A shop in Node on kafkajs: registers its users, moves their money, signs them in.
//
//     node shop.mjs 127.0.0.1:9092 http://127.0.0.1:8080 dora
//
// The second address is the sidecar's; any number of users. Needs the packages kafkajs and jose.
// ACCOUNTS_TOPIC_PREFIX names other topics than `accounts.`.
import { randomBytes, randomUUID } from "node:crypto";
import { Accounts } from "./asking.mjs";
import { follow } from "./balances.mjs";
import { makeReplyKey, openTokens, seal, verify } from "./sealing.mjs";

const CALLER = "shop-node";
const TOPICS = process.env.ACCOUNTS_TOPIC_PREFIX ?? "accounts.";

/** Opens an account that its user can sign in to. */
async function register(accounts, sidecar, username, password) {
  const command = {
    command_id: newId(),
    username,
    email: `${newId()}@example.com`,
    first_name: "Dora",
    last_name: "Example",
  };
  command.sealed_password = await seal(password, sidecar, "register.sealed_password", command);
  console.log(`register: ${said(await accounts.ask("commands.register", command))}`);
}

/** Returns a deposit or a withdrawal. Store it before it is sent, to send it again after a crash. */
function move(username, amount) {
  return { command_id: newId(), username, amount, currency: "USD" };
}

/** Returns what an answer means to us. */
function said({ error, entry }) {
  if (!error) return entry ? `accepted, #${entry.sequence} ${shown(entry)}` : "accepted";
  if (error.code === "insufficient_funds") return `not enough money: ${error.detail}`;
  // Also what no release of today says: a refusal is final, and nothing was changed.
  return `refused, ${error.code}: ${error.title}`;
}

/** Returns what is left, as it was said: never through a Number. */
function shown({ balances }) {
  return Object.entries(balances)
    .map(([currency, { available }]) => `${available} ${currency}`)
    .join(" ");
}

/** Lets the user in by an access token that is checked. */
async function signIn(accounts, sidecar, username, password) {
  const replyKey = await makeReplyKey(); // for this one request
  const request = {
    request_id: newId(),
    username,
    reply_key: replyKey.public,
    source: "198.51.100.7", // where the user is
  };
  request.sealed_password = await seal(password, sidecar, "login.sealed_password", request);
  const answer = await accounts.ask("requests.login", request);
  if (answer.error) {
    console.log(`not signed in: ${said(answer)}`);
    return;
  }
  try {
    const tokens = await openTokens(answer.sealed_tokens, replyKey, request);
    const claims = await verify(tokens.access_token, sidecar, username);
    console.log(`signed in: ${claims.sub}, for ${claims.exp - claims.iat} s`);
  } catch (error) {
    console.log(`not signed in: ${error.message}`);
  }
}

/** Does everything once, and returns the sequence of the deposit's entry. */
async function visit(accounts, sidecar, username) {
  const password = randomBytes(24).toString("base64url");
  await register(accounts, sidecar, username, password);
  const deposit = move(username, "100.00");
  const first = await accounts.ask("commands.deposit", deposit);
  console.log(`deposit: ${said(first)}`);
  // As after a crash: it has its effect once.
  const again = await accounts.ask("commands.deposit", deposit);
  const same = first.entry?.event_id === again.entry?.event_id;
  console.log(`the same deposit: ${same ? "the same entry" : "another entry"}`);
  const withdrawn = await accounts.ask("commands.withdraw", move(username, "500.00"));
  console.log(`withdrawal: ${said(withdrawn)}`);
  await signIn(accounts, sidecar, username, password);
  return again.entry?.sequence ?? 0;
}

/** Returns an id with our own prefix: all senders share one space of ids per user. */
function newId() {
  return `${CALLER}-${randomUUID()}`;
}

const [bootstrap, sidecar, ...usernames] = process.argv.slice(2);
const accounts = await Accounts.connect(bootstrap, TOPICS, CALLER);
let until;
for (const username of usernames) {
  until = { username, sequence: await visit(accounts, sidecar, username) };
}
await accounts.close();
await follow(bootstrap, TOPICS, CALLER, until);
