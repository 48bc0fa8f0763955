using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;

namespace Sessions.Tests.Gateway;

/// <summary>A device without media, with the protocol of the SDKs.</summary>
internal sealed class TestDevice : IAsyncDisposable
{
    // The maximum time that a test waits for anything.
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly ClientWebSocket _socket = new();
    private readonly Channel<JsonElement> _messages = Channel.CreateUnbounded<JsonElement>();
    private readonly ConcurrentQueue<JsonElement> _offers = new();
    private readonly TaskCompletionSource<WebSocketCloseStatus?> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _ids;

    private TestDevice(string uniqueId) => UniqueId = uniqueId;

    public string UniqueId { get; }

    /// <summary>The status with which the server closed the connection, or null if the connection was lost.</summary>
    public Task<WebSocketCloseStatus?> Closed => _closed.Task.WaitAsync(Limit);

    public static Task<TestDevice> ConnectAsync(Uri server, Party party, string? uniqueId = null) => ConnectAsync(server, party.Token, uniqueId);

    public static Task<TestDevice> ConnectAsync(Uri server, string token, string? uniqueId = null)
    {
        uniqueId ??= Guid.NewGuid().ToString();
        return ConnectToAsync(server, $"/v3/?token={Uri.EscapeDataString(token)}&client=browser&sdkVersion=0.13.1&uniqueId={Uri.EscapeDataString(uniqueId)}", uniqueId);
    }

    public static async Task<TestDevice> ConnectToAsync(Uri server, string pathAndQuery, string uniqueId = "")
    {
        var device = new TestDevice(uniqueId);
        using var limit = new CancellationTokenSource(Limit);
        await device._socket.ConnectAsync(new($"ws://{server.Authority}{pathAndQuery}"), limit.Token);
        _ = Task.Run(device.ReadAsync);
        return device;
    }

    /// <summary>Sends a request and waits for its response.</summary>
    public async Task<JsonElement> CallAsync(string method, string parameters = "{}")
    {
        var id = ++_ids;
        await SendAsync($$"""{"jsonrpc":"2.0","method":"{{method}}","params":{{parameters}},"id":{{id}}}""");
        var response = await NextAsync();
        Assert.Equal(id, response.GetProperty("id").GetInt32());
        return response;
    }

    public Task SendAsync(string message) => SendAsync(Encoding.UTF8.GetBytes(message), WebSocketMessageType.Text);

    public async Task SendAsync(byte[] message, WebSocketMessageType type)
    {
        using var limit = new CancellationTokenSource(Limit);
        await _socket.SendAsync(message, type, endOfMessage: true, limit.Token);
    }

    /// <summary>The next message that is not an offer.</summary>
    public async Task<JsonElement> NextAsync()
    {
        while (true)
        {
            var message = await _messages.Reader.ReadAsync().AsTask().WaitAsync(Limit);
            if (!IsOffer(message))
                return message;
            _offers.Enqueue(message.GetProperty("params"));
        }
    }

    /// <summary>The next offer of the server.</summary>
    public async Task<JsonElement> OfferAsync()
    {
        if (_offers.TryDequeue(out var offer))
            return offer;

        var message = await _messages.Reader.ReadAsync().AsTask().WaitAsync(Limit);
        Assert.True(IsOffer(message), $"Expected an offer, got {message}.");
        return message.GetProperty("params");
    }

    /// <summary>Receives the next offer and answers it.</summary>
    public async Task<JsonElement> TakeOfferAsync()
    {
        var offer = await OfferAsync();
        await AnswerAsync(offer);
        return offer;
    }

    /// <summary>Answers offers until one has exactly these streams.</summary>
    public async Task<JsonElement> TakeOffersUntilAsync(params string[] streamIds)
    {
        while (true)
        {
            var offer = await TakeOfferAsync();
            if (StreamsOf(offer).Order(StringComparer.Ordinal).SequenceEqual(streamIds.Order(StringComparer.Ordinal)))
                return offer;
        }
    }

    public async Task AnswerAsync(JsonElement offer)
    {
        var answer = JsonSerializer.Serialize(TestSdp.Answer(offer.GetProperty("sdpOffer").GetString()!), JsonSerializerOptions.Web);
        var response = await CallAsync("answerSdp", $$"""{"sdpAnswer":{{answer}}}""");
        Assert.True(JsonElement.DeepEquals(JsonElement.Parse("{}"), response.GetProperty("result")), $"{response}");
    }

    /// <summary>Publishes exactly these streams. An alias follows after a colon, for example <c>camera:front</c>.</summary>
    public async Task<JsonElement> PublishAsync(params string[] streams)
    {
        var ids = streams.Select(stream => stream.Split(':')).ToArray();
        var sdp = JsonSerializer.Serialize(TestSdp.Offer(ids.Select(id => id[0])), JsonSerializerOptions.Web);
        var metadata = string.Join(',', ids.Select(id => $"\"{id[0]}\":{(id.Length > 1 ? $$"""{"alias":"{{id[1]}}"}""" : "{}")}"));
        var media = $$"""{"mediaStreams":{ {{metadata}} },"dataChannels":{} }""";
        return await CallAsync("offerSdp", $$"""{"sdpOffer":{{sdp}},"mediaMetadata":{{media}} }""");
    }

    public static IEnumerable<string> StreamsOf(JsonElement offer)
        => offer.GetProperty("streamMetadata").EnumerateObject().Select(stream => stream.Name);

    /// <summary>Closes the connection permanently.</summary>
    public async Task CloseAsync()
    {
        using var limit = new CancellationTokenSource(Limit);
        await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", limit.Token);
    }

    /// <summary>Drops the connection without closing it.</summary>
    public void Abort() => _socket.Abort();

    public ValueTask DisposeAsync()
    {
        _socket.Abort();
        _socket.Dispose();
        return ValueTask.CompletedTask;
    }

    private static bool IsOffer(JsonElement message) => message.TryGetProperty("method", out var method) && method.GetString() == "sdpOffer";

    private async Task ReadAsync()
    {
        try
        {
            var buffer = new byte[1024 * 1024];
            var length = 0;
            while (true)
            {
                var received = await _socket.ReceiveAsync(buffer.AsMemory(length), CancellationToken.None);
                if (received.MessageType == WebSocketMessageType.Close)
                {
                    await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", CancellationToken.None);
                    break;
                }

                length += received.Count;
                if (received.EndOfMessage)
                {
                    _messages.Writer.TryWrite(JsonElement.Parse(buffer.AsSpan(0, length)));
                    length = 0;
                }
            }
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The connection was lost.
        }

        _messages.Writer.TryComplete();
        _closed.TrySetResult(_socket.CloseStatus);
    }
}
