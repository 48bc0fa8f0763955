using Azure;
using Azure.Data.Tables;
using Azure.Data.Tables.Models;
using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Gateway;

/// <summary>
/// Writes the changes of devices to the outboxes of their participants, in order, and retries until storage has accepted them. Callers do
/// not wait for the writes. The participants whose devices are connected here are listed under the gateway's name, so that the gateway's
/// next run finds the devices that this run leaves behind.
/// </summary>
internal sealed partial class DeviceJournal : BackgroundService
{
    // Shorter than the host's shutdown timeout, which is 30 seconds.
    private static readonly TimeSpan TimeToStop = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(8);

    // Each change has at most two events, and each event needs a row.
    private const int MostAtOnce = (TableCalls.MaxTransactionActions - 1) / 2;

    // The maximum number of pending changes of one device, for example of one that reconnects again and again while storage fails.
    private const int MostOfDevice = 20;

    private readonly Tables _tables;
    private readonly EventQueue _events;
    private readonly TimeSpan _eventRetention;
    private readonly string _gateway;
    private readonly string _run = Guid.NewGuid().ToString("N");
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();
    private readonly Dictionary<(AccountId, ParticipantId), Page> _pages = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationToken _stopped;

    /// <summary>Creates the journal of one run of the gateway.</summary>
    public DeviceJournal(
        Tables tables, EventQueue events, SessionsOptions sessions, GatewayOptions options, TimeProvider time, ILogger<DeviceJournal> logger)
    {
        (_tables, _events, _eventRetention, _gateway) = (tables, events, sessions.EventRetention, options.Name);
        (_time, _logger, _stopped) = (time, logger, _stop.Token);
    }

    /// <summary>Records a change of a participant's device. Returns immediately.</summary>
    public void Note(AccountId accountId, ParticipantRow participant, DeviceChangeKind kind, string deviceId)
        => Note(accountId, participant.Id, participant, new(kind, deviceId, _time.GetUtcNow()));

    /// <inheritdoc/>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);

        // The web server has already stopped, so every lost connection has been recorded.
        Task[] writing;
        lock (_lock)
            writing = [.. _pages.Values.Select(page => page.Writing)];
        await Task.WhenAny(Task.WhenAll(writing), Task.Delay(TimeToStop, _time, cancellationToken));
        await _stop.CancelAsync();
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        if (!_stopped.IsCancellationRequested)
            _stop.Cancel();
        _stop.Dispose();
        base.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // The host starts its services one after the other, so this method must return early.
        await Task.Yield();
        try
        {
            await AdoptAsync(stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The next run takes the devices over.
        }
    }

    /// <summary>
    /// Takes over the devices of earlier runs. Their connections count as lost, and devices that do not come back in time have left.
    /// </summary>
    private async Task AdoptAsync(CancellationToken stoppingToken)
    {
        List<Page> adopted = [];
        for (var pause = FirstPause; !await TryAdoptAsync(adopted, pause > FirstPause, stoppingToken); pause = Longer(pause))
            await Task.Delay(pause, _time, stoppingToken);

        await Task.WhenAll(adopted.Select(page => page.Writing)).WaitAsync(stoppingToken);
        await Task.Delay(adopted.Count == 0 ? TimeSpan.Zero : Device.DisconnectedLifetime, _time, stoppingToken);
        lock (_lock)
        {
            foreach (var page in adopted)
            {
                foreach (var deviceId in page.Adopted.ToArray())
                    Note(page.AccountId, page.ParticipantId, null, new(DeviceChangeKind.Left, deviceId, _time.GetUtcNow()));
            }
        }
    }

    /// <summary>Reads the list of participants. False if it could not be read to its end.</summary>
    private async Task<bool> TryAdoptAsync(List<Page> adopted, bool isRepeated, CancellationToken cancellation)
    {
        try
        {
            var query = _tables.Participants.QueryAsync<TableEntity>(
                TableClient.CreateQueryFilter($"PartitionKey eq {Keys.Gateway(_gateway)}"), select: ["RowKey"], cancellationToken: cancellation);
            await foreach (var row in query)
            {
                var (accountId, participantId) = Keys.ParticipantIn(row.RowKey);
                var page = Note(accountId, participantId, null, new(DeviceChangeKind.Adopted, "", _time.GetUtcNow()));
                page.IsListed = true;
                adopted.Add(page);
            }

            return true;
        }
        catch (RequestFailedException exception) when (exception.ErrorCode == TableErrorCode.TableNotFound)
        {
            // The table is still being created, so there was no earlier run.
            return true;
        }
        catch (Exception exception) when (StorageFaults.IsTransient(exception) || exception is RequestFailedException)
        {
            cancellation.ThrowIfCancellationRequested();

            // During LocalHost's startup, failing storage may be the reason why LocalHost stops, and it reports that itself.
            if (isRepeated)
                LogUnread(exception);
            return false;
        }
    }

    private Page Note(AccountId accountId, ParticipantId participantId, ParticipantRow? participant, DeviceChange change)
    {
        lock (_lock)
        {
            if (!_pages.TryGetValue((accountId, participantId), out var page))
                _pages.Add((accountId, participantId), page = new(accountId, participantId));
            page.Participant ??= participant;
            page.Adopted.Remove(change.DeviceId);
            page.Add(change, MostOfDevice);
            if (!page.IsWriting)
            {
                page.IsWriting = true;
                page.Writing = Task.Run(() => WriteAsync(page));
            }

            return page;
        }
    }

    /// <summary>Writes until no change is pending.</summary>
    private async Task WriteAsync(Page page)
    {
        while (Next(page) is { } changes)
        {
            page.WriteId = null;
            for (var pause = FirstPause; !await TryWriteAsync(page, changes); pause = Longer(pause))
            {
                await Task.Delay(pause, _time, _stopped).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (_stopped.IsCancellationRequested)
                    return;
            }
        }
    }

