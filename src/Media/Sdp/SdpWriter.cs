using System.Globalization;
using System.Text;

namespace Sessions.Media.Sdp;

/// <summary>Writes a description (RFC 8866, section 5). Every attribute is written in its section, where all browsers look for it.</summary>
internal sealed class SdpWriter
{
    private readonly StringBuilder _text = new();

    /// <summary>The text of a description.</summary>
    public static string Write(SessionDescription description)
    {
        var writer = new SdpWriter();
        writer.WriteSession(description);
        foreach (var section in description.Sections)
            writer.WriteSection(section);

        return writer._text.ToString();
    }

    private void WriteSession(SessionDescription description)
    {
        Line($"v=0");
        Line($"o=- {description.Id} {description.Version} IN IP4 0.0.0.0");
        Line($"s=-");
        Line($"t=0 0");
        if (description.Bundle is { } bundle)
            Line($"a=group:BUNDLE{string.Concat(bundle.Select(mid => $" {mid}"))}");

        Flag("ice-lite", description.IsIceLite);
    }

    private void WriteSection(MediaDescription section)
    {
        Line($"m={section.Type} {section.Port} {section.Protocol} {string.Join(' ', section.Formats)}");
        Line($"c=IN IP4 0.0.0.0");
        Attribute("mid", section.Mid);
        Flag("bundle-only", section.IsBundleOnly);
        WriteTransport(section);
        if (section.Kind is not null || section.Direction != Direction.SendRecv)
            Line($"a={NameOf(section.Direction)}");

        foreach (var extension in section.HeaderExtensions)
            Line($"a=extmap:{extension.Id}{(extension.Direction is { } direction ? $"/{direction}" : "")} {extension.Uri}");

        if (section.Msid is var (stream, track))
            Attribute("msid", track is null ? stream : $"{stream} {track}");

        Flag("rtcp-mux", section.IsRtcpMux);
        Flag("rtcp-rsize", section.IsRtcpReducedSize);
        foreach (var codec in section.Codecs)
            WriteCodec(codec);

        WriteSources(section);
        Attribute("sctp-port", section.SctpPort?.ToString(CultureInfo.InvariantCulture));
        Attribute("max-message-size", section.MaxMessageSize?.ToString(CultureInfo.InvariantCulture));
    }

    private void WriteTransport(MediaDescription section)
    {
        foreach (var candidate in section.Candidates)
            Attribute("candidate", candidate);

        Flag("end-of-candidates", section.IsEndOfCandidates);
        Attribute("ice-ufrag", section.UsernameFragment);
        Attribute("ice-pwd", section.Password);
        Attribute("ice-options", section.IceOptions);
        foreach (var fingerprint in section.Fingerprints)
            Attribute("fingerprint", fingerprint.ToString());

        Attribute("setup", section.Setup switch
        {
            DtlsSetup.ActPass => "actpass",
            DtlsSetup.Active => "active",
            DtlsSetup.Passive => "passive",
            _ => null,
        });
    }

    private void WriteCodec(Codec codec)
    {
        Line($"a=rtpmap:{codec.PayloadType} {codec.Name}/{codec.ClockRate}{(codec.Channels == 1 ? "" : $"/{codec.Channels}")}");
        foreach (var feedback in codec.Feedback)
            Line($"a=rtcp-fb:{codec.PayloadType} {feedback}");

        if (codec.Parameters is { } parameters)
            Line($"a=fmtp:{codec.PayloadType} {parameters}");
    }

    private void WriteSources(MediaDescription section)
    {
        foreach (var (semantics, ssrcs) in section.SourceGroups)
            Line($"a=ssrc-group:{semantics}{string.Concat(ssrcs.Select(ssrc => $" {ssrc}"))}");

        // A source without a known cname needs some attribute. Browsers ignore this one.
        foreach (var (ssrc, cname) in section.Sources)
            Line($"a=ssrc:{ssrc} {(cname is null ? "label:-" : $"cname:{cname}")}");
    }

    private void Attribute(string name, string? value)
    {
        if (value is not null)
            Line($"a={name}:{value}");
    }

    private void Flag(string name, bool isSet)
    {
        if (isSet)
            Line($"a={name}");
    }

    private void Line(FormattableString line) => _text.Append(line.ToString(CultureInfo.InvariantCulture)).Append("\r\n");

    private static string NameOf(Direction direction)
        => direction switch
        {
            Direction.SendRecv => "sendrecv",
            Direction.SendOnly => "sendonly",
            Direction.RecvOnly => "recvonly",
            _ => "inactive",
        };
}
