using System.Text.Json;
using Azure.Data.Tables;
using Sessions.Model;

namespace Sessions.Storage;

/// <summary>A member of a session. It expires with its participant or its session, whichever is first.</summary>
internal sealed record MemberRow(
    ParticipantId ParticipantId, ParticipantFields Fields, Subscriptions Subscriptions, DateTimeOffset Joined, DateTimeOffset Expires)
    : ExpiringRow(Expires)
{
    /// <summary>A new id for each write of the row.</summary>
    public string WriteId { get; init; } = Guid.NewGuid().ToString();

    /// <summary>The participant's entity tag while it is in the session.</summary>
    public string EntityTag => WriteId;

    /// <summary>Reads the row, even if it has expired. Returns null if it does not exist. One storage call.</summary>
    public static async Task<MemberRow?> FindAsync(
        TableClient table, AccountId accountId, SessionId sessionId, ParticipantId id, CancellationToken cancellation)
        => await table.FindAsync(Keys.Partition(accountId, sessionId), Keys.Member(id), cancellation) is { } row ? From(row) : null;

    public static MemberRow From(TableEntity row) => new(
        Keys.ParticipantOf(row.RowKey),
        ParticipantFields.From(row),
        JsonSerializer.Deserialize(row.GetBinary(Columns.Subscriptions), WireFormat.Default.Subscriptions)!,
        row.GetDateTimeOffset(Columns.Joined)!.Value,
        row.GetDateTimeOffset(Columns.Expires)!.Value)
    {
        ETag = row.ETag,
        WriteId = row.GetString(Columns.WriteId),
    };

    public TableEntity ToEntity(AccountId accountId, SessionId sessionId)
    {
        var row = SubscriptionsChange(accountId, sessionId, ParticipantId, Subscriptions, WriteId);
        row[Columns.Joined] = Joined;
        row[Columns.Expires] = Expires;
        Fields.CopyTo(row);
        return row;
    }

    /// <summary>The columns that change when the subscriptions do.</summary>
    public static TableEntity SubscriptionsChange(
        AccountId accountId, SessionId sessionId, ParticipantId participantId, Subscriptions subscriptions, string writeId)
        => new(Keys.Partition(accountId, sessionId), Keys.Member(participantId))
        {
            [Columns.Subscriptions] = JsonSerializer.SerializeToUtf8Bytes(subscriptions, WireFormat.Default.Subscriptions),
            [Columns.WriteId] = writeId,
        };

    public Participant ToModel(SessionId sessionId) => Fields.ToModel(ParticipantId, sessionId, Subscriptions);
}
