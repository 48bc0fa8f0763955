// A whole call with the official Node SDK. Usage: node call.mjs BASE_URL ACCOUNT USER SECRET
// Prints each step, and ends with exit code 1 at the first step with an unexpected result.
import assert from "node:assert/strict";
import sdk from "@bandwidth/webrtc";

const { ApiController, Client, DeviceApiVersionEnum, Environment, PublishPermissionEnum } = sdk;
const [baseUrl, account, user, secret] = process.argv.slice(2);
const controllerFor = (basicAuthUserName, basicAuthPassword) =>
  new ApiController(new Client({ environment: Environment.Custom, baseUrl, basicAuthUserName, basicAuthPassword }));
const api = controllerFor(user, secret);

async function step(name, run) {
  const result = await run();
  console.log(`${name}: ${JSON.stringify(result) ?? "done"}`);
  return result;
}

async function call(promise, status) {
  const response = await promise;
  assert.equal(response.statusCode, status);
  return response.result;
}

async function fails(promise, status, sdkMessage, text) {
  const error = await promise.then(() => assert.fail("expected an error"), error => error);
  assert.equal(error.statusCode, status);
  assert.equal(error.message, sdkMessage);
  assert.equal(error.result.error, text);
  assert.equal(error.result.message, text);
  assert.equal(error.result.code, status);
  assert.equal(error.result.requestId, error.headers["x-request-id"]);
  return `${status} ${error.message}: ${error.result.message}`;
}

const session = await step("createSession", () => call(api.createSession(account, { tag: "standup" }), 200));
assert.equal(session.tag, "standup");
const other = await step("createSession without a body", () => call(api.createSession(account), 200));
assert.equal(other.tag, undefined);
assert.deepEqual(await step("getSession", () => call(api.getSession(account, session.id), 200)), session);

const participants = [];
for (const body of [
  { tag: "ann", publishPermissions: [PublishPermissionEnum.AUDIO, PublishPermissionEnum.VIDEO], callbackUrl: "https://example.com/callback" },
  { tag: "bob", publishPermissions: [PublishPermissionEnum.AUDIO], callbackUrl: null, deviceApiVersion: DeviceApiVersionEnum.V2 },
  undefined,
]) {
  const created = await step("createParticipant", () => call(api.createParticipant(account, body), 200));
  assert.equal(created.token.split(".").length, 3);
  assert.deepEqual(created.participant.sessions, []);
  assert.deepEqual(created.participant.subscriptions, {});
  assert.equal(created.participant.deviceApiVersion, body?.deviceApiVersion ?? "V3");
  participants.push(created.participant);
}
const [ann, bob, eve] = participants;
assert.deepEqual(await step("getParticipant", () => call(api.getParticipant(account, ann.id), 200)), ann);

await step("addParticipantToSession, whole session", () =>
  call(api.addParticipantToSession(account, session.id, ann.id, { sessionId: session.id }), 204));
await step("addParticipantToSession, one participant", () =>
  call(api.addParticipantToSession(account, session.id, bob.id, { sessionId: session.id, participants: [{ participantId: ann.id }] }), 204));
await step("addParticipantToSession, no subscriptions", () => call(api.addParticipantToSession(account, session.id, eve.id), 204));
await step("updateParticipantSubscriptions, streams", () =>
  call(api.updateParticipantSubscriptions(account, session.id, eve.id, {
    sessionId: session.id,
    participants: [{ participantId: ann.id, streamAliases: ["camera", "screen"] }, { participantId: bob.id }],
  }), 204));

const listed = await step("listSessionParticipants", () => call(api.listSessionParticipants(account, session.id), 200));
assert.deepEqual(listed.map(participant => participant.id).sort(), participants.map(participant => participant.id).sort());
const byId = id => listed.find(participant => participant.id === id);
assert.deepEqual(byId(ann.id).subscriptions, { sessionId: session.id });
assert.deepEqual(byId(bob.id).subscriptions, { sessionId: session.id, participants: [{ participantId: ann.id }] });
assert.deepEqual(
  await step("getParticipantSubscriptions", () => call(api.getParticipantSubscriptions(account, session.id, eve.id), 200)),
  { sessionId: session.id, participants: [{ participantId: ann.id, streamAliases: ["camera", "screen"] }, { participantId: bob.id }] });
await step("updateParticipantSubscriptions, none", () => call(api.updateParticipantSubscriptions(account, session.id, eve.id), 204));
assert.deepEqual(await call(api.getParticipantSubscriptions(account, session.id, eve.id), 200), {});

console.log("join a second session:", await fails(
  api.addParticipantToSession(account, other.id, bob.id), 409, "Response status code was not ok: 409.",
  "The participant is in another session. Remove it from that session first."));
await step("removeParticipantFromSession", () => call(api.removeParticipantFromSession(account, session.id, bob.id), 204));
await step("addParticipantToSession, another session", () => call(api.addParticipantToSession(account, other.id, bob.id, { sessionId: other.id }), 204));
assert.deepEqual((await call(api.getParticipant(account, bob.id), 200)).sessions, [other.id]);

console.log("remove a participant twice:", await fails(
  api.removeParticipantFromSession(account, session.id, bob.id), 404, "Not Found", "There is no participant with this id in this session."));
console.log("a tag over 50 characters:", await fails(
  api.createSession(account, { tag: "x".repeat(51) }), 400, "Bad Request", "tag: expected at most 50 characters."));
console.log("a wrong secret:", await fails(
  controllerFor(user, "wrong").getSession(account, session.id), 401, "Unauthorized", "The credentials are not valid for this account."));

await step("deleteParticipant", () => call(api.deleteParticipant(account, eve.id), 204));
await step("deleteSession", () => call(api.deleteSession(account, session.id), 204));
console.log("a deleted session:", await fails(api.getSession(account, session.id), 404, "Not Found", "There is no session with this id."));
console.log("a deleted participant:", await fails(api.getParticipant(account, eve.id), 404, "Not Found", "There is no participant with this id."));
assert.deepEqual((await call(api.getParticipant(account, ann.id), 200)).sessions, []);
await step("deleteSession", () => call(api.deleteSession(account, other.id), 204));
for (const participant of [ann, bob])
  await step("deleteParticipant", () => call(api.deleteParticipant(account, participant.id), 204));
