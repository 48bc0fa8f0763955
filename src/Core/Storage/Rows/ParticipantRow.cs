using Azure.Data.Tables;
using Sessions.Model;

namespace Sessions.Storage;

/// <summary>A participant's fields, which never change, and its claim, which does.</summary>
internal sealed record ParticipantRow(ParticipantId Id, ParticipantFields Fields, DateTimeOffset Created, DateTimeOffset Expires)
    : ResourceRow(Created, Expires)
{
    /// <summary>The claim: the session that the participant is in or is joining, or null for none.</summary>
    public SessionId? SessionId { get; private init; }

    /// <summary>The changes of other sessions that precede the join to <see cref="SessionId"/>, or the next join.</summary>
    public Predecessors After { get; private init; } = Predecessors.None;

    /// <summary>
    /// The entity tag of the participant while it is in no session. In a session, its entity tag is that of its member row.
    /// </summary>
    public string EntityTag => Id.ToString();

    /// <summary>The tag that the caller sent, or null for none.</summary>
    public string? SentTag => Fields.Tag == Id.ToString() ? null : Fields.Tag;

    /// <summary>Reads the row, even if it has expired. Returns null if it does not exist. One storage call.</summary>
    public static async Task<ParticipantRow?> FindAsync(
        TableClient table, AccountId accountId, ParticipantId id, CancellationToken cancellation)
        => await table.FindAsync(Keys.Partition(accountId, id), Keys.Participant, cancellation) is { } row ? From(row, id) : null;

    public static ParticipantRow From(TableEntity row, ParticipantId id) => new(
        id,
        ParticipantFields.From(row),
        row.GetDateTimeOffset(Columns.Created)!.Value,
        row.GetDateTimeOffset(Columns.Expires)!.Value)
    {
        SessionId = Model.SessionId.TryParse(row.GetString(Columns.SessionId), out var sessionId) ? sessionId : null,
        After = Predecessors.Parse(row.GetString(Columns.After)),
        ETag = row.ETag,
    };

    public override TableEntity ToEntity(AccountId accountId)
    {
        var row = ClaimChange(accountId, Id, null, Predecessors.None);
        row[Columns.Created] = Created;
        row[Columns.Expires] = Expires;
        Fields.CopyTo(row);
        return row;
    }

    public override EventRow CreationEvent(AccountId accountId, DateTimeOffset eventsExpire)
        => new(
            Keys.Partition(accountId, Id),
            0,
            [new(EventTypes.ParticipantCreated, Created, Tag: SentTag)],
            eventsExpire);

    /// <summary>The columns that change when the participant claims a session, or clears its claim.</summary>
    public static TableEntity ClaimChange(AccountId accountId, ParticipantId participantId, SessionId? sessionId, Predecessors after)
        => new(Keys.Partition(accountId, participantId), Keys.Participant)
        {
            [Columns.SessionId] = sessionId?.ToString() ?? "",
            [Columns.After] = after.ToColumn(),
            [Columns.WriteId] = Guid.NewGuid().ToString(),
        };

    /// <summary>The participant outside of any session.</summary>
    public Participant ToModel() => Fields.ToModel(Id, null, Subscriptions.None);

    public ListedParticipant ToListed()
        => new(Id.ToString(), Fields.CallbackUrl, Fields.Permissions, Fields.Tag, Fields.DeviceApiVersion);
}

/// <summary>
/// The fields with which a participant is created. They are stored in its own row and copied to its member row, so that a list is one
/// query.
/// </summary>
internal sealed record ParticipantFields(string? CallbackUrl, string PublishPermissions, string Tag, string DeviceApiVersion)
{
    public IReadOnlyList<string> Permissions => PublishPermissions.Split(',', StringSplitOptions.RemoveEmptyEntries);

    public static ParticipantFields From(TableEntity row) => new(
        row.GetString(Columns.CallbackUrl),
        row.GetString(Columns.PublishPermissions),
        row.GetString(Columns.Tag),
        row.GetString(Columns.DeviceApiVersion));

    /// <summary>The fields of a new participant. Its tag is its id if the caller sent no tag.</summary>
    public static ParticipantFields Of(ParticipantId id, NewParticipant participant) => new(
        participant.CallbackUrl,
        string.Join(',', participant.PublishPermissions),
        participant.Tag ?? id.ToString(),
        participant.DeviceApiVersion);

    public void CopyTo(TableEntity row)
    {
        row[Columns.CallbackUrl] = CallbackUrl;
        row[Columns.PublishPermissions] = PublishPermissions;
        row[Columns.Tag] = Tag;
        row[Columns.DeviceApiVersion] = DeviceApiVersion;
    }

    public Participant ToModel(ParticipantId id, SessionId? sessionId, Subscriptions subscriptions) => new(
        id.ToString(),
        CallbackUrl,
        Permissions,
        sessionId is null ? [] : [sessionId.Value.ToString()],
        subscriptions,
        Tag,
        DeviceApiVersion);
}
