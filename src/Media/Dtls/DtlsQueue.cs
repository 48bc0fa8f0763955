using Org.BouncyCastle.Tls;

namespace Sessions.Media.Dtls;

/// <summary>
/// The queue between the state machine, which never blocks, and BouncyCastle's handshake, which blocks its thread until the next datagram.
/// Retransmission (RFC 6347, section 4.2.4) follows the time that the state machine is given, so tests control it. The handshake
/// retransmits whenever a receive reports that no datagram arrived in time.
/// </summary>
internal sealed class DtlsQueue(bool isClient, TimeSpan now) : DatagramTransport
{
    /// <summary>The largest record. With IP, UDP and DTLS headers it fits the minimum MTU of IPv6, 1,280 bytes.</summary>
    private const int MaxDatagram = 1200;

    private const int MaxReceived = 2048;

    // BouncyCastle reads a clock in milliseconds. After this many waits of one millisecond it has noticed the timeout.
    private const int WaitsUntilNoticed = 3;

    // Shorter than the second that RFC 6347 proposes, as in WebRTC. A call should not wait a second for one lost datagram.
    private static readonly TimeSpan FirstRetransmission = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    private readonly object _gate = new();
    private readonly Queue<byte[]> _received = [];
    private readonly Queue<byte[]> _sent = [];
    private TimeSpan _now = now;
    private TimeSpan _pause = FirstRetransmission;
    private TimeSpan _retransmitAt = now + FirstRetransmission;
    private ClientFlight _clientFlight;
    private SentFlights _sentFlights;
    private int _waits;
    private bool _mayRepeat;
    private bool _isWaiting;
    private bool _isHandshaking = true;
    private bool _isClosed;

    /// <summary>Called when there is something to send. The caller holds no lock.</summary>
    public Action? Sent { get; init; }

    /// <summary>When the handshake retransmits its last flight, or null after the handshake.</summary>
    public TimeSpan? Deadline
    {
        get
        {
            lock (_gate)
                return _isHandshaking && !_isClosed ? _retransmitAt : null;
        }
    }

    /// <summary>Queues a datagram from the peer. Datagrams beyond the number that a handshake can need are dropped.</summary>
    public void Receive(ReadOnlySpan<byte> datagram, TimeSpan now)
    {
        const int MaxWaiting = 64;

        lock (_gate)
        {
            _now = now;
            if (_received.Count < MaxWaiting)
                _received.Enqueue(datagram.ToArray());
            Monitor.PulseAll(_gate);
        }
    }

    public void Advance(TimeSpan now)
    {
        lock (_gate)
        {
            _now = now;
            if (now >= _retransmitAt)
                Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Takes the next datagram to send to the peer.</summary>
    public bool TryTake(out byte[]? datagram)
    {
        lock (_gate)
            return _sent.TryDequeue(out datagram);
    }

    /// <summary>Ends the handshake. A receive no longer blocks, because its caller has queued a datagram first.</summary>
    public void EndHandshake()
    {
        lock (_gate)
        {
            _isHandshaking = false;
            Monitor.PulseAll(_gate);
        }
    }

    public void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Waits until the handshake has processed all datagrams and needs another one. For tests in virtual time.</summary>
    public void WaitUntilIdle()
    {
        lock (_gate)
        {
            while (_isHandshaking && !_isClosed && !(_isWaiting && _received.Count == 0 && _now < _retransmitAt))
                Monitor.Wait(_gate);
        }
    }

    int DatagramReceiver.GetReceiveLimit() => MaxReceived;

    int DatagramSender.GetSendLimit() => MaxDatagram;

    int DatagramReceiver.Receive(byte[] buf, int off, int len, int waitMillis) => Take(buf.AsSpan(off, len));

    int DatagramReceiver.Receive(Span<byte> buffer, int waitMillis) => Take(buffer);

    void DatagramSender.Send(byte[] buf, int off, int len) => Put(buf.AsSpan(off, len));

    void DatagramSender.Send(ReadOnlySpan<byte> buffer) => Put(buffer);

    private int Take(Span<byte> buffer)
    {
        lock (_gate)
        {
            while (true)
            {
                if (_isClosed)
                    throw new TlsFatalAlert(AlertDescription.user_canceled);
                if (_received.TryDequeue(out var datagram))
                {
                    _mayRepeat = false;
                    var taken = isClient || !_isHandshaking ? datagram : _clientFlight.Take(datagram);
                    if (taken.IsEmpty && _isHandshaking)
                        continue;

                    taken = taken[..Math.Min(taken.Length, buffer.Length)];
                    taken.CopyTo(buffer);
                    return taken.Length;
                }

                if (!_isHandshaking || IsTimedOut())
                    return -1;

                _isWaiting = true;
                Monitor.PulseAll(_gate);
                Monitor.Wait(_gate);
                _isWaiting = false;
            }
        }
    }

    /// <summary>
    /// Whether to report that no datagram arrived in time. The timeout is postponed once the handshake has retransmitted. If it has nothing
    /// to retransmit, the timeout is postponed after enough waits for BouncyCastle to have noticed it.
    /// </summary>
    private bool IsTimedOut()
    {
        _mayRepeat = _now >= _retransmitAt;
        if (!_mayRepeat)
            return false;

        if (_waits++ < WaitsUntilNoticed)
        {
            Monitor.Wait(_gate, DtlsAssociation.ShortestWait);
            return _received.Count == 0;
        }

        Postpone();
        return false;
    }

    private void Postpone()
    {
        _pause = _now >= _retransmitAt ? Min(_pause * 2, LongestPause) : _pause;
        _retransmitAt = _now + _pause;
        _waits = 0;
    }

    private void Put(ReadOnlySpan<byte> datagram)
    {
        lock (_gate)
        {
            if (_sentFlights.IsRepeated(datagram) && _isHandshaking && !_mayRepeat)
                return;

            _sent.Enqueue(datagram.ToArray());
            Postpone();
        }

        Sent?.Invoke();
    }

    private static TimeSpan Min(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
