using System.Text.Json;

namespace Sessions.MediaBench;

/// <summary>What the load asks a server's process for.</summary>
internal enum ServerOperation
{
    /// <summary>A publisher: an offer, or for the reflector its address, which is answered.</summary>
    Publish,

    /// <summary>A subscriber to publishers: answered by an offer, or for the reflector to the address that the request has.</summary>
    Subscribe,

    /// <summary>The device's answer to a subscriber's offer.</summary>
    Answer,

    /// <summary>A full garbage collection, after which memory is measured.</summary>
    Collect,
}

/// <summary>A line for a server's process.</summary>
/// <param name="Operation">What is asked for.</param>
/// <param name="Sdp">A description, or an address.</param>
/// <param name="Publishers">The publishers to subscribe to, by the order in which they were made.</param>
/// <param name="Subscriber">The subscriber that answers, by the order in which they were made.</param>
internal sealed record ServerRequest(ServerOperation Operation, string Sdp, int[] Publishers, int Subscriber);

/// <summary>A server's answer.</summary>
/// <param name="Sdp">A description; empty for none.</param>
internal sealed record ServerAnswer(string Sdp);

/// <summary>Lines of JSON between the load and a server's process: an answer for each request.</summary>
internal static class ServerControl
{
    private static void Collect()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }

    /// <summary>Answers requests until standard input ends.</summary>
    public static async Task RunAsync(Func<ServerRequest, ServerAnswer> handle)
    {
        while (await Console.In.ReadLineAsync() is { } line)
        {
            var request = JsonSerializer.Deserialize<ServerRequest>(line)!;
            var answer = new ServerAnswer("");
            if (request.Operation == ServerOperation.Collect)
                Collect();
            else
                answer = handle(request);
            Console.WriteLine(JsonSerializer.Serialize(answer));
        }
    }
}
