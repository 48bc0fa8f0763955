using Microsoft.Azure.Functions.Worker;
using Sessions.Events;
using Sessions.Storage;

namespace Sessions.Endpoints;

/// <summary>For each message of the queue of events, copies the new events of a partition to the log of its account.</summary>
public sealed class DeliverEvents(EventDelivery delivery)
{
    /// <summary>Handles a message.</summary>
    [Function(nameof(DeliverEvents))]
    public Task Run([QueueTrigger(Queues.EventsName, Connection = "SessionsStorage")] string message, CancellationToken cancellation)
        => delivery.RunAsync(message, cancellation);
}
