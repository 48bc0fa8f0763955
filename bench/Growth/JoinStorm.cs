using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;
using Sessions.Bench;

namespace Sessions.Growth;

/// <summary>Measures many concurrent joins, either to one session or each to a session of its own.</summary>
internal static class JoinStorm
{
    private const int AtOnce = 64;
    private const int ParticipantsPerSession = 20;

    public static async Task<string> ReportAsync(CountedServer server, int joins, int rounds)
    {
        var table = new MarkdownTable(
            $"{joins} joins", "in", "409", "total, ms", "p50, ms", "p99, ms", "storage calls for each", "retries for each", "most retries of all");
        foreach (var sessions in new[] { 1, joins })
        {
            List<Storm> storms = [];
            for (var round = 0; round < rounds; round++)
                storms.Add(await RunAsync(server, joins, sessions));

            string Spread(Func<Storm, double> value) => Numbers.Spread([.. storms.Select(value)]);
            table.Add(
                sessions == 1 ? "onto one session" : $"onto {sessions} sessions",
                Spread(storm => storm.In),
                Spread(storm => storm.Full),
                Spread(storm => storm.Elapsed.TotalMilliseconds),
                Spread(storm => storm.Latencies.Percentile(0.5)),
                Spread(storm => storm.Latencies.Percentile(0.99)),
                Spread(storm => storm.StorageCalls / (double)joins),
                Spread(storm => storm.Retries / (double)joins),
                Numbers.Text(storms.Max(storm => storm.Retries)));
        }

        return string.Create(CultureInfo.InvariantCulture, $"""

            ## Join storm

            {AtOnce} requests at once, of server and load in one process. Every response is 204 or 409, and afterwards a session has exactly the participants whose join returned 204.

            {table}
            """);
    }

    private static async Task<Storm> RunAsync(CountedServer server, int joins, int sessionCount)
    {
        var (http, url) = (server.Http, server.Url);
        var sessions = new string[sessionCount];
        var participants = new string[joins];
        await Parallel.ForEachAsync(Enumerable.Range(0, sessionCount), async (i, _) => sessions[i] = await MeasuredOperations.CreateAsync(http, url, "/sessions"));
        await Parallel.ForEachAsync(Enumerable.Range(0, joins), async (i, _) => participants[i] = await MeasuredOperations.CreateAsync(http, url, "/participants"));

        var answers = new (HttpStatusCode Status, long Ticks)[joins];
        var (callsBefore, retriesBefore) = (server.Usage().StorageCalls, server.ConflictsRetried);
        var started = Stopwatch.GetTimestamp();
        await Parallel.ForEachAsync(Enumerable.Range(0, joins), new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (i, cancellation) =>
        {
            var begun = Stopwatch.GetTimestamp();
            var uri = MeasuredOperations.At(url, $"/sessions/{sessions[i % sessionCount]}/participants/{participants[i]}");
            using var request = new HttpRequestMessage(HttpMethod.Put, uri);
            request.Headers.Authorization = HttpLoad.LocalCredential;
            using var response = await http.Client.SendAsync(request, cancellation);
            await response.Content.ReadAsByteArrayAsync(cancellation);
            answers[i] = (response.StatusCode, Stopwatch.GetTimestamp() - begun);
        });
        var elapsed = Stopwatch.GetElapsedTime(started);
        var (calls, retries) = (server.Usage().StorageCalls - callsBefore, server.ConflictsRetried - retriesBefore);

        var joined = answers.Count(answer => answer.Status == HttpStatusCode.NoContent);
        var full = answers.Count(answer => answer.Status == HttpStatusCode.Conflict);
        var expected = Math.Min(joins, sessionCount * ParticipantsPerSession);
        if (joined != expected || full != joins - expected)
        {
            throw new BenchmarkException(
                $"{joins} joins onto {sessionCount} sessions: {string.Join(", ", answers.CountBy(answer => (int)answer.Status).Select(count => $"{count.Value} answers {count.Key}"))}.");
        }

        foreach (var session in sessions)
        {
            var listed = await http.SendAsync(null, HttpMethod.Get, MeasuredOperations.At(url, $"/sessions/{session}/participants"), HttpStatusCode.OK);
            if (JsonElement.Parse(listed).GetArrayLength() is var members && members != joined / sessionCount)
                throw new BenchmarkException($"A session has {members} members after {joined} joins onto {sessionCount} sessions.");
        }

        return new(joined, full, elapsed, new([.. answers.Select(answer => answer.Ticks)]), calls, retries);
    }

    private sealed record Storm(int In, int Full, TimeSpan Elapsed, Latencies Latencies, long StorageCalls, long Retries);
}
