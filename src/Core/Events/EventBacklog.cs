using System.Text.Json;
using Azure;
using Azure.Storage.Queues.Models;
using Sessions.Storage;

namespace Sessions.Events;

/// <summary>Measures how long the messages of the queue of events wait. Azure Storage has no metric for that.</summary>
public sealed class EventBacklog(Queues queues, TimeProvider time)
{
    // The most that one call returns (https://learn.microsoft.com/rest/api/storageservices/peek-messages).
    private const int MaxPeeked = 32;

    /// <summary>
    /// Measures the messages at the front of the queue, so that the metric also rises while no message is handled. Does nothing when
    /// the queue cannot be read: the health check and the delivery report that.
    /// </summary>
    public async Task MeasureAsync(CancellationToken cancellation)
    {
        try
        {
            PeekedMessage[] waiting = await queues.Events.PeekMessagesAsync(MaxPeeked, cancellation);
            foreach (var message in waiting)
                TryRecord(message.Body.ToString());
        }
        catch (Exception exception) when (!cancellation.IsCancellationRequested
            && (StorageFaults.IsTransient(exception) || exception is RequestFailedException { Status: 403 or 404 }))
        {
        }
    }

    /// <summary>Measures a message: the time since it became visible.</summary>
    internal static void Record(EventMessage message, TimeProvider time)
    {
        if (message.Due is { } due)
            Telemetry.EventsAge.Record(Math.Max(0, (time.GetUtcNow() - due).TotalSeconds));
    }

    private void TryRecord(string text)
    {
        try
        {
            Record(EventMessage.Parse(text), time);
        }
        catch (JsonException)
        {
            // The delivery fails on it, and the host puts it into the poison queue.
        }
    }
}
