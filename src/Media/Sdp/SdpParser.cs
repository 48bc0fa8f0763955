namespace Sessions.Media.Sdp;

/// <summary>Splits a description into lines (RFC 8866, section 5) and groups the lines into sections.</summary>
internal sealed class SdpParser
{
    private readonly List<MediaDescription> _sections = [];
    private readonly HashSet<string> _mids = [];
    private readonly SdpAttributes _session = new();
    private SdpAttributes _attributes;
    private MediaDescription? _section;
    private (ulong Id, ulong Version)? _origin;

    public SdpParser() => _attributes = _session;

    /// <summary>The error if the description is not valid.</summary>
    public string? Error { get; private set; }

    /// <summary>Reads a description. Null, with an <see cref="Error"/>, if it is not valid.</summary>
    public SessionDescription? Parse(string text)
    {
        if (text.Length > SessionDescription.MaxLength)
            return Fail($"The SDP is longer than {SessionDescription.MaxLength} characters.");

        var number = 0;
        var span = text.AsSpan();
        foreach (var range in span.Split('\n'))
        {
            number++;
            var line = span[range] is [.. var content, '\r'] ? content : span[range];
            if (line.IsEmpty)
                continue;

            if (ReadLine(line, number) is { } problem)
                return Fail($"Line {number} of the SDP: {problem}");
        }

        if (_origin is not var (id, version))
            return Fail("The SDP has no o= line.");

        return TryEndSection() is { } last ? Fail($"The last section of the SDP: {last}") : new()
        {
            Id = id,
            Version = version,
            Bundle = _session.Bundle,
            IsIceLite = _session.IsIceLite,
            Sections = _sections,
        };
    }

    private SessionDescription? Fail(string error)
    {
        Error = error;
        return null;
    }

    /// <summary>Reads a line, and returns the error if it is not valid.</summary>
    private string? ReadLine(ReadOnlySpan<char> line, int number)
    {
        if (line.Length < 2 || line[1] != '=' || !char.IsAsciiLetterLower(line[0]))
            return "this is not a line of the form x=value.";

        if (line.ContainsAnyInRange('\0', '\x1f'))
            return $"the {line[0]}= line contains a control character.";

        var value = line[2..];
        if (number == 1)
            return line is "v=0" ? null : "the first line must be v=0.";

        return line[0] switch
        {
            'o' => ReadOrigin(value),
            'm' => TryEndSection() ?? ReadMedia(value),
            'a' => ReadAttribute(value),
            _ => null,
        };
    }

    private string? ReadOrigin(ReadOnlySpan<char> value)
    {
        if (_section is not null || _origin is not null || value.ToString().Split(' ') is not [_, var id, var version, _, _, _]
            || !SdpNumber.TryParse(id, out ulong sessionId) || !SdpNumber.TryParse(version, out ulong sessionVersion))
        {
            return "the o= line is malformed, repeated or not in the session part.";
        }

        _origin = (sessionId, sessionVersion);
        return null;
    }

    private string? ReadMedia(ReadOnlySpan<char> value)
    {
        if (_sections.Count == SessionDescription.MaxSections)
            return $"there are more than {SessionDescription.MaxSections} m= lines.";

        if (value.ToString().Split(' ', StringSplitOptions.RemoveEmptyEntries) is not [var type, var port, var protocol, _, ..] parts
            || !SdpNumber.TryParse(port.Split('/')[0], out ushort portNumber))
        {
            return "the m= line is malformed.";
        }

        _section = new() { Type = type, Port = portNumber, Protocol = protocol, Formats = parts[3..] };
        _attributes = new();
        return null;
    }

    private string? ReadAttribute(ReadOnlySpan<char> line)
    {
        var colon = line.IndexOf(':');
        var name = colon < 0 ? line : line[..colon];
        return _attributes.TryRead(name, colon < 0 ? "" : line[(colon + 1)..].ToString()) ? null : $"the a={name} line is malformed.";
    }

    /// <summary>Adds the section whose lines end here, and returns the error if it is not valid.</summary>
    private string? TryEndSection()
    {
        if (_section is null)
            return null;

        if (_attributes.Mid is { } mid && !_mids.Add(mid))
            return "the a=mid of the section before is not unique.";

        _sections.Add(_attributes.ApplyTo(_section, _session));
        _section = null;
        return null;
    }
}
