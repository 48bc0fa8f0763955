using Sessions.Media;
using Sessions.Media.Negotiation;
using Sessions.Media.Sdp;

namespace Sessions.Tests.Media;

public sealed class PublishAnswerTests
{
    private static readonly MediaPermissions All = new(true, true);

    public static TheoryData<string> Offers
        => [.. Recorded.Names.Select(name => name.Data).Where(name => !name.EndsWith("answer", StringComparison.Ordinal))];

    [Theory, MemberData(nameof(Offers))]
    public void An_answer_has_the_sections_of_the_offer_in_one_bundle_with_one_transport(string name)
    {
        var offer = Recorded.Read(name);
        var result = Answer(offer);
        var answer = Recorded.Parse(result.Answer!.ToString());

        Assert.True(answer.IsIceLite);
        Assert.Equal(offer.Bundle, answer.Bundle);
        Assert.Equal(offer.Sections.Select(Identity), answer.Sections.Select(Identity));
        Assert.Equal(offer.Sections.Select(section => section.IsRejected), answer.Sections.Select(section => section.IsRejected));
        foreach (var section in answer.Sections.Where(section => !section.IsRejected))
        {
            Assert.Equal((9, DtlsSetup.Passive, false), (section.Port, section.Setup, section.IsBundleOnly));
            Assert.Equal((Transports.Local.UsernameFragment, Transports.Local.Password), (section.UsernameFragment, section.Password));
            Assert.Equal(Transports.Local.Fingerprint, Assert.Single(section.Fingerprints));
            Assert.Equal(section.Mid == answer.Bundle![0] ? Transports.Local.Candidates : [], section.Candidates);
            Assert.Equal(section.Mid == answer.Bundle[0], section.IsEndOfCandidates);
        }

        static (string, string?, string) Identity(MediaDescription section) => (section.Type, section.Mid, section.Protocol);
    }

    [Theory, MemberData(nameof(Offers))]
    public void A_media_section_is_answered_with_one_codec_and_without_header_extensions(string name)
    {
        var offer = Recorded.Read(name);
        var answer = Answer(offer).Answer!;
        foreach (var (offered, answered) in offer.Sections.Zip(answer.Sections).Where(pair => pair.Second is { Kind: not null, IsRejected: false }))
        {
            Assert.Equal((Direction.RecvOnly, true, null), (answered.Direction, answered.IsRtcpMux, answered.Msid));
            Assert.Empty(answered.HeaderExtensions);
            var codec = Assert.Single(answered.Codecs, codec => codec.Name != "telephone-event");
            Assert.Equal(answered.Kind == MediaKind.Audio ? [] : ["nack", "nack pli", "ccm fir", "goog-remb"], codec.Feedback);
            Assert.Equal(answered.Kind == MediaKind.Audio ? "minptime=10;useinbandfec=1" : codec.Parameters, codec.Parameters);
            Assert.All(answered.Codecs, codec => Assert.Contains(offered.Codecs, other
                => other.PayloadType == codec.PayloadType && other.Is(codec.Name, codec.ClockRate, codec.Channels)));
            Assert.Equal(answered.Formats, answered.Codecs.Select(codec => $"{codec.PayloadType}"));
        }
    }

    [Theory, InlineData("chromium"), InlineData("firefox")]
    public void Data_channels_are_accepted_in_an_offer_without_media(string browser)
    {
        var result = Answer(Recorded.Read($"{browser}-data-only"));
        Assert.Empty(result.Tracks);
        var section = Assert.Single(result.Answer!.Sections);
        Assert.Equal(("application", 9, 5000), (section.Type, section.Port, section.SctpPort));
        Assert.Equal(["webrtc-datachannel"], section.Formats);
    }

    [Theory, InlineData("chromium", 2), InlineData("firefox", 1)]
    public void A_track_has_the_ids_of_its_stream_and_its_media_SSRC_without_the_retransmission_SSRC(string browser, int telephoneEvents)
    {
        var offer = Recorded.Read($"{browser}-first-stream");
        var tracks = Answer(offer).Tracks;
        Assert.Equal([MediaKind.Audio, MediaKind.Video], tracks.Select(track => track.Kind));
        Assert.Equal(["opus", "VP8"], tracks.Select(track => track.Codec.Name));
        Assert.Equal([telephoneEvents, 0], tracks.Select(track => track.TelephoneEvents.Count));
        foreach (var (track, section) in tracks.Zip(offer.Sections.Skip(1)))
        {
            Assert.Equal((section.Mid, section.Msid), (track.Mid, new(track.StreamId, track.TrackId)));
            Assert.Equal(section.Sources[0].Ssrc, Assert.Single(track.Ssrcs));
        }
    }

