// Starts Azurite's table and queue services. They end when standard input closes, and only then: so they write their data out, never
// outlive the process that started them, and still answer while that one finishes its requests after Ctrl+C.
const ignore = () => {};
const signals = ["SIGINT", "SIGTERM"];
for (const signal of signals) process.on(signal, ignore);
process.on("newListener", (event, listener) => {
  if (signals.includes(event)) setImmediate(() => process.off(event, listener));
});

// Each service reads the command line when it is loaded, and knows its own options only.
const all = process.argv;
const start = (service, other) => {
  process.argv = all.filter((_, index) => !all[index].startsWith(`--${other}`) && !(all[index - 1] || "").startsWith(`--${other}`));
  require(`azurite/dist/src/${service}/main.js`);
};

process.stdin.resume();
process.stdin.on("end", () => process.emit("message", "shutdown"));
start("table", "queue");
start("queue", "table");
