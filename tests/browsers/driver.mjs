// Browsers, the devices in them, and the server to which they connect.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { connect as connectTcp, createServer as createTcpServer } from "node:net";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import esbuild from "esbuild";
import puppeteer from "puppeteer-core";
import { observe } from "./observe.mjs";

const limit = 40_000;
const programLimit = 60_000;
const between = 150;
const closing = 10_000;

// If a page does not return, its check fails instead of the whole run.
const protocolTimeout = 60_000;

/** A small picture, because the tests check only how media are forwarded. */
export const media = { audio: true, video: { width: 160, height: 120, frameRate: 15 } };
export const screen = { video: media.video };

export function launch(kind, executablePath) {
  return kind === "chromium"
    ? puppeteer.launch({
        executablePath,
        protocolTimeout,
        args: [
          "--no-sandbox",
          "--disable-gpu",
          "--use-fake-device-for-media-stream",
          "--use-fake-ui-for-media-stream",
          "--allow-loopback-in-peer-connection",
          "--autoplay-policy=no-user-gesture-required",
        ],
      })
    : puppeteer.launch({
        browser: "firefox",
        executablePath,
        protocolTimeout,
        extraPrefsFirefox: {
          "media.navigator.streams.fake": true,
          "media.navigator.permission.disabled": true,
          "media.peerconnection.ice.loopback": true,
          "media.autoplay.default": 0,
        },
      });
}

/** Closes a browser. Sometimes a browser does not end by itself, and is killed. */
export async function close(browser) {
  await Promise.race([browser.close(), pause(closing)]);
  browser.process()?.kill("SIGKILL");
}

/** Serves the page, with one script that contains the SDKs and the page's own code. */
export async function servePage() {
  const { outputFiles } = await esbuild.build({ entryPoints: ["page.js"], bundle: true, minify: true, format: "iife", write: false });
  const html = await readFile("index.html");
  const server = createServer((request, response) => {
    const [type, body] = request.url === "/page.js" ? ["text/javascript", outputFiles[0].contents] : ["text/html; charset=utf-8", html];
    response.setHeader("content-type", type).end(body);
  });
  return `http://127.0.0.1:${await listen(server)}/`;
}

/** A separate gateway, which can be killed and then restarts without its state. Its settings are environment variables. */
export async function createGateway(program) {
  let [gateway, url] = await startGateway(program, "http://127.0.0.1:0");
  return {
    url,

    /** Returns a function. The gateway is killed at its call number `count`, and all calls complete when it has restarted. */
    killAfter(count) {
      let restarted;
      const arrived = new Promise((resolve) => (restarted = resolve));
      return async () => {
        if (--count === 0) {
          gateway.kill("SIGKILL");
          await once(gateway, "exit");
          [gateway] = await startGateway(program, url.origin);
          restarted();
        }

        await arrived;
      };
    },
    close: () => gateway.kill("SIGKILL"),
  };
}

async function startGateway(program, url) {
  const gateway = spawn("dotnet", [program, `--urls=${url}`], { stdio: ["ignore", "pipe", "inherit"] });
  const timer = setTimeout(() => gateway.kill("SIGKILL"), programLimit);
  for await (const line of createInterface(gateway.stdout)) {
    const [, found] = /^Devices connect to (\S+)[.]/.exec(line) ?? [];
    if (found) {
      clearTimeout(timer);
      gateway.stdout.resume();
      return [gateway, new URL(found)];
    }
  }

  throw new Error("The gateway did not start.");
}

/** A network between a device and the server, which can be interrupted and restored. */
export async function createNetwork(url) {
  const open = new Set();
  let isBroken = false;
  const server = createTcpServer((near) => {
    if (isBroken) {
      near.destroy();
      return;
    }

    const far = connectTcp(Number(url.port), url.hostname);
    for (const [one, other] of [[near, far], [far, near]]) {
      open.add(one);
      one.on("error", () => {}).on("close", () => open.delete(one) && other.destroy());
      one.pipe(other);
    }
  });
  return {
    url: `ws://127.0.0.1:${await listen(server)}`,
    breakOff() {
      isBroken = true;
      open.forEach((socket) => socket.destroy());
    },
    mend: () => (isBroken = false),
    close: () => server.close(),
  };
}

function listen(server) {
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server.address().port)));
}

/** The API with an account's credential. */
export function createApi(url, account, user, secret) {
  const authorization = `Basic ${Buffer.from(`${user}:${secret}`).toString("base64")}`;
  return async (method, path, body) => {
    const response = await fetch(new URL(`/v1/accounts/${account}${path}`, url), {
      method,
      headers: { authorization, "content-type": "application/json" },
      body: body && JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) {
      throw new Error(`${method} ${path}: ${response.status} ${text}`);
    }

    return text ? JSON.parse(text) : undefined;
  };
}

/** Opens a page with `observe`, and collects the errors of its console. */
export async function openPage(browser, url) {
  const page = await browser.newPage();
  page.errors = [];
  page.on("console", (message) => message.type() === "error" && page.errors.push(message.text()));
  page.on("pageerror", (error) => page.errors.push(error.message));
  await page.evaluateOnNewDocument(observe);
  await page.goto(url);
  return page;
}

/** Reads a value again and again until it is the expected one. Fails with the last value. */
export async function until(read, isExpected, expected, patience = limit) {
  const end = Date.now() + patience;
  for (;;) {
    const value = await read();
    if (isExpected(value)) {
      return value;
    }

    if (Date.now() > end) {
      throw new Error(`expected ${JSON.stringify(expected)}, got ${JSON.stringify(value)}`);
    }

    await pause(between);
  }
}

/**
 * Waits until exactly these tracks arrive and are played. Packets of these tracks, and of no others, must have arrived since three reads
 * earlier. `nameOf` returns the name of a track.
 */
export async function hears(page, nameOf, expected, patience = limit) {
  const first = new Map();
  const looks = [];
  const read = async () => {
    const tracks = await page.evaluate(() => window.received());
    // Firefox restarts its counters under the same key when a removed track comes back.
    tracks.forEach((track) => first.get(track.key)?.played <= track.played || first.set(track.key, track));
    looks.push(new Map(tracks.map((track) => [track.key, track])));
    const before = looks.length > 3 ? looks.at(-4) : undefined;
    const arriving = tracks.filter((track) => track.packets > (before?.get(track.key)?.packets ?? 0));
    return {
      isSteady: before !== undefined,
      arriving: arriving.map(nameOf).sort(),
      played: arriving.filter((track) => track.played > first.get(track.key).played).map(nameOf).sort(),
    };
  };
  const wanted = JSON.stringify([...expected].sort());
  await until(
    read,
    ({ isSteady, arriving, played }) => isSteady && JSON.stringify(arriving) === wanted && JSON.stringify(played) === wanted,
    expected,
    patience);
}
