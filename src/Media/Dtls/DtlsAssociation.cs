using Org.BouncyCastle.Security;
using Org.BouncyCastle.Tls;
using Org.BouncyCastle.Tls.Crypto.Impl.BC;
using Sessions.Media.Negotiation;
using Sessions.Media.Srtp;

namespace Sessions.Media.Dtls;

/// <summary>
/// The DTLS association of one peer (RFC 6347, RFC 5764): datagrams and the time go in, datagrams and in the end the keys of SRTP
/// come out. BouncyCastle's handshake blocks, so it has a thread of its own until it has finished. Safe for several threads.
/// </summary>
internal sealed class DtlsAssociation : IDisposable
{
    /// <summary>
    /// Milliseconds after which BouncyCastle sends a flight again when no datagram came: <see cref="DtlsQueue"/> decides when to say so.
    /// It would be doubled each time, so it is 0; then the wait is <see cref="ShortestWait"/>.
    /// </summary>
    public const int ResendAtOnce = 0;

    /// <summary>The fewest milliseconds that BouncyCastle waits for a datagram.</summary>
    public const int ShortestWait = 1;

    private const int MaxApplicationData = 2048;

    // After the handshake nothing has to come, and a datagram that is not authentic costs BouncyCastle a millisecond.
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

    /// <summary>Starts a handshake. A client sends its first datagram at once.</summary>
    /// <param name="isClient">Whether this end begins.</param>
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

    /// <summary>The keys of what this end sends and of what it receives; null until <see cref="DtlsState.Connected"/>.</summary>
    public (SrtpMasterKey Sending, SrtpMasterKey Receiving)? Keys => _endpoint.Keys;

    /// <summary>When <see cref="Advance"/> has something to do; null for never.</summary>
    public TimeSpan? Deadline => _queue.Deadline;

    private Action? Changed { get; }

    /// <summary>Takes a datagram of the peer.</summary>
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

    /// <summary>Takes a datagram for the peer.</summary>
    public bool TryTake(out byte[]? datagram) => _queue.TryTake(out datagram);

    /// <summary>Waits until the handshake has done all that it can with what it has: for tests in virtual time.</summary>
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
            // Whatever the peer sent: a handshake that failed is nothing but that.
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
    /// After the handshake: an alert ends the association, a repeated last flight is answered, and what a data channel sends is
    /// dropped.
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

/// <summary>How far a DTLS association is.</summary>
internal enum DtlsState
{
    /// <summary>It has no keys yet.</summary>
    Handshaking,

    /// <summary>It has keys.</summary>
    Connected,

    /// <summary>It has ended: refused, given up or closed by the peer.</summary>
    Failed,
}
