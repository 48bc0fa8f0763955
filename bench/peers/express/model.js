// Request bodies. Each function reads a body, or throws the 400 that names the field and the expected value.

/** An error that is returned to the caller. */
export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const utf8 = new TextDecoder("utf-8", { fatal: true });
const expected = (path, what) => new ApiError(400, `${path || "The body"}: expected ${what}.`);
const optional = (value, read) => (value == null ? undefined : read(value));

/** Parses a body as JSON, regardless of its content type. Clients send `null` for no body, which returns undefined, and `[]` for `{}`. */
export function readBody(bytes) {
  if (!bytes?.length) return undefined;
  let json;
  try {
    json = JSON.parse(utf8.decode(bytes));
  } catch {
    throw expected("", "a JSON object, and it is not well-formed");
  }
  if (json === null) return undefined;
  return Array.isArray(json) && json.length === 0 ? {} : object(json, "");
}

export const readSession = (body = {}) => ({ tag: optional(body.tag, tag => text(tag, "tag", 50)) });

export const readParticipant = (body = {}) => ({
  callbackUrl: optional(body.callbackUrl, url => text(url, "callbackUrl", 2048)),
  publishPermissions: optional(body.publishPermissions, readPermissions) ?? [],
  tag: optional(body.tag, tag => text(tag, "tag", 50)) || undefined,
  deviceApiVersion: optional(body.deviceApiVersion, version => oneOf(version, "deviceApiVersion", ["V2", "V3"])) ?? "V3",
});

/** If participants are named, the session is ignored. If neither is named, nothing is received. */
export function readSubscriptions(body = {}, sessionId) {
  const named = optional(body.sessionId, id => text(id, "sessionId"));
  const participants = optional(body.participants, items => array(items, "participants", 100).map(readSubscribed));
  if (participants?.length) return { sessionId, participants };
  if (!named) return {};
  if (named.toLowerCase() !== sessionId) throw expected("sessionId", "the id of the session in the path, or else participants");
  return { sessionId };
}

function readSubscribed(item, index) {
  const path = `participants[${index}]`;
  const { participantId, streamAliases } = object(item, path);
  if (participantId == null) throw expected(path, "a participantId");
  if (!uuid.test(text(participantId, `${path}.participantId`))) throw expected(`${path}.participantId`, "the id of a participant, a UUID");
  const readAliases = aliases =>
    array(aliases, `${path}.streamAliases`, 50).map((alias, at) => text(alias, `${path}.streamAliases[${at}]`, 100));
  return { participantId, streamAliases: optional(streamAliases, readAliases) };
}

const readPermissions = sent =>
  [...new Set(array(sent, "publishPermissions").map((item, index) => oneOf(item, `publishPermissions[${index}]`, ["AUDIO", "VIDEO"])))];

function object(value, path) {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw expected(path, "an object");
  if (!Object.keys(value).every(name => name.isWellFormed())) throw expected("", "field names of valid Unicode characters");
  return value;
}

function array(value, path, maxLength = Infinity) {
  if (!Array.isArray(value)) throw expected(path, "an array");
  if (value.length > maxLength) throw expected(path, `at most ${maxLength} items`);
  return value;
}

/** Checks a string of at most `maxLength` Unicode characters. */
function text(value, path, maxLength = Infinity) {
  if (typeof value !== "string") throw expected(path, "a string");
  if (!value.isWellFormed()) throw expected(path, "a string of valid Unicode characters");
  if (value.length > maxLength && [...value].length > maxLength) throw expected(path, `at most ${maxLength} characters`);
  return value;
}

function oneOf(value, path, values) {
  const found = typeof value === "string" && values.find(each => each === value.toUpperCase());
  if (!found) throw expected(path, values.join(" or "));
  return found;
}
