// The sessions and participants in Table Storage, in the same tables and rows as Sessions has (docs/design.md).
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { TableClient, odata } from "@azure/data-tables";
import { ApiError } from "./model.js";

const lifetime = 9 * 60 * 60 * 1000;
const participantsPerSession = 20;
const maxAttempts = 40;

const noSession = () => new ApiError(404, "There is no session with this id.");
const noParticipant = () => new ApiError(404, "There is no participant with this id.");
const notAMember = () => new ApiError(404, "There is no participant with this id in this session.");

const key = (account, id) => `${account}:${id}`;
const memberKey = participantId => `member:${participantId}`;
const isLive = row => row !== undefined && Date.now() < row.Expires.getTime();
const hasStatus = (error, ...statuses) => statuses.includes(error.statusCode);

export class Store {
  constructor(connectionString) {
    const table = name => TableClient.fromConnectionString(connectionString, name, { allowInsecureConnection: true });
    this.sessions = table("sessions");
    this.participants = table("participants");
    this.credentials = table("credentials");
    this.tables = [this.sessions, this.participants, this.credentials];
  }

  createTables() {
    return Promise.all(this.tables.map(table => table.createTable()));
  }

  checkTables() {
    return Promise.all(this.tables.map(table => table.listEntities({ queryOptions: { select: ["partitionKey"] } }).byPage({ maxPageSize: 1 }).next()));
  }

  // Credentials

  findCredential(account, user) {
    return find(this.credentials, account, userKey(user));
  }

  saveCredential(account, user, secretHash, access) {
    const row = { partitionKey: account, rowKey: userKey(user), SecretHash: secretHash, Access: access, Created: new Date(), WriteId: randomUUID() };
    return this.credentials.upsertEntity(row, "Replace");
  }

  // Sessions

  async createSession(account, { tag }) {
    const id = randomUUID();
    await createIndexed(this.sessions, { partitionKey: key(account, id), rowKey: "session", Tag: tag, Version: randomUUID() });
    return { id, tag };
  }

  async getSession(account, id) {
    const header = await find(this.sessions, key(account, id), "session");
    if (!isLive(header)) throw noSession();
    return { id, tag: header.Tag };
  }

  async deleteSession(account, id) {
    await retry(async () => {
      const { header, members } = await this.#readSession(account, id);
      await this.sessions.submitTransaction([header, ...members].map(row => ["delete", keysOf(row)]));
    });
  }

  async listParticipants(account, id) {
    const { members } = await this.#readSession(account, id);
    return members.filter(isLive).sort((one, other) => one.Joined - other.Joined).map(row => toParticipant(row.rowKey.slice(memberKey("").length), row, id));
  }

  // Participants

  async createParticipant(account, { callbackUrl, publishPermissions, tag, deviceApiVersion }) {
    const id = randomUUID();
    const row = {
      partitionKey: key(account, id),
      rowKey: "participant",
      CallbackUrl: callbackUrl,
      PublishPermissions: publishPermissions.join(","),
      Tag: tag ?? id,
      DeviceApiVersion: deviceApiVersion,
      SessionId: "",
    };
    const expires = await createIndexed(this.participants, row);
    return { participant: toParticipant(id, row), expires };
  }

  async getParticipant(account, id) {
    const row = await this.#readParticipant(account, id);
    const member = row.SessionId && await find(this.sessions, key(account, row.SessionId), memberKey(id));
    return member && isLive(member) ? toParticipant(id, member, row.SessionId) : toParticipant(id, row);
  }

  async deleteParticipant(account, id) {
    await retry(async () => {
      const row = await this.#readParticipant(account, id);
      if (row.SessionId) await this.#evict(account, row.SessionId, id);
      await this.participants.deleteEntity(row.partitionKey, row.rowKey, { etag: row.etag });
    });
  }

  // Memberships

  /** Puts a participant into a session. If it is there already, the subscriptions replace its own, and undefined leaves them. */
  async join(account, sessionId, participantId, subscriptions) {
    await retry(async () => {
      const [session, participant] = await this.#readBoth(account, sessionId, participantId);
      const { header, members } = session;
      if (memberOf(members, participantId)) {
        if (subscriptions) await this.#subscribe(account, sessionId, participantId, subscriptions);
        return;
      }
      if (members.filter(isLive).length >= participantsPerSession)
        throw new ApiError(409, "The session has as many participants as it may have.");
      if (participant.SessionId && participant.SessionId !== sessionId
        && isLive(await find(this.sessions, key(account, participant.SessionId), memberKey(participantId))))
        throw new ApiError(409, "The participant is in another session; remove it from there first.");

      const { CallbackUrl, PublishPermissions, Tag, DeviceApiVersion } = participant;
      const member = {
        partitionKey: header.partitionKey,
        rowKey: memberKey(participantId),
        CallbackUrl, PublishPermissions, Tag, DeviceApiVersion,
        Subscriptions: Buffer.from(JSON.stringify(subscriptions ?? {})),
        Joined: new Date(),
        Expires: participant.Expires < header.Expires ? participant.Expires : header.Expires,
        WriteId: randomUUID(),
      };
      await this.sessions.submitTransaction([rewrite(header), ["create", member]]);
      try {
        await this.#claim(participant, sessionId);
      } catch (error) {
        // Another request has changed the participant: this join is taken back, and starts again.
        await this.#evict(account, sessionId, participantId);
        throw error;
      }
    });
  }

