// Stores the sessions and participants in the same tables and rows as Sessions (docs/design.md).
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { TableClient, odata } from "@azure/data-tables";
import { ApiError } from "./model.js";

const lifetime = 9 * 60 * 60 * 1000;
const participantsPerSession = 20;
const maxAttempts = 40;

const tables = ["sessions", "participants", "credentials"].map(name =>
  TableClient.fromConnectionString(process.env.STORAGE_CONNECTION_STRING, name, { allowInsecureConnection: true }));
const [sessions, participants, credentials] = tables;

const headerKey = (account, id) => ({ partitionKey: `${account}:${id}`, rowKey: "header" });
const participantKey = (account, id) => ({ partitionKey: `${account}:${id}`, rowKey: "participant" });
const memberKey = (account, sessionId, id) => ({ partitionKey: `${account}:${sessionId}`, rowKey: `member:${id}` });
const userKey = (account, user) => ({ partitionKey: account, rowKey: Buffer.from(user).toString("hex") });
const keyOf = ({ partitionKey, rowKey }) => ({ partitionKey, rowKey });

const noSession = () => new ApiError(404, "There is no session with this id.");
const noParticipant = () => new ApiError(404, "There is no participant with this id.");
const notAMember = () => new ApiError(404, "There is no participant with this id in this session.");
const isFull = () => new ApiError(409, "The session is full.");
const isElsewhere = () => new ApiError(409, "The participant is in another session. Remove it from that session first.");

export const createTables = () => Promise.all(tables.map(table => table.createTable()));

export const checkTables = () => Promise.all(tables.map(table => table.listEntities().byPage({ maxPageSize: 1 }).next()));

export const findCredential = (account, user) => find(credentials, userKey(account, user));

export const saveCredential = (account, user, secretHash, access) => credentials.upsertEntity(
  { ...userKey(account, user), SecretHash: secretHash, Access: access, Created: new Date(), WriteId: randomUUID() }, "Replace");

export async function createSession(account, { tag }) {
  const id = randomUUID();
  await createIndexed(sessions, { ...headerKey(account, id), Tag: tag, Members: "", Version: randomUUID() });
  return { id, tag, participant_ids: [] };
}

export async function getSession(account, id) {
  const header = await readHeader(account, id);
  return { id, tag: header.Tag, participant_ids: membersOf(header).filter(isLive).map(member => member.id) };
}

export async function listParticipants(account, id) {
  const { header, members } = await querySession(account, id);
  if (!isLive(header)) throw noSession();
  return members.filter(isLive).sort((one, other) => one.Joined - other.Joined).map(row => toParticipant(row, id));
}

export const deleteSession = (account, id) => retry(async () => {
  const header = await readHeader(account, id);
  const members = membersOf(header).map(member => memberKey(account, id, member.id));
  await sessions.submitTransaction([keyOf(header), ...members].map(key => ["delete", key]));
});

export async function createParticipant(account, { callbackUrl, publishPermissions, tag, deviceApiVersion }) {
  const id = randomUUID();
  const row = await createIndexed(participants, {
    ...participantKey(account, id),
    Tag: tag ?? id,
    CallbackUrl: callbackUrl,
    PublishPermissions: publishPermissions.join(),
    DeviceApiVersion: deviceApiVersion,
    SessionId: "",
  });
  return { participant: toParticipant(row), expires: row.Expires };
}

export async function getParticipant(account, id) {
  const row = await readParticipant(account, id);
  const member = row.SessionId ? await find(sessions, memberKey(account, row.SessionId, id)) : undefined;
  return isLive(member) ? toParticipant(member, row.SessionId) : toParticipant(row);
}

export const deleteParticipant = (account, id) => retry(async () => {
  const row = await readParticipant(account, id);
  if (row.SessionId) await removeMember(account, await find(sessions, headerKey(account, row.SessionId)), id);
  await participants.deleteEntity(row.partitionKey, row.rowKey, { etag: row.etag });
});

/** Adds a participant to a session. If it is already a member, the subscriptions replace its existing ones, and undefined keeps them. */
export const join = (account, sessionId, id, subscriptions) => retry(async () => {
  const [header, participant] = await Promise.all([readHeader(account, sessionId), readParticipant(account, id)]);
  const members = membersOf(header);
  if (members.some(member => member.id === id)) {
    if (subscriptions) await subscribe(account, sessionId, id, subscriptions);
    return;
  }
  if (members.filter(isLive).length >= participantsPerSession) throw isFull();
  const { SessionId: claimed, Tag, CallbackUrl, PublishPermissions, DeviceApiVersion } = participant;
  if (claimed && claimed !== sessionId && isLive(await find(sessions, memberKey(account, claimed, id)))) throw isElsewhere();

  const member = {
    ...subscribed(account, sessionId, id, subscriptions ?? {}),
    ...{ Tag, CallbackUrl, PublishPermissions, DeviceApiVersion },
    Joined: new Date(),
    Expires: participant.Expires < header.Expires ? participant.Expires : header.Expires,
  };
  await sessions.submitTransaction([rewrite(header, [...members, { id, Expires: member.Expires }]), ["create", member]]);
  try {
    await claim(participant, sessionId);
  } catch (error) {
    // Another request has changed the participant, so this join is undone and retried.
    await retry(async () => removeMember(account, await find(sessions, headerKey(account, sessionId)), id));
    throw error;
  }
});

