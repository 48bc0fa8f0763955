using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Events;

/// <summary>
/// What becomes of a message of the queue of events. It was sent before the change was made, so the partition is looked at until no
/// request that announced one can be under way any more: a write that lands late is found, too.
/// </summary>
public sealed class EventDelivery(
    PartitionLook look, EventLog log, Feeds feeds, Queues queues, SessionsOptions options, TimeProvider time)
{
    // Longer than a write can be on its way after its request has given it up.
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(30);

    // While the request that has sent the message is likely to be at work.
    private static readonly TimeSpan[] Pauses = [.. new[] { 50, 100, 200, 400 }.Select(milliseconds => TimeSpan.FromMilliseconds(milliseconds))];

    // Then the message is put back.
    private static readonly TimeSpan[] Delays = [.. new[] { 1, 4, 15, 60 }.Select(seconds => TimeSpan.FromSeconds(seconds))];

    private TimeSpan LongestRequest => options.RequestTimeout + Margin;

    /// <summary>Handles a message; when it throws, the message comes again.</summary>
    public async Task RunAsync(string text, CancellationToken cancellation)
    {
        var message = EventMessage.Parse(text);
        var accountId = AccountId.Parse(message.Account);
        if (!await feeds.IsOnAsync(accountId, cancellation))
            return;

        bool hasLogged;
        try
        {
            hasLogged = await LookAsync(accountId, message, cancellation);
        }
        catch (Exception exception) when (StorageFaults.IsTransient(exception) && !cancellation.IsCancellationRequested)
        {
            // Not with the host's count of failures: it gives a message up after five, and storage may be away for longer.
            await message.SendAsync(queues.Events, Delays[1], cancellation);
            return;
        }

        if (message.Sent is { } sent && time.GetUtcNow() - sent < LongestRequest)
        {
            // When the change was found, a further one of the same partition has a message of its own: two looks are enough.
            var looks = hasLogged ? Math.Max(message.Looks, Delays.Length - 2) : message.Looks;
            var delay = looks < Delays.Length - 1 ? Delays[looks] : sent + LongestRequest - time.GetUtcNow() + Delays[0];
            await (message with { Looks = looks + 1 }).SendAsync(queues.Events, delay, cancellation);
        }
        else if (log.Appended is { } appended)
        {
            // Once more: a crash between an append and this call would have woken nobody.
            await appended(accountId, cancellation);
        }
    }

    private async Task<bool> LookAsync(AccountId accountId, EventMessage message, CancellationToken cancellation)
    {
        if (await look.RunAsync(accountId, message.Partition, cancellation))
            return true;
        if (message.Sent is null || message.Looks > 0)
            return false;

        foreach (var pause in Pauses)
        {
            await Task.Delay(pause, time, cancellation);
            if (await look.RunAsync(accountId, message.Partition, cancellation))
                return true;
        }

        return false;
    }
}
