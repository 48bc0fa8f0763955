using System.Globalization;
using Azure.Data.Tables;
using Sessions.Model;

namespace Sessions.Storage;

/// <summary>
/// The header of a session's partition, which lists the members. Every transaction that inserts or deletes a member row rewrites the header
/// under its ETag.
/// </summary>
internal sealed record HeaderRow(SessionId Id, string? Tag, DateTimeOffset Created, DateTimeOffset Expires) : ResourceRow(Created, Expires)
{
    /// <summary>The columns that <see cref="From"/> needs.</summary>
    public static readonly IReadOnlyList<string> AllColumns =
        [Columns.Tag, Columns.Created, Columns.Expires, Columns.Members, Columns.Events, Columns.WriteId, Columns.Version];

    public MemberSet Members { get; private init; } = MemberSet.Empty;

    /// <summary>The number of the last row of the outbox. Each change of the membership adds one.</summary>
    public long Events { get; private init; } = FirstEvent;

    public string? WriteId { get; private init; }

    private const long FirstEvent = 1;

    /// <summary>The column as it was read. For a new row, <see cref="MembersChange"/> writes it.</summary>
    private string? Version { get; init; }

    /// <summary>Reads the header, even if it has expired. Returns null if it does not exist. One storage call.</summary>
    public static async Task<HeaderRow?> FindAsync(TableClient table, AccountId accountId, SessionId id, CancellationToken cancellation)
        => await table.FindAsync(Keys.Partition(accountId, id), Keys.Header, cancellation) is { } row ? From(row, id) : null;

    public static HeaderRow From(TableEntity row, SessionId id) => new(
        id,
        row.GetString(Columns.Tag),
        row.GetDateTimeOffset(Columns.Created)!.Value,
        row.GetDateTimeOffset(Columns.Expires)!.Value)
    {
        ETag = row.ETag,
        Members = MemberSet.From(row.GetBinary(Columns.Members)),
        Events = row.GetInt64(Columns.Events)!.Value,
        WriteId = row.GetString(Columns.WriteId),
        Version = row.GetString(Columns.Version),
    };

    public override TableEntity ToEntity(AccountId accountId)
    {
        var row = MembersChange(accountId, Id, Members, Events, Guid.NewGuid());
        row[Columns.Tag] = Tag;
        row[Columns.Created] = Created;
        row[Columns.Expires] = Expires;
        return row;
    }

    public override EventRow CreationEvent(AccountId accountId, DateTimeOffset eventsExpire)
        => new(Keys.Partition(accountId, Id), Events, [new(EventTypes.SessionCreated, Created, Tag: Tag)], eventsExpire);

    /// <summary>The columns that a fence changes, which keeps the members.</summary>
    public static TableEntity FenceChange(AccountId accountId, SessionId id)
        => new(Keys.Partition(accountId, id), Keys.Header) { [Columns.WriteId] = Guid.NewGuid().ToString() };

    /// <summary>The columns that change when a member joins or leaves.</summary>
    public static TableEntity MembersChange(AccountId accountId, SessionId id, MemberSet members, long events, Guid writeId)
        => new(Keys.Partition(accountId, id), Keys.Header)
        {
            [Columns.Members] = members.ToBytes(),
            [Columns.Events] = events,
            [Columns.WriteId] = writeId.ToString(),
            [Columns.Version] = writeId.ToString(),
        };

    /// <summary>
    /// The session's entity tag. It changes with each join and leave, and when a member expires. It consists of the version of the list of
    /// members and the number of members that have expired, for example <c>{version}.2</c>.
    /// </summary>
    public string EntityTag(DateTimeOffset now)
        => Members.Expired(now).Count() is var expired and > 0
            ? string.Create(CultureInfo.InvariantCulture, $"{Version}.{expired}")
            : Version!;

    public Session ToModel(DateTimeOffset now)
        => new(Id.ToString(), Tag, [.. Members.Live(now).Select(entry => entry.ParticipantId.ToString())]);
}
