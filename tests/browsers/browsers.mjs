// The official browser SDK in real browsers.
// Usage: node browsers.mjs SERVER_URL EXPIRING_SERVER_URL GATEWAY_PROGRAM ACCOUNT USER SECRET [chromium=PATH] [firefox=PATH]
// Prints one line of JSON for each check, and ends with exit code 1 if one failed. The environment variable ONLY selects scenarios.
// SDK 0.9 runs some of the scenarios, and with BROWSERS=full all of them.
import { close, createApi, createGateway, launch, servePage } from "./driver.mjs";
import { Run, callPage, expiry, restart, scenarios, scenariosOfBothSdks, together } from "./scenarios.mjs";

const [serverUrl, expiringUrl, gatewayProgram, account, user, secret, ...found] = process.argv.slice(2);
const only = process.env.ONLY?.split(",");
const server = new URL(serverUrl);
const pageUrl = await servePage();
const browsers = new Map(await Promise.all(found.map(async (entry) => {
  const [kind, path] = entry.split("=");
  return [kind, await launch(kind, path)];
})));
const isFull = process.env.BROWSERS === "full";
const devicesOf = (sdk) => [...browsers].map(([kind, browser]) => ({ kind, browser, sdk }));
const devices = devicesOf("0.12");
const olderDevices = devicesOf("0.9");

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
  const run = new Run(createApi(apiUrl, account, user, secret), gatewayUrl, pageUrl, async (check, test) => {
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
    // Later checks would fail for the same reason.
    error.isReported || report("the scenario continues", start, error);
  }

  await run.close();
}

async function playAll(device, names = Object.keys(scenarios)) {
  for (const name of names) {
    await play(name, [device], scenarios[name]);
  }
}

/** Kills a separate gateway when all devices hear each other, and restarts it. Meanwhile, sessions expire on another server. */
async function playEnds() {
  if (only && !only.includes("restart") && !only.includes("expiry")) {
    return;
  }

  const gateway = await createGateway(gatewayProgram);
  const killed = isFull ? [...devices, ...olderDevices] : devices;
  const kill = gateway.killAfter(killed.length);
  await Promise.all([
    ...killed.map((device) => play("restart", [device], (run, device) => restart(run, device, kill).finally(kill), server, gateway.url)),
    ...devices.map((device) => play("expiry", [device], expiry, new URL(expiringUrl))),
  ]);
  gateway.close();
}

/** Plays in one browser after the other, because all tabs of the page are in one session. */
async function playCallPages() {
  for (const device of devices) {
    await play("callPage", [device], callPage);
  }
}

async function playTogether() {
  if (browsers.size > 1) {
    await play("together", [devices[0], olderDevices[1]], together);
    await play("together", [olderDevices[0], devices[1]], together);
  }
}

// The older SDK finishes first. The expiry and the restart are mostly waiting, so they run beside the other scenarios.
await Promise.all([
  ...devices.map((device) => playAll(device)),
  Promise.all(olderDevices.map((device) => playAll(device, isFull ? undefined : scenariosOfBothSdks)))
    .then(() => Promise.all([playEnds(), playCallPages().then(playTogether)])),
]);

await Promise.all([...browsers.values()].map(close));

// Timers and connections that are still open must not delay the end.
process.exit();
