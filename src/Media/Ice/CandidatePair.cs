using Sessions.Media.Stun;

namespace Sessions.Media.Ice;

/// <summary>The state of a candidate pair (RFC 8445 section 6.1.2.6), with an additional state for the nominating check.</summary>
internal enum CandidatePairState
{
    Waiting,
    Checking,
    Valid,
    Nominating,
    Failed,
}

/// <summary>A candidate pair, with its STUN transaction and the times of its retransmissions (RFC 8489 section 6.2).</summary>
internal sealed class CandidatePair(Flow flow, uint priority)
{
    private const int MaxRequests = 7;
    private const int LastWaitFactor = 16;
    private static readonly TimeSpan TcpTimeout = TimeSpan.FromSeconds(39.5);

    private readonly byte[] _transactionId = new byte[StunMessage.TransactionIdLength];
    private TimeSpan _retransmissionTimeout;
    private bool _isOutstanding;
    private int _sent;

    public Flow Flow => flow;

    public uint Priority => priority;

    public CandidatePairState State { get; private set; }

    /// <summary>When <see cref="State"/> first became valid.</summary>
    public TimeSpan ValidSince { get; private set; }

    /// <summary>When the request is retransmitted or, if <see cref="IsExhausted"/>, given up.</summary>
    public TimeSpan Due { get; private set; }

    public bool IsInProgress => State is CandidatePairState.Checking or CandidatePairState.Nominating;

    public bool IsExhausted => flow.IsTcp || _sent == MaxRequests;

    public ReadOnlySpan<byte> TransactionId => _transactionId;

    /// <summary>
    /// Begins a transaction. The caller sends the request and calls <see cref="Sent"/>, now and whenever the request is due.
    /// </summary>
    public void Begin(CandidatePairState state, TimeSpan retransmissionTimeout, Random random)
    {
        State = state;
        _retransmissionTimeout = retransmissionTimeout;
        _isOutstanding = true;
        _sent = 0;
        random.NextBytes(_transactionId);
    }

    public void Sent(TimeSpan now)
    {
        _sent++;
        Due = now + (flow.IsTcp ? TcpTimeout : _retransmissionTimeout * (_sent < MaxRequests ? 1 << (_sent - 1) : LastWaitFactor));
    }

    /// <summary>Ends the transaction that a response belongs to. False if there is none, or the response is a duplicate.</summary>
    public bool TryEnd(ReadOnlySpan<byte> transactionId)
    {
        if (!_isOutstanding || !transactionId.SequenceEqual(_transactionId))
            return false;

        _isOutstanding = false;
        return true;
    }

    public void Succeed(TimeSpan now)
    {
        if (State == CandidatePairState.Checking)
            ValidSince = now;

        State = CandidatePairState.Valid;
    }

    /// <summary>Ends the nomination, so that the pair can be nominated again later.</summary>
    public void Retract()
    {
        State = CandidatePairState.Valid;
        _isOutstanding = false;
    }

    public void Fail()
    {
        State = CandidatePairState.Failed;
        _isOutstanding = false;
    }
}
