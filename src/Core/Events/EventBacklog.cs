using System.Text.Json;
using Azure;
using Azure.Storage.Queues.Models;
using Sessions.Storage;

namespace Sessions.Events;

/// <summary>Measures how long messages wait in the queue of events. Azure Storage has no such metric.</summary>
public sealed class EventBacklog(Queues queues, TimeProvider time)
{
    // The most messages that one call returns (https://learn.microsoft.com/rest/api/storageservices/peek-messages).
    private const int MaxPeeked = 32;

    /// <summary>
    /// Measures the messages at the front of the queue, so that the metric also rises while no message is handled. Does nothing if the
    /// queue cannot be read, because the health check and the delivery report that.
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

    /// <summary>Records the time since a message became visible.</summary>
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
            // The delivery also fails to parse the message, and the Functions host moves it to the poison queue.
        }
    }
}
