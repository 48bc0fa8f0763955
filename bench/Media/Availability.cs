using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;
using Sessions.Bench;
using Sessions.LocalHost;
using Sessions.Media;
using Sessions.Testing.Media;

namespace Sessions.MediaBench;

/// <summary>
/// Measures the time from a request that adds a participant to a session until its device has received sound and picture of a stream there.
/// It uses LocalHost and devices that implement the whole protocol. Each try has its own participant and a device that is already
/// connected, so the time includes the offer, the connectivity check and the handshake.
/// </summary>
internal static class Availability
{
    private const string StreamId = "camera";

    private static readonly TimeSpan KeyFramePause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    public static async Task<string> MeasureAsync(int tries)
    {
        var program = await Repository.PublishAsync("src/LocalHost");
        await using var azurite = await Azurite.StartAsync(LocalStorage.AzuriteFolder, dataFolder: null);
        using var load = new HttpLoad();
        var url = RunningProgram.FindFreeUrl();
        await using var localHost = RunningProgram.Start(
            program,
            [
                $"--urls={url}", "--Logging:LogLevel:Default=Warning", "--Gateway:MediaPort=0", $"--Gateway:PublicAddresses={Subject.Address}",
                $"--Sessions:StorageConnectionString={azurite.ConnectionString()}", "--Sessions:TokenSigningKey=the key that signs the tokens of the benchmarks",
            ],
            Path.GetDirectoryName(program));
        await localHost.FirstAnswerAsync(load.Client, () => new(HttpMethod.Get, new Uri(url, "/health")));

        var account = new Uri(url, $"/v1/accounts/{Samples.Account}/");
        var session = JsonElement.Parse(await load.SendAsync(null, HttpMethod.Post, new(account, "sessions"), HttpStatusCode.OK, Samples.Session))
            .GetProperty("id").GetString()!;
        await using var publisher = await ConnectAsync();
        await publisher.Device.PublishAsync(StreamId);
        await JoinAsync(publisher.Id);
        await WaitAsync(() => publisher.Device.IsPublishing);

        var times = new long[tries];
        for (var index = 0; index < tries; index++)
        {
            // Key frames are requested at most twice a second, so a subscriber that followed immediately would wait for the rest of the
            // pause.
            await Task.Delay(KeyFramePause);
            await using var subscriber = await ConnectAsync();
            var started = Stopwatch.GetTimestamp();
            await JoinAsync(subscriber.Id);
            await WaitAsync(() => subscriber.Device[StreamId, MediaKind.Audio].Packets > 0 && subscriber.Device[StreamId, MediaKind.Video].Packets > 0);
            times[index] = Stopwatch.GetTimestamp() - started;
            await load.SendAsync(null, HttpMethod.Delete, new(account, $"participants/{subscriber.Id}"), HttpStatusCode.NoContent);
        }

        return Report(new(times));

        async Task<Member> ConnectAsync()
        {
            var created = JsonElement.Parse(await load.SendAsync(null, HttpMethod.Post, new(account, "participants"), HttpStatusCode.OK, Samples.Participant));
            var device = new MediaDevice(url, created.GetProperty("token").GetString()!);
            await device.ConnectAsync();
            return new(created.GetProperty("participant").GetProperty("id").GetString()!, device);
        }

        Task JoinAsync(string participant)
            => load.SendAsync(
                null, HttpMethod.Put, new(account, $"sessions/{session}/participants/{participant}"), HttpStatusCode.NoContent, Samples.WholeSession(session));
    }

    private static async Task WaitAsync(Func<bool> condition)
    {
        for (var started = Stopwatch.GetTimestamp(); !condition(); await Task.Delay(1))
        {
            if (Stopwatch.GetElapsedTime(started) > Limit)
                throw new BenchmarkException("A device received no stream.");
        }
    }

    private static string Report(Latencies times)
    {
        var table = new MarkdownTable("a stream after the PUT, in LocalHost", "tries", "median, ms", "longest, ms");
        table.Add(
            "sound and picture received", times.Count.ToString(CultureInfo.InvariantCulture), Numbers.Text(times.Percentile(0.5)), Numbers.Text(times.Percentile(1)));
        return table.ToString();
    }

    private sealed record Member(string Id, MediaDevice Device) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => Device.DisposeAsync();
    }
}
