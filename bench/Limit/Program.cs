using System.Globalization;
using System.Text.Json;
using Azure.Data.Tables;
using Sessions.Bench;
using Sessions.Limit;
using Sessions.Storage;

// Makes only the storage calls of each operation of Sessions, which shows the best performance that Sessions could have. The arguments are
// a connection string and the number of sessions to create. The program then measures each line of input, for example "getSession 16 3" for
// the operation, the number of loops and the seconds, and prints one line of JSON.
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