    [Theory]
    [InlineData("chromium-second-stream", "1 2 3 4"), InlineData("firefox-second-stream", "1 2 3 4")]
    [InlineData("chromium-unpublished", "3 4"), InlineData("firefox-unpublished", "3 4")]
    [InlineData("chromium-recycled", "5 3 4"), InlineData("firefox-recycled", "5 3 4")]
    public void Unpublished_sections_stay_rejected_until_they_are_reused(string name, string mids)
        => Assert.Equal(mids.Split(' '), Answer(Recorded.Read(name)).Tracks.Select(track => track.Mid));

    [Theory, InlineData("chromium"), InlineData("firefox")]
    public void An_ICE_restart_changes_the_credentials_and_keeps_the_fingerprint(string browser)
    {
        var before = Answer(Recorded.Read($"{browser}-recycled")).Remote!;
        var after = Answer(Recorded.Read($"{browser}-ice-restart")).Remote!;
        Assert.NotEqual((before.UsernameFragment, before.Password), (after.UsernameFragment, after.Password));
        Assert.Equal(before.Fingerprints, after.Fingerprints);
        Assert.Equal(DtlsSetup.ActPass, after.Setup);
    }

    [Fact]
    public void The_first_supported_codec_of_the_offer_is_selected()
    {
        var codec = Answer(Recorded.Read("chromium-h264-first")).Tracks[1].Codec;
        Assert.Equal((102, "H264"), (codec.PayloadType, codec.Name));
        Assert.Equal("level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f", codec.Parameters);
    }

    [Theory]
    [InlineData("packetization-mode=2;profile-level-id=42001f", "104")]
    [InlineData("packetization-mode=1;profile-level-id=42001", "104")]
    [InlineData("packetization-mode=1;profile-level-id=42001\u00df", "104")]
    [InlineData("Profile-Level-Id=4D001F; sprop-parameter-sets=x", "102 profile-level-id=4d001f")]
    [InlineData("max-fr=30", "102 ")]
    public void Only_supported_H264_modes_and_parameters_are_selected(string offered, string expected)
    {
        var codec = Answer(Recorded.Read(
            "chromium-h264-first", ("a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f", $"a=fmtp:102 {offered}"))).Tracks[1].Codec;
        Assert.StartsWith(expected, $"{codec.PayloadType} {codec.Parameters}", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, false, "0 9 9 0"), InlineData(false, true, "0 9 0 9"), InlineData(false, false, "0 9 0 0")]
    public void Sections_that_may_not_be_published_are_rejected(bool audio, bool video, string ports)
    {
        var result = PublishAnswer.Create(Recorded.Read("firefox-first-stream"), new(audio, video), Transports.Local, 10);
        Assert.Equal(ports.Split(' ')[1..], result.Answer!.Sections.Select(section => $"{section.Port}"));
        Assert.Equal(result.Answer.Sections.Where(section => section.Port == 9).Select(section => section.Mid), result.Answer.Bundle);
        Assert.Equal((audio ? 1 : 0) + (video ? 1 : 0), result.Tracks.Count);
    }

    [Fact]
    public void Sections_over_the_track_limit_are_rejected()
    {
        var result = PublishAnswer.Create(Recorded.Read("chromium-second-stream"), All, Transports.Local, 3);
        Assert.Equal(["1", "2", "3"], result.Tracks.Select(track => track.Mid));
        Assert.True(result.Answer!.Sections[4].IsRejected);
    }

    [Theory]
    [InlineData("a=sendonly", "a=inactive")]
    [InlineData("a=sendonly", "a=recvonly")]
    [InlineData("opus/48000/2", "opus/48000")]
    [InlineData("a=msid:", "a=no-msid:")]
    [InlineData("m=audio 9 UDP/TLS/RTP/SAVPF", "m=audio 9 UDP/TLS/RTP/AVPF")]
    [InlineData("m=audio", "m=text")]
    [InlineData("a=group:BUNDLE 0 1 2", "a=group:BUNDLE 0 2")]
    [InlineData("a=mid:1", "a=no-mid:1")]
    public void A_section_that_is_not_a_bundled_sending_track_with_a_supported_codec_is_rejected(string from, string to)
    {
        var result = Answer(Recorded.Read("chromium-first-stream", (from, to)));
        Assert.True(result.Answer!.Sections[1].IsRejected);
        Assert.DoesNotContain(result.Tracks, track => track.Kind == MediaKind.Audio);
        Assert.DoesNotContain("1", result.Answer.Bundle!);
    }

