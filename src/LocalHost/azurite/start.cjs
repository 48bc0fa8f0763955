// Starts Azurite's table service and ends it when standard input closes, so that it writes its data out
// and never outlives the process that started it.
process.stdin.resume();
process.stdin.on("end", () => process.emit("SIGINT"));
require("azurite/dist/src/table/main.js");
