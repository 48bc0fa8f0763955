using System.Globalization;
using System.Text;
using System.Text.Json;
using Sessions.Bench;

namespace Sessions.Growth;

/// <summary>Counts the requests and bytes of a whole call of three participants, which docs/cost.md uses.</summary>
internal static class CallMix
{
    private const int Participants = 3;

    public static async Task<string> ReportAsync(CountedServer server)
    {
        var (requests, bytesIn, bytesOut) = (0, 0L, 0L);
        var before = server.Usage();

        var session = await CreateAsync("/sessions", """{"tag":"call"}""");
        var participants = new string[Participants];
        for (var i = 0; i < Participants; i++)
            participants[i] = await CreateAsync("/participants", """{"publishPermissions":["AUDIO","VIDEO"]}""");

        var toAll = $$"""{"sessionId":"{{session}}"}""";
        foreach (var participant in participants)
            await SendAsync(HttpMethod.Put, $"/sessions/{session}/participants/{participant}", toAll);
        foreach (var participant in participants[..2])
            await SendAsync(HttpMethod.Put, $"/sessions/{session}/participants/{participant}/subscriptions", toAll);

        await SendAsync(HttpMethod.Get, $"/sessions/{session}");
        await SendAsync(HttpMethod.Get, $"/sessions/{session}/participants");
        foreach (var participant in participants)
            await SendAsync(HttpMethod.Get, $"/sessions/{session}/participants/{participant}/subscriptions");
        await SendAsync(HttpMethod.Get, $"/participants/{participants[0]}");

        foreach (var participant in participants)
            await SendAsync(HttpMethod.Delete, $"/sessions/{session}/participants/{participant}");
        foreach (var participant in participants)
            await SendAsync(HttpMethod.Delete, $"/participants/{participant}");
        await SendAsync(HttpMethod.Delete, $"/sessions/{session}");

        var after = server.Usage();
        return string.Create(CultureInfo.InvariantCulture, $"""

            ## A call of three participants

            Created, joined, updated twice, read, left and deleted: {requests} requests, {after.StorageCalls - before.StorageCalls} storage calls, {after.StorageBytes - before.StorageBytes:N0} bytes to and from storage, {bytesIn:N0} bytes from the caller, {bytesOut:N0} bytes to it (headers and bodies, without TLS).

            """);

        async Task<string> CreateAsync(string path, string body)
        {
            var answer = JsonElement.Parse(await SendAsync(HttpMethod.Post, path, body));
            return (answer.TryGetProperty("participant", out var participant) ? participant : answer).GetProperty("id").GetString()!;
        }

        async Task<byte[]> SendAsync(HttpMethod method, string path, string body = "")
        {
            using var request = new HttpRequestMessage(method, MeasuredOperations.At(server.Url, path));
            request.Headers.Authorization = HttpLoad.LocalCredential;
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) { Headers = { ContentType = new("application/json") } };
            using var response = await server.Http.Client.SendAsync(request, CancellationToken.None);
            var answer = await response.Content.ReadAsByteArrayAsync();
            if (!response.IsSuccessStatusCode)
                throw new BenchmarkException($"{method} {path} was answered {(int)response.StatusCode}.");

            requests++;
            bytesIn += $"{method} {request.RequestUri!.PathAndQuery} HTTP/1.1\r\nHost: {request.RequestUri.Authority}\r\n{request.Headers}{request.Content.Headers}\r\n".Length + body.Length;
            bytesOut += $"HTTP/1.1 {(int)response.StatusCode} {response.ReasonPhrase}\r\n{response.Headers}{response.Content.Headers}\r\n".Length + answer.Length;
            return answer;
        }
    }
}
