namespace Sessions.Media.Rtp;

/// <summary>The types of RTCP packets that are read or written here (RFC 3550 section 12.1, RFC 4585 section 6.1).</summary>
public static class RtcpType
{
    /// <summary>Sender report (RFC 3550 section 6.4.1).</summary>
    public const byte SenderReport = 200;

    /// <summary>Receiver report (RFC 3550 section 6.4.2).</summary>
    public const byte ReceiverReport = 201;

    /// <summary>Source description (RFC 3550 section 6.5).</summary>
    public const byte SourceDescription = 202;

    /// <summary>Goodbye (RFC 3550 section 6.6).</summary>
    public const byte Goodbye = 203;

    /// <summary>Feedback of the transport layer (RFC 4585 section 6.2).</summary>
    public const byte TransportFeedback = 205;

    /// <summary>Feedback that depends on the payload (RFC 4585 section 6.3).</summary>
    public const byte PayloadFeedback = 206;

    /// <summary>Generic NACK, a format of <see cref="TransportFeedback"/> (RFC 4585 section 6.2.1).</summary>
    internal const byte NackFormat = 1;

    /// <summary>Picture loss indication, a format of <see cref="PayloadFeedback"/> (RFC 4585 section 6.3.1).</summary>
    internal const byte PliFormat = 1;

    /// <summary>Full intra request, a format of <see cref="PayloadFeedback"/> (RFC 5104 section 4.3.1).</summary>
    internal const byte FirFormat = 4;

    /// <summary>Application layer feedback, a format of <see cref="PayloadFeedback"/> (RFC 4585 section 6.4).</summary>
    internal const byte ApplicationFormat = 15;

    /// <summary>"REMB", which begins the bandwidth estimate of a receiver (draft-alvestrand-rmcat-remb-03 section 2.2).</summary>
    internal static ReadOnlySpan<byte> RembName => "REMB"u8;
}
