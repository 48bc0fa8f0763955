using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;
using Sessions.Media;
using Sessions.Testing.Media;

namespace Sessions.Tests.Gateway;

/// <summary>
/// After any changes, devices receive exactly the streams that follow from the rows, according to a reference model without the gateway.
/// TRUTH_SEED repeats the choices of a run, but not their interleaving.
/// </summary>
public sealed class RandomMediaTests(AzuriteFixture azurite, ITestOutputHelper output) : MediaTestBase(azurite)
{
    private const int Sessions = 3;
    private const int Rounds = 2;

    private static readonly int[] DevicesOfParticipants = [4, 4, 3, 3, 2, 2, 1, 1];
    private static readonly string?[] Aliases = ["camera", "screen", null];
    private static readonly MediaKind[] Kinds = [MediaKind.Audio, MediaKind.Video];

    private static readonly TimeSpan Round = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan PacketInterval = TimeSpan.FromMilliseconds(40);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(200);

    // A change should take effect within a second, but a busy machine needs longer.
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private readonly ConcurrentBag<string> _everySession = [];
    private readonly ConcurrentBag<Caller> _everyCaller = [];
    private readonly string[] _sessions = new string[Sessions];
    private readonly Caller[] _callers = new Caller[DevicesOfParticipants.Length];
    private int _changes;

