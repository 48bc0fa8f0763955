using Sessions.Model;
using Sessions.Storage;
using Sessions.Webhooks;

namespace Sessions.Events;

/// <summary>
/// What becomes of a message of the queue of events. It was sent before the change was made, so the partition is looked at until no
/// request that announced one can be under way any more: a write that lands late is found, too.
/// </summary>
public sealed class EventDelivery(
    PartitionLook look, EventLog log, Feeds feeds, CallbackDelivery callbacks, Queues queues, SessionsOptions options, TimeProvider time)
{
    // Longer than a write can be on its way after its request has given it up.
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(30);

    // While the request that has sent the message is likely to be at work. A message that has waited in the queue for as long comes
    // from a request that is over: pauses would only keep others waiting.
    private static readonly TimeSpan LikelyRequest = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan[] Pauses = [.. new[] { 50, 100, 200, 400 }.Select(milliseconds => TimeSpan.FromMilliseconds(milliseconds))];

    // Then the message is put back.
    private static readonly TimeSpan[] Delays = [.. new[] { 1, 4, 15, 60 }.Select(seconds => TimeSpan.FromSeconds(seconds))];

    private TimeSpan LongestRequest => options.RequestTimeout + Margin;

    /// <summary>Handles a message; when it throws, the message comes again.</summary>
    public async Task RunAsync(string text, CancellationToken cancellation)
    {
        var message = EventMessage.Parse(text);
        EventBacklog.Record(message, time);
        var accountId = AccountId.Parse(message.Account);
        var isFeedOn = await feeds.IsOnAsync(accountId, cancellation);
        if (!isFeedOn && message.Callback is null)
            return;

        var end = message.Sent + LongestRequest;
        var isLast = end is null || time.GetUtcNow() >= end;
        bool hasFound;
        try
        {
            hasFound = await LookAsync(accountId, message, isFeedOn, isLast, cancellation);
        }
        catch (Exception exception) when (StorageFaults.IsTransient(exception) && !cancellation.IsCancellationRequested)
        {
            // Not with the host's count of failures: it gives a message up after five, and storage may be away for longer.
            await message.SendAsync(queues.Events, Delays[1], time, cancellation);
            return;
        }

        if (!isLast)
        {
            // When the change was found, a further one of the same partition has a message of its own: two looks are enough.
            var looks = hasFound ? Math.Max(message.Looks, Delays.Length - 2) : message.Looks;
            var delay = looks < Delays.Length - 1 ? Delays[looks] : end!.Value - time.GetUtcNow() + Delays[0];
            await (message with { Looks = looks + 1 }).SendAsync(queues.Events, delay, time, cancellation);
        }
        else if (isFeedOn && log.Appended is { } appended)
        {
            // Once more: a crash between an append and this call would have woken nobody.
            await appended(accountId, cancellation);
        }
    }

    private async Task<bool> LookAsync(
        AccountId accountId, EventMessage message, bool isFeedOn, bool isLast, CancellationToken cancellation)
    {
        if (await LookOnceAsync())
            return true;
        if (message.Sent is not { } sent || message.Looks > 0)
            return false;

        foreach (var pause in Pauses)
        {
            if (time.GetUtcNow() - sent >= LikelyRequest)
                return false;
            await Task.Delay(pause, time, cancellation);
            if (await LookOnceAsync())
                return true;
        }

        return false;

        async Task<bool> LookOnceAsync()
        {
            var hasLogged = isFeedOn && await look.RunAsync(accountId, message.Partition, cancellation);
            return (message.Callback is not null && await callbacks.LookAsync(message.Partition, isLast, cancellation)) || hasLogged;
        }
    }
}
