using System.Diagnostics.CodeAnalysis;

namespace Sessions.Media.Sdp;

/// <summary>
/// An offer or answer (RFC 8866, RFC 3264) with the attributes that WebRTC uses (RFC 8829). Other attributes are ignored when it is
/// read.
/// </summary>
public sealed record SessionDescription
{
    /// <summary>The longest description that is read, in characters.</summary>
    public const int MaxLength = 128 * 1024;

    /// <summary>The most sections of a description that is read.</summary>
    public const int MaxSections = 200;

    /// <summary>The session's id in the o= line (RFC 8866, section 5.2).</summary>
    public required ulong Id { get; init; }

    /// <summary>The version of the description in the o= line, which increases with each change.</summary>
    public required ulong Version { get; init; }

    /// <summary>
    /// The mids of the bundled sections (RFC 8843, section 7), or null if there is no bundle. The first is the tagged section, whose
    /// transport is used. An answer that rejects all sections has an empty bundle, because Chromium requires one.
    /// </summary>
    public IReadOnlyList<string>? Bundle { get; init; }

    /// <summary>Whether the author is an ICE-lite agent (RFC 8839, section 5.3).</summary>
    public bool IsIceLite { get; init; }

    /// <summary>The sections in their order.</summary>
    public required IReadOnlyList<MediaDescription> Sections { get; init; }

    /// <summary>Reads a description. Lines may end with CRLF or LF.</summary>
    /// <param name="text">The text of the description.</param>
    /// <param name="description">The description, if it is valid.</param>
    /// <param name="error">
    /// The error if it is not valid, with the line number. It contains no text of the description except attribute names.
    /// </param>
    public static bool TryParse(
        string text, [NotNullWhen(true)] out SessionDescription? description, [NotNullWhen(false)] out string? error)
    {
        var parser = new SdpParser();
        description = parser.Parse(text);
        error = description is null ? parser.Error ?? "The SDP is invalid." : null;
        return description is not null;
    }

    /// <summary>The text of the description, with CRLF at the end of each line.</summary>
    public override string ToString() => SdpWriter.Write(this);
}
