namespace Sessions.Media.Sdp;

/// <summary>The attributes of one section while they are read, or those of the session level, which sections inherit.</summary>
internal sealed class SdpAttributes
{
    private const int MaxTokenLength = 64;
    private const int MinUsernameFragmentLength = 4;
    private const int MinPasswordLength = 22;
    private const int MaxIceLength = 256;

    private readonly SdpCodecs _codecs = new();
    private readonly List<Fingerprint> _fingerprints = [];
    private readonly List<string> _candidates = [];
    private readonly List<HeaderExtension> _extensions = [];
    private readonly OrderedDictionary<uint, string?> _sources = [];
    private readonly List<SourceGroup> _groups = [];
    private string? _usernameFragment;
    private string? _password;
    private string? _iceOptions;
    private DtlsSetup? _setup;
    private Direction? _direction;
    private Msid? _msid;
    private int? _sctpPort;
    private ulong? _maxMessageSize;
    private bool _isEndOfCandidates;
    private bool _isRtcpMux;
    private bool _isRtcpReducedSize;
    private bool _isBundleOnly;

    public string? Mid { get; private set; }

    public IReadOnlyList<string>? Bundle { get; private set; }

    public bool IsIceLite { get; private set; }

    /// <summary>Reads an attribute. False if the server uses this attribute and its value is malformed.</summary>
    public bool TryRead(ReadOnlySpan<char> name, string value)
        => name switch
        {
            "mid" => (Mid = Token(value)) is not null,
            "group" => ReadGroup(value),
            "bundle-only" => _isBundleOnly = true,
            "sendrecv" => Set(Direction.SendRecv),
            "sendonly" => Set(Direction.SendOnly),
            "recvonly" => Set(Direction.RecvOnly),
            "inactive" => Set(Direction.Inactive),
            "rtcp-mux" => _isRtcpMux = true,
            "rtcp-rsize" => _isRtcpReducedSize = true,
            "msid" => ReadMsid(value),
            "ssrc" => ReadSource(value),
            "ssrc-group" => ReadSourceGroup(value),
            "extmap" => ReadExtension(value),
            "sctp-port" => ReadSctpPort(value),
            "max-message-size" => ReadMaxMessageSize(value),
            "rtpmap" => _codecs.TryReadMap(value),
            "fmtp" => _codecs.TryReadParameters(value),
            "rtcp-fb" => _codecs.TryReadFeedback(value),
            _ => TryReadTransport(name, value),
        };

    /// <summary>The section with these attributes, and with those of the session level that it does not have itself.</summary>
    public MediaDescription ApplyTo(MediaDescription section, SdpAttributes session)
        => section with
        {
            Mid = Mid,
            Direction = _direction ?? session._direction ?? Direction.SendRecv,
            IsBundleOnly = _isBundleOnly,
            Codecs = _codecs.InOrderOf(section.Formats),
            Msid = _msid,
            Sources = [.. _sources.Select(source => new MediaSource(source.Key, source.Value))],
            SourceGroups = _groups,
            UsernameFragment = _usernameFragment ?? session._usernameFragment,
            Password = _password ?? session._password,
            IceOptions = _iceOptions ?? session._iceOptions,
            Candidates = _candidates,
            IsEndOfCandidates = _isEndOfCandidates,
            Fingerprints = _fingerprints is [] ? session._fingerprints : _fingerprints,
            Setup = _setup ?? session._setup,
            IsRtcpMux = _isRtcpMux,
            IsRtcpReducedSize = _isRtcpReducedSize,
            HeaderExtensions = [.. session._extensions, .. _extensions],
            SctpPort = _sctpPort,
            MaxMessageSize = _maxMessageSize,
        };