    [Fact]
    public void A_track_without_a_stream_is_rejected()
        => Assert.Empty(Answer(Recorded.Read("chromium-first-stream", ("a=msid:", "a=msid:- track\r\na=x:"))).Tracks);

    [Fact]
    public void A_track_without_an_id_gets_the_mid_of_its_section()
        => Assert.Equal(["1", "2"], Answer(Recorded.Read("chromium-first-stream", ("a=msid:", "a=msid:stream\r\na=x:"))).Tracks.Select(track => track.TrackId));

    [Theory, InlineData("actpass", DtlsSetup.Passive), InlineData("active", DtlsSetup.Passive), InlineData("passive", DtlsSetup.Active)]
    public void The_DTLS_setup_matches_the_offer(string offered, DtlsSetup answered)
    {
        var result = Answer(Recorded.Read("chromium-first-stream", ("a=setup:actpass", $"a=setup:{offered}")));
        Assert.Equal(answered, result.LocalSetup);
        Assert.All(result.Answer!.Sections, section => Assert.Equal(answered, section.Setup));
    }

    [Theory]
    [InlineData("a=fingerprint:sha-256", "a=x:", "no a=fingerprint.")]
    [InlineData("a=fingerprint:sha-256", "a=fingerprint:sha-1", "sha-256, sha-384 or sha-512")]
    [InlineData("a=ice-ufrag", "a=x", "a=ice-ufrag")]
    [InlineData("a=ice-pwd", "a=x", "a=ice-pwd")]
    [InlineData("a=setup", "a=x", "a=setup")]
    [InlineData("a=group:BUNDLE", "a=group:LS", "a=group:BUNDLE")]
    [InlineData("a=extmap-allow-mixed", "a=ice-lite", "a=ice-lite")]
    public void A_missing_attribute_of_an_offer_is_reported(string from, string to, string error)
    {
        var result = Answer(Recorded.Read("chromium-first-stream", (from, to)));
        Assert.Contains(error, result.Error, StringComparison.Ordinal);
        Assert.Equal((null, null, 0), (result.Answer, result.Remote, result.Tracks.Count));
    }

    [Fact]
    public void A_rejected_section_that_carries_the_bundle_transport_becomes_inactive()
    {
        var offer = WithoutDataChannels("chromium-first-stream");
        var answer = PublishAnswer.Create(offer, new(false, true), Transports.Local, 10).Answer!;
        Assert.Equal((9, Direction.Inactive), (answer.Sections[0].Port, answer.Sections[0].Direction));
        Assert.Equal(["1", "2"], answer.Bundle);
        Assert.Equal(Transports.Local.Candidates, answer.Sections[0].Candidates);
    }

    [Fact]
    public void An_answer_that_rejects_all_sections_has_an_empty_bundle()
    {
        var answer = PublishAnswer.Create(WithoutDataChannels("chromium-first-stream"), new(false, false), Transports.Local, 10).Answer!;
        Assert.All(answer.Sections, section => Assert.True(section.IsRejected));
        Assert.Contains("a=group:BUNDLE\r\n", answer.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void An_offer_with_only_stopped_sections_is_answered_without_a_transport()
    {
        var offer = Recorded.Read("chromium-data-only", ("m=application 9", "m=application 0"), ("a=group:BUNDLE 0", "a=x"));
        var result = Answer(offer);
        Assert.Equal((null, null), (result.Error, result.Remote));
        Assert.True(Assert.Single(result.Answer!.Sections).IsRejected);
    }

    private static PublishAnswerResult Answer(SessionDescription offer) => PublishAnswer.Create(offer, All, Transports.Local, 10);

    private static SessionDescription WithoutDataChannels(string name)
    {
        var offer = Recorded.Read(name);
        return offer with { Bundle = [.. offer.Bundle!.Skip(1)], Sections = [.. offer.Sections.Skip(1)] };
    }
}
