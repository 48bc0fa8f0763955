using Azure.Data.Tables;
using Sessions.Model;

namespace Sessions.Storage;

/// <summary>The header of a session's partition. Every change of the partition's rows rewrites it under its ETag.</summary>
internal sealed record HeaderRow(SessionId Id, string? Tag, DateTimeOffset Created, DateTimeOffset Expires) : ResourceRow(Created, Expires)
{
    public string? WriteId { get; private init; }

    /// <summary>The session's entity tag: fresh when it is created, and for each join and leave.</summary>
    public string EntityTag { get; private init; } = Guid.NewGuid().ToString();

    /// <summary>Reads the header, also one that has expired; null when there is none. One storage call.</summary>
    public static async Task<HeaderRow?> FindAsync(TableClient table, AccountId accountId, SessionId id, CancellationToken cancellation)
        => await table.FindAsync(Keys.Partition(accountId, id), Keys.Header, cancellation) is { } row ? From(row, id) : null;

    public static HeaderRow From(TableEntity row, SessionId id) => new(
        id,
        row.GetString(Columns.Tag),
        row.GetDateTimeOffset(Columns.Created)!.Value,
        row.GetDateTimeOffset(Columns.Expires)!.Value)
    {
        ETag = row.ETag,
        WriteId = row.GetString(Columns.WriteId),
        EntityTag = row.GetString(Columns.Version),
    };

    public override TableEntity ToEntity(AccountId accountId) => new(Keys.Partition(accountId, Id), Keys.Header)
    {
        [Columns.Tag] = Tag,
        [Columns.Created] = Created,
        [Columns.Expires] = Expires,
        [Columns.Version] = EntityTag,
        [Columns.WriteId] = Guid.NewGuid().ToString(),
    };

    /// <summary>The columns that change when no member does: a fence.</summary>
    public static TableEntity FenceChange(AccountId accountId, SessionId id)
        => new(Keys.Partition(accountId, id), Keys.Header) { [Columns.WriteId] = Guid.NewGuid().ToString() };

    /// <summary>The columns that change when a member joins or leaves.</summary>
    public static TableEntity MembersChange(AccountId accountId, SessionId id, Guid writeId)
        => new(Keys.Partition(accountId, id), Keys.Header)
        {
            [Columns.WriteId] = writeId.ToString(),
            [Columns.Version] = writeId.ToString(),
        };

    public Session ToModel() => new(Id.ToString(), Tag);
}
