using System.Diagnostics.CodeAnalysis;
using Sessions.Model;

namespace Sessions.Storage;

/// <summary>Sends messages that ask the delivery to look for events in a partition.</summary>
/// <param name="send">
/// Sends a message for a partition of an account, and completes when the message is stored. The flag is true for a participant that has a
/// callback URL.
/// </param>
[SuppressMessage("Naming", "CA1711", Justification = "It sends to a queue.")]
public sealed class EventQueue(Func<AccountId, string, bool, CancellationToken, Task> send)
{
    /// <summary>Sends no messages.</summary>
    public static EventQueue None { get; } = new((_, _, _, _) => Task.CompletedTask);

    /// <summary>Sends a message that becomes visible after a delay and causes one look at the partition.</summary>
    internal Func<AccountId, string, TimeSpan, CancellationToken, Task> SendLater { get; init; } = (_, _, _, _) => Task.CompletedTask;

    /// <summary>Sends to the queue for callback URLs and for accounts whose feed is on. For other accounts it sends nothing.</summary>
    public static EventQueue Over(Queues queues, Feeds feeds, TimeProvider time) => new(async (accountId, partitionKey, hasCallback, cancellation) =>
    {
        var message = new EventMessage(accountId.ToString(), partitionKey, time.GetUtcNow(), 0, hasCallback ? true : null);
        if (hasCallback || await feeds.IsOnAsync(accountId, cancellation))
            await message.SendAsync(queues.Events, TimeSpan.Zero, time, cancellation);
    })
    {
        SendLater = (accountId, partitionKey, delay, cancellation)
            => new EventMessage(accountId.ToString(), partitionKey, null, 0).SendAsync(queues.Events, delay, time, cancellation),
    };

    /// <summary>
    /// Asks the delivery to look for events in a partition. The message is sent before the change, in parallel with the reads that precede
    /// the change. If it were sent after the change, a crash between the two would leave an event that is never delivered. A message for a
    /// change that is not made has no effect.
    /// </summary>
    public Task AnnounceAsync(AccountId accountId, string partitionKey, CancellationToken cancellation)
        => send(accountId, partitionKey, false, cancellation);

    /// <summary>Asks the delivery to look for events of a participant's devices, which its callback URL may get.</summary>
    internal Task AnnounceAsync(DevicesRow devices, CancellationToken cancellation)
        => send(devices.AccountId, Keys.Partition(devices.AccountId, devices.ParticipantId), devices.HasCallback, cancellation);
}
