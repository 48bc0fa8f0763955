// Starts Azurite's table and queue services. They end only when standard input closes. They therefore write their data, never outlive the
// process that started them, and still respond while that process finishes its requests after Ctrl+C.
const ignore = () => {};
const signals = ["SIGINT", "SIGTERM"];
for (const signal of signals) process.on(signal, ignore);
process.on("newListener", (event, listener) => {
  if (signals.includes(event)) setImmediate(() => process.off(event, listener));
});

// Each service reads the command line when it is loaded, and accepts only its own options.
const all = process.argv;
const start = (service, other) => {
  process.argv = all.filter((_, index) => !all[index].startsWith(`--${other}`) && !(all[index - 1] || "").startsWith(`--${other}`));
  require(`azurite/dist/src/${service}/main.js`);
};

process.stdin.resume();
process.stdin.on("end", () => process.emit("message", "shutdown"));
start("table", "queue");
start("queue", "table");
