using Org.BouncyCastle.Tls;

namespace Sessions.Media.Dtls;

/// <summary>
/// Between the state machine, which is never blocked, and BouncyCastle's handshake, which blocks its thread until the next
/// datagram. Retransmission (RFC 6347, section 4.2.4) goes by the time that the state machine is given, so that tests decide it:
/// the handshake itself asks for a retransmission whenever a receive reports that no datagram came in time.
/// </summary>
internal sealed class DtlsQueue(bool isClient, TimeSpan now) : DatagramTransport
{
    /// <summary>The largest record: with IP, UDP and DTLS headers it fits the least MTU of IPv6, 1,280 bytes.</summary>
    private const int MaxDatagram = 1200;

    private const int MaxReceived = 2048;

    // BouncyCastle looks at a clock of milliseconds: after as many waits of one it has noticed that the time is over.
    private const int WaitsUntilNoticed = 3;

    // Chosen below the second that RFC 6347 proposes, as WebRTC does: a call should not wait a second for one lost datagram.
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

    /// <summary>Called, without a lock held, when there is something to send.</summary>
    public Action? Sent { get; init; }

    /// <summary>When the handshake sends its last datagrams again; null when it is over.</summary>
    public TimeSpan? Deadline
    {
        get
        {
            lock (_gate)
                return _isHandshaking && !_isClosed ? _retransmitAt : null;
        }
    }

    /// <summary>Hands over a datagram from the peer. More than a handshake can need are dropped.</summary>
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

    /// <summary>Takes a datagram for the peer.</summary>
    public bool TryTake(out byte[]? datagram)
    {
        lock (_gate)
            return _sent.TryDequeue(out datagram);
    }

    /// <summary>From now on a receive does not wait: who calls it has put a datagram in.</summary>
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

    /// <summary>Waits until the handshake has done all that it can with what it has: for tests in virtual time.</summary>
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
    /// Whether to say that no datagram came in time. The time is another once something was sent, and else, as there is nothing to
    /// send again, once the handshake must have noticed.
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
