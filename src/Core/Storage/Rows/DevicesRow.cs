using System.Text.Json;
using System.Text.Json.Serialization;
using Azure.Data.Tables;
using Sessions.Model;

namespace Sessions.Storage;

/// <summary>A device of a participant, from its first connection until it has left.</summary>
/// <param name="Id">What the gateway calls it.</param>
/// <param name="Gateway">The gateway that has it.</param>
/// <param name="Run">Which run of that gateway's program: the next one does not know the devices of the one before.</param>
/// <param name="IsAway">Whether its connection is lost.</param>
internal sealed record StoredDevice(
    [property: JsonPropertyName("id")] string Id,
    [property: JsonPropertyName("gateway")] string Gateway,
    [property: JsonPropertyName("run")] string Run,
    [property: JsonPropertyName("away")] bool IsAway);

/// <summary>What becomes of a device.</summary>
internal enum DeviceChangeKind
{
    /// <summary>It has a connection.</summary>
    Connected,

    /// <summary>Its connection is lost.</summary>
    Lost,

    /// <summary>It does not come back.</summary>
    Left,

    /// <summary>This run of a gateway takes over the devices that an earlier run has left behind: their connections are lost.</summary>
    Adopted,
}

/// <summary>A change of a device.</summary>
/// <param name="Kind">What has become of it.</param>
/// <param name="DeviceId">The device; empty for all that are adopted.</param>
/// <param name="Time">When.</param>
internal readonly record struct DeviceChange(DeviceChangeKind Kind, string DeviceId, DateTimeOffset Time);

/// <summary>
/// The devices of a participant, in a row of their own in its partition, and the number of the last row of its outbox. Only gateways
/// write it: the membership never conflicts with them. It outlives the participant, whose callback URL and tag it has for that.
/// </summary>
internal sealed record DevicesRow(AccountId AccountId, ParticipantId ParticipantId, string? CallbackUrl, string? Tag, DateTimeOffset Expires)
    : ExpiringRow(Expires)
{
    /// <summary>The number of the last row of the outbox; the creation has 0.</summary>
    public long Events { get; private init; }

    public IReadOnlyList<StoredDevice> Devices { get; private init; } = [];

    public string? WriteId { get; private init; }

    /// <summary>What has happened since the row was read, in order.</summary>
    public IReadOnlyList<StoredEvent> News { get; private init; } = [];

    /// <summary>Whether the callback URL is one that can be called. Whether it may be, the delivery decides.</summary>
    public bool HasCallback { get; } = Uri.TryCreate(CallbackUrl, UriKind.Absolute, out var url)
        && (url.Scheme == Uri.UriSchemeHttps || url.Scheme == Uri.UriSchemeHttp);

    /// <summary>The row of a participant whose first device connects.</summary>
    public static DevicesRow Of(AccountId accountId, ParticipantRow participant)
        => new(accountId, participant.Id, participant.Fields.CallbackUrl, participant.SentTag, participant.Expires);

    /// <summary>Reads the row; null when there is none. One storage call.</summary>
    public static async Task<DevicesRow?> FindAsync(TableClient table, AccountId accountId, ParticipantId id, CancellationToken cancellation)
        => await table.FindAsync(Keys.Partition(accountId, id), Keys.Devices, cancellation) is { } row
            ? new(accountId, id, row.GetString(Columns.CallbackUrl), row.GetString(Columns.Tag), row.GetDateTimeOffset(Columns.Expires)!.Value)
            {
                Events = row.GetInt64(Columns.Events)!.Value,
                Devices = JsonSerializer.Deserialize(row.GetBinary(Columns.Devices), StoredFormat.Default.IReadOnlyListStoredDevice)!,
                WriteId = row.GetString(Columns.WriteId),
                ETag = row.ETag,
            }
            : null;

    /// <summary>
    /// The row after a change that a run of a gateway has seen. A run changes only devices that are its own; one that connects becomes
    /// its own. A device that is connected already and connects again stays connected, and nobody is told.
    /// </summary>
    public DevicesRow With(DeviceChange change, string gateway, string run)
    {
        if (change.Kind == DeviceChangeKind.Adopted)
        {
            return Devices.Where(device => device.Gateway == gateway && device.Run != run).Aggregate(
                this, (row, device) => row.Lose(device, change.Time).Put(device with { Run = run, IsAway = true }));
        }

        var known = Devices.FirstOrDefault(device => device.Id == change.DeviceId);
        var isOwn = known is not null && known.Gateway == gateway && known.Run == run;
        return change.Kind switch
        {
            DeviceChangeKind.Connected when isOwn && !known!.IsAway => this,
            DeviceChangeKind.Connected => (known is null ? this : Lose(known, change.Time))
                .Put(new(change.DeviceId, gateway, run, IsAway: false))
                .Tell(EventTypes.ParticipantConnected, CallbackEvents.Connect, change.DeviceId, change.Time),
            DeviceChangeKind.Lost when isOwn => Lose(known!, change.Time).Put(known! with { IsAway = true }),
            DeviceChangeKind.Left when isOwn => (this with { Devices = [.. Devices.Where(device => device.Id != known!.Id)] })
                .Tell(known!.IsAway ? null : EventTypes.ParticipantDisconnected, CallbackEvents.Leave, known.Id, change.Time),
            _ => this,
        };
    }

    /// <summary>The transaction that stores this row, if the stored one is still the one that was read, with the news in the outbox.</summary>
    public IEnumerable<TableTransactionAction> ToActions(string writeId, DateTimeOffset eventsExpire)
    {
        var row = new TableEntity(Keys.Partition(AccountId, ParticipantId), Keys.Devices)
        {
            [Columns.CallbackUrl] = CallbackUrl,
            [Columns.Tag] = Tag,
            [Columns.Events] = Events,
            [Columns.Devices] = JsonSerializer.SerializeToUtf8Bytes(Devices, StoredFormat.Default.IReadOnlyListStoredDevice),
            [Columns.WriteId] = writeId,

            // Not before its events: it has their number.
            [Columns.Expires] = Expires > eventsExpire ? Expires : eventsExpire,
        };
        yield return TableCalls.AddOrMerge(row, ETag);
        foreach (var (index, told) in News.Index())
            yield return new EventRow(row.PartitionKey, Events - News.Count + index + 1, [told], eventsExpire).ToAction();
    }

    /// <summary>The row as it is stored when that transaction is done.</summary>
    public DevicesRow Stored(Azure.ETag etag) => this with { News = [], ETag = etag };

    private DevicesRow Put(StoredDevice device) => this with { Devices = [.. Devices.Where(other => other.Id != device.Id), device] };

    private DevicesRow Lose(StoredDevice device, DateTimeOffset time)
        => device.IsAway ? this : Tell(EventTypes.ParticipantDisconnected, CallbackEvents.Disconnect, device.Id, time);

    private DevicesRow Tell(string? type, string callback, string deviceId, DateTimeOffset time)
        => type is null && !HasCallback
            ? this
            : this with
            {
                Events = Events + 1,
                News = [.. News, new(type, time, Tag: Tag, DeviceId: deviceId, Callback: HasCallback ? callback : null)],
            };
}