    private bool TryReadTransport(ReadOnlySpan<char> name, string value)
    {
        switch (name)
        {
            case "ice-lite":
                return IsIceLite = true;
            case "ice-ufrag":
                _usernameFragment = value;
                return IsIce(value, MinUsernameFragmentLength);
            case "ice-pwd":
                _password = value;
                return IsIce(value, MinPasswordLength);
            case "ice-options":
                _iceOptions = value;
                return value.Length > 0;
            case "candidate":
                _candidates.Add(value);
                return value.Length > 0;
            case "end-of-candidates":
                return _isEndOfCandidates = true;
            case "fingerprint":
                return ReadFingerprint(value);
            case "setup":
                return ReadSetup(value);
            default:
                return true;
        }
    }

    private bool ReadFingerprint(string value)
    {
        if (Fingerprint.Parse(value) is not { } fingerprint)
            return false;

        _fingerprints.Add(fingerprint);
        return true;
    }

    private bool ReadSetup(string value)
    {
        _setup = value switch
        {
            "actpass" => DtlsSetup.ActPass,
            "active" => DtlsSetup.Active,
            "passive" => DtlsSetup.Passive,
            _ => null,
        };
        return _setup is not null;
    }

    private bool ReadGroup(string value)
    {
        if (Bundle is null && value.Split(' ', StringSplitOptions.RemoveEmptyEntries) is ["BUNDLE", .. var mids])
            Bundle = [.. mids.Distinct()];

        return true;
    }

    private bool ReadMsid(string value)
    {
        Msid? msid = value.Split(' ') switch
        {
            [var stream] when Token(stream) is not null => new(stream, null),
            [var stream, var track] when Token(stream) is not null && Token(track) is not null => new(stream, track),
            _ => null,
        };

        // A track in several streams has a line for each, and the first line counts.
        _msid ??= msid;
        return msid is not null;
    }

    private bool ReadSource(string value)
    {
        const string Cname = "cname:";
        var space = value.IndexOf(' ', StringComparison.Ordinal);
        if (space < 0 || !SdpNumber.TryParse(value.AsSpan(0, space), out uint ssrc))
            return false;

        var attribute = value[(space + 1)..];
        if (attribute.StartsWith(Cname, StringComparison.Ordinal))
            _sources[ssrc] = attribute[Cname.Length..];
        else
            _sources.TryAdd(ssrc, null);

        return true;
    }

    private bool ReadSourceGroup(string value)
    {
        if (value.Split(' ', StringSplitOptions.RemoveEmptyEntries) is not [var semantics, .. var members])
            return false;

        var ssrcs = new uint[members.Length];
        for (var i = 0; i < members.Length; i++)
        {
            if (!SdpNumber.TryParse(members[i], out ssrcs[i]))
                return false;
        }

        _groups.Add(new(semantics, ssrcs));
        return true;
    }

    private bool ReadExtension(string value)
    {
        if (value.Split(' ', 2) is not [var head, { Length: > 0 } uri] || head.Split('/', 2) is not [var id, .. var direction]
            || !SdpNumber.TryParse(id, out ushort number))
        {
            return false;
        }

        _extensions.Add(new(number, direction is [var text] ? text : null, uri));
        return true;
    }

    private bool ReadSctpPort(string value)
    {
        var isRead = SdpNumber.TryParse(value, out ushort port);
        _sctpPort = port;
        return isRead;
    }

    private bool ReadMaxMessageSize(string value)
    {
        var isRead = SdpNumber.TryParse(value, out ulong size);
        _maxMessageSize = size;
        return isRead;
    }

    private bool Set(Direction direction)
    {
        _direction = direction;
        return true;
    }

    /// <summary>
    /// The value if it is a token (RFC 8866, section 9), otherwise null. A token contains no character that ends a value or a line
    /// elsewhere.
    /// </summary>
    private static string? Token(string value)
        => value.Length is > 0 and <= MaxTokenLength && value.All(c => c is > ' ' and < '\x7f' and not ('"' or '(' or ')' or ',' or '/'
            or ':' or ';' or '<' or '=' or '>' or '?' or '@' or '[' or '\\' or ']')) ? value : null;

    private static bool IsIce(string value, int minLength)
        => value.Length >= minLength && value.Length <= MaxIceLength && value.All(c => char.IsAsciiLetterOrDigit(c) || c is '+' or '/');
}
