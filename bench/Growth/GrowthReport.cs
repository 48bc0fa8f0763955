using System.Globalization;
using System.Text;
using Azure.Data.Tables;
using Sessions.Bench;
using Sessions.LocalHost;
using Sessions.Storage;

namespace Sessions.Growth;

/// <summary>The amounts to measure.</summary>
/// <param name="SessionsStored">The numbers of sessions that are stored.</param>
/// <param name="Participants">The numbers of participants in a session.</param>
/// <param name="Calls">How often each operation is called in a round.</param>
/// <param name="Rounds">How often each number is measured.</param>
/// <param name="Joins">How many participants join concurrently.</param>
internal sealed record Scale(int[] SessionsStored, int[] Participants, int Calls, int Rounds, int Joins)
{
    public static readonly Scale Full = new([10, 1_000, 100_000], [2, 10, 20], Calls: 100, Rounds: 5, Joins: 200);
    public static readonly Scale Quick = new([10, 100, 1_000], [2, 10, 20], Calls: 10, Rounds: 2, Joins: 200);
}

/// <summary>
/// Writes the report. The times and the CPU time are those of LocalHost, published ReadyToRun, in a separate process. The storage calls,
/// bytes and retries are counted for the same code in this process. Storage is one Azurite in memory, with an account for each number of
/// sessions.
/// </summary>
internal static class GrowthReport
{
    private static readonly string[] Measures = ["p50, ms", "times its bare call", "CPU of the server, µs", "storage calls", "storage bytes"];

    public static async Task WriteAsync(string output, Scale scale)
    {
        var program = await Repository.PublishAsync("src/LocalHost");
        await using var azurite = await Azurite.StartAsync(
            LocalStorage.AzuriteFolder, dataFolder: null, accounts: scale.SessionsStored.Select(AccountOf));

        List<StoredSessions> stores = [];
        try
        {
            foreach (var count in scale.SessionsStored)
            {
                Console.WriteLine($"Storing {Text(count)} sessions...");
                stores.Add(await StoredSessions.StartAsync(program, azurite.ConnectionString(AccountOf(count)), count));
            }

            var report = new StringBuilder("# Growth\n\n").Append(await Machine.DescribeAsync()).Append(CultureInfo.InvariantCulture, $"""

                A number is the median of {scale.Rounds} rounds, with the smallest and the largest, of {scale.Calls} calls each, one after the other. The numbers of sessions and of participants take turns. "Its bare call" is the insert, the point read or the query of the session's partition that the operation cannot do without, made by the bare table client in the same round. The last column compares the largest number with the smallest, round by round. Azurite looks for a partition among all rows of a table, so its queries take longer with each row stored, which Table Storage's do not: there the comparison with the bare call counts, and not the time.

                """);

            Console.WriteLine("Warming up...");
            foreach (var store in stores)
                await store.MeasureAsync(scale.Calls / 2, participants: 2);

            Console.WriteLine("Measuring by sessions stored...");
            var byStored = new Grid("sessions stored", scale.SessionsStored);
            for (var round = 0; round < scale.Rounds; round++)
            {
                foreach (var store in stores)
                    byStored.Add(store.Count, await store.MeasureAsync(scale.Calls, participants: 2));
            }

            byStored.AppendTo(report);

            Console.WriteLine("Measuring by participants...");
            var byParticipants = new Grid("participants in the session", scale.Participants);
            for (var round = 0; round < scale.Rounds; round++)
            {
                foreach (var participants in scale.Participants)
                    byParticipants.Add(participants, await stores[0].MeasureAsync(scale.Calls, participants));
            }

            byParticipants.AppendTo(report);

            Console.WriteLine("Measuring join storms...");
            report.Append(await JoinStorm.ReportAsync(stores[0].Counted, scale.Joins, scale.Rounds));
            report.Append(await CallMix.ReportAsync(stores[0].Counted));

            Directory.CreateDirectory(output);
            var file = Path.Combine(output, "growth.md");
            await File.WriteAllTextAsync(file, report.ToString());
            Console.WriteLine(file);
        }
        finally
        {
            foreach (var store in stores)
                await store.DisposeAsync();
        }
    }

    // The name must not begin like that of a table, because the table client would remove the table from the URL.
    private static string AccountOf(int sessions) => string.Create(CultureInfo.InvariantCulture, $"with{sessions}");

    private static string Text(int number) => number.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>The cost of each operation at each number, in each round.</summary>
    private sealed class Grid(string subject, int[] numbers)
    {
        private readonly Dictionary<(string Operation, int Number), List<Cost>> _costs = [];

        public void Add(int number, IReadOnlyList<Cost> costs)
        {
            foreach (var cost in costs)
            {
                if (!_costs.TryGetValue((cost.Operation, number), out var rounds))
                    _costs[(cost.Operation, number)] = rounds = [];
                rounds.Add(cost);
            }
        }

