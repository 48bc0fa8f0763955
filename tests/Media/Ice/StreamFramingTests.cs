using Sessions.Media.Ice;

namespace Sessions.Tests.Media.Ice;

public sealed class StreamFramingTests
{
    private const int MaxLength = 40;

    private static readonly byte[][] Datagrams = [[1], [2, 3, 4], [.. Enumerable.Range(0, MaxLength).Select(i => (byte)i)], [0, 0], [9]];

    [Fact]
    public void Frames_are_read_wherever_the_stream_is_split_into_reads()
    {
        var stream = Stream(Datagrams);
        for (var first = 0; first <= stream.Length; first++)
        {
            for (var second = first; second <= stream.Length; second++)
            {
                var framing = new StreamFraming(MaxLength);
                List<byte[]> read = [];
                Receive(framing, stream.AsSpan(..first), read);
                Receive(framing, stream.AsSpan(first..second), read);
                Receive(framing, stream.AsSpan(second..), read);
                Assert.Equal(Datagrams, read);
            }
        }
    }

    [Fact]
    public void Frames_are_read_byte_by_byte()
    {
        var framing = new StreamFraming(MaxLength);
        List<byte[]> read = [];
        foreach (var octet in Stream(Datagrams))
            Receive(framing, [octet], read);

        Assert.Equal(Datagrams, read);
    }

    [Fact]
    public void There_is_always_room_for_a_frame()
    {
        var random = new Random(3);
        var framing = new StreamFraming(MaxLength);
        List<byte[]> read = [], sent = [];
        for (var i = 0; i < 2000; i++)
        {
            var datagram = new byte[random.Next(1, MaxLength + 1)];
            random.NextBytes(datagram);
            sent.Add(datagram);
        }

        for (ReadOnlySpan<byte> rest = Stream([.. sent]); !rest.IsEmpty;)
        {
            Assert.InRange(framing.Room.Length, MaxLength + StreamFraming.HeaderLength, int.MaxValue);
            var count = Math.Min(random.Next(1, framing.Room.Length + 1), rest.Length);
            Receive(framing, rest[..count], read);
            rest = rest[count..];
        }

        Assert.Equal(sent, read);
    }

    [Fact]
    public void Empty_frames_are_skipped()
    {
        var framing = new StreamFraming(MaxLength);
        List<byte[]> read = [];
        Receive(framing, [0, 0, 0, 0, 0, 1, 7, 0, 0], read);

        Assert.Equal([[7]], read);
        Assert.False(framing.IsBroken);
    }

    [Fact]
    public void An_oversized_frame_breaks_the_stream_as_soon_as_its_header_arrives()
    {
        var framing = new StreamFraming(MaxLength);
        List<byte[]> read = [];
        Receive(framing, [0, 1, 7, 0, MaxLength + 1], read);

        Assert.Equal([[7]], read);
        Assert.True(framing.IsBroken);
        Assert.False(framing.TryRead(out _));
        Assert.True(framing.Room.IsEmpty);
    }

    [Fact]
    public void A_datagram_can_be_modified_in_place_after_reading()
    {
        var framing = new StreamFraming(MaxLength);
        byte[] stream = [0, 2, 1, 1, 0, 2, 2, 2];
        stream.CopyTo(framing.Room);
        framing.Commit(stream.Length);

        Assert.True(framing.TryRead(out var first));
        first.Fill(0xff);
        Assert.True(framing.TryRead(out var second));
        Assert.Equal([2, 2], second.ToArray());
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(2 * (MaxLength + StreamFraming.HeaderLength) + 1)]
    public void Committing_an_impossible_number_of_bytes_throws(int count)
        => Assert.Throws<ArgumentOutOfRangeException>(() => new StreamFraming(MaxLength).Commit(count));

    [Fact]
    public void Writing_a_datagram_over_65535_bytes_throws()
        => Assert.Throws<OverflowException>(() => StreamFraming.Write(new byte[65536], new byte[70000]));

    private static byte[] Stream(byte[][] datagrams)
    {
        var stream = new byte[datagrams.Sum(datagram => StreamFraming.HeaderLength + datagram.Length)];
        var length = 0;
        foreach (var datagram in datagrams)
            length += StreamFraming.Write(datagram, stream.AsSpan(length));

        return stream;
    }

    private static void Receive(StreamFraming framing, ReadOnlySpan<byte> received, List<byte[]> read)
    {
        while (!received.IsEmpty)
        {
            var room = framing.Room.Span;
            var count = Math.Min(room.Length, received.Length);
            received[..count].CopyTo(room);
            framing.Commit(count);
            while (framing.TryRead(out var datagram))
                read.Add(datagram.ToArray());

            received = received[count..];
        }
    }
}
