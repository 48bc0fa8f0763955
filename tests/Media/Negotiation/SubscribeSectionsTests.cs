using Sessions.Media;
using Sessions.Media.Negotiation;
using Sessions.Media.Sdp;

namespace Sessions.Tests.Media;

public sealed class SubscribeSectionsTests
{
    private static readonly IReadOnlyList<PublishedTrack> Chromium = Tracks("chromium-second-stream");
    private static readonly IReadOnlyList<PublishedTrack> Firefox = Tracks("firefox-second-stream");
    private readonly SubscribeSections _sections = new();

    [Fact]
    public void A_track_is_offered_with_the_ids_of_its_publisher_and_an_SSRC_of_the_server()
    {
        var section = _sections.Add(Firefox[0]);
        var offered = Assert.Single(Offer().Sections);
        Assert.Equal(("audio", "0", 9, Direction.SendOnly), (offered.Type, offered.Mid, offered.Port, offered.Direction));
        Assert.Equal(new Msid(Firefox[0].StreamId, Firefox[0].TrackId), offered.Msid);
        Assert.Equal([new(section.Ssrc, Firefox[0].StreamId)], offered.Sources);
        Assert.DoesNotContain(section.Ssrc, Firefox[0].Ssrcs);
        Assert.True(offered.IsRtcpMux);
    }

    [Fact]
    public void All_sections_are_in_one_bundle_with_a_direction_and_actpass()
    {
        foreach (var track in Chromium)
            _sections.Add(track);

        _sections.Remove(_sections.Sections[2]);
        var offer = Offer();
        Assert.True(offer.IsIceLite);
        Assert.Equal(["0", "1", "2", "3"], offer.Bundle);
        Assert.All(offer.Sections, section => Assert.Equal(DtlsSetup.ActPass, section.Setup));
        Assert.Equal([Direction.SendOnly, Direction.SendOnly, Direction.Inactive, Direction.SendOnly], offer.Sections.Select(section => section.Direction));
        Assert.Equal([1, 0, 0, 0], offer.Sections.Select(section => section.Candidates.Count));
        Assert.Null(offer.Sections[2].Msid);
    }

    [Fact]
    public void Each_offer_increases_the_version_and_keeps_the_id()
    {
        _sections.Add(Chromium[0]);
        var (first, second) = (Offer(), Offer());
        Assert.Equal((first.Id, first.Version + 1), (second.Id, second.Version));
    }

    [Fact]
    public void An_inactive_section_is_reused_only_for_a_track_of_the_same_kind()
    {
        var audio = _sections.Add(Chromium[0]);
        _sections.Remove(audio);
        Assert.NotSame(audio, _sections.Add(Chromium[1]));
        var ssrc = audio.Ssrc;
        Assert.Same(audio, _sections.Add(Chromium[2]));
        Assert.Equal((2, "0", ssrc), (_sections.Count, audio.Mid, audio.Ssrc));
    }

    [Fact]
    public void An_inactive_section_keeps_its_SSRC_so_that_Chromium_can_play_it_again()
    {
        var section = _sections.Add(Chromium[0]);
        _sections.Add(Chromium[1]);
        _sections.Remove(section);
        var offered = Offer().Sections[0];
        Assert.Equal((Direction.Inactive, null), (offered.Direction, offered.Msid));
        Assert.Equal([new(section.Ssrc, Chromium[0].StreamId)], offered.Sources);
    }

    [Fact]
    public void A_payload_type_always_stands_for_the_same_codec_in_every_section()
    {
        foreach (var track in (IEnumerable<PublishedTrack>)[.. Chromium, .. Firefox, .. Tracks("chromium-h264-first"), H264("640c1f")])
            _sections.Add(track);

        _sections.Remove(_sections.Sections[1]);
        _sections.Add(H264("42e01f"));
        var codecs = Offer().Sections.SelectMany(section => section.Codecs).ToLookup(codec => codec.PayloadType, Meaning);
        Assert.All(codecs, codec => Assert.Single(codec.Distinct()));
        Assert.All(codecs, codec => Assert.InRange(codec.Key, 96, 127));
        Assert.Equal(codecs.Count, codecs.SelectMany(codec => codec).Distinct().Count());

        static (string, int, int, string?) Meaning(Codec codec) => (codec.Name, codec.ClockRate, codec.Channels, codec.Parameters);
    }

    [Fact]
    public void A_track_is_not_offered_if_no_payload_type_is_left()
    {
        for (var i = 0; i < 57; i++)
            _sections.Remove(_sections.Add(H264($"42{i:x4}")));

        Assert.Equal(1, _sections.Count);
        var section = _sections.Add(H264("64ffff"));
        var offered = Assert.Single(Offer().Sections);
        Assert.Equal(Direction.Inactive, offered.Direction);
        Assert.NotEmpty(offered.Formats);
        Assert.False(section.IsAccepted);
    }