    [Fact]
    public async Task After_random_changes_20_devices_receive_exactly_the_streams_they_subscribe_to()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("TRUTH_SEED"), CultureInfo.InvariantCulture, out var given) ? given : Random.Shared.Next();
        output.WriteLine($"TRUTH_SEED={seed}");
        for (var index = 0; index < Sessions; index++)
            await ReplaceSessionAsync(index);
        await ForEachCallerAsync(ReplaceCallerAsync);
        await ForEachCallerAsync(index => _callers[index].Party.JoinAsync(_sessions[index % Sessions]));
        Assert.NotEqual(0, await HoldsAsync());

        for (var round = 0; round < Rounds; round++)
        {
            var watch = Stopwatch.StartNew();
            await ForEachCallerAsync(index => ChangeAsync(index, new(seed + (round * _callers.Length) + index), watch));
            await HoldsAsync();
        }
    }

    private Task ForEachCallerAsync(Func<int, Task> act) => Task.WhenAll(Enumerable.Range(0, _callers.Length).Select(act));

    /// <summary>Changes one participant and the sessions until the end of the round.</summary>
    private async Task ChangeAsync(int index, Random random, Stopwatch watch)
    {
        while (watch.Elapsed < Round)
        {
            // Usually the same session, because nearly all changes would be conflicts otherwise.
            var place = random.Next(4) == 0 ? random.Next(Sessions) : index % Sessions;
            var session = _sessions[place];
            var member = $"/sessions/{session}/participants/{_callers[index].Party.Id}";
            switch (random.Next(100))
            {
                case < 2:
                    await Account.DeleteAsync($"/participants/{_callers[index].Party.Id}");
                    await ReplaceCallerAsync(index);
                    break;
                case < 4:
                    await SendAsync(HttpMethod.Delete, $"/sessions/{session}");
                    await ReplaceSessionAsync(place);
                    break;
                case < 15:
                    await SendAsync(HttpMethod.Delete, member);
                    break;
                case < 60:
                    await SendAsync(HttpMethod.Put, member, Subscriptions(random, session));
                    break;
                default:
                    await SendAsync(HttpMethod.Put, $"{member}/subscriptions", Subscriptions(random, session));
                    break;
            }
        }
    }

    private async Task SendAsync(HttpMethod method, string path, object? body = null)
    {
        var answer = await Account.SendAsync(method, path, body is null ? null : JsonSerializer.Serialize(body));
        Assert.True(
            answer.Status is HttpStatusCode.NoContent or HttpStatusCode.NotFound or HttpStatusCode.Conflict or HttpStatusCode.ServiceUnavailable,
            $"{method} {path}: {(int)answer.Status} {answer.Body}");
        Interlocked.Increment(ref _changes);
    }

    /// <summary>
    /// Subscriptions to no one, to everyone, or to some participants, who may be in other sessions, possibly limited to some aliases.
    /// </summary>
    private object Subscriptions(Random random, string session) => random.Next(5) switch
    {
        0 => new { },
        1 or 2 => new { sessionId = session },
        _ => new { participants = Enumerable.Range(0, random.Next(1, 5)).Select(_ => Selected(random)).ToArray() },
    };

    private object Selected(Random random)
    {
        string[] aliases = [.. Aliases.OfType<string>().Append("unknown").Where(_ => random.Next(2) == 0)];
        return new { participantId = _callers[random.Next(_callers.Length)].Party.Id, streamAliases = random.Next(2) == 0 ? [] : aliases };
    }

    private async Task ReplaceSessionAsync(int index)
    {
        var session = await Account.CreateSessionAsync();
        _everySession.Add(session);
        _sessions[index] = session;
    }

    private async Task ReplaceCallerAsync(int index)
    {
        var party = await Party.CreateAsync(Account);
        var caller = new Caller(party, [], []);
        for (var number = 0; number < DevicesOfParticipants[index]; number++)
        {
            var device = await ConnectAsync(new MediaDevice(Server.Url, party.Token) { PacketInterval = PacketInterval });
            var stream = (Id: $"{party.Id}-{number}", Alias: Aliases[(index + number) % Aliases.Length]);
            await device.PublishAsync(stream.Alias is null ? stream.Id : $"{stream.Id}:{stream.Alias}");
            caller.Devices.Add(device);
            caller.Streams.Add(stream);
        }

        _everyCaller.Add(caller);
        _callers[index] = caller;
    }

    /// <summary>
    /// Waits until every device receives the streams that follow from the rows, and then for more packets, among which no other stream may
    /// occur.
    /// </summary>
    /// <returns>The number of these tracks.</returns>
    private async Task<int> HoldsAsync()
    {
        var watch = Stopwatch.StartNew();
        var expected = await ExpectedAsync();
        List<string> wrong = [];
        TimeSpan start;
        do
        {
            start = watch.Elapsed;
            Assert.True(start < Deadline, string.Join('\n', wrong));
            var before = Received();
            await Task.Delay(Look);
            wrong = Compare(expected, before, Received());
        }
        while (wrong is not []);

        output.WriteLine($"After {_changes} changes {expected.Count} tracks were received as they should be, {start.TotalMilliseconds:f0} ms after the last.");
        await NothingElseComesAsync(expected);
        return expected.Count;
    }

    private static List<string> Compare(HashSet<Track> expected, Dictionary<Track, int> before, Dictionary<Track, int> after)
    {
        var received = after.Where(entry => entry.Value > before.GetValueOrDefault(entry.Key)).Select(entry => entry.Key).ToHashSet();
        return
        [
            .. received.Except(expected).Select(track => $"{track} is received."),
            .. expected.Except(received).Select(track => $"{track} is not received."),
        ];
    }

    private async Task NothingElseComesAsync(HashSet<Track> expected)
    {
        const int More = 10;

        var before = Received();
        await Eventually.IsAsync(true, () =>
        {
            var now = Received();
            return expected.All(track => now[track] >= before[track] + More);
        });
        Assert.Empty(Compare(expected, before, Received()));
    }

    /// <summary>The number of packets of every track, including those at devices that are gone.</summary>
    private Dictionary<Track, int> Received()
        => (from caller in _everyCaller
            from device in caller.Devices
            from entry in device.All
            select (Track: new Track(device.UniqueId, entry.Key.StreamId, entry.Key.Kind), entry.Value.Packets))
            .ToDictionary(entry => entry.Track, entry => entry.Packets);

    /// <summary>The tracks that every device should receive, according to the sessions in the API.</summary>
    private async Task<HashSet<Track>> ExpectedAsync()
    {
        HashSet<Track> expected = [];
        foreach (var session in _everySession)
        {
            var answer = await Account.GetAsync($"/sessions/{session}/participants");
            if (answer.Status == HttpStatusCode.NotFound)
                continue;

            var members = answer.Json.EnumerateArray().ToDictionary(
                member => _everyCaller.Single(caller => caller.Party.Id == member.GetProperty("id").GetString()),
                member => member.GetProperty("subscriptions"));
            expected.UnionWith(
                from member in members
                from other in members.Keys
                where other != member.Key
                from stream in other.Streams
                where Receives(member.Value, other.Party.Id, stream.Alias)
                from device in member.Key.Devices
                from kind in Kinds
                select new Track(device.UniqueId, stream.Id, kind));
        }

        return expected;
    }

    private static bool Receives(JsonElement subscriptions, string participant, string? alias)
    {
        if (subscriptions.TryGetProperty("participants", out var participants) && participants.GetArrayLength() > 0)
        {
            return participants.EnumerateArray().Any(selected =>
                selected.GetProperty("participantId").GetString() == participant
                && (!selected.TryGetProperty("streamAliases", out var aliases)
                    || aliases.GetArrayLength() == 0
                    || aliases.EnumerateArray().Any(each => each.GetString() == alias)));
        }

        return subscriptions.TryGetProperty("sessionId", out _);
    }

    private sealed record Caller(Party Party, List<MediaDevice> Devices, List<(string Id, string? Alias)> Streams);

    private readonly record struct Track(string DeviceId, string StreamId, MediaKind Kind);
}
