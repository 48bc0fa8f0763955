using Sessions.Media.Srtp;

namespace Sessions.Media.Rtp;

/// <summary>Extends 16-bit sequence numbers beyond their wrap (RFC 3550 section A.1).</summary>
public struct SequenceUnwrapper
{
    private long _highest;
    private bool _hasStarted;

    /// <summary>
    /// The extended number nearest to the highest one so far. The first number stays unchanged, and an earlier number may be negative.
    /// </summary>
    public long Unwrap(ushort sequenceNumber)
    {
        if (!_hasStarted)
        {
            _hasStarted = true;
            return _highest = sequenceNumber;
        }

        // Uses the same estimate as SRTP, because the two must agree on every number.
        var extended = PacketIndex.Estimate(_highest, sequenceNumber);
        _highest = Math.Max(_highest, extended);
        return extended;
    }
}