    [Fact]
    public void Tracks_with_equal_ids_are_offered_with_different_track_ids()
    {
        _sections.Add(Chromium[0]);
        _sections.Add(Chromium[0] with { Ssrcs = [1] });
        var msids = Offer().Sections.Select(section => section.Msid!).ToArray();
        Assert.Equal(msids[0].StreamId, msids[1].StreamId);
        Assert.NotEqual(msids[0].TrackId, msids[1].TrackId);
    }

    [Theory, InlineData("chromium"), InlineData("firefox")]
    public void The_transport_and_codecs_are_read_from_a_browsers_answer(string browser)
    {
        var tracks = Tracks($"{browser}-first-stream");
        var (audio, video) = (_sections.Add(tracks[0]), _sections.Add(tracks[1]));
        var offer = Offer();
        Assert.False(audio.IsAccepted);

        // The recorded answer is for an offer of the browser itself, which uses the publisher's payload types.
        Assert.True(_sections.TryApply(Recorded.Read($"{browser}-subscriber-answer"), out var remote, out var error), error);
        Assert.Equal(DtlsSetup.Active, remote!.Setup);
        Assert.True(audio.IsAccepted && video.IsAccepted);
        Assert.Equal(tracks[0].Codec.PayloadType, audio.PayloadTypeFor(tracks[0].Codec.PayloadType));
        Assert.Equal(tracks[1].Codec.PayloadType, video.PayloadTypeFor(tracks[1].Codec.PayloadType));

        Assert.True(_sections.TryApply(Answer(offer), out _, out _));
        Assert.Equal((byte)96, audio.PayloadTypeFor(tracks[0].Codec.PayloadType));
        Assert.Equal((byte)97, video.PayloadTypeFor(tracks[1].Codec.PayloadType));
        Assert.All(tracks[0].TelephoneEvents, codec => Assert.Equal(
            codec.ClockRate == 48_000 ? (byte)98 : (byte)99, audio.PayloadTypeFor(codec.PayloadType)));
        Assert.Null(audio.PayloadTypeFor(77));
        Assert.Null(audio.PayloadTypeFor(200));
    }

    [Fact]
    public void An_answer_applies_to_the_tracks_of_its_offer()
    {
        var first = _sections.Add(Chromium[0]);
        var second = _sections.Add(Chromium[2]);
        var offer = Offer();
        _sections.Remove(first);
        _sections.Add(Chromium[2] with { StreamId = "other" });
        _sections.Add(Chromium[1]);
        Assert.True(_sections.TryApply(Answer(offer), out _, out var error), error);
        Assert.Equal([false, true, false], _sections.Sections.Select(section => section.IsAccepted));

        Assert.True(_sections.TryApply(Answer(Offer()), out _, out _));
        Assert.Equal([true, true, true], _sections.Sections.Select(section => section.IsAccepted));
        _sections.Remove(second);
        Assert.False(second.IsAccepted);
    }

    [Fact]
    public void A_section_stays_accepted_while_another_offer_is_pending()
    {
        var section = _sections.Add(Chromium[0]);
        Assert.True(_sections.TryApply(Answer(Offer()), out _, out _));
        _sections.Add(Chromium[1]);
        Offer();
        Assert.True(section.IsAccepted);
    }

    [Fact]
    public void A_section_answered_as_inactive_is_not_accepted()
    {
        var section = _sections.Add(Chromium[0]);
        Assert.True(_sections.TryApply(Answer(Offer(), answered => answered with { Direction = Direction.Inactive }), out _, out _));
        Assert.False(section.IsAccepted);
        Assert.Equal(Direction.SendOnly, Assert.Single(Offer().Sections).Direction);
    }

    [Fact]
    public void A_section_answered_without_the_media_codec_is_not_accepted()
    {
        var section = _sections.Add(Chromium[0]);
        Assert.True(_sections.TryApply(
            Answer(Offer(), answered => answered with { Codecs = [.. answered.Codecs.Skip(1)], Formats = [.. answered.Formats.Skip(1)] }), out _, out _));
        Assert.False(section.IsAccepted);
    }

    [Fact]
    public void A_rejected_section_stays_rejected_until_it_is_reused_under_another_mid()
    {
        _sections.Add(Chromium[0]);
        var video = _sections.Add(H264("ffffff"));
        Assert.True(_sections.TryApply(Answer(Offer(), RejectVideo), out _, out _));
        Assert.False(video.IsAccepted);

        var offer = Offer();
        Assert.Equal((0, Direction.Inactive), (offer.Sections[1].Port, offer.Sections[1].Direction));
        Assert.Equal(["0"], offer.Bundle);
        Assert.NotEmpty(offer.Sections[1].Formats);

        _sections.Remove(video);
        Assert.Same(video, _sections.Add(Chromium[1]));
        offer = Offer();
        Assert.Equal(["0", "2"], offer.Bundle);
        Assert.Equal((9, "2"), (offer.Sections[1].Port, offer.Sections[1].Mid));
        Assert.True(_sections.TryApply(Answer(offer), out _, out _));
        Assert.True(video.IsAccepted);
    }

