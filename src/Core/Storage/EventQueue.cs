using System.Diagnostics.CodeAnalysis;
using Sessions.Model;

namespace Sessions.Storage;

/// <summary>Tells the delivery that a partition may get an event.</summary>
/// <param name="send">
/// Sends a message for a partition of an account, also for a participant's callback URL; ends when the message is stored.
/// </param>
[SuppressMessage("Naming", "CA1711", Justification = "It sends to a queue.")]
public sealed class EventQueue(Func<AccountId, string, bool, CancellationToken, Task> send)
{
    /// <summary>Tells nobody.</summary>
    public static EventQueue None { get; } = new((_, _, _, _) => Task.CompletedTask);

    /// <summary>Sends a message for a partition that comes after a delay, for one look.</summary>
    internal Func<AccountId, string, TimeSpan, CancellationToken, Task> SendLater { get; init; } = (_, _, _, _) => Task.CompletedTask;

    /// <summary>Sends to the queue for callback URLs and for the accounts whose feed is on; for the others nothing is sent.</summary>
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
    /// Has the delivery look at a partition. The message is sent before the change, in parallel with the reads that precede it: after
    /// the change, a crash between the two would leave an event that nobody looks for. A message for a change that is not made finds
    /// nothing.
    /// </summary>
    public Task AnnounceAsync(AccountId accountId, string partitionKey, CancellationToken cancellation)
        => send(accountId, partitionKey, false, cancellation);

    /// <summary>The same for a change of a participant's devices, of which its callback URL may have to be told.</summary>
    internal Task AnnounceAsync(DevicesRow devices, CancellationToken cancellation)
        => send(devices.AccountId, Keys.Partition(devices.AccountId, devices.ParticipantId), devices.HasCallback, cancellation);
}
