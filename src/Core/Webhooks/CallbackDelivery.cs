using Azure;
using Microsoft.Extensions.Logging;
using Sessions.Events;
using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Webhooks;

/// <summary>
/// Sends the events of participants' devices from the participants' outboxes to their callback URLs. Each event is sent at least once, and
/// those of one participant are sent in sequence. A slow participant does not delay others, and an account needs no feed for its callbacks.
/// One server at a time sends for a participant, under a lease.
/// </summary>
public sealed partial class CallbackDelivery(
    Tables tables,
    WebhookStore store,
    WebhookClient client,
    WebhookMessages messages,
    WebhookOptions options,
    TimeProvider time,
    ILogger<CallbackDelivery> logger)
{
    // The lease must last longer than a try.
    private static readonly TimeSpan LeaseTime = WebhookClient.TryTimeout * 2;

    // A run stops after this time to let other runs begin, because a host limits the number of concurrent runs.
    private static readonly TimeSpan LongestRun = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan AfterFault = TimeSpan.FromSeconds(30);

    // How long a participant waits for a busy receiver, plus a random time of up to the same length.
    private static readonly TimeSpan ForTurn = TimeSpan.FromSeconds(5);

    // The limit for one receiver on one server. Without it, a slow receiver with many participants could occupy all runs of a host.
    private const int MostAtOnce = 8;

    private const int Window = 100;

    private readonly ILogger _logger = logger;
    private readonly Dictionary<string, int> _atWork = [];

    /// <summary>Sends a message for a participant if its outbox has new rows for its callback URL. Two storage calls.</summary>
    /// <param name="partitionKey">The participant's partition.</param>
    /// <param name="isLast">Whether this is the last look.</param>
    /// <param name="cancellation">Cancels the storage calls.</param>
    /// <returns>Whether there were new rows, or the callback URL is no longer called.</returns>
    internal async Task<bool> LookAsync(string partitionKey, bool isLast, CancellationToken cancellation)
    {
        var (accountId, id) = Keys.ParticipantIn(partitionKey);
        var row = await CallbackRow.FindAsync(tables.Participants, accountId, id, cancellation);
        var now = time.GetUtcNow();
        if (row.EndedAt is not null || !await HasMoreAsync(row, cancellation))
            return row.EndedAt is not null;

        // If the next try is due later, there is already a message for it. While a server holds the lease, it may already be sending the
        // rows that were found.
        if (row.Next > now)
            return true;
        if (row.LeaseUntil > now && !isLast)
            return false;

        await messages.SendAsync(accountId, id, TimeSpan.Zero, cancellation);
        return true;
    }

    /// <summary>
    /// Sends the due events of a participant. If events are due later, a message for them is in the queue when this returns.
    /// </summary>
    /// <exception cref="OperationCanceledException">The run was canceled, and another server must continue.</exception>
    public async Task RunAsync(AccountId accountId, ParticipantId id, CancellationToken cancellation)
    {
        TimeSpan? again;
        try
        {
            again = await TryRunAsync(accountId, id, cancellation);
        }
        catch (Exception exception) when (exception is RequestFailedException || StorageFaults.IsTransient(exception))
        {
            cancellation.ThrowIfCancellationRequested();
            LogFault(exception, id);
            again = AfterFault;
        }

        if (again is not null)
            await messages.SendAsync(accountId, id, again.Value, cancellation);
    }

    /// <returns>The delay until the next look, or null for none.</returns>
    private async Task<TimeSpan?> TryRunAsync(AccountId accountId, ParticipantId id, CancellationToken cancellation)
    {
        var findingDevices = DevicesRow.FindAsync(tables.Participants, accountId, id, cancellation);
        var finding = CallbackRow.FindAsync(tables.Participants, accountId, id, cancellation);
        await Task.WhenAll(findingDevices, finding);
        var (devices, row, now) = (await findingDevices, await finding, time.GetUtcNow());
        if (devices?.HasCallback != true || row.EndedAt is not null || WebhookUrl.FindMistake(devices.CallbackUrl!, options) is not null)
            return null;
        if (row.LeaseUntil > now || row.Next > now)
            return (row.LeaseUntil > row.Next ? row.LeaseUntil : row.Next) - now;

        var url = new Uri(devices.CallbackUrl!);
        if (!TryBegin(url.Authority))
            return ForTurn * (1 + Random.Shared.NextDouble());

        try
        {
            var receiver = new Receiver(url, await SecretsAsync(accountId, cancellation), now + LongestRun);
            return await TellAllAsync(row with { Expires = devices.Expires }, receiver, cancellation);
        }
        finally
        {
            End(url.Authority);
        }
    }

    /// <returns>The delay until the next look, or null for none.</returns>
    private async Task<TimeSpan?> TellAllAsync(CallbackRow found, Receiver receiver, CancellationToken cancellation)
    {
        var row = await WriteAsync(found, isLast: false, cancellation);
        while (row?.LeaseUntil > time.GetUtcNow())
        {
            var next = await ReadAsync(row, Window, cancellation);
            foreach (var outbox in next)
            {
                row = await TellAsync(row, outbox.Number, outbox.Events[0], receiver, cancellation);
                if (row is null || row.LeaseUntil <= time.GetUtcNow())
                    break;
            }

            if (next.Count == 0)
                row = await WriteAsync(row!, isLast: true, cancellation);
        }

        // Another server has taken over, or it is unknown which row is stored.
        if (row is null)
            return LeaseTime;

        // This check follows the release of the lease, because a look during the lease leaves new rows to this server. If the next try is
        // due later, there is already a message for it.
        return row.EndedAt is null && row.Next <= time.GetUtcNow() && await HasMoreAsync(row, cancellation) ? TimeSpan.Zero : null;
    }

    /// <summary>Sends one event.</summary>
    /// <returns>The stored row, without a lease if nothing more may be sent, or null if it is unknown whether it is stored.</returns>
    private async Task<CallbackRow?> TellAsync(
        CallbackRow row, long number, StoredEvent told, Receiver receiver, CancellationToken cancellation)
    {
        var id = $"call_{row.ParticipantId.Value:N}_{number}";
        var result = await client.SendAsync(
            new(receiver.Url, id, CallbackBody.Of(row.ParticipantId, told), receiver.Secrets), cancellation);
        var (now, attempts) = (time.GetUtcNow(), row.Attempts + 1);
        switch (result.Outcome)
        {
            case TryOutcome.Delivered:
                return await WriteAsync(row.Behind(number), now >= receiver.End, cancellation);
            case TryOutcome.Gone:
                LogEnded(row.ParticipantId, receiver.Url.IdnHost);
                return await WriteAsync(row with { EndedAt = now }, isLast: true, cancellation);
        }

        // Each event is tried for three days, including the time for which it waits for an earlier event.
        if (RetrySchedule.NextTry(attempts, told.Timestamp, now, result.RetryAfter, Random.Shared.NextDouble()) is not { } next)
        {
            LogGivenUp(id, receiver.Url.IdnHost, attempts, result.Text);
            return await WriteAsync(row.Behind(number), now >= receiver.End, cancellation);
        }

        // The message is sent before the row is written, because an extra message has no effect.
        LogFailed(id, receiver.Url.IdnHost, attempts, result.Text);
        await messages.SendAsync(row.AccountId, row.ParticipantId, next - now, cancellation);
        return await WriteAsync(row with { Attempts = attempts, Reason = result.Text, Next = next }, isLast: true, cancellation);
    }

    private Task<CallbackRow?> WriteAsync(CallbackRow row, bool isLast, CancellationToken cancellation)
        => (row with { LeaseUntil = isLast ? DateTimeOffset.UnixEpoch : time.GetUtcNow() + LeaseTime })
            .TryWriteAsync(tables.Participants, cancellation);

    private async Task<IReadOnlyList<string>> SecretsAsync(AccountId accountId, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        var webhooks = await store.ListAsync(accountId, cancellation).Where(webhook => webhook.Ended is null).ToListAsync(cancellation);
        return [.. webhooks.SelectMany(webhook => webhook.SecretsAt(now))];
    }

    private Task<IReadOnlyList<EventRow>> ReadAsync(CallbackRow row, int most, CancellationToken cancellation)
        => Outbox.ReadParticipantAsync(tables, row.AccountId, row.ParticipantId, row.Position + 1, most, cancellation);

    private async Task<bool> HasMoreAsync(CallbackRow row, CancellationToken cancellation)
        => (await ReadAsync(row, 1, cancellation)).Count > 0;

    private bool TryBegin(string receiver)
    {
        lock (_atWork)
        {
            var atWork = _atWork.GetValueOrDefault(receiver);
            if (atWork == MostAtOnce)
                return false;

            _atWork[receiver] = atWork + 1;
            return true;
        }
    }

    private void End(string receiver)
    {
        lock (_atWork)
        {
            if (--_atWork[receiver] == 0)
                _atWork.Remove(receiver);
        }
    }

    /// <summary>The called URL, the secrets that sign its requests, and when this run stops.</summary>
    private sealed record Receiver(Uri Url, IReadOnlyList<string> Secrets, DateTimeOffset End);

    [LoggerMessage(35, LogLevel.Information, "Try {Attempt} to deliver callback {Callback} to {Host} failed: {Reason}.")]
    private partial void LogFailed(string callback, string host, int attempt, string reason);

    [LoggerMessage(36, LogLevel.Warning, "Callback {Callback} to {Host} was given up after {Attempts} tries: {Reason}.")]
    private partial void LogGivenUp(string callback, string host, int attempts, string reason);

    [LoggerMessage(37, LogLevel.Warning, "The callback URL of participant {ParticipantId} at {Host} returned 410 and is no longer called.")]
    private partial void LogEnded(ParticipantId participantId, string host);

    [LoggerMessage(38, LogLevel.Warning, "Storage failed during the delivery of callbacks of participant {ParticipantId}. The delivery is retried.")]
    private partial void LogFault(Exception exception, ParticipantId participantId);
}
