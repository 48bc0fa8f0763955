namespace Sessions.Media.Sdp;

/// <summary>
/// A section of a session description, which is an m= line and the lines below it (RFC 8866, section 5.14, and RFC 8829, section 5).
/// Attributes of the session level that apply to the section are included.
/// </summary>
public sealed record MediaDescription
{
    /// <summary>The media type of the m= line, for example <c>audio</c>.</summary>
    public required string Type { get; init; }

    /// <summary>The port. Zero rejects or stops the section unless it is <see cref="IsBundleOnly"/>.</summary>
    public required int Port { get; init; }

    /// <summary>The transport protocol, for example <c>UDP/TLS/RTP/SAVPF</c>.</summary>
    public required string Protocol { get; init; }

    /// <summary>The formats of the m= line, which are payload types or <c>webrtc-datachannel</c>.</summary>
    public required IReadOnlyList<string> Formats { get; init; }

    /// <summary>The section's identification (RFC 5888, section 4).</summary>
    public string? Mid { get; init; }

    /// <summary>The direction of the media.</summary>
    public Direction Direction { get; init; }

    /// <summary>Whether a port of zero only means that the section depends on its bundle (RFC 8843, section 6).</summary>
    public bool IsBundleOnly { get; init; }

    /// <summary>The formats that have an <c>a=rtpmap</c>, in the order of the m= line.</summary>
    public IReadOnlyList<Codec> Codecs { get; init; } = [];

    /// <summary>The stream and track (RFC 8830, section 2).</summary>
    public Msid? Msid { get; init; }

    /// <summary>The RTP sources (RFC 5576, section 4.1), each once.</summary>
    public IReadOnlyList<MediaSource> Sources { get; init; } = [];

    /// <summary>The groups of RTP sources (RFC 5576, section 4.2).</summary>
    public IReadOnlyList<SourceGroup> SourceGroups { get; init; } = [];

    /// <summary>The ICE user name fragment (RFC 8839, section 5.4).</summary>
    public string? UsernameFragment { get; init; }

    /// <summary>The ICE password (RFC 8839, section 5.4).</summary>
    public string? Password { get; init; }

    /// <summary>The ICE options (RFC 8839, section 5.6).</summary>
    public string? IceOptions { get; init; }

    /// <summary>The candidates (RFC 8839, section 5.1), each without <c>a=candidate:</c>.</summary>
    public IReadOnlyList<string> Candidates { get; init; } = [];

    /// <summary>Whether no candidates follow (RFC 8840, section 8.2).</summary>
    public bool IsEndOfCandidates { get; init; }

    /// <summary>The fingerprints of the DTLS certificates (RFC 8122, section 5).</summary>
    public IReadOnlyList<Fingerprint> Fingerprints { get; init; } = [];

    /// <summary>The end that starts the DTLS handshake (RFC 8842, section 5).</summary>
    public DtlsSetup? Setup { get; init; }

    /// <summary>Whether RTP and RTCP share a port (RFC 5761, section 5.1.1).</summary>
    public bool IsRtcpMux { get; init; }

    /// <summary>Whether RTCP packets need not be compound (RFC 5506, section 5).</summary>
    public bool IsRtcpReducedSize { get; init; }

    /// <summary>The RTP header extensions (RFC 8285, section 5).</summary>
    public IReadOnlyList<HeaderExtension> HeaderExtensions { get; init; } = [];

    /// <summary>The SCTP port of the data channels (RFC 8841, section 5).</summary>
    public int? SctpPort { get; init; }

    /// <summary>The largest message of a data channel, in bytes (RFC 8841, section 6). Zero means any length.</summary>
    public ulong? MaxMessageSize { get; init; }

    /// <summary>The kind of media, or null if the section is neither audio nor video.</summary>
    public MediaKind? Kind => Type switch { "audio" => MediaKind.Audio, "video" => MediaKind.Video, _ => null };

    /// <summary>Whether the section is rejected in an answer, or stopped in an offer (RFC 3264, sections 6 and 8.2).</summary>
    public bool IsRejected => Port == 0 && !IsBundleOnly;

    /// <summary>Whether the description's author sends.</summary>
    public bool IsSending => !IsRejected && Direction is Direction.SendRecv or Direction.SendOnly;

    /// <summary>Whether the description's author receives.</summary>
    public bool IsReceiving => !IsRejected && Direction is Direction.SendRecv or Direction.RecvOnly;
}

/// <summary>The value of <c>a=msid</c> (RFC 8830, section 2), as in the browser's SDP. Firefox puts both ids in braces.</summary>
/// <param name="StreamId">The id of the MediaStream, or <c>-</c> for none.</param>
/// <param name="TrackId">The id of the track, which may be left out.</param>
public sealed record Msid(string StreamId, string? TrackId);

/// <summary>An RTP source of a section (RFC 5576, sections 4.1 and 6.1).</summary>
/// <param name="Ssrc">The synchronization source identifier.</param>
/// <param name="Cname">The canonical name, if it is given.</param>
public sealed record MediaSource(uint Ssrc, string? Cname);

/// <summary>RTP sources that belong together (RFC 5576, section 4.2).</summary>
/// <param name="Semantics">How they belong together. <c>FID</c> is a source and its retransmissions.</param>
/// <param name="Ssrcs">The sources.</param>
public sealed record SourceGroup(string Semantics, IReadOnlyList<uint> Ssrcs);

/// <summary>An RTP header extension (RFC 8285, section 5).</summary>
/// <param name="Id">The identifier, 1 to 14 or, in two-byte headers, up to 255.</param>
/// <param name="Direction">The direction, if it differs from the section's.</param>
/// <param name="Uri">The extension and its attributes.</param>
public sealed record HeaderExtension(int Id, string? Direction, string Uri);
