using Azure;
using Microsoft.Extensions.Logging;
using Sessions.Events;
using Sessions.Model;
using Sessions.Security;
using Sessions.Storage;

namespace Sessions.Webhooks;

/// <summary>The services that a run needs.</summary>
internal sealed record WebhookParts(
    EventLog Log, WebhookStore Store, WebhookClient Client, WebhookMessages Messages, TimeProvider Time, ILogger Logger);

/// <summary>
/// Sends the entries of an account's log to its webhooks. Each entry is sent at least once, and those of one session or one participant are
/// sent in order. Failed tries are repeated for three days. A receiver that is slow or unreachable does not delay others. One server at a
/// time sends to a webhook, under a lease.
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
    // A run stops after this time to let other webhooks run, because a host limits the number of concurrent runs.
    private static readonly TimeSpan LongestRun = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan AfterFault = TimeSpan.FromSeconds(30);

    private const int MostRemembered = 1_000;

    private readonly ILogger _logger = logger;
    private readonly WebhookParts _parts = new(log, store, client, messages, time, logger);
    private readonly ServedWebhooks _served = new();

    // When the message becomes visible that checks whether another server's lease has expired.
    private readonly BoundedMemory<(AccountId, string), DateTimeOffset> _looks = new(MostRemembered);

    /// <summary>
    /// Has the new entries of the log sent. If this process serves the webhook, it is woken. Otherwise a message is sent, and the server
    /// that gets it continues. One query, and a message for each webhook.
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
    /// Sends to a webhook until no event is due. If events are due later, a message for them is in the queue when this returns. Returns
    /// immediately if this process already serves the webhook.
    /// </summary>
    /// <exception cref="OperationCanceledException">The run was canceled, and another server must continue.</exception>
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

    /// <summary>Sends the due events. Returns true if there are more.</summary>
    private async Task<bool> ServeAsync(AccountId account, string webhookId, ServedWebhook served, DateTimeOffset end, CancellationToken c)
    {
        // The reads that follow find every entry and event that woke the webhook so far.
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

        // This check follows the release of the lease. A server that appended an entry after the log was read, while the lease was held,
        // leaves the entry to this server.
        return runEnd == RunEnd.More
            || (!run.IsFull && progress.PausedUntil <= time.GetUtcNow() && (await log.ReadAsync(account, run.LastRead, 1, c)).Count > 0);
    }

    /// <summary>
    /// Sends a message for the end of another server's lease, because that server may have crashed. One message is enough: the holder
    /// checks the log after it has released the lease, so any messages before that have nothing to do.
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

    [LoggerMessage(34, LogLevel.Warning, "Storage failed during the delivery of events to webhook {WebhookId}. The delivery is retried.")]
    private partial void LogFault(Exception exception, string webhookId);
}