    /// <summary>The next changes to write, or null if there are none.</summary>
    private DeviceChange[]? Next(Page page)
    {
        lock (_lock)
        {
            if (page.Take(MostAtOnce) is { Length: > 0 } changes)
                return changes;

            page.IsWriting = false;
            if (!HasDevices(page.Row))
                _pages.Remove((page.AccountId, page.ParticipantId));
            return null;
        }
    }

    /// <summary>Writes changes. True if none of them is left to write.</summary>
    private async Task<bool> TryWriteAsync(Page page, DeviceChange[] changes)
    {
        try
        {
            var row = page.Row ?? await DevicesRow.FindAsync(_tables.Participants, page.AccountId, page.ParticipantId, _stopped);
            page.Row = row ?? (page.Participant is { } participant ? DevicesRow.Of(page.AccountId, participant) : null);
            return page.Row is null || (row?.WriteId is { } stored && stored == page.WriteId) || await TryWriteAsync(page, page.Row, changes);
        }
        catch (Exception exception)
        {
            page.Row = null;
            if (!_stopped.IsCancellationRequested)
                LogUnwritten(exception, page.ParticipantId);
            return false;
        }
    }

    private async Task<bool> TryWriteAsync(Page page, DevicesRow row, DeviceChange[] changes)
    {
        var next = changes.Aggregate(row, (changed, change) => changed.With(change, _gateway, _run));
        if (ReferenceEquals(next, row))
            return true;

        if (changes.Any(change => change.Kind == DeviceChangeKind.Adopted))
        {
            lock (_lock)
                page.Adopt(row.Devices.Where(device => device.Gateway == _gateway && device.Run != _run), changes);
        }

        // Both come before the change. A crash in between leaves a message and an entry that find nothing.
        await Task.WhenAll(_events.AnnounceAsync(next, _stopped), ListAsync(page));
        page.WriteId = Guid.NewGuid().ToString("N");
        var write = await _tables.Participants.TrySubmitAsync(next.ToActions(page.WriteId, _time.GetUtcNow() + _eventRetention), _stopped);
        page.Row = write.Outcome == WriteOutcome.Done ? next.Stored(write.ETag) : null;
        if (page.Row is not null && !HasDevices(page.Row))
        {
            // If this deletion fails, the next run reads the participant unnecessarily.
            page.IsListed = false;
            await _tables.Participants.TryDeleteAsync(Keys.Gateway(_gateway), page.Key, ETag.All, _stopped);
        }

        return page.Row is not null;
    }

    private async Task ListAsync(Page page)
    {
        if (page.IsListed)
            return;

        await _tables.Participants.UpsertEntityAsync(
            new TableEntity(Keys.Gateway(_gateway), page.Key), TableUpdateMode.Replace, _stopped);
        page.IsListed = true;
    }

    private bool HasDevices(DevicesRow? row) => row?.Devices.Any(device => device.Gateway == _gateway) == true;

    private static TimeSpan Longer(TimeSpan pause) => pause * 2 < LongestPause ? pause * 2 : LongestPause;

    [LoggerMessage(28, LogLevel.Warning, "Changes of devices of participant {ParticipantId} could not be written. Writing them is retried.")]
    private partial void LogUnwritten(Exception exception, ParticipantId participantId);

    [LoggerMessage(29, LogLevel.Warning, "The devices of the gateway's earlier run could not be read. Reading them is retried.")]
    private partial void LogUnread(Exception exception);

    /// <summary>The pending changes of one participant's devices, and the known state of their row.</summary>
    private sealed class Page(AccountId accountId, ParticipantId participantId)
    {
        private readonly List<DeviceChange> _pending = [];

        public AccountId AccountId => accountId;

        public ParticipantId ParticipantId => participantId;

        /// <summary>The key of the participant's partition, which is also the key of its entry in this gateway's list.</summary>
        public string Key { get; } = Keys.Partition(accountId, participantId);

        /// <summary>Null while only devices of earlier runs are known.</summary>
        public ParticipantRow? Participant { get; set; }

        /// <summary>The row as it was last stored, or null if that is unknown.</summary>
        public DevicesRow? Row { get; set; }

        /// <summary>The id of the write whose response may have been lost.</summary>
        public string? WriteId { get; set; }

        public bool IsListed { get; set; }

        public bool IsWriting { get; set; }

        public Task Writing { get; set; } = Task.CompletedTask;

        /// <summary>The devices of earlier runs that have not come back yet.</summary>
        public HashSet<string> Adopted { get; } = [];

        /// <summary>
        /// Adds a change. If its device has too many pending changes, the two oldest are dropped, because only the final state of the
        /// device matters.
        /// </summary>
        public void Add(DeviceChange change, int mostOfDevice)
        {
            if (_pending.Count(IsOfDevice) >= mostOfDevice)
            {
                _pending.RemoveAt(_pending.FindIndex(IsOfDevice));
                _pending.RemoveAt(_pending.FindIndex(IsOfDevice));
            }

            _pending.Add(change);

            bool IsOfDevice(DeviceChange pending) => pending.DeviceId == change.DeviceId;
        }

        public DeviceChange[] Take(int most)
        {
            var taken = _pending.Take(most).ToArray();
            _pending.RemoveRange(0, taken.Length);
            return taken;
        }

        /// <summary>Records the devices that are taken over, except those that have changed in the meantime.</summary>
        public void Adopt(IEnumerable<StoredDevice> devices, DeviceChange[] changes)
            => Adopted.UnionWith(devices.Select(device => device.Id).Except(changes.Concat(_pending).Select(change => change.DeviceId)));
    }
}
