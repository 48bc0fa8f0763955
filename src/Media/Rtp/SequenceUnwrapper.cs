using Sessions.Media.Srtp;

namespace Sessions.Media.Rtp;

/// <summary>Extends sequence numbers of 16 bits beyond their wrap (RFC 3550 section A.1).</summary>
public struct SequenceUnwrapper
{
    private long _highest;
    private bool _hasStarted;

    /// <summary>
    /// The extended number that is nearest to the highest one so far. The first number stays as it is; one from before it may be
    /// negative.
    /// </summary>
    public long Unwrap(ushort sequenceNumber)
    {
        if (!_hasStarted)
        {
            _hasStarted = true;
            return _highest = sequenceNumber;
        }

        // As SRTP tells it: the two must not differ about any number.
        var extended = PacketIndex.Estimate(_highest, sequenceNumber);
        _highest = Math.Max(_highest, extended);
        return extended;
    }
}
