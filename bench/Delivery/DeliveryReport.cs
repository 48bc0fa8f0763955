using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using Azure.Data.Tables;
using Sessions.Bench;
using Sessions.LocalHost;
using Sessions.Model;
using Sessions.Storage;
using Sessions.Webhooks;

namespace Sessions.Delivery;

/// <summary>The parameters of a run.</summary>
/// <param name="Rate">Changes per second.</param>
/// <param name="Duration">The time during which changes are made.</param>
/// <param name="Failing">The fraction of tries that the receiver refuses.</param>
/// <param name="LastTry">The number of the try that the receiver always accepts.</param>
/// <param name="Wait">How long after the load the last event may arrive.</param>
internal sealed record Plan(int Rate, TimeSpan Duration, double Failing, int LastTry, TimeSpan Wait);

/// <summary>Measures LocalHost in a separate process. The load and the receiver are in this process.</summary>
internal static class DeliveryReport
{
    private const int WarmUpRate = 100;

    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(3);

    /// <summary>Measures and writes the report.</summary>
    /// <returns>Whether every event arrived, in order.</returns>
    public static async Task<bool> WriteAsync(string output, Plan plan)
    {
        var machine = await Machine.DescribeAsync();
        var measured = await MeasureAsync(plan);
        var report = Format(machine, plan, measured);
        Directory.CreateDirectory(output);
        var file = Path.Combine(output, "delivery.md");
        await File.WriteAllTextAsync(file, report);
        Console.WriteLine(report);
        Console.WriteLine(file);
        return measured.Check is { Lost: 0, OutOfOrder: 0 };
    }

    private static async Task<Measured> MeasureAsync(Plan plan)
    {
        var program = await Repository.PublishAsync("src/LocalHost");
        await using var azurite = await Azurite.StartAsync(LocalStorage.AzuriteFolder, dataFolder: null);
        await using var receiver = await Receiver.StartAsync(plan.LastTry);
        using var http = new HttpLoad();
        var url = RunningProgram.FindFreeUrl();
        await using var localHost = RunningProgram.Start(
            program,
            [
                $"--urls={url}", "--Logging:LogLevel:Default=Warning", "--Gateway:MediaPort=0",
                $"--Sessions:StorageConnectionString={azurite.ConnectionString()}", "--Sessions:TokenSigningKey=the key that signs the tokens of the benchmarks",
            ],
            Path.GetDirectoryName(program));
        await localHost.FirstAnswerAsync(http.Client, () => new(HttpMethod.Get, new Uri(url, "/health")));
        await AddWebhookAsync(azurite.ConnectionString(), receiver.Webhook);

        Console.WriteLine("Warming up...");
        var account = new Uri(url, $"/v1/accounts/{Samples.Account}/");
        var warmUp = new ChangeLoad(http, account);
        await OpenLoop.RunAsync(Math.Min(plan.Rate, WarmUpRate), WarmUp, warmUp.MakeAsync);
        if (await ReceiveAsync(warmUp, receiver, plan.Wait) is { Lost: > 0 } cold)
            throw new BenchmarkException($"{cold.Lost} events of the warm-up did not arrive.");

        Console.WriteLine("Measuring...");
        receiver.Failing = plan.Failing;
        var before = receiver.Accepted;
        var load = new ChangeLoad(http, account);
        var rate = await OpenLoop.RunAsync(plan.Rate, plan.Duration, load.MakeAsync);
        var ended = Stopwatch.GetTimestamp();
        var loadAverage = (await File.ReadAllTextAsync("/proc/loadavg")).Split(' ')[0];
        var check = await ReceiveAsync(load, receiver, plan.Wait, before);
        var rest = Stopwatch.GetElapsedTime(ended);

        Console.WriteLine("Measuring direct requests...");
        return new(rate, load, check, receiver.Events, rest, await PostAsync(http, receiver, plan), loadAverage);
    }

