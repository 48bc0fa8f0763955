using System.Diagnostics.CodeAnalysis;
using System.Net.WebSockets;
using System.Threading.Channels;

namespace Sessions.Gateway;

/// <summary>
/// JSON-RPC 2.0 over the text frames of a WebSocket. Requests are handled one after the other. Messages to the device wait in a bounded
/// queue, and a device that does not read them loses its connection.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "The source of cancellation has no wait handle, and its timer ends by itself.")]
internal sealed partial class JsonRpcConnection(WebSocket socket, Limits limits, TimeProvider time, ILogger logger)
{
    /// <summary>
    /// The service restarts, and the client should try again (https://www.iana.org/assignments/websocket/websocket.xhtml).
    /// </summary>
    public const WebSocketCloseStatus ServiceRestart = (WebSocketCloseStatus)1012;

    /// <summary>The client should try again later (same source).</summary>
    public const WebSocketCloseStatus TryAgainLater = (WebSocketCloseStatus)1013;

    private const int FirstBufferBytes = 4 * 1024;

    // Shorter than the host's shutdown timeout, which is 30 seconds.
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _end = new(Timeout.InfiniteTimeSpan, time);
    private readonly Channel<ReadOnlyMemory<byte>> _outgoing = Channel.CreateBounded<ReadOnlyMemory<byte>>(
        new BoundedChannelOptions(limits.QueuedMessages) { SingleReader = true });

    private Closing? _closing;

    /// <summary>Whether the device closed the connection with 1000, and the gateway had not closed it before.</summary>
    public bool IsClosedByDevice { get; private set; }

    /// <summary>Reads and handles requests until the connection ends.</summary>
    public async Task RunAsync(Func<JsonRpcRequest, JsonRpcReply> handle)
    {
        var writing = WriteAsync();
        try
        {
            await ReadAsync(handle);
        }
        catch (Exception exception) when (IsEnd(exception))
        {
            // The device disconnected, or the time to close has run out.
        }
        finally
        {
            Close(WebSocketCloseStatus.NormalClosure, "");
            await writing;
        }
    }

    /// <summary>Queues a message after those that are already waiting.</summary>
    public void Send(ReadOnlyMemory<byte> message)
    {
        if (_outgoing.Writer.TryWrite(message) || Volatile.Read(ref _closing) is not null)
            return;

        LogDoesNotRead();
        _ = _end.CancelAsync();
    }

    /// <summary>Closes the connection after the queued messages. Only the first call takes effect.</summary>
    public void Close(WebSocketCloseStatus status, string reason)
    {
        if (Interlocked.CompareExchange(ref _closing, new(status, reason), null) is not null)
            return;

        _outgoing.Writer.TryComplete();
        _end.CancelAfter(CloseTimeout);
    }

    private async Task ReadAsync(Func<JsonRpcRequest, JsonRpcReply> handle)
    {
        var buffer = new byte[FirstBufferBytes];
        var length = 0;
        while (true)
        {
            var received = await socket.ReceiveAsync(buffer.AsMemory(length), _end.Token);
            if (received.MessageType == WebSocketMessageType.Close)
            {
                IsClosedByDevice = Volatile.Read(ref _closing) is null && socket.CloseStatus == WebSocketCloseStatus.NormalClosure;
                return;
            }

            length += received.Count;
            if (Volatile.Read(ref _closing) is not null)
                length = 0;
            else if (received.MessageType == WebSocketMessageType.Binary)
                Close(WebSocketCloseStatus.InvalidMessageType, "Expected a text message.");
            else if (length > limits.MessageBytes)
                Close(WebSocketCloseStatus.MessageTooBig, "The message is too long.");
            else if (received.EndOfMessage)
            {
                Answer(buffer.AsSpan(0, length), handle);
                length = 0;
            }
            else if (length == buffer.Length)
                Array.Resize(ref buffer, Math.Min(2 * length, limits.MessageBytes + 1));
        }
    }

    private void Answer(ReadOnlySpan<byte> message, Func<JsonRpcRequest, JsonRpcReply> handle)
    {
        var request = JsonRpcRequest.Read(message, out var failure);
        if (failure is { } reply)
            Send(reply);
        if (request is null)
            return;

        var answer = Handle(request, handle);
        if (request.Id is not null)
            Send(answer.Write(request.Id));
    }

    // Every call gets a response, because clients have no timeout and would wait forever.
    private JsonRpcReply Handle(JsonRpcRequest request, Func<JsonRpcRequest, JsonRpcReply> handle)
    {
        try
        {
            return handle(request);
        }
        catch (Exception exception)
        {
            LogFailed(exception);
            return JsonRpcReply.Fail(JsonRpcReply.InternalError, "The request failed.");
        }
    }

    private async Task WriteAsync()
    {
        try
        {
            await foreach (var message in _outgoing.Reader.ReadAllAsync(_end.Token))
                await socket.SendAsync(message, WebSocketMessageType.Text, endOfMessage: true, _end.Token);
            await socket.CloseOutputAsync(_closing!.Status, _closing.Reason, _end.Token);
        }
        catch (Exception exception) when (IsEnd(exception))
        {
            await _end.CancelAsync();
        }
    }

    private static bool IsEnd(Exception exception)
        => exception is WebSocketException or OperationCanceledException or IOException or ObjectDisposedException;

    [LoggerMessage(20, LogLevel.Information, "A device does not read its messages. Its connection is closed.")]
    private partial void LogDoesNotRead();

    [LoggerMessage(21, LogLevel.Error, "A request of a device failed.")]
    private partial void LogFailed(Exception exception);

    private sealed record Closing(WebSocketCloseStatus Status, string Reason);
}
