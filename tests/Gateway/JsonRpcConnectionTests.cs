using System.Net.WebSockets;
using Microsoft.Extensions.Logging.Abstractions;
using Sessions.Gateway;

namespace Sessions.Tests.Gateway;

/// <summary>Devices that do not respond.</summary>
public sealed class JsonRpcConnectionTests
{
    private static readonly ReadOnlyMemory<byte> Message = "{}"u8.ToArray();

    [Fact]
    public async Task A_device_that_does_not_read_is_disconnected_when_its_queue_is_full()
    {
        using var socket = new DeafSocket();
        var limits = new Limits { QueuedMessages = 8 };
        var connection = new JsonRpcConnection(socket, limits, TimeProvider.System, NullLogger.Instance);
        var running = connection.RunAsync(_ => JsonRpcReply.Empty);

        // One more message is being sent.
        for (var message = 0; message < limits.QueuedMessages + 2; message++)
            connection.Send(Message);

        await running.WaitAsync(TestDevice.Limit);
    }

    [Fact]
    public async Task A_device_that_neither_reads_nor_closes_is_disconnected_after_5_seconds()
    {
        using var socket = new DeafSocket();
        var connection = new JsonRpcConnection(socket, new(), TimeProvider.System, NullLogger.Instance);
        var running = connection.RunAsync(_ => JsonRpcReply.Empty);

        connection.Send(Message);
        connection.Close(WebSocketCloseStatus.NormalClosure, "");

        await running.WaitAsync(TestDevice.Limit);
    }

    /// <summary>Sends and receives nothing until it is aborted.</summary>
    private sealed class DeafSocket : WebSocket
    {
        public override WebSocketCloseStatus? CloseStatus => null;

        public override string? CloseStatusDescription => null;

        public override WebSocketState State => WebSocketState.Open;

        public override string? SubProtocol => null;

        public override void Abort()
        {
        }

        public override Task CloseAsync(WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken)
            => Task.Delay(Timeout.Infinite, cancellationToken);

        public override Task CloseOutputAsync(WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken)
            => Task.Delay(Timeout.Infinite, cancellationToken);

        public override void Dispose()
        {
        }

        public override async Task<WebSocketReceiveResult> ReceiveAsync(ArraySegment<byte> buffer, CancellationToken cancellationToken)
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
            throw new InvalidOperationException();
        }

        public override Task SendAsync(ArraySegment<byte> buffer, WebSocketMessageType messageType, bool endOfMessage, CancellationToken cancellationToken)
            => Task.Delay(Timeout.Infinite, cancellationToken);
    }
}
