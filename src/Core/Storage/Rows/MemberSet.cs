using System.Buffers.Binary;
using Sessions.Model;

namespace Sessions.Storage;

/// <summary>A member of a session, as the session's header lists it.</summary>
/// <param name="ParticipantId">The participant.</param>
/// <param name="Expires">When the membership ends, which is when the participant or the session expires, whichever is first.</param>
internal readonly record struct MemberEntry(ParticipantId ParticipantId, DateTimeOffset Expires)
{
    public bool IsLive(DateTimeOffset now) => now < Expires;
}

/// <summary>
/// The members of a session, in the order of joining. They are one column of the session's header, so every decision about membership reads
/// one row. Each member takes 24 bytes: the id, and the end in ticks of 100 ns since the year 1 (UTC), both big-endian.
/// </summary>
internal sealed class MemberSet(IReadOnlyList<MemberEntry> entries)
{
    private const int IdBytes = 16;
    private const int EntryBytes = IdBytes + sizeof(long);

    public static MemberSet Empty { get; } = new([]);

    /// <summary>Every member, including those that have expired.</summary>
    public IReadOnlyList<MemberEntry> Entries => entries;

    public static MemberSet From(byte[] stored)
    {
        var entries = new MemberEntry[stored.Length / EntryBytes];
        for (var index = 0; index < entries.Length; index++)
        {
            var entry = stored.AsSpan(index * EntryBytes, EntryBytes);
            entries[index] = new(
                new(new Guid(entry[..IdBytes], bigEndian: true)),
                new DateTimeOffset(BinaryPrimitives.ReadInt64BigEndian(entry[IdBytes..]), TimeSpan.Zero));
        }

        return new(entries);
    }

    public byte[] ToBytes()
    {
        var stored = new byte[entries.Count * EntryBytes];
        foreach (var (index, (id, expires)) in entries.Index())
        {
            var entry = stored.AsSpan(index * EntryBytes, EntryBytes);
            id.Value.TryWriteBytes(entry, bigEndian: true, out _);
            BinaryPrimitives.WriteInt64BigEndian(entry[IdBytes..], expires.UtcTicks);
        }

        return stored;
    }

    /// <summary>Whether the participant is among the members, including those that have expired.</summary>
    public bool Contains(ParticipantId participantId) => entries.Any(entry => entry.ParticipantId == participantId);

    public IEnumerable<MemberEntry> Live(DateTimeOffset now) => entries.Where(entry => entry.IsLive(now));

    public IEnumerable<MemberEntry> Expired(DateTimeOffset now) => entries.Where(entry => !entry.IsLive(now));

    public MemberSet With(MemberEntry joining) => new([.. entries, joining]);

    public MemberSet Without(IEnumerable<ParticipantId> leaving)
        => new([.. entries.ExceptBy(leaving, entry => entry.ParticipantId)]);
}