export const leave = (account, sessionId, id) => retry(async () => {
  const [header, participant] = await Promise.all([readHeader(account, sessionId), readParticipant(account, id)]);
  if (!await removeMember(account, header, id)) throw notAMember();
  if (participant.SessionId === sessionId) await claim(participant, "").catch(unlessStatus(404, 412));
});

export async function getSubscriptions(account, sessionId, id) {
  const member = await find(sessions, memberKey(account, sessionId, id));
  if (!isLive(member)) throw notAMember();
  return subscriptionsOf(member);
}

/** Replaces the subscriptions of a member. A participant that is in no session joins this one. */
export async function updateSubscriptions(account, sessionId, id, subscriptions) {
  const member = await find(sessions, memberKey(account, sessionId, id));
  if (member && !isLive(member)) throw notAMember();
  const changed = member && await subscribe(account, sessionId, id, subscriptions).catch(unlessStatus(404));
  if (!changed) await join(account, sessionId, id, subscriptions);
}

// Rows

const isLive = row => row !== undefined && Date.now() < row.Expires.getTime();
const idOf = row => (isMember(row) ? row.rowKey : row.partitionKey).slice(-36);
const isMember = row => row.rowKey.startsWith("member:");
const subscriptionsOf = member => JSON.parse(Buffer.from(member.Subscriptions).toString());
const unlessStatus = (...statuses) => error => { if (!statuses.includes(error.statusCode)) throw error; };

const find = (table, { partitionKey, rowKey }) => table.getEntity(partitionKey, rowKey).catch(unlessStatus(404));

async function readParticipant(account, id) {
  const row = await find(participants, participantKey(account, id));
  if (!isLive(row)) throw noParticipant();
  return row;
}

async function readHeader(account, id) {
  const header = await find(sessions, headerKey(account, id));
  if (!isLive(header)) throw noSession();
  return header;
}

/** The members that a header lists, for example "ID=MILLISECONDS,ID=MILLISECONDS". */
const membersOf = header => header.Members.split(",").filter(Boolean).map(member => {
  const [id, expires] = member.split("=");
  return { id, Expires: new Date(Number(expires)) };
});

async function querySession(account, id) {
  const session = { header: undefined, members: [] };
  const { partitionKey } = headerKey(account, id);
  for await (const row of sessions.listEntities({ queryOptions: { filter: odata`PartitionKey eq ${partitionKey}` } })) {
    if (isMember(row)) session.members.push(row);
    else if (row.rowKey === "header") session.header = row;
  }
  return session;
}

/** Creates a row that expires, and in parallel its row in the expiry index. */
async function createIndexed(table, row) {
  const Created = new Date();
  const created = { ...row, Created, Expires: new Date(Created.getTime() + lifetime), WriteId: randomUUID() };
  const hour = created.Expires.toISOString().slice(0, 13).replace(/\D/g, "");
  const index = { partitionKey: `:${hour}:${row.partitionKey.at(-1)}`, rowKey: row.partitionKey };
  await Promise.all([table.createEntity(created), table.createEntity(index)]);
  return created;
}

const subscribed = (account, sessionId, id, subscriptions) =>
  ({ ...memberKey(account, sessionId, id), Subscriptions: Buffer.from(JSON.stringify(subscriptions)), WriteId: randomUUID() });

const subscribe = (...change) => sessions.updateEntity(subscribed(...change), "Merge");

const claim = (participant, sessionId) =>
  participants.updateEntity({ ...keyOf(participant), SessionId: sessionId, WriteId: randomUUID() }, "Merge", { etag: participant.etag });

/** Deletes the participant's row in a session. Returns false if there is none. */
async function removeMember(account, header, id) {
  const members = header ? membersOf(header) : [];
  const others = members.filter(member => member.id !== id);
  if (others.length === members.length) return false;
  await sessions.submitTransaction([rewrite(header, others), ["delete", memberKey(account, idOf(header), id)]]);
  return true;
}

/** Rewrites the header, so that the transaction fails if another request has changed the session since the header was read. */
function rewrite(header, members) {
  const writeId = randomUUID();
  const Members = members.map(({ id, Expires }) => `${id}=${Expires.getTime()}`).join();
  return ["update", { ...keyOf(header), Members, Version: writeId, WriteId: writeId }, "Merge", { etag: header.etag }];
}

/** Retries an operation that lost against another request, after growing pauses. */
async function retry(operation) {
  for (let attempt = 1; attempt < maxAttempts; attempt++) {
    try {
      return await operation();
    } catch (error) {
      unlessStatus(404, 409, 412)(error);
    }
    await pause(Math.random() * Math.min(200, 2 ** attempt));
  }
  return await operation();
}

/** A participant in a response, from its own row or from its row in a session. */
const toParticipant = (row, sessionId) => ({
  id: idOf(row),
  callbackUrl: row.CallbackUrl,
  publishPermissions: row.PublishPermissions.split(",").filter(Boolean),
  sessions: sessionId ? [sessionId] : [],
  subscriptions: sessionId ? subscriptionsOf(row) : {},
  tag: row.Tag,
  deviceApiVersion: row.DeviceApiVersion,
});
