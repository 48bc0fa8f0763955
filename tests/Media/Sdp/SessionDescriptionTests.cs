using System.Text;
using Sessions.Media;
using Sessions.Media.Sdp;

namespace Sessions.Tests.Media;

public sealed class SessionDescriptionTests
{
    private const string Minimal = "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n";
    private const string Audio = Minimal + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n";

    public static TheoryData<string> Names => Recorded.Names;

    [Theory, MemberData(nameof(Names))]
    public void A_recorded_description_is_the_same_after_formatting_and_parsing(string name)
    {
        var description = Recorded.Read(name);
        var again = Recorded.Parse(description.ToString());
        Assert.Equivalent(description, again, strict: true);
        Assert.Equal(description.ToString(), again.ToString());
    }

    [Theory, MemberData(nameof(Names))]
    public void A_recorded_description_may_have_LF_line_endings(string name)
        => Assert.Equal(Recorded.Read(name).ToString(), Recorded.Parse(Recorded.Text(name).ReplaceLineEndings("\n")).ToString());

    [Fact]
    public void Every_written_line_ends_with_CRLF()
    {
        var lines = Recorded.Read("firefox-second-stream").ToString().Split("\r\n");
        Assert.Equal("", lines[^1]);
        Assert.DoesNotContain(lines, line => line.AsSpan().ContainsAny('\r', '\n'));
    }

    [Fact]
    public void A_Chromium_video_section_has_its_codecs_in_order_with_parameters_and_feedback()
    {
        var video = Recorded.Read("chromium-first-stream").Sections[2];
        Assert.Equal((MediaKind.Video, "2", Direction.SendOnly), (video.Kind, video.Mid, video.Direction));
        Assert.True(video.IsRtcpMux && video.IsRtcpReducedSize && video.IsSending && !video.IsReceiving);
        Assert.Equal(["VP8", "rtx", "H264"], video.Codecs.Take(3).Select(codec => codec.Name));
        Assert.Equal(["goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"], video.Codecs[0].Feedback);
        Assert.Equal("42001f", video.Codecs[2].Parameter("profile-level-id"));
        Assert.Equal(2, video.Sources.Count);
        Assert.Equal(video.Sources.Select(source => source.Ssrc), Assert.Single(video.SourceGroups).Ssrcs);
        Assert.Contains(video.HeaderExtensions, extension => extension is (4, null, "urn:ietf:params:rtp-hdrext:sdes:mid"));
    }

    [Fact]
    public void A_Firefox_bundle_only_section_is_not_rejected_and_keeps_the_braces_of_its_msid()
    {
        var offer = Recorded.Read("firefox-first-stream");
        var audio = offer.Sections[1];
        Assert.Equal((0, true, false), (audio.Port, audio.IsBundleOnly, audio.IsRejected));
        Assert.Matches(@"^\{[0-9a-f-]+\}$", audio.Msid!.StreamId);
        Assert.Contains($"a=msid:{audio.Msid.StreamId} {audio.Msid.TrackId}\r\n", Recorded.Text("firefox-first-stream"), StringComparison.Ordinal);
        Assert.True(audio.Codecs[0].Is("OPUS", 48_000, 2));
        Assert.Equal("maxplaybackrate=48000;stereo=1;useinbandfec=1", audio.Codecs[0].Parameters);
    }

    [Theory, InlineData("chromium-unpublished"), InlineData("firefox-unpublished")]
    public void An_unpublished_section_is_rejected(string name)
        => Assert.Equal([false, true, true, false, false], Recorded.Read(name).Sections.Select(section => section.IsRejected));

    [Fact]
    public void Sections_inherit_the_attributes_of_the_session_unless_they_have_their_own()
    {
        var fingerprint = $"a=fingerprint:SHA-256 {string.Join(':', Enumerable.Repeat("aB", 32))}\r\n";
        var description = Recorded.Parse(
            $"{Minimal}a=ice-ufrag:abcd\r\na=ice-pwd:{new string('p', 22)}\r\na=setup:actpass\r\na=sendonly\r\n{fingerprint}"
            + "m=audio 9 RTP/SAVPF 0\r\nm=video 9 RTP/SAVPF 0\r\na=ice-ufrag:efgh\r\na=setup:active\r\na=recvonly\r\n");
        Assert.Equal(["abcd", "efgh"], description.Sections.Select(section => section.UsernameFragment));
        Assert.Equal([DtlsSetup.ActPass, DtlsSetup.Active], description.Sections.Select(section => section.Setup));
        Assert.Equal([Direction.SendOnly, Direction.RecvOnly], description.Sections.Select(section => section.Direction));
        Assert.All(description.Sections, section => Assert.Equal("sha-256", Assert.Single(section.Fingerprints).Algorithm));
    }

    [Fact]
    public void Feedback_for_all_payload_types_applies_to_each_codec()
        => Assert.Equal(["nack", "ccm fir"], Recorded.Parse($"{Audio}a=rtcp-fb:* ccm fir\r\na=rtcp-fb:111 nack\r\na=rtpmap:111 opus/48000/2\r\n")
            .Sections[0].Codecs[0].Feedback);

