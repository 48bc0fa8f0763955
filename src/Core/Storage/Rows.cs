using System.Text.Json;
using Azure;
using Azure.Data.Tables;
using Sessions.Model;

namespace Sessions.Storage;

/// <summary>The header of a session's partition. Every change of the partition's rows rewrites it under its ETag.</summary>
internal sealed record HeaderRow(Guid Id, string? Tag, DateTimeOffset Created, DateTimeOffset Expires)
{
    public ETag ETag { get; private init; }

    public string? WriteId { get; private init; }

    public string Version { get; private init; } = Guid.NewGuid().ToString();

    public static HeaderRow From(TableEntity row, Guid id) => new(
        id,
        row.GetString(Columns.Tag),
        row.GetDateTimeOffset(Columns.Created)!.Value,
        row.GetDateTimeOffset(Columns.Expires)!.Value)
    {
        ETag = row.ETag,
        WriteId = row.GetString(Columns.WriteId),
        Version = row.GetString(Columns.Version),
    };

    public TableEntity ToEntity(string accountId) => new(Keys.Partition(accountId, Id), Keys.Header)
    {
        [Columns.Tag] = Tag,
        [Columns.Created] = Created,
        [Columns.Expires] = Expires,
        [Columns.Version] = Version,
        [Columns.WriteId] = Guid.NewGuid().ToString(),
    };

    public Session ToModel() => new(Id.ToString(), Tag);
}

/// <summary>A participant's fields, which never change, and its claim, which does.</summary>
internal sealed record ParticipantRow(Guid Id, ParticipantFields Fields, DateTimeOffset Created, DateTimeOffset Expires)
{
    /// <summary>The claim: the session that the participant is in or is joining; null for none.</summary>
    public Guid? SessionId { get; private init; }

    public ETag ETag { get; private init; }

    public static ParticipantRow From(TableEntity row, Guid id) => new(
        id,
        ParticipantFields.From(row),
        row.GetDateTimeOffset(Columns.Created)!.Value,
        row.GetDateTimeOffset(Columns.Expires)!.Value)
    {
        SessionId = Guid.TryParseExact(row.GetString(Columns.SessionId), "D", out var sessionId) ? sessionId : null,
        ETag = row.ETag,
    };

    public TableEntity ToEntity(string accountId)
    {
        var row = new TableEntity(Keys.Partition(accountId, Id), Keys.Participant)
        {
            [Columns.Created] = Created,
            [Columns.Expires] = Expires,
            [Columns.SessionId] = "",
            [Columns.WriteId] = Guid.NewGuid().ToString(),
        };
        Fields.CopyTo(row);
        return row;
    }

    /// <summary>The columns that change when the participant claims a session, or none.</summary>
    public static TableEntity Claim(string accountId, Guid participantId, Guid? sessionId)
        => new(Keys.Partition(accountId, participantId), Keys.Participant)
        {
            [Columns.SessionId] = sessionId?.ToString() ?? "",
            [Columns.WriteId] = Guid.NewGuid().ToString(),
        };

    /// <summary>The entity tag of the participant outside of any session; inside one it is its member row's.</summary>
    public string VersionOutside => Id.ToString();

    /// <summary>The participant outside of any session.</summary>
    public Participant ToModel() => Fields.ToModel(Id, null, Subscriptions.None);
}

/// <summary>A participant in a session. It ends with whichever of the two ends first.</summary>
internal sealed record MemberRow(
    Guid ParticipantId, ParticipantFields Fields, Subscriptions Subscriptions, DateTimeOffset Joined, DateTimeOffset Expires)
{
    public ETag ETag { get; private init; }

    /// <summary>Fresh for each write of the row, and so its entity tag in the API, too.</summary>
    public string WriteId { get; init; } = Guid.NewGuid().ToString();

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

    public TableEntity ToEntity(string accountId, Guid sessionId)
    {
        var row = Subscribe(accountId, sessionId, ParticipantId, Subscriptions, WriteId);
        row[Columns.Joined] = Joined;
        row[Columns.Expires] = Expires;
        Fields.CopyTo(row);
        return row;
    }

    /// <summary>The columns that change when the subscriptions do.</summary>
    public static TableEntity Subscribe(
        string accountId, Guid sessionId, Guid participantId, Subscriptions subscriptions, string writeId)
        => new(Keys.Partition(accountId, sessionId), Keys.Member(participantId))
        {
            [Columns.Subscriptions] = JsonSerializer.SerializeToUtf8Bytes(subscriptions, WireFormat.Default.Subscriptions),
            [Columns.WriteId] = writeId,
        };

    public Participant ToModel(Guid sessionId) => Fields.ToModel(ParticipantId, sessionId, Subscriptions);
}

/// <summary>What a participant is created with: kept in its own row and copied to its member row, so that a list is one query.</summary>
internal sealed record ParticipantFields(string? CallbackUrl, string PublishPermissions, string Tag, string DeviceApiVersion)
{
    public static ParticipantFields From(TableEntity row) => new(
        row.GetString(Columns.CallbackUrl),
        row.GetString(Columns.PublishPermissions),
        row.GetString(Columns.Tag),
        row.GetString(Columns.DeviceApiVersion));

    public void CopyTo(TableEntity row)
    {
        row[Columns.CallbackUrl] = CallbackUrl;
        row[Columns.PublishPermissions] = PublishPermissions;
        row[Columns.Tag] = Tag;
        row[Columns.DeviceApiVersion] = DeviceApiVersion;
    }

    public Participant ToModel(Guid id, Guid? sessionId, Subscriptions subscriptions) => new(
        id.ToString(),
        CallbackUrl,
        PublishPermissions.Split(',', StringSplitOptions.RemoveEmptyEntries),
        sessionId is null ? [] : [sessionId.Value.ToString()],
        subscriptions,
        Tag,
        DeviceApiVersion);
}
