// Verifies messages with the official library, as a receiver does. Reads a list of messages, and prints whether each is genuine.
import { Webhook } from "standardwebhooks";

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);

for (const { secret, headers, body } of JSON.parse(Buffer.concat(chunks).toString("utf8"))) {
  try {
    const event = new Webhook(secret).verify(body, headers);
    console.log(event.type === JSON.parse(body).type);
  } catch (error) {
    if (error.name !== "WebhookVerificationError") throw error;
    console.log(false);
  }
}
