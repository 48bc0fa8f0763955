namespace Sessions.Media.Sdp;

/// <summary>
/// The codecs of one section while they are read. The lines of one codec can come in any order. For example, Firefox writes a=fmtp first.
/// </summary>
internal sealed class SdpCodecs
{
    private const int PayloadTypes = 128;

    private readonly Dictionary<byte, (string Name, int ClockRate, int Channels)> _maps = [];
    private readonly Dictionary<byte, string> _parameters = [];
    private readonly Dictionary<byte, List<string>> _feedback = [];
    private readonly List<string> _feedbackOfAll = [];

    /// <summary>Reads the value of a=rtpmap.</summary>
    public bool TryReadMap(string value)
    {
        if (!TrySplit(value, out var payloadType, out var format)
            || format.Split('/') is not [{ Length: > 0 } name, var rate, .. { Length: <= 1 } channels]
            || name.Contains(' ', StringComparison.Ordinal) || !SdpNumber.TryParse(rate, out int clockRate) || clockRate == 0)
        {
            return false;
        }

        byte channelCount = 1;
        if (channels is [var text] && !SdpNumber.TryParse(text, out channelCount))
            return false;

        _maps[payloadType] = (name, clockRate, channelCount);
        return true;
    }

    /// <summary>Reads the value of a=fmtp.</summary>
    public bool TryReadParameters(string value)
    {
        if (!TrySplit(value, out var payloadType, out var parameters))
            return false;

        _parameters[payloadType] = parameters;
        return true;
    }

    /// <summary>Reads the value of a=rtcp-fb. If its payload type is an asterisk, it applies to all codecs.</summary>
    public bool TryReadFeedback(string value)
    {
        if (value.StartsWith("* ", StringComparison.Ordinal))
        {
            _feedbackOfAll.Add(value[2..]);
            return true;
        }

        if (!TrySplit(value, out var payloadType, out var message))
            return false;

        if (!_feedback.TryGetValue(payloadType, out var messages))
            _feedback[payloadType] = messages = [];

        messages.Add(message);
        return true;
    }

    /// <summary>The codecs of a section's formats.</summary>
    public IReadOnlyList<Codec> InOrderOf(IReadOnlyList<string> formats)
    {
        var codecs = new List<Codec>();
        foreach (var format in formats)
        {
            // Removing the map keeps a format that is listed twice from becoming two codecs.
            if (SdpNumber.TryParse(format, out byte payloadType) && _maps.Remove(payloadType, out var map))
            {
                List<string> feedback = [.. _feedback.GetValueOrDefault(payloadType, []), .. _feedbackOfAll];
                codecs.Add(new(
                    payloadType, map.Name, map.ClockRate, map.Channels, _parameters.GetValueOrDefault(payloadType), feedback));
            }
        }

        return codecs;
    }

    private static bool TrySplit(string value, out byte payloadType, out string rest)
    {
        var space = value.IndexOf(' ', StringComparison.Ordinal);
        payloadType = 0;
        rest = space < 0 ? "" : value[(space + 1)..].Trim();
        return rest.Length > 0 && SdpNumber.TryParse(value.AsSpan(0, space), out payloadType) && payloadType < PayloadTypes;
    }
}