    [Fact]
    public void A_fingerprint_matches_only_its_certificate()
    {
        byte[] certificate = [1, 2, 3];
        var fingerprint = Fingerprint.Of(certificate);
        Assert.True(fingerprint.Matches(certificate));
        Assert.False(fingerprint.Matches([1, 2, 4]));
        Assert.False((fingerprint with { Algorithm = "sha-1" }).Matches(certificate));
        Assert.Equal(fingerprint, Fingerprint.Parse(fingerprint.ToString()));
    }

    [Theory]
    [InlineData("", "Line 1 of the SDP")]
    [InlineData("v=1\r\n", "Line 1 of the SDP: the first line must be v=0.")]
    [InlineData("v=0\r\ns=-\r\n", "The SDP has no o= line.")]
    [InlineData("v=0\r\no=- x 1 IN IP4 0.0.0.0\r\n", "Line 2 of the SDP: the o= line")]
    [InlineData(Minimal + "nonsense\r\n", "Line 5 of the SDP: this is not a line")]
    [InlineData(Minimal + "a=mid:\r0\r\n", "Line 5 of the SDP: the a= line contains a control character.")]
    [InlineData(Minimal + "m=audio 65536 RTP/SAVPF 0\r\n", "Line 5 of the SDP: the m= line is malformed.")]
    [InlineData(Minimal + "m=audio 9 RTP/SAVPF\r\n", "Line 5 of the SDP: the m= line is malformed.")]
    [InlineData(Audio + "a=mid:a b\r\n", "the a=mid line is malformed.")]
    [InlineData(Audio + "a=mid:0\r\nm=video 9 RTP/SAVPF 0\r\na=mid:0\r\n", "a=mid of the section before is not unique.|The last section")]
    [InlineData(Audio + "a=ice-ufrag:abc\r\n", "the a=ice-ufrag line is malformed.")]
    [InlineData(Audio + "a=ice-pwd:tooshort\r\n", "the a=ice-pwd line is malformed.")]
    [InlineData(Audio + "a=ice-pwd:with-a-forbidden-character\r\n", "the a=ice-pwd line is malformed.")]
    [InlineData(Audio + "a=fingerprint:sha-256 AB:C\r\n", "the a=fingerprint line is malformed.")]
    [InlineData(Audio + "a=fingerprint:sha-256 AB-CD\r\n", "the a=fingerprint line is malformed.")]
    [InlineData(Audio + "a=setup:holdconn\r\n", "the a=setup line is malformed.")]
    [InlineData(Audio + "a=rtpmap:128 opus/48000/2\r\n", "the a=rtpmap line is malformed.")]
    [InlineData(Audio + "a=rtpmap:111 opus\r\n", "the a=rtpmap line is malformed.")]
    [InlineData(Audio + "a=rtpmap:111 opus/0\r\n", "the a=rtpmap line is malformed.")]
    [InlineData(Audio + "a=msid:a b c\r\n", "the a=msid line is malformed.")]
    [InlineData(Audio + "a=msid:\"\r\n", "the a=msid line is malformed.")]
    [InlineData(Audio + "a=ssrc:4294967296 cname:x\r\n", "the a=ssrc line is malformed.")]
    [InlineData(Audio + "a=ssrc-group:FID x\r\n", "the a=ssrc-group line is malformed.")]
    [InlineData(Audio + "a=extmap:x urn\r\n", "the a=extmap line is malformed.")]
    [InlineData(Audio + "a=sctp-port:x\r\n", "the a=sctp-port line is malformed.")]
    public void A_syntax_error_is_reported_with_its_line(string text, string error)
    {
        Assert.False(SessionDescription.TryParse(text.Length == 0 ? "x" : text, out _, out var actual));
        Assert.Contains(error.Split('|'), part => actual.Contains(part, StringComparison.Ordinal));
    }

    [Fact]
    public void Descriptions_over_the_length_or_section_limit_are_rejected()
    {
        var line = "a=x\r\n";
        var longest = new StringBuilder(Minimal).Insert(Minimal.Length, line, (SessionDescription.MaxLength - Minimal.Length) / line.Length).ToString();
        longest += new string('\n', SessionDescription.MaxLength - longest.Length);
        Assert.True(SessionDescription.TryParse(longest, out _, out _));
        Assert.False(SessionDescription.TryParse(longest + "\n", out _, out var error));
        Assert.Equal("The SDP is longer than 131072 characters.", error);

        string Sections(int count) => Minimal + string.Concat(Enumerable.Repeat("m=audio 9 RTP/SAVPF 0\r\n", count));
        Assert.Equal(SessionDescription.MaxSections, Recorded.Parse(Sections(SessionDescription.MaxSections)).Sections.Count);
        Assert.False(SessionDescription.TryParse(Sections(SessionDescription.MaxSections + 1), out _, out error));
        Assert.Contains("more than 200 m= lines", error, StringComparison.Ordinal);
    }
}
