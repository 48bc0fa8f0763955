// The official browser SDK in real browsers.
// Usage: node browsers.mjs SERVER_URL EXPIRING_SERVER_URL GATEWAY_PROGRAM ACCOUNT USER SECRET [chromium=PATH] [firefox=PATH]
// Prints one line of JSON for each check, and ends with exit code 1 if one failed.
import { createApi, createGateway, launch, servePage } from "./driver.mjs";
import { Run, callPage, expiry, restart, scenarios, together } from "./scenarios.mjs";

const [serverUrl, expiringUrl, gatewayProgram, account, user, secret, ...found] = process.argv.slice(2);
const only = process.env.ONLY?.split(",");
const server = new URL(serverUrl);
const page = await servePage();
const browsers = new Map(await Promise.all(found.map(async (entry) => {
  const [kind, path] = entry.split("=");
  return [kind, await launch(kind, path)];
})));
const sdks = ["0.12", "0.9"];
const everyDevice = [...browsers].flatMap(([kind, browser]) => sdks.map((sdk) => ({ kind, browser, sdk })));

async function play(scenario, devices, act, apiUrl = server, gatewayUrl = apiUrl) {
  if (only && !only.includes(scenario)) {
    return;
  }

  const labels = { scenario, browser: devices.map(({ kind }) => kind).join("+"), sdk: devices.map(({ sdk }) => sdk).join("+") };
  const report = (check, start, error) => {
    process.exitCode = error ? 1 : process.exitCode;
    const seconds = Number(((Date.now() - start) / 1_000).toFixed(1));
    console.log(JSON.stringify({ ...labels, check, passed: !error, seconds, ...(error && { error: error.message }) }));
  };
  const run = new Run(createApi(apiUrl, account, user, secret), gatewayUrl, page.url, async (check, test) => {
    const start = Date.now();
    try {
      await test();
    } catch (error) {
      error.isReported = true;
      report(check, start, error);
      throw error;
    }

    report(check, start);
  });
  const start = Date.now();
  try {
    await run.createSession();
    await act(run, ...devices);
  } catch (error) {
    // What follows a failed check would fail for the same reason.
    error.isReported || report("the scenario goes on", start, error);
  }

  await run.close();
}

async function playAll(device) {
  for (const [name, act] of Object.entries(scenarios)) {
    await play(name, [device], act);
  }
}

/** Kills a gateway of its own when all devices hear, and starts it again. Sessions expire meanwhile, elsewhere. */
async function playEnds() {
  const gateway = await createGateway(gatewayProgram);
  const kill = gateway.killAfter(everyDevice.length);
  await Promise.all([
    ...everyDevice.map((device) => play("restart", [device], (run, device) => restart(run, device, kill).finally(kill), server, gateway.url)),
    ...[...browsers].map(([kind, browser]) => play("expiry", [{ kind, browser, sdk: "0.12" }], expiry, new URL(expiringUrl))),
  ]);
  gateway.close();
}

await Promise.all(everyDevice.map(playAll));
if (!only || only.includes("restart") || only.includes("expiry")) {
  await playEnds();
}

for (const [kind, browser] of browsers) {
  // One after the other: all tabs of the page are in one session.
  await play("callPage", [{ kind, browser, sdk: "0.12" }], callPage);
}

if (browsers.size > 1) {
  const [[one, first], [other, second]] = browsers;
  await play("together", [{ kind: one, browser: first, sdk: "0.12" }, { kind: other, browser: second, sdk: "0.9" }], together);
  await play("together", [{ kind: one, browser: first, sdk: "0.9" }, { kind: other, browser: second, sdk: "0.12" }], together);
}

await Promise.all([...browsers.values()].map((browser) => browser.close()));
page.close();
