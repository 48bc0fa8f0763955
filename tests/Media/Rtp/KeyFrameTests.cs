using Sessions.Media.Rtp;

namespace Sessions.Tests.Media.Rtp;

public sealed class KeyFrameTests
{
    [Theory]
    [InlineData("10 50 9d012a", true)] // P is 0
    [InlineData("10 51", false)] // P is 1: interframe
    [InlineData("00 50", false)] // not the start of a partition
    [InlineData("11 50", false)] // another partition
    [InlineData("30 50", true)] // N: not a reference
    [InlineData("90 80 11 50", true)] // picture id of 7 bits
    [InlineData("90 80 91 11 50", true)] // picture id of 15 bits
    [InlineData("90 80 91 11 51", false)]
    [InlineData("90 f0 91 11 22 33 50", true)] // picture id, TL0PICIDX, TID and KEYIDX
    [InlineData("90 60 22 33 50", true)] // TL0PICIDX and TID
    [InlineData("90 10 33 50", true)] // only KEYIDX
    [InlineData("90 00 50", true)] // no extension
    [InlineData("90 f0 91 11 22 33", false)] // ends before the payload header
    [InlineData("90 80", false)]
    [InlineData("90", false)]
    [InlineData("10", false)]
    [InlineData("", false)]
    public void A_VP8_key_frame_is_recognized_in_its_first_packet(string payload, bool expected)
        => Assert.Equal(expected, KeyFrame.StartsIn(VideoCodec.Vp8, Hex.Parse(payload)));

    [Theory]
    [InlineData("65 88", true)] // IDR
    [InlineData("67 42", true)] // SPS
    [InlineData("68 ce", false)] // PPS
    [InlineData("41 9a", false)] // another slice
    [InlineData("78 0002 6742 0002 68ce", true)] // STAP-A with SPS
    [InlineData("78 0002 68ce 0002 6588", true)] // STAP-A with IDR after another unit
    [InlineData("78 0002 0605 0002 419a", false)] // STAP-A without either
    [InlineData("78 0009 68ce 0002 6742", false)] // a unit longer than the packet
    [InlineData("78 0000 0001 67", true)]
    [InlineData("78 0000 0000", false)]
    [InlineData("78 00", false)]
    [InlineData("78", false)]
    [InlineData("7c 85 88", true)] // FU-A, start of IDR
    [InlineData("7c 05 88", false)] // FU-A, middle of IDR
    [InlineData("7c 45 88", false)] // FU-A, end of IDR
    [InlineData("7c 81 9a", false)] // FU-A, start of another slice
    [InlineData("7c", false)]
    [InlineData("", false)]
    public void An_H264_key_frame_starts_with_an_IDR_slice_or_a_sequence_parameter_set(string payload, bool expected)
        => Assert.Equal(expected, KeyFrame.StartsIn(VideoCodec.H264, Hex.Parse(payload)));
}
