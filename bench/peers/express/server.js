// The operations of Sessions in Express, on the same tables. See README.md.
import { createSecretKey, hash, randomBytes, timingSafeEqual } from "node:crypto";
import express from "express";
import jwt from "jsonwebtoken";
import { ApiError, readBody, readParticipant, readSession, readSubscriptions, uuid } from "./model.js";
import * as store from "./store.js";

const signingKey = createSecretKey(Buffer.from(process.env.TOKEN_SIGNING_KEY));

// Authentication by HTTP Basic. A verified credential is cached for a minute, under a digest.

const rememberedFor = 60_000;
const maxRemembered = 10_000;
const remembered = new Map();
const sha256 = bytes => hash("sha256", bytes, "buffer");

function allow(needed) {
  return async (req, res, next) => {
    const access = await authenticate(req.params.accountId, req.headers.authorization);
    if (!access) {
      res.setHeader("WWW-Authenticate", 'Basic realm="Sessions", charset="UTF-8"');
      throw new ApiError(401, "The credentials are not valid for this account.");
    }
    if (needed === "Write" && access !== "Write") throw new ApiError(403, "The credentials are read-only.");
    next();
  };
}

async function authenticate(account, authorization) {
  if (!authorization || !/^[\w-]{1,64}$/.test(account)) return undefined;
  const digest = hash("sha256", `${account}:${authorization}`, "base64");
  const known = remembered.get(digest);
  if (known && Date.now() < known.until) return known.access;

  remembered.delete(digest);
  const access = await verify(account, authorization);
  if (!access) return undefined;
  if (remembered.size >= maxRemembered) remembered.clear();
  remembered.set(digest, { access, until: Date.now() + rememberedFor });
  return access;
}

async function verify(account, authorization) {
  const encoded = /^Basic +([A-Za-z0-9+/]+=*)$/i.exec(authorization)?.[1] ?? "";
  const [, user, secret] = /^([^:]+):(.*)$/s.exec(Buffer.from(encoded, "base64").toString()) ?? [];
  if (!user || Buffer.byteLength(user) > 256) return undefined;
  const credential = await store.findCredential(account, user);
  const matches = timingSafeEqual(sha256(secret), credential?.SecretHash ?? Buffer.alloc(32));
  return matches ? credential?.Access : undefined;
}

// Requests and responses

const read = allow("Read");
const write = [allow("Write"), express.raw({ type: () => true, limit: "64kb" })];

function send(res, status, value) {
  res.statusCode = status;
  if (value === undefined) return res.end();
  res.setHeader("Content-Type", "application/json");
  res.end(JSON.stringify(value));
}

/** The ids in a path, in lower case. An id that is not a UUID causes a 404. */
function idsOf({ params: { accountId, sessionId, participantId } }) {
  if (sessionId !== undefined && !uuid.test(sessionId)) throw new ApiError(404, "There is no session with this id.");
  if (participantId !== undefined && !uuid.test(participantId)) throw new ApiError(404, "There is no participant with this id.");
  return [accountId, sessionId?.toLowerCase(), participantId?.toLowerCase()].filter(id => id !== undefined);
}

function tokenOf(account, participant, expires) {
  const exp = Math.floor(expires.getTime() / 1000);
  const claims = { a: account, p: participant.id, v: participant.deviceApiVersion, exp, tid: randomBytes(8).toString("hex") };
  return jwt.sign(claims, signingKey, { algorithm: "HS256", noTimestamp: true });
}

// Routes

const app = express().disable("x-powered-by").disable("etag");

app.use((req, res, next) => {
  req.id = /^00-([0-9a-f]{32})-/.exec(req.headers.traceparent)?.[1] ?? randomBytes(16).toString("hex");
  res.setHeader("x-request-id", req.id);
  next();
});

app.get("/health", async (req, res) => {
  await store.checkTables();
  send(res, 200, { status: "healthy" });
});

const account = "/v1/accounts/:accountId";
const session = `${account}/sessions/:sessionId`;
const member = `${session}/participants/:participantId`;

app.post(`${account}/sessions`, write, async (req, res) => {
  send(res, 200, await store.createSession(req.params.accountId, readSession(readBody(req.body))));
});

app.route(session)
  .get(read, async (req, res) => send(res, 200, await store.getSession(...idsOf(req))))
  .delete(write, async (req, res) => send(res, 204, await store.deleteSession(...idsOf(req))));

app.get(`${session}/participants`, read, async (req, res) => send(res, 200, await store.listParticipants(...idsOf(req))));

app.route(member)
  .put(write, async (req, res) => {
    const [accountId, sessionId, participantId] = idsOf(req);
    const body = readBody(req.body);
    send(res, 204, await store.join(accountId, sessionId, participantId, body && readSubscriptions(body, sessionId)));
  })
  .delete(write, async (req, res) => send(res, 204, await store.leave(...idsOf(req))));

app.route(`${member}/subscriptions`)
  .get(read, async (req, res) => send(res, 200, await store.getSubscriptions(...idsOf(req))))
  .put(write, async (req, res) => {
    const [accountId, sessionId, participantId] = idsOf(req);
    const subscriptions = readSubscriptions(readBody(req.body), sessionId);
    send(res, 204, await store.updateSubscriptions(accountId, sessionId, participantId, subscriptions));
  });

app.post(`${account}/participants`, write, async (req, res) => {
  const { accountId } = req.params;
  const { participant, expires } = await store.createParticipant(accountId, readParticipant(readBody(req.body)));
  send(res, 200, { participant, token: tokenOf(accountId, participant, expires) });
});

app.route(`${account}/participants/:participantId`)
  .get(read, async (req, res) => send(res, 200, await store.getParticipant(...idsOf(req))))
  .delete(write, async (req, res) => send(res, 204, await store.deleteParticipant(...idsOf(req))));

app.use(() => {
  throw new ApiError(404, "This path does not exist.");
});

app.use((error, req, res, next) => {
  if (res.headersSent) return next(error);
  const { status, message } = toApiError(error);
  if (status >= 500) console.error(req.id, error);
  if (status === 503) res.setHeader("Retry-After", "1");
  send(res, status, { error: message, message, code: status, requestId: req.id });
});

function toApiError(error) {
  if (error instanceof ApiError) return error;
  if (error.type === "entity.too.large") return new ApiError(413, "The body: expected at most 65536 bytes.");
  if (error.name === "RestError") return new ApiError(503, "The service is busy. Try again.");
  if (error.status >= 400 && error.status < 500) return new ApiError(error.status, error.message);
  return new ApiError(500, "The request failed.");
}

// Start

await store.createTables();
await store.saveCredential("9900000", "local", sha256("local"), "Write");

const server = app.listen(Number(process.env.PORT ?? 0), "127.0.0.1", error => {
  if (error) throw error;
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
server.keepAliveTimeout = 120_000; // Longer than clients keep idle connections, so that no connection is closed in use.

const stop = () => server.close(() => process.exit(0));
process.on("SIGTERM", stop);
process.stdin.on("end", stop).resume();
