// Follows the balances of all accounts, from the beginning of the topic.
import { randomUUID } from "node:crypto";
import { UnknownOutcomeError, client } from "./asking.mjs";

const FOLLOWED_MS = 30_000;
const TYPES = ["accounts.balance-changed.v1", "accounts.balance-changed.v2"];
const SCALE = 18; // the most decimals that an amount has

/** Prints every change of a balance, up to and with this user's with this sequence. */
export async function follow(bootstrap, topics, caller, until) {
  const kafka = client(bootstrap, caller);
  const consumer = kafka.consumer({ groupId: `${caller}-${randomUUID()}`, maxWaitTimeInMs: 500 });
  const topic = `${topics}events.balance`;
  const last = new Map();
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  try {
    await new Promise((resolve, reject) => {
      setTimeout(() => reject(new UnknownOutcomeError("the event did not come")), FOLLOWED_MS)
        .unref();
      const eachMessage = async ({ message }) => {
        // Other types may come, and are not ours. Those of release 0.1 count too.
        if (message.value === null || !TYPES.includes(`${message.headers.ce_type}`)) return;
        const event = JSON.parse(message.value.toString());
        take(event, last, topics);
        if (event.username === until.username && event.sequence >= until.sequence) resolve();
      };
      consumer.run({ eachMessage }).catch(reject);
    });
  } finally {
    await consumer.disconnect();
  }
}

function take(event, last, topics) {
  const seen = last.get(event.account_id) ?? 0;
  const name = `${event.username} #${event.sequence}`;
  if (event.sequence <= seen) return; // said again
  if (event.sequence > seen + 1) {
    // Or older than the topic keeps: whoever copies balances begins with these anyway.
    console.log(`${event.username} #${seen + 1} is missing: read ${topics}state.balances again`);
  }
  last.set(event.account_id, event.sequence);
  // A kind that is not known changed the account all the same.
  for (const [currency, { available }] of Object.entries(event.balances ?? {}).sort()) {
    console.log(`${name} ${event.kind}: ${available} ${currency} available`);
  }
  if (!isBalanced(event)) console.log(`${name} does not come to zero`);
}

/** Whether what one gains another loses, in each currency. */
function isBalanced(event) {
  const sums = new Map();
  for (const { currency, amount } of event.postings ?? []) {
    sums.set(currency, (sums.get(currency) ?? 0n) + units(amount));
  }
  return [...sums.values()].every((sum) => sum === 0n);
}

/** Returns an amount in units of 10^-18: a Number is exact to 15 digits, amounts have up to 29. */
function units(amount) {
  const [, sign, whole, decimals = ""] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(amount);
  return BigInt(`${sign}${whole}${decimals.padEnd(SCALE, "0")}`);
}