        /// <summary>Appends a table for each measure, with a row for each operation and a column for each number.</summary>
        public void AppendTo(StringBuilder report)
        {
            report.Append(CultureInfo.InvariantCulture, $"\n## By {subject}\n");
            for (var measure = 0; measure < Measures.Length; measure++)
            {
                var table = new MarkdownTable([Measures[measure], .. numbers.Select(Text), $"{Text(numbers[^1])} / {Text(numbers[0])}"]);
                foreach (var operation in _costs.Keys.Select(key => key.Operation).Distinct())
                {
                    double[][] cells = [.. numbers.Select(number => RoundsOf(operation, number, measure))];
                    if (cells[0].Length > 0)
                        table.Add([operation, .. cells.Select(Spread), Spread([.. cells[^1].Zip(cells[0], (last, first) => last / first)])]);
                }

                report.Append('\n').Append(table);
            }
        }

        private double[] RoundsOf(string operation, int number, int measure)
            => [.. _costs[(operation, number)].Select(cost => cost.Values[measure]).OfType<double>()];

        /// <summary>Formats the values of the rounds. A count that is the same in every round has no spread.</summary>
        private static string Spread(double[] rounds)
            => rounds.Distinct().Count() > 1 ? Numbers.Spread(rounds) : rounds[0].ToString("#,0.##", CultureInfo.InvariantCulture);
    }
}

/// <summary>
/// A storage account with a number of sessions, LocalHost for it in a separate process, and the same functions in this process.
/// </summary>
internal sealed class StoredSessions : IAsyncDisposable
{
    private readonly RunningProgram _program;
    private readonly HttpLoad _http;
    private readonly Tables _tables;
    private readonly Uri _url;

    private StoredSessions(int count, RunningProgram program, Uri url, HttpLoad http, Tables tables, CountedServer counted)
    {
        (Count, _program, _url, _http, _tables, Counted) = (count, program, url, http, tables, counted);
    }

    /// <summary>The initial number of stored sessions.</summary>
    public int Count { get; }

    public CountedServer Counted { get; }

    /// <summary>Starts the server, which creates the tables and the credential, and stores the sessions.</summary>
    public static async Task<StoredSessions> StartAsync(string program, string connectionString, int count)
    {
        var url = RunningProgram.FindFreeUrl();
        var http = new HttpLoad();
        var server = RunningProgram.Start(
            program,
            [
                $"--urls={url.GetLeftPart(UriPartial.Authority)}",
                "--Gateway:MediaPort=0",
                $"--Sessions:StorageConnectionString={connectionString}",
                $"--Sessions:TokenSigningKey={CountedServer.TokenSigningKey}",
                "--Logging:LogLevel:Sessions.LocalHost.Request=None",
            ]);
        try
        {
            await server.FirstAnswerAsync(http.Client, () => new(HttpMethod.Get, new Uri(url, "/health")));
            await MeasuredAccount.AddAsync(connectionString);
            var tables = new Tables(new TableServiceClient(connectionString, StorageClient.Options()));
            var stored = new StoredSessions(count, server, url, http, tables, await CountedServer.StartAsync(connectionString));
            await stored.FillAsync();
            return stored;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Measures the cost of each operation on sessions with this number of participants.</summary>
    public async Task<IReadOnlyList<Cost>> MeasureAsync(int calls, int participants)
    {
        var timed = await new MeasuredOperations(_http, _url, _tables, () => new(_program.CpuTime)).MeasureAsync(calls, participants);
        var counted = await new MeasuredOperations(Counted.Http, Counted.Url, _tables, Counted.Usage).MeasureAsync(calls: 1, participants);
        return [.. timed.Zip(counted, (time, count) => time with { StorageCalls = count.StorageCalls, StorageBytes = count.StorageBytes })];
    }

    public async ValueTask DisposeAsync()
    {
        await Counted.DisposeAsync();
        await _program.DisposeAsync();
        _http.Dispose();
    }

    /// <summary>Stores copies of a session's row, without rows of the index.</summary>
    private async Task FillAsync()
    {
        var id = await MeasuredOperations.CreateAsync(_http, _url, "/sessions");
        var session = (await _tables.Sessions.GetEntityAsync<TableEntity>(MeasuredOperations.Partition(id), Keys.Header)).Value;
        var columns = session.Where(column => column.Key is not ("PartitionKey" or "RowKey" or "Timestamp" or "odata.etag")).ToArray();
        await Parallel.ForEachAsync(Enumerable.Range(1, Count - 1), new ParallelOptions { MaxDegreeOfParallelism = 32 }, async (_, cancellation) =>
        {
            var copy = new TableEntity(MeasuredOperations.Partition(Guid.NewGuid().ToString()), Keys.Header);
            foreach (var (name, value) in columns)
                copy[name] = value;
            await _tables.Sessions.AddEntityAsync(copy, cancellation);
        });
    }
}
