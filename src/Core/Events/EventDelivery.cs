using Sessions.Model;
using Sessions.Storage;
using Sessions.Webhooks;

namespace Sessions.Events;

/// <summary>
/// Handles the messages of the queue of events. A message is sent before its change is made. The partition is therefore looked at until no
/// request that sent such a message can still be writing, so that a late write is also found. With the default timeout, the last look is
/// about 55 seconds after the message was sent.
/// </summary>
public sealed class EventDelivery(
    PartitionLook look, EventLog log, Feeds feeds, CallbackDelivery callbacks, Queues queues, SessionsOptions options, TimeProvider time)
{
    // Longer than storage can take to apply a write after its request was canceled.
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(30);

    // The request that sent the message is probably still running for this time. If a message has waited in the queue for longer, its
    // request has ended, and pauses would only delay other messages.
    private static readonly TimeSpan LikelyRequest = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan[] Pauses = [.. new[] { 50, 100, 200, 400 }.Select(milliseconds => TimeSpan.FromMilliseconds(milliseconds))];

    // After these looks, the message returns to the queue with these delays.
    private static readonly TimeSpan[] Delays = [.. new[] { 1, 4, 15, 60 }.Select(seconds => TimeSpan.FromSeconds(seconds))];

    private TimeSpan LongestRequest => options.RequestTimeout + Margin;

    /// <summary>Handles a message. If this throws, the Functions host delivers the message again.</summary>
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
            // The message is sent as a new one, because the host moves a message to the poison queue after five failures, and an outage of
            // storage may last longer.
            await message.SendAsync(queues.Events, Delays[1], time, cancellation);
            return;
        }

        if (!isLast)
        {
            // The change was found, and any further change of the partition has its own message, so two more looks are enough.
            var looks = hasFound ? Math.Max(message.Looks, Delays.Length - 2) : message.Looks;
            var delay = looks < Delays.Length - 1 ? Delays[looks] : end!.Value - time.GetUtcNow() + Delays[0];
            await (message with { Looks = looks + 1 }).SendAsync(queues.Events, delay, time, cancellation);
        }
        else if (isFeedOn && log.Appended is { } appended)
        {
            // The webhooks are notified again, because a crash between an append and its notification would have left them without one.
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
