using System.Diagnostics.CodeAnalysis;
using Sessions.Media.Rtp;

namespace Sessions.Tests.Media.Network;

/// <summary>One SSRC as a subscribing device receives it, with the rules for its packets.</summary>
internal sealed class ReceivedStream(uint ssrc, bool isVideo)
{
    private const int Window = 2048;

    private readonly Entry?[] _entries = new Entry?[Window];
    private readonly ReceptionStatistics _statistics = new(isVideo ? 90_000 : 48_000);
    private SequenceUnwrapper _unwrapper;
    private long _highest;

    public uint Ssrc => ssrc;

    public bool IsVideo => isVideo;

    public MissingPackets Missing { get; } = new();

    /// <summary>The number of packets received of each track.</summary>
    public Dictionary<int, long> Received { get; } = [];

    public long First { get; private set; }

    public long Highest => _highest;

    /// <summary>The number of packets sent, according to the sequence numbers.</summary>
    public long Expected => _highest - First + 1;

    public int KeyFrames { get; private set; }

    /// <summary>Video packets after a pause or a change that were not key frames.</summary>
    public int Starts { get; private set; }

    /// <summary>Whether timestamps must increase with the sequence numbers. Not after the clock has jumped too far for 32 bits.</summary>
    public bool ChecksTimestamps { get; set; } = true;

    public ReportBlock Report(TimeSpan now) => _statistics.Report(ssrc, now);

    [SuppressMessage("Usage", "xUnit1051", Justification = "Nothing is awaited.")]
    public void Receive(in RtpPacket packet, TimeSpan now)
    {
        var (id, count, isKeyFrame) = PublishedStream.Read(packet.Payload);
        var isFirst = Received.Count == 0;
        var number = _unwrapper.Unwrap(packet.SequenceNumber);
        _statistics.Receive(packet.SequenceNumber, packet.Timestamp, now);
        Missing.Receive(number, now);
        Received[id] = Received.GetValueOrDefault(id) + 1;
        if (isFirst)
            First = _highest = number;
        KeyFrames += isVideo && isKeyFrame ? 1 : 0;

        var entry = new Entry(number, id, count, packet.Timestamp, isKeyFrame);
        ref var slot = ref _entries[Slot(number)];
        Assert.True(slot?.Number != number, $"{number} came twice.");
        slot = entry;
        First = Math.Min(First, number);
        _highest = Math.Max(_highest, number);
        if (Neighbour(number, -1) is { } before)
            CheckOrder(before, entry);
        if (Neighbour(number, 1) is { } after)
            CheckOrder(entry, after);
    }

    private void CheckOrder(Entry before, Entry after)
    {
        Assert.True(before.Id != after.Id || before.Count < after.Count, $"{before} is followed by {after}.");
        Assert.True(!ChecksTimestamps || (int)(after.Timestamp - before.Timestamp) >= 0, $"{before} is followed by {after}.");

        // Consecutive sequence numbers skip packets only on purpose, and then a key frame follows.
        var isGap = before.Id != after.Id || after.Count - before.Count != after.Number - before.Number;
        Assert.True(!isVideo || !isGap || after.Number != before.Number + 1 || after.IsKeyFrame, $"{before} is followed by {after}.");
    }

    private Entry? Neighbour(long number, int direction)
    {
        for (var distance = 1; distance < Window / 2; distance++)
        {
            var other = number + (direction * distance);
            if (other > _highest || other < First)
                return null;
            if (_entries[Slot(other)] is { } entry && entry.Number == other)
                return entry;
        }

        return null;
    }

    private static int Slot(long number) => (int)(((number % Window) + Window) % Window);

    private readonly record struct Entry(long Number, int Id, long Count, uint Timestamp, bool IsKeyFrame);
}
