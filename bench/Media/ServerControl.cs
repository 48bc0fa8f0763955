using System.Text.Json;

namespace Sessions.MediaBench;

/// <summary>The operations that the load can request from a server's process.</summary>
internal enum ServerOperation
{
    /// <summary>Creates a publisher. The request has an offer and the response an answer. For the reflector, both are addresses.</summary>
    Publish,

    /// <summary>
    /// Creates a subscriber to publishers. The response has an offer. For the reflector, the request has the subscriber's address.
    /// </summary>
    Subscribe,

    /// <summary>Passes the device's answer to a subscriber's offer.</summary>
    Answer,

    /// <summary>Runs a full garbage collection, so that memory can be measured.</summary>
    Collect,
}

/// <summary>A request to a server's process, sent as one line.</summary>
/// <param name="Operation">The operation.</param>
/// <param name="Sdp">A description, or an address.</param>
/// <param name="Publishers">The indexes of the publishers to subscribe to, in the order of their creation.</param>
/// <param name="Subscriber">The index of the answering subscriber, in the order of creation.</param>
internal sealed record ServerRequest(ServerOperation Operation, string Sdp, int[] Publishers, int Subscriber);

/// <summary>The response of a server's process.</summary>
/// <param name="Sdp">A description or an address, or empty for none.</param>
internal sealed record ServerAnswer(string Sdp);

/// <summary>The protocol between the load and a server's process: lines of JSON, with one response for each request.</summary>
internal static class ServerControl
{
    private static void Collect()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }

    /// <summary>Handles requests until standard input ends.</summary>
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
