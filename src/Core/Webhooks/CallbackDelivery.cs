using Azure;
using Microsoft.Extensions.Logging;
using Sessions.Events;
using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Webhooks;

/// <summary>
/// Tells the callback URLs of participants of their devices, from the participants' outboxes: at least once each, and one after the
/// other for each participant. Participants do not wait for one another, and accounts without a feed have their callbacks, too. One
/// server at a time sends for a participant, under a lease.
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
    // Longer than a try, with which a lease must not end.
    private static readonly TimeSpan LeaseTime = WebhookClient.TryTimeout * 2;

    // Then it is the turn of others: a host runs so and so many at once.
    private static readonly TimeSpan LongestRun = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan AfterFault = TimeSpan.FromSeconds(30);

    // How long a participant waits for its turn at a busy receiver; up to as long again by chance.
    private static readonly TimeSpan ForTurn = TimeSpan.FromSeconds(5);

    // Of a server. A receiver that hangs must not take all of a host's runs, while its participants are many.
    private const int MostAtOnce = 8;

    private const int Window = 100;

    private readonly ILogger _logger = logger;
    private readonly Dictionary<string, int> _atWork = [];

    /// <summary>Has a server send what is new in a participant's outbox for its callback URL. Two storage calls.</summary>
    /// <param name="partitionKey">The participant's partition.</param>
    /// <param name="isLast">Whether nobody looks again.</param>
    /// <param name="cancellation">Ends the calls.</param>
    /// <returns>Whether there was something new.</returns>
    internal async Task<bool> LookAsync(string partitionKey, bool isLast, CancellationToken cancellation)
    {
        var (accountId, id) = Keys.ParticipantIn(partitionKey);
        var row = await CallbackRow.FindAsync(tables.Participants, accountId, id, cancellation);
        var now = time.GetUtcNow();
        if (row.EndedAt is not null || !await HasMoreAsync(row, cancellation))
            return row.EndedAt is not null;

        // Who waits for its next try has a message. What is there while a server sends may all be old.
        if (row.Next > now)
            return true;
        if (row.LeaseUntil > now && !isLast)
            return false;

        await messages.SendAsync(accountId, id, TimeSpan.Zero, cancellation);
        return true;
    }

    /// <summary>Sends what is due for a participant. For what is due later, there is a message in the queue when this ends.</summary>
    /// <exception cref="OperationCanceledException">It was stopped, and another server has to go on.</exception>
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

    /// <returns>After how long to look again; null for not at all.</returns>
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

    /// <returns>After how long to look again; null for not at all.</returns>
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

        // Another server has taken over, or nobody knows what is stored.
        if (row is null)
            return LeaseTime;

        // Behind the lease: whoever has looked while it was held leaves what is new to this. For the next try there is a message.
        return row.EndedAt is null && row.Next <= time.GetUtcNow() && await HasMoreAsync(row, cancellation) ? TimeSpan.Zero : null;
    }

    /// <summary>Sends one event.</summary>
    /// <returns>The row as it is then stored, without a lease when nothing more may be sent; null when it is not known to be stored.</returns>
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

        // Each event has its own three days, also while it waits for an earlier one.
        if (RetrySchedule.NextTry(attempts, told.Timestamp, now, result.RetryAfter, Random.Shared.NextDouble()) is not { } next)
        {
            LogGivenUp(id, receiver.Url.IdnHost, attempts, result.Text);
            return await WriteAsync(row.Behind(number), now >= receiver.End, cancellation);
        }

        // Before the row says so: a message too many finds nothing.
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

    /// <summary>Who is called, with the secrets that sign, until when in this run.</summary>
    private sealed record Receiver(Uri Url, IReadOnlyList<string> Secrets, DateTimeOffset End);

    [LoggerMessage(35, LogLevel.Information, "Callback {Callback} was not delivered to {Host}, try {Attempt}: {Reason}.")]
    private partial void LogFailed(string callback, string host, int attempt, string reason);

    [LoggerMessage(36, LogLevel.Warning, "Callback {Callback} to {Host} was given up after {Attempts} tries: {Reason}.")]
    private partial void LogGivenUp(string callback, string host, int attempts, string reason);

    [LoggerMessage(37, LogLevel.Warning, "The callback URL of participant {ParticipantId} at {Host} returned 410, and is not called any more.")]
    private partial void LogEnded(ParticipantId participantId, string host);

    [LoggerMessage(38, LogLevel.Warning, "Storage failed while callbacks of participant {ParticipantId} were sent. They are tried again in a moment.")]
    private partial void LogFault(Exception exception, ParticipantId participantId);
}
