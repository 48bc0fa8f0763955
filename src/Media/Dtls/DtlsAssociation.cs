using Org.BouncyCastle.Security;
using Org.BouncyCastle.Tls;
using Org.BouncyCastle.Tls.Crypto.Impl.BC;
using Sessions.Media.Negotiation;
using Sessions.Media.Srtp;

namespace Sessions.Media.Dtls;

/// <summary>
/// The DTLS association of one peer (RFC 6347, RFC 5764). Its input is datagrams and the time. Its output is datagrams and finally the SRTP
/// keys. BouncyCastle's handshake blocks, so it runs on its own thread until it has finished. Thread-safe.
/// </summary>
internal sealed class DtlsAssociation : IDisposable
{
    /// <summary>
    /// Milliseconds after which BouncyCastle retransmits a flight if no datagram arrived. BouncyCastle doubles the value each time, so it
    /// is 0, and BouncyCastle then waits for <see cref="ShortestWait"/>. <see cref="DtlsQueue"/> decides when to report the timeout.
    /// </summary>
    public const int ResendAtOnce = 0;

    /// <summary>The shortest time that BouncyCastle waits for a datagram, in milliseconds.</summary>
    public const int ShortestWait = 1;

    private const int MaxApplicationData = 2048;

    // No datagram is needed after the handshake, and each one that is not authentic costs BouncyCastle a millisecond.
    private const int MaxDatagramsPerSecond = 20;

    private static readonly TimeSpan HandshakeTimeout = TimeSpan.FromSeconds(30);

    private readonly Lock _receiving = new();
    private readonly DtlsEndpoint _endpoint;
    private readonly DtlsQueue _queue;
    private readonly TimeSpan _giveUpAt;
    private TimeSpan _countedSince;
    private int _counted;
    private volatile DtlsTransport? _transport;
    private volatile DtlsState _state;

    /// <summary>Starts a handshake. A client sends its first datagram immediately.</summary>
    /// <param name="isClient">Whether this end begins, as the DTLS client.</param>
    /// <param name="certificate">This end's certificate.</param>
    /// <param name="peer">The other end, whose certificate must have one of its fingerprints.</param>
    /// <param name="now">The time.</param>
    /// <param name="changed">Called from the handshake's thread when there is something to send or the state has changed.</param>
    public DtlsAssociation(
        bool isClient, DtlsCertificate certificate, RemoteTransport peer, TimeSpan now, Action? changed = null)
    {
        _endpoint = new(certificate, peer, isClient);
        _queue = new(isClient, now) { Sent = changed };
        _giveUpAt = now + HandshakeTimeout;
        Changed = changed;
        var thread = new Thread(() => Run(isClient), maxStackSize: 256 * 1024) { IsBackground = true, Name = "DTLS handshake" };
        thread.Start();
    }

    public DtlsState State => _state;

    /// <summary>The SRTP keys for sending and for receiving. Null until <see cref="DtlsState.Connected"/>.</summary>
    public (SrtpMasterKey Sending, SrtpMasterKey Receiving)? Keys => _endpoint.Keys;

    /// <summary>When <see cref="Advance"/> is due next, or null for never.</summary>
    public TimeSpan? Deadline => _queue.Deadline;

    private Action? Changed { get; }

    /// <summary>Processes a datagram from the peer.</summary>
    public void Receive(ReadOnlySpan<byte> datagram, TimeSpan now)
    {
        if (_transport is not { } transport)
        {
            _queue.Receive(datagram, now);
            return;
        }

        lock (_receiving)
        {
            if (!IsTooMuch(now))
            {
                _queue.Receive(datagram, now);
                ReadRecords(transport);
            }
        }
    }

    public void Advance(TimeSpan now)
    {
        if (_state == DtlsState.Handshaking && now >= _giveUpAt)
            Fail();
        else
            _queue.Advance(now);
    }

    /// <summary>Takes the next datagram to send to the peer.</summary>
    public bool TryTake(out byte[]? datagram) => _queue.TryTake(out datagram);

    /// <summary>Waits until the handshake has processed all datagrams and needs another one. For tests in virtual time.</summary>
    public void WaitUntilIdle() => _queue.WaitUntilIdle();

    public void Dispose() => Fail();

    private void Run(bool isClient)
    {
        try
        {
            var crypto = new BcTlsCrypto(new SecureRandom());
            _transport = isClient
                ? new DtlsClientProtocol().Connect(new DtlsClient(crypto, _endpoint), _queue)
                : new DtlsServerProtocol().Accept(new DtlsServer(crypto, _endpoint), _queue);
            _state = DtlsState.Connected;
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // Any input from the peer can only make the handshake fail.
            Fail();
        }

        _queue.EndHandshake();
        Changed?.Invoke();
    }

    private bool IsTooMuch(TimeSpan now)
    {
        if (now - _countedSince >= TimeSpan.FromSeconds(1))
            (_countedSince, _counted) = (now, 0);
        return ++_counted > MaxDatagramsPerSecond;
    }

    /// <summary>
    /// Reads a record after the handshake. An alert ends the association, BouncyCastle responds to a repeated last flight, and data of a
    /// data channel are dropped.
    /// </summary>
    private void ReadRecords(DtlsTransport transport)
    {
        Span<byte> data = stackalloc byte[MaxApplicationData];
        try
        {
            transport.Receive(data, ShortestWait);
        }
        catch (Exception exception) when (exception is IOException or InvalidOperationException or ArgumentException)
        {
            Fail();
        }
    }

    private void Fail()
    {
        _state = DtlsState.Failed;
        _queue.Close();
    }
}

/// <summary>The state of a DTLS association.</summary>
internal enum DtlsState
{
    /// <summary>It has no keys yet.</summary>
    Handshaking,

    /// <summary>It has keys.</summary>
    Connected,

    /// <summary>It has ended because it was refused, timed out or was closed by the peer.</summary>
    Failed,
}