    [Fact]
    public void A_rejection_of_the_previous_track_does_not_reject_the_next_one()
    {
        _sections.Add(Chromium[0]);
        var video = _sections.Add(H264("ffffff"));
        var offer = Offer();
        _sections.Remove(video);
        _sections.Add(Chromium[1]);
        Assert.True(_sections.TryApply(Answer(offer, RejectVideo), out _, out _));
        Assert.Equal(["0", "2"], (offer = Offer()).Bundle);
        Assert.True(_sections.TryApply(Answer(offer), out _, out _));
        Assert.True(video.IsAccepted);
    }

    [Fact]
    public void All_sections_may_be_rejected()
    {
        _sections.Add(Chromium[1]);
        Assert.True(_sections.TryApply(Answer(Offer(), RejectVideo) with { Bundle = null }, out var remote, out _));
        Assert.Null(remote);
    }

    [Fact]
    public void Restored_sections_are_inactive_and_reused_for_the_next_tracks()
    {
        _sections.Restore([MediaKind.Audio, MediaKind.Video, MediaKind.Audio]);
        Assert.Equal(["audio", "video", "audio"], Offer().Sections.Select(section => section.Type));
        Assert.All(Offer().Sections, section => Assert.Equal(Direction.Inactive, section.Direction));
        Assert.All(Offer().Sections, section => Assert.NotEmpty(section.Codecs));
        Assert.Equal(["1", "0", "2", "3"], ((int[])[1, 0, 2, 3]).Select(index => _sections.Add(Chromium[index]).Mid));
    }

    [Fact]
    public void Common_codecs_have_the_same_payload_types_in_every_connection()
    {
        var other = new SubscribeSections();
        foreach (var track in Chromium)
            _sections.Add(track);
        foreach (var track in Chromium.Reverse())
            other.Add(track);

        Assert.Equal(Formats(Offer()), Formats(other.Offer(Transports.Local)));

        static IEnumerable<string> Formats(SessionDescription offer)
            => offer.Sections.SelectMany(section => section.Codecs).Select(codec => $"{codec.Name}/{codec.ClockRate} {codec.PayloadType}").Distinct().Order();
    }

    [Fact]
    public void An_answer_that_does_not_match_the_offer_is_rejected_and_changes_nothing()
    {
        var empty = new SubscribeSections();
        Assert.False(empty.TryApply(Recorded.Read("chromium-subscriber-answer"), out _, out var error));
        Assert.Equal("There was no offer to answer.", error);

        var section = _sections.Add(Chromium[0]);
        _sections.Add(Chromium[1]);
        var answer = Answer(Offer());
        Refused(answer with { Sections = [answer.Sections[0]] }, "The answer has 1 sections, but the offer has 2.");
        Refused(answer with { Sections = [.. answer.Sections.Reverse()] }, "a kind or a=mid differs");
        Refused(answer with { Sections = [answer.Sections[0] with { Mid = "7" }, answer.Sections[1]] }, "a kind or a=mid differs");
        Refused(answer with { Bundle = null }, "a=group:BUNDLE");
        Refused(answer with { Sections = [.. answer.Sections.Select(answered => answered with { Setup = DtlsSetup.ActPass })] }, "a=setup:actpass");
        Refused(answer with { Sections = [.. answer.Sections.Select(answered => answered with { Fingerprints = [] })] }, "a=fingerprint");
        Assert.True(_sections.TryApply(answer, out _, out _));

        void Refused(SessionDescription wrong, string expected)
        {
            Assert.False(_sections.TryApply(wrong, out _, out var error));
            Assert.Contains(expected, error, StringComparison.Ordinal);
            Assert.False(section.IsAccepted);
        }
    }

    private static IReadOnlyList<PublishedTrack> Tracks(string name)
        => PublishAnswer.Create(Recorded.Read(name), new(true, true), Transports.Local, 10).Tracks;

    private static PublishedTrack H264(string profile)
        => Chromium[1] with { Codec = Chromium[1].Codec with { Name = "H264", Parameters = $"packetization-mode=1;profile-level-id={profile}" } };

    private static MediaDescription RejectVideo(MediaDescription section) => section.Type == "video" ? section with { Port = 0 } : section;

    private SessionDescription Offer() => Recorded.Parse(_sections.Offer(Transports.Local).ToString());

    /// <summary>The answer of a device that accepts everything, after a change to each section.</summary>
    private static SessionDescription Answer(SessionDescription offer, Func<MediaDescription, MediaDescription>? change = null)
        => offer with
        {
            IsIceLite = false,
            Sections =
            [
                .. offer.Sections.Select(section => (change ?? (same => same))(section with
                {
                    Setup = DtlsSetup.Passive,
                    Direction = section.Direction == Direction.SendOnly ? Direction.RecvOnly : Direction.Inactive,
                })),
            ],
        };
}
