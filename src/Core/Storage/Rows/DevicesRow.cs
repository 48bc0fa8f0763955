using System.Text.Json;
using System.Text.Json.Serialization;
using Azure.Data.Tables;
using Sessions.Model;

namespace Sessions.Storage;

/// <summary>A device of a participant, from its first connection until it has left.</summary>
/// <param name="Id">The id that the gateway gave it.</param>
/// <param name="Gateway">The gateway to which it is connected.</param>
/// <param name="Run">The run of the gateway's program. After a restart, the new run does not know the devices of the previous run.</param>
/// <param name="IsAway">Whether its connection is lost.</param>
internal sealed record StoredDevice(
    [property: JsonPropertyName("id")] string Id,
    [property: JsonPropertyName("gateway")] string Gateway,
    [property: JsonPropertyName("run")] string Run,
    [property: JsonPropertyName("away")] bool IsAway);

/// <summary>The kind of a change of a device.</summary>
internal enum DeviceChangeKind
{
    /// <summary>The device connected.</summary>
    Connected,

    /// <summary>The device lost its connection.</summary>
    Lost,

    /// <summary>The device left and will not reconnect.</summary>
    Left,

    /// <summary>The current run of a gateway takes over the devices of an earlier run, whose connections are lost.</summary>
    Adopted,
}

/// <summary>A change of a device.</summary>
/// <param name="Kind">The kind of the change.</param>
/// <param name="DeviceId">The device, or empty for all devices that are taken over.</param>
/// <param name="Time">The time of the change.</param>
internal readonly record struct DeviceChange(DeviceChangeKind Kind, string DeviceId, DateTimeOffset Time);

/// <summary>
/// The devices of a participant and the number of the last row of its outbox. They are a row of their own in the participant's partition.
/// Only gateways write it, so gateways and memberships never conflict. The row outlives the participant, so it has a copy of the
/// participant's callback URL and tag.
/// </summary>
internal sealed record DevicesRow(AccountId AccountId, ParticipantId ParticipantId, string? CallbackUrl, string? Tag, DateTimeOffset Expires)
    : ExpiringRow(Expires)
{
    /// <summary>The number of the last row of the outbox. The event of the creation has number 0.</summary>
    public long Events { get; private init; }

    public IReadOnlyList<StoredDevice> Devices { get; private init; } = [];

    public string? WriteId { get; private init; }

    /// <summary>The events since the row was read, in order.</summary>
    public IReadOnlyList<StoredEvent> News { get; private init; } = [];

    /// <summary>Whether the callback URL is an HTTP or HTTPS URL. The delivery decides whether it may be called.</summary>
    public bool HasCallback { get; } = Uri.TryCreate(CallbackUrl, UriKind.Absolute, out var url)
        && (url.Scheme == Uri.UriSchemeHttps || url.Scheme == Uri.UriSchemeHttp);

    /// <summary>Creates the row of a participant whose first device connects.</summary>
    public static DevicesRow Of(AccountId accountId, ParticipantRow participant)
        => new(accountId, participant.Id, participant.Fields.CallbackUrl, participant.SentTag, participant.Expires);

    /// <summary>Reads the row. Returns null if it does not exist. One storage call.</summary>
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
    /// Returns the row after a change that was seen by a run of a gateway. A run changes only its own devices, and a device that connects
    /// becomes its own. If a connected device connects again, it stays connected and there is no event.
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

    /// <summary>
    /// The actions of the transaction that stores this row and adds the new events to the outbox, if the stored row has not changed since
    /// it was read.
    /// </summary>
    public IEnumerable<TableTransactionAction> ToActions(string writeId, DateTimeOffset eventsExpire)
    {
        var row = new TableEntity(Keys.Partition(AccountId, ParticipantId), Keys.Devices)
        {
            [Columns.CallbackUrl] = CallbackUrl,
            [Columns.Tag] = Tag,
            [Columns.Events] = Events,
            [Columns.Devices] = JsonSerializer.SerializeToUtf8Bytes(Devices, StoredFormat.Default.IReadOnlyListStoredDevice),
            [Columns.WriteId] = writeId,

            // The row does not expire before its events, because it has their number.
            [Columns.Expires] = Expires > eventsExpire ? Expires : eventsExpire,
        };
        yield return TableCalls.AddOrMerge(row, ETag);
        foreach (var (index, told) in News.Index())
            yield return new EventRow(row.PartitionKey, Events - News.Count + index + 1, [told], eventsExpire).ToAction();
    }

    /// <summary>The row after this transaction has succeeded.</summary>
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
