namespace Sessions.Media.Rtp;

/// <summary>The protocol of a datagram, among those that share one port (RFC 7983 section 7).</summary>
public enum PacketKind
{
    /// <summary>None of the others.</summary>
    Unknown,

    /// <summary>STUN (RFC 8489).</summary>
    Stun,

    /// <summary>DTLS (RFC 6347, RFC 9147).</summary>
    Dtls,

    /// <summary>RTP or SRTP.</summary>
    Rtp,

    /// <summary>RTCP or SRTCP.</summary>
    Rtcp,
}

/// <summary>Determines the kind of a datagram.</summary>
public static class PacketKinds
{
    extension(PacketKind)
    {
        /// <summary>
        /// The kind of a datagram by its first byte (RFC 7983 section 7). The second byte separates RTP from RTCP (RFC 5761 section 4). No
        /// other bytes are read.
        /// </summary>
        public static PacketKind Of(ReadOnlySpan<byte> datagram)
        {
            if (datagram.Length < 2)
                return PacketKind.Unknown;

            return datagram[0] switch
            {
                <= 3 => PacketKind.Stun,
                >= 20 and <= 63 => PacketKind.Dtls,
                >= 128 and <= 191 => datagram[1] is >= 192 and <= 223 ? PacketKind.Rtcp : PacketKind.Rtp,
                _ => PacketKind.Unknown,
            };
        }
    }
}
