// Sends commands and requests with kafkajs, and waits for what became of them.
import { randomUUID } from "node:crypto";
import { Kafka, Partitioners, logLevel } from "kafkajs";

const TRY_MS = 3_000; // before the same is sent again: answers take milliseconds
const TRIES_MAX = 10;

/** Nobody said what became of it: it may have been done or not. Ask again under the same id. */
export class UnknownOutcomeError extends Error {}

/** Returns a client of the brokers, as a caller that says who it is. */
export const client = (bootstrap, caller) =>
  new Kafka({ brokers: bootstrap.split(","), clientId: caller, logLevel: logLevel.NOTHING });

/** One connection that sends, and one that reads all answers on a topic of ours. */
export class Accounts {
  #waiting = new Map();

  static async connect(bootstrap, topics, caller) {
    const accounts = new Accounts();
    const kafka = client(bootstrap, caller);
    accounts.topics = topics;
    accounts.replyTo = `${topics}replies.${caller}`;
    accounts.producer = kafka.producer({
      createPartitioner: Partitioners.DefaultPartitioner, // murmur2, as Kafka's own clients
      idempotent: true,
    });
    await accounts.producer.connect();
    await accounts.#listen(kafka, caller);
    return accounts;
  }

  /** Returns the answer to a message, which is sent again, as it is, while there is none. */
  async ask(topic, message) {
    const id = message.command_id ?? message.request_id;
    const value = JSON.stringify(message);
    for (let tried = 0; tried < TRIES_MAX; tried++) {
      const answered = this.#answer(id); // listened for before it is sent
      const [{ partition }] = await this.producer.send({
        topic: this.topics + topic,
        acks: -1,
        // The key always: one user's commands are decided in order.
        messages: [{ key: message.username, value, headers: { reply_to: this.replyTo } }],
      });
      console.log(`sent to ${topic}, partition ${partition}`);
      const answer = await answered;
      if (answer) return answer;
      console.log(`no answer to ${topic} yet: sending the same again`);
    }
    throw new UnknownOutcomeError(`${topic}: no answer; ask again later, under the same id`);
  }

  async close() {
    await this.consumer.disconnect();
    await this.producer.disconnect();
  }

  /** Returns what is answered to this id, or undefined where nothing is in time. */
  #answer(id) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, TRY_MS);
      this.#waiting.set(id, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
    }).finally(() => this.#waiting.delete(id));
  }

  async #listen(kafka, caller) {
    const admin = kafka.admin();
    await admin.connect();
    // Unless it is there. In production an operator makes it.
    await admin.createTopics({ topics: [{ topic: this.replyTo, numPartitions: 1 }] });
    const ends = await admin.fetchTopicOffsets(this.replyTo);
    await admin.disconnect();
    // A group for each process: every one reads all partitions.
    this.consumer = kafka.consumer({ groupId: `${caller}-${randomUUID()}`, maxWaitTimeInMs: 500 });
    await this.consumer.connect();
    await this.consumer.subscribe({ topic: this.replyTo });
    await this.consumer.run({ eachMessage: async ({ message }) => this.#received(message) });
    // From where it ended before anything was sent: `latest` is looked up some time later.
    for (const { partition, high } of ends) {
      this.consumer.seek({ topic: this.replyTo, partition, offset: high });
    }
  }

  #received(message) {
    if (message.value === null) return;
    const answer = JSON.parse(message.value.toString());
    // A status of a later release, without an error, is no answer yet.
    if (answer.status !== "accepted" && !answer.error) return;
    // Others may use this topic too, and an answer may come twice.
    this.#waiting.get(answer.command_id ?? answer.request_id)?.(answer);
  }
}