  async leave(account, sessionId, participantId) {
    await retry(async () => {
      const [{ header, members }, participant] = await this.#readBoth(account, sessionId, participantId);
      const member = memberOf(members, participantId);
      if (!member) throw notAMember();
      await this.#removeMember(header, member);
      if (participant.SessionId === sessionId)
        await this.#claim(participant, "").catch(error => { if (!hasStatus(error, 404, 412)) throw error; });
    });
  }

  async getSubscriptions(account, sessionId, participantId) {
    const member = await find(this.sessions, key(account, sessionId), memberKey(participantId));
    if (!isLive(member)) throw notAMember();
    return subscriptionsOf(member);
  }

  /** Replaces what a member receives. A participant that is in no session joins this one. */
  async updateSubscriptions(account, sessionId, participantId, subscriptions) {
    const member = await find(this.sessions, key(account, sessionId), memberKey(participantId));
    if (!member) return await this.join(account, sessionId, participantId, subscriptions);
    if (!isLive(member)) throw notAMember();
    try {
      await this.#subscribe(account, sessionId, participantId, subscriptions);
    } catch (error) {
      if (!hasStatus(error, 404)) throw error;
      await this.join(account, sessionId, participantId, subscriptions); // It left in between.
    }
  }

  #subscribe(account, sessionId, participantId, subscriptions) {
    return this.sessions.updateEntity({
      partitionKey: key(account, sessionId),
      rowKey: memberKey(participantId),
      Subscriptions: Buffer.from(JSON.stringify(subscriptions)),
      WriteId: randomUUID(),
    }, "Merge");
  }

  #claim(participant, sessionId) {
    return this.participants.updateEntity({ ...keysOf(participant), SessionId: sessionId, WriteId: randomUUID() }, "Merge", { etag: participant.etag });
  }

  /** Deletes the participant's row in a session, if it is there. */
  async #evict(account, sessionId, participantId) {
    await retry(async () => {
      const { header, members } = await this.#querySession(account, sessionId);
      const member = memberOf(members, participantId);
      if (header && member) await this.#removeMember(header, member);
    });
  }

  #removeMember(header, member) {
    return this.sessions.submitTransaction([rewrite(header), ["delete", keysOf(member)]]);
  }

  #readBoth(account, sessionId, participantId) {
    return Promise.all([this.#readSession(account, sessionId), this.#readParticipant(account, participantId)]);
  }

  async #readParticipant(account, id) {
    const row = await find(this.participants, key(account, id), "participant");
    if (!isLive(row)) throw noParticipant();
    return row;
  }

  async #readSession(account, id) {
    const session = await this.#querySession(account, id);
    if (!isLive(session.header)) throw noSession();
    return session;
  }

  /** A session's header, undefined when there is none, and its member rows. */
  async #querySession(account, id) {
    const session = { header: undefined, members: [] };
    for await (const row of this.sessions.listEntities({ queryOptions: { filter: odata`PartitionKey eq ${key(account, id)}` } })) {
      if (row.rowKey === "session") session.header = row;
      else if (row.rowKey.startsWith(memberKey(""))) session.members.push(row);
    }
    return session;
  }
}

/** The row, or undefined when there is none. */
async function find(table, partitionKey, rowKey) {
  try {
    return await table.getEntity(partitionKey, rowKey);
  } catch (error) {
    if (hasStatus(error, 404)) return undefined;
    throw error;
  }
}

/** Creates a row that ends, and in parallel its row in the index of what ends when. Returns when it ends. */
async function createIndexed(table, row) {
  const Created = new Date();
  const Expires = new Date(Created.getTime() + lifetime);
  const hour = Expires.toISOString().slice(0, 13).replaceAll(/\D/g, "");
  await Promise.all([
    table.createEntity({ ...row, Created, Expires, WriteId: randomUUID() }),
    table.createEntity({ partitionKey: `:${hour}:${row.partitionKey.at(-1)}`, rowKey: row.partitionKey }),
  ]);
  return Expires;
}

/** Tries again, after a while that is longer each time, what lost against another request. */
async function retry(operation) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await operation();
    } catch (error) {
      if (!hasStatus(error, 404, 409, 412) || attempt === maxAttempts) throw error;
    }
    await pause(Math.random() * Math.min(200, 2 ** attempt));
  }
}

const userKey = user => Buffer.from(user).toString("hex");
const keysOf = ({ partitionKey, rowKey }) => ({ partitionKey, rowKey });
const memberOf = (members, participantId) => members.find(row => row.rowKey === memberKey(participantId));
const subscriptionsOf = member => JSON.parse(Buffer.from(member.Subscriptions).toString());

/** Makes a transaction fail when anything else has changed the session since its header was read. */
function rewrite(header) {
  const writeId = randomUUID();
  return ["update", { ...keysOf(header), Version: writeId, WriteId: writeId }, "Merge", { etag: header.etag }];
}

/** A participant as it is answered, from its own row or from its row in a session. */
function toParticipant(id, row, sessionId) {
  return {
    id,
    callbackUrl: row.CallbackUrl,
    publishPermissions: row.PublishPermissions.split(",").filter(Boolean),
    sessions: sessionId ? [sessionId] : [],
    subscriptions: sessionId ? subscriptionsOf(row) : {},
    tag: row.Tag,
    deviceApiVersion: row.DeviceApiVersion,
  };
}
