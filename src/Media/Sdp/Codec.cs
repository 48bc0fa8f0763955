namespace Sessions.Media.Sdp;

/// <summary>
/// A payload format of a section, from its <c>a=rtpmap</c>, <c>a=fmtp</c> (RFC 8866, sections 6.6 and 6.15) and <c>a=rtcp-fb</c> (RFC 4585,
/// section 4.2).
/// </summary>
/// <param name="PayloadType">The number in the RTP header, 0 to 127.</param>
/// <param name="Name">The encoding name, for example <c>opus</c>. Its case does not matter.</param>
/// <param name="ClockRate">The rate of the RTP timestamp, in Hz.</param>
/// <param name="Channels">The number of audio channels, and 1 for video.</param>
/// <param name="Parameters">The format parameters, without the payload type.</param>
/// <param name="Feedback">The feedback messages, without the payload type, for example <c>nack pli</c>.</param>
public sealed record Codec(
    byte PayloadType, string Name, int ClockRate, int Channels, string? Parameters, IReadOnlyList<string> Feedback)
{
    /// <summary>Whether this is the format with that name, clock rate in Hz and number of channels, whatever its payload type.</summary>
    public bool Is(string name, int clockRate, int channels = 1)
        => Name.Equals(name, StringComparison.OrdinalIgnoreCase) && ClockRate == clockRate && Channels == channels;

    /// <summary>The value of one of the <c>name=value</c> pairs of <see cref="Parameters"/>, or null.</summary>
    public string? Parameter(string name)
    {
        foreach (var parameter in (Parameters ?? "").Split(';', StringSplitOptions.TrimEntries))
        {
            var equals = parameter.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0 && parameter.AsSpan(0, equals).TrimEnd().Equals(name, StringComparison.OrdinalIgnoreCase))
                return parameter[(equals + 1)..].Trim();
        }

        return null;
    }
}
