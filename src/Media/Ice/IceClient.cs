using System.Text;
using Sessions.Media.Stun;

namespace Sessions.Media.Ice;

/// <summary>
/// A full ICE agent for a lite peer (RFC 8445). It has the controlling role, checks the flows that were added, nominates the best valid
/// candidate pair (section 8.1.1), and renews the peer's consent (RFC 7675). It neither gathers candidates nor responds to checks, because
/// a lite agent sends none. A flow that is added later and has a higher priority replaces the selected flow once it is valid. Not
/// thread-safe.
/// </summary>
/// <param name="local">The credentials of this side.</param>
/// <param name="remote">The credentials of the lite agent.</param>
/// <param name="random">The source of transaction IDs and jitter.</param>
public sealed class IceClient(IceCredentials local, IceCredentials remote, Random random)
{
    private const int MaxRequestLength = StunMessage.MaxLength;

    /// <summary>The priority of a peer-reflexive candidate (RFC 8445 section 5.1.2).</summary>
    private const uint PeerReflexivePriority = (110u << 24) + (0xFFFFu << 8) + 255;

    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(50); // Ta, RFC 8445 section 14.2
    private static readonly TimeSpan MinRetransmissionTimeout = TimeSpan.FromMilliseconds(500); // RTO, section 14.3
    private static readonly TimeSpan NominationPatience = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan ConsentInterval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan FailureTimeout = IceLite.ConsentLifetime;

    private readonly byte[] _localFragment = Encoding.ASCII.GetBytes(local.UsernameFragment);
    private readonly byte[] _remoteFragment = Encoding.ASCII.GetBytes(remote.UsernameFragment);
    private readonly byte[] _password = Encoding.ASCII.GetBytes(remote.Password);
    private readonly ulong _tieBreaker = (ulong)random.NextInt64();
    private readonly List<CandidatePair> _pairs = []; // best first
    private CandidatePair? _selected;
    private TimeSpan? _started;
    private TimeSpan _nextStart = TimeSpan.MinValue;
    private TimeSpan _nextConsent;
    private TimeSpan _lastConsent;
    private bool _isConfirming;
    private bool _isConfirmed;

    /// <summary>The credentials of this side.</summary>
    public IceCredentials Local => local;

    /// <summary>The flow whose nomination the peer has confirmed.</summary>
    public Flow? Selected => _selected?.Flow;

    /// <summary>When <see cref="Advance"/> is due next, which may be in the past, or null if nothing is left to do.</summary>
    public TimeSpan? Deadline
    {
        get
        {
            var deadline = NominationTime;
            foreach (var pair in _pairs)
            {
                if (pair.IsInProgress)
                    deadline = Earlier(deadline, pair.Due);
            }

            if (NextWaiting is not null)
                deadline = Earlier(deadline, _nextStart);

            return _selected is null ? deadline : Earlier(deadline, _nextConsent);
        }
    }

    private CandidatePair? NextWaiting => _pairs.Find(pair => pair.State == CandidatePairState.Waiting && OutranksSelected(pair));

    /// <summary>The pair to nominate at <see cref="NominationTime"/>.</summary>
    private CandidatePair? Nominee => _pairs.Find(pair => pair.State == CandidatePairState.Valid && OutranksSelected(pair));

    /// <summary>The pair that is being nominated, of which there is at most one.</summary>
    private CandidatePair? Nominating => _pairs.Find(pair => pair.State == CandidatePairState.Nominating);

    /// <summary>When to nominate. If no better pair can still become valid, this is immediately, otherwise after a short wait.</summary>
    private TimeSpan? NominationTime
    {
        get
        {
            // A pair that is being nominated does not delay a better one, because its path may be gone.
            if (Nominee is not { } nominee || Nominating?.Priority >= nominee.Priority)
                return null;

            var mayBecomeBetter = _pairs.Exists(
                pair => pair.Priority > nominee.Priority && pair.State is CandidatePairState.Waiting or CandidatePairState.Checking);
            return mayBecomeBetter ? nominee.ValidSince + NominationPatience : nominee.ValidSince;
        }
    }

    /// <summary>
    /// Whether no flow was selected within 30 s of the first <see cref="Advance"/>, or no response has arrived over the selected flow for
    /// 30 s.
    /// </summary>
    public bool HasFailed(TimeSpan now) => now - (_selected is null ? _started ?? now : _lastConsent) >= FailureTimeout;