    private static string Format(string machine, Plan plan, Measured measured)
    {
        var delays = new MarkdownTable("delay", "events", "p50, ms", "p99, ms", "longest, ms");
        Add("all events", measured.Check.All);
        Add("accepted at the first try", measured.Check.FirstTry);
        Add("accepted at a later try", measured.Check.Retried);
        Add("direct POST of the same size", measured.Direct);

        var counts = new MarkdownTable("count", "number");
        counts.Add("changes that succeeded", Count(measured.Load.Succeeded));
        counts.Add("responses with 503", Count(measured.Load.Unavailable));
        counts.Add("events that had not arrived when the wait ended", Count(measured.Check.Lost));
        counts.Add("events out of order", Count(measured.Check.OutOfOrder));
        counts.Add("tries, those of the warm-up included", Count(measured.Events.Sum(one => one.Tries)));
        counts.Add("tries refused", Count(measured.Events.Sum(one => one.Refused)));
        counts.Add("tries of events that had been accepted", Count(measured.Events.Sum(one => one.Repeats)));
        counts.Add("seconds from the end of the load to the last event", Numbers.Text(measured.Rest.TotalSeconds));
        return string.Create(CultureInfo.InvariantCulture, $"""
            # Webhooks under load

            {machine}- Load average at the end of the load: {measured.LoadAverage}

            {plan.Rate:N0} changes per second were asked for during {plan.Duration.TotalSeconds:N0} s, and {measured.Rate:N0} per second were started. The changes create sessions and participants, and participants join and leave. The receiver refuses {100 * plan.Failing:N0} % of the tries with 500, at random, but always accepts try {plan.LastTry} of an event. The delay of an event runs from the response of its change until the receiver accepts it. The time of a direct POST runs from its start to its response.

            {delays}
            {counts}
            """);

        void Add(string name, Latencies? times)
        {
            if (times is not null)
                delays.Add(name, Count(times.Count), Numbers.Text(times.Percentile(0.5)), Numbers.Text(times.Percentile(0.99)), Numbers.Text(times.Percentile(1)));
        }
    }

    private static string Count(int number) => number.ToString("N0", CultureInfo.InvariantCulture);

    private static async Task AddWebhookAsync(string connectionString, Uri receiver)
    {
        var tables = new Tables(new TableServiceClient(connectionString, StorageClient.Options()));
        var account = AccountId.Parse(Samples.Account);
        await new Feeds(tables, TimeProvider.System).TurnOnAsync(account, CancellationToken.None);
        await new WebhookStore(tables, TimeProvider.System).AddAsync(account, receiver, [], position: 0, CancellationToken.None);
    }

    /// <summary>Waits until the receiver has accepted the events of all changes, or the time has elapsed.</summary>
    /// <param name="load">The changes.</param>
    /// <param name="receiver">The receiver.</param>
    /// <param name="wait">The longest time to wait.</param>
    /// <param name="before">How many events had been accepted before the changes.</param>
    private static async Task<DeliveryCheck> ReceiveAsync(ChangeLoad load, Receiver receiver, TimeSpan wait, int before = 0)
    {
        var started = Stopwatch.GetTimestamp();
        for (var shown = TimeSpan.Zero; ; await Task.Delay(TimeSpan.FromMilliseconds(200)))
        {
            var elapsed = Stopwatch.GetElapsedTime(started);
            var (expected, accepted) = (load.Succeeded, receiver.Accepted - before);
            if (accepted >= expected || elapsed > wait)
            {
                var check = new DeliveryCheck(load, receiver.Events);
                if (check.Lost == 0 || elapsed > wait)
                    return check;
            }

            if (elapsed - shown > TimeSpan.FromSeconds(10))
            {
                shown = elapsed;
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture, $"{accepted:N0} of {expected:N0} events accepted, {elapsed.TotalSeconds:N0} s after the load."));
            }
        }
    }

    private static async Task<Latencies> PostAsync(HttpLoad http, Receiver receiver, Plan plan)
    {
        var body = new byte[receiver.BodySize];
        var ticks = new ConcurrentBag<long>();
        await OpenLoop.RunAsync(plan.Rate, plan.Duration, async () =>
        {
            var started = Stopwatch.GetTimestamp();
            await http.SendAsync(null, HttpMethod.Post, receiver.Direct, HttpStatusCode.OK, body);
            ticks.Add(Stopwatch.GetTimestamp() - started);
        });
        return new([.. ticks]);
    }

    private sealed record Measured(
        double Rate, ChangeLoad Load, DeliveryCheck Check, IReadOnlyCollection<ReceivedEvent> Events, TimeSpan Rest, Latencies Direct, string LoadAverage);
}
