using Azure;
using Microsoft.Extensions.Logging;
using Sessions.Events;
using Sessions.Model;
using Sessions.Security;
using Sessions.Storage;

namespace Sessions.Webhooks;

/// <summary>What a run needs, besides its webhook.</summary>
internal sealed record WebhookParts(
    EventLog Log, WebhookStore Store, WebhookClient Client, WebhookMessages Messages, TimeProvider Time, ILogger Logger);

/// <summary>
/// Sends the entries of an account's log to its webhooks: at least once each, in order for each session and each participant. What a
/// receiver does not take is sent again for three days; a receiver that is slow or dead holds up nobody else. One server at a time
/// sends to a webhook, under a lease.
/// </summary>
public sealed partial class WebhookDelivery(
    Tables tables,
    EventLog log,
    WebhookStore store,
    FailedEvents failed,
    WebhookClient client,
    WebhookMessages messages,
    TimeProvider time,
    ILogger<WebhookDelivery> logger)
{
    // Then it is the turn of other webhooks: a host runs so and so many at once.
    private static readonly TimeSpan LongestRun = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan AfterFault = TimeSpan.FromSeconds(30);

    private const int MostRemembered = 1_000;

    private readonly ILogger _logger = logger;
    private readonly WebhookParts _parts = new(log, store, client, messages, time, logger);
    private readonly ServedWebhooks _served = new();

    // When a message comes that looks whether a lease of another server has ended.
    private readonly BoundedMemory<(AccountId, string), DateTimeOffset> _looks = new(MostRemembered);

    /// <summary>
    /// Has what is new in the log sent: in this process when it serves the webhook already, otherwise by whoever gets the message.
    /// One query, and a message for each webhook.
    /// </summary>
    public async Task WakeAsync(AccountId account, CancellationToken c)
    {
        List<Task> sent = [];
        await foreach (var webhook in store.ListAsync(account, c))
        {
            if (webhook.Ended is null && !_served.TryWake(account, webhook.Id))
                sent.Add(messages.SendAsync(account, webhook.Id, TimeSpan.Zero, c));
        }

        await Task.WhenAll(sent);
    }

    /// <summary>
    /// Sends to a webhook until nothing is due. For what is due later there is a message in the queue when this ends. Returns at once
    /// when this process serves the webhook already.
    /// </summary>
    /// <exception cref="OperationCanceledException">It was stopped, and another server has to go on.</exception>
    public async Task RunAsync(AccountId account, string webhookId, CancellationToken c)
    {
        if (_served.TryBegin(account, webhookId) is not { } served)
            return;

        var end = time.GetUtcNow() + LongestRun;
        var isEnded = false;
        try
        {
            do
            {
                var hasMore = await ServeAsync(account, webhookId, served, end, c);
                isEnded = !hasMore && _served.TryEnd(account, webhookId);
            }
            while (!isEnded && time.GetUtcNow() < end);

            if (!isEnded)
                await messages.SendAsync(account, webhookId, TimeSpan.Zero, c);
        }
        catch (Exception exception) when (exception is RequestFailedException || StorageFaults.IsTransient(exception))
        {
            c.ThrowIfCancellationRequested();
            LogFault(exception, webhookId);
            await messages.SendAsync(account, webhookId, AfterFault, c);
        }
        finally
        {
            if (!isEnded)
                _served.TryEnd(account, webhookId, evenIfWoken: true);
        }
    }

    /// <summary>Sends what is due; true when there is more.</summary>
    private async Task<bool> ServeAsync(AccountId account, string webhookId, ServedWebhook served, DateTimeOffset end, CancellationToken c)
    {
        // Whatever woke it before is seen by what is read from here on.
        served.TakeWake();
        if (await store.FindAsync(account, webhookId, c) is not { Ended: null } webhook)
            return false;

        var progress = await WebhookProgress.TakeAsync(tables.Events, webhook, time.GetUtcNow(), c);
        if (!progress.IsHolder)
        {
            await LookAgainAsync(account, webhookId, progress.LeaseUntil, c);
            return false;
        }

        var run = new WebhookRun(webhook, progress, _parts, served, end, c);
        var runEnd = await run.RunAsync();
        c.ThrowIfCancellationRequested();
        if (run.HasGivenUp)
            await failed.PurgeAsync(account, webhookId, c);
        if (runEnd == RunEnd.LeaseLost)
        {
            await LookAgainAsync(account, webhookId, time.GetUtcNow() + WebhookProgress.LeaseTime, c);
            return false;
        }

        // Behind the lease: whoever has appended since the log was read, and saw that the lease was held, leaves the new entry to this.
        return runEnd == RunEnd.More
            || (!run.IsFull && progress.PausedUntil <= time.GetUtcNow() && (await log.ReadAsync(account, run.LastRead, 1, c)).Count > 0);
    }

    /// <summary>
    /// When the lease that another server holds ends, that server may be dead. One message is enough for that: those that come
    /// meanwhile have nothing to do, because the holder looks at the log after it has given the lease back.
    /// </summary>
    private async Task LookAgainAsync(AccountId account, string webhookId, DateTimeOffset leaseEnd, CancellationToken c)
    {
        var now = time.GetUtcNow();
        if (_looks.TryGet((account, webhookId), out var look) && look > now)
            return;

        var delay = TimeSpan.FromSeconds(Math.Ceiling((leaseEnd - now).TotalSeconds));
        await messages.SendAsync(account, webhookId, delay, c);
        _looks.Set((account, webhookId), now + delay);
    }

    [LoggerMessage(34, LogLevel.Warning, "Storage failed while events were sent to webhook {WebhookId}. It is tried again in a moment.")]
    private partial void LogFault(Exception exception, string webhookId);
}
