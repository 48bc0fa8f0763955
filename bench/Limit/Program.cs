using System.Globalization;
using System.Text.Json;
using Azure.Data.Tables;
using Sessions.Bench;
using Sessions.Limit;
using Sessions.Storage;

// The storage calls of each operation of Sessions, and nothing else: what it could do at most. The arguments are a connection
// string and a number of sessions to make; then each line of input, "OPERATION LOOPS SECONDS", is measured and answered by
// a line of JSON.
var service = new TableServiceClient(args[0], StorageClient.Options());
var calls = new BareOperations(service.GetTableClient("sessions"), service.GetTableClient("participants"));
await calls.PrepareAsync(int.Parse(args[1], CultureInfo.InvariantCulture));
Console.WriteLine("ready");

while (await Console.In.ReadLineAsync() is { } line)
{
    var words = line.Split(' ');
    var loops = int.Parse(words[1], CultureInfo.InvariantCulture);
    var duration = TimeSpan.FromSeconds(double.Parse(words[2], CultureInfo.InvariantCulture));
    var load = await ClosedLoop.RunAsync(loops, duration, () => Environment.CpuUsage.TotalTime, calls.Loop(words[0], loops));
    Console.WriteLine(JsonSerializer.Serialize(load.Summarize()));
}