    /// <summary>Adds a path to the peer.</summary>
    /// <param name="flow">The flow to one of the peer's candidates.</param>
    /// <param name="priority">The candidate's priority, by which the flows are ordered.</param>
    public void AddFlow(Flow flow, uint priority)
    {
        var index = _pairs.FindIndex(pair => pair.Priority < priority);
        _pairs.Insert(index < 0 ? _pairs.Count : index, new(flow, priority));
    }

    /// <summary>Sends all requests that are due.</summary>
    public void Advance(TimeSpan now, Outbox outbox)
    {
        _started ??= now;
        foreach (var pair in _pairs)
        {
            if (!pair.IsInProgress || pair.Due > now)
                continue;

            if (pair.IsExhausted)
                pair.Fail();
            else
                Send(pair, now, outbox);
        }

        if (_nextStart <= now && NextWaiting is { } waiting)
        {
            Begin(waiting, CandidatePairState.Checking, now, outbox);
            _nextStart = now + Pace;
        }

        if (NominationTime <= now)
        {
            Nominating?.Retract();
            Begin(Nominee!, CandidatePairState.Nominating, now, outbox);
        }

        if (_selected is not null && _nextConsent <= now)
        {
            _isConfirming = !_isConfirmed && Nominating is null;
            Begin(_selected, CandidatePairState.Valid, now, outbox);
            ScheduleConsent(now);
        }
    }

    /// <summary>Processes a message from the peer. Only responses to this agent's own checks over the same flow count.</summary>
    public void Receive(in StunMessage message, Flow flow, TimeSpan now)
    {
        if (!message.IsBinding || message.Class is StunClass.Request or StunClass.Indication)
            return;

        var pair = _pairs.Find(pair => pair.Flow == flow);
        if (pair is null || !message.VerifyFingerprint() || !message.VerifyIntegrity(_password) || !pair.TryEnd(message.TransactionId))
            return;

        if (message.Class == StunClass.SuccessResponse)
            Succeed(pair, now);
        else if (pair.IsInProgress)
            pair.Fail();
    }

    private static TimeSpan Earlier(TimeSpan? one, TimeSpan other) => one < other ? one.Value : other;

    private void Succeed(CandidatePair pair, TimeSpan now)
    {
        if (pair.State == CandidatePairState.Nominating)
        {
            (_selected, _isConfirmed, _isConfirming) = (pair, false, false);
            ScheduleConsent(now);
        }
        else if (pair == _selected && _isConfirming)
        {
            _isConfirmed = true;
        }

        if (pair == _selected)
            _lastConsent = now;

        pair.Succeed(now);
    }

    /// <summary>
    /// Schedules the next consent check after 0.8 to 1.2 times 5 s (RFC 7675 section 5.1). A consent check is not retransmitted.
    /// </summary>
    private void ScheduleConsent(TimeSpan now) => _nextConsent = now + ConsentInterval * (0.8 + 0.4 * random.NextDouble());

    private bool OutranksSelected(CandidatePair pair) => _selected is null || pair.Priority > _selected.Priority;

    private void Begin(CandidatePair pair, CandidatePairState state, TimeSpan now, Outbox outbox)
    {
        var busy = _pairs.Count(other => other.State is CandidatePairState.Waiting or CandidatePairState.Checking);
        pair.Begin(state, busy * Pace > MinRetransmissionTimeout ? busy * Pace : MinRetransmissionTimeout, random);
        Send(pair, now, outbox);
    }

    /// <summary>Sends a Binding request (RFC 8445 section 7.2.2).</summary>
    private void Send(CandidatePair pair, TimeSpan now, Outbox outbox)
    {
        var writer = new StunWriter(outbox.Reserve(MaxRequestLength), StunClass.Request, pair.TransactionId);
        writer.AddUsername(_remoteFragment, _localFragment);
        writer.AddPriority(PeerReflexivePriority);
        writer.AddIceControlling(_tieBreaker);

        // The first consent check repeats the nomination, because a late nomination of another pair may have reached the peer meanwhile.
        if (pair.State == CandidatePairState.Nominating || (pair == _selected && _isConfirming))
            writer.AddUseCandidate();

        writer.AddIntegrity(_password);
        writer.AddFingerprint();
        outbox.Commit(pair.Flow, writer.Length);
        pair.Sent(now);
    }
}
