// Starts Azurite's table service. It ends when standard input closes, and only then: so it writes its data out, never
// outlives the process that started it, and still answers while that one finishes its requests after Ctrl+C.
const ignore = () => {};
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, ignore);
process.on("newListener", (event, listener) => {
  if (event === "SIGINT") setImmediate(() => process.off(event, listener));
});

process.stdin.resume();
process.stdin.on("end", () => process.emit("message", "shutdown"));
require("azurite/dist/src/table/main.js");
