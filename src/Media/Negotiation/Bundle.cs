using System.Globalization;
using Sessions.Media.Sdp;

namespace Sessions.Media.Negotiation;

/// <summary>The bundled sections of the peer's description and the transport that they share (RFC 8843, sections 7 and 9).</summary>
internal sealed class Bundle
{
    /// <summary>The port in the m= line of a section whose address is given by its candidates (RFC 8829, section 4.1.14).</summary>
    public const int Port = 9;

    private readonly HashSet<string> _mids;

    private Bundle(HashSet<string> mids, string? taggedMid, RemoteTransport? remote, string? error)
    {
        TaggedMid = taggedMid;
        _mids = mids;
        Remote = remote;
        Error = error;
    }

    /// <summary>
    /// The mid of the first bundled section that is not rejected. All bundled sections use its transport. Null if there is none.
    /// </summary>
    public string? TaggedMid { get; }

    /// <summary>The peer's transport. Null if all sections are rejected, or there is an <see cref="Error"/>.</summary>
    public RemoteTransport? Remote { get; }

    /// <summary>The error if the description lacks something, or null.</summary>
    public string? Error { get; }

    /// <summary>The bundle of a description.</summary>
    public static Bundle Of(SessionDescription description)
    {
        var live = description.Sections.Where(section => !section.IsRejected && section.Mid is not null).ToDictionary(section => section.Mid!);
        var tagged = description.Bundle?.FirstOrDefault(live.ContainsKey);
        if (tagged is null)
        {
            return new([], null, null, description.Sections.All(section => section.IsRejected)
                ? null
                : "There is no a=group:BUNDLE with a section that is not rejected.");
        }

        var remote = RemoteTransport.Read(live[tagged], out var error);
        return new([.. description.Bundle!.Where(live.ContainsKey)], tagged, remote, error);
    }

    /// <summary>Whether a section of the description is bundled and not rejected.</summary>
    public bool Contains(MediaDescription section) => section.Mid is { } mid && _mids.Contains(mid);

    /// <summary>Whether the section's protocol means RTP over DTLS and ICE (RFC 8829, section 5.1.2).</summary>
    public static bool IsRtp(MediaDescription section)
        => section.Protocol is "UDP/TLS/RTP/SAVPF" or "TCP/TLS/RTP/SAVPF" or "UDP/TLS/RTP/SAVP" or "TCP/TLS/RTP/SAVP" or "RTP/SAVPF" or "RTP/SAVP";
}

/// <summary>Converts codecs to the formats of an m= line.</summary>
internal static class CodecFormats
{
    /// <summary>The payload types in the form of the m= line.</summary>
    public static IReadOnlyList<string> ToFormats(this IReadOnlyList<Codec> codecs)
        => [.. codecs.Select(codec => codec.PayloadType.ToString(CultureInfo.InvariantCulture))];
}
