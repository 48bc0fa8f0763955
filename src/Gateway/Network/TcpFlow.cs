using System.Diagnostics;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Sessions.Media;
using Sessions.Media.Ice;

namespace Sessions.Gateway.Network;

/// <summary>A peer's TCP connection (RFC 6544) with framed datagrams (RFC 4571). A sender never waits for the peer.</summary>
internal sealed class TcpFlow(IPEndPoint remote, Socket socket) : Flow(remote), IDisposable
{
    // About 0.2 seconds of good video. Above this, no video is sent, so that audio is not delayed.
    private const int Congested = 64 * 1024;
    private const int Full = 4 * Congested;

    private readonly Lock _lock = new();
    private readonly Pipe _pipe = new(new PipeOptions(pauseWriterThreshold: 0, useSynchronizationContext: false));
    private long _waiting;
    private bool _hasEnded;

    public override bool IsTcp => true;

    public override bool IsCongested => Interlocked.Read(ref _waiting) > Congested;

    /// <summary>Queues a datagram. It is dropped if too many are waiting, or if the connection has ended.</summary>
    public void Send(ReadOnlySpan<byte> datagram)
    {
        lock (_lock)
        {
            if (_hasEnded || Interlocked.Read(ref _waiting) > Full)
                return;

            var length = StreamFraming.Write(datagram, _pipe.Writer.GetSpan(StreamFraming.HeaderLength + datagram.Length));
            _pipe.Writer.Advance(length);
            Interlocked.Add(ref _waiting, length);

            // Completes synchronously, because the pipe has no threshold at which a writer would wait.
            var flush = _pipe.Writer.FlushAsync();
            Debug.Assert(flush.IsCompleted, "A pipe without a threshold made its writer wait.");
        }
    }

    /// <summary>Sends until the connection or the flow ends.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var result = await _pipe.Reader.ReadAsync(cancellation);
            foreach (var part in result.Buffer)
            {
                for (var sent = 0; sent < part.Length;)
                    sent += await socket.SendAsync(part[sent..], cancellation);
                Interlocked.Add(ref _waiting, -part.Length);
            }

            _pipe.Reader.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted)
                return;
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _hasEnded = true;
            _pipe.Writer.Complete();
        }

        socket.Dispose();
    }
}
