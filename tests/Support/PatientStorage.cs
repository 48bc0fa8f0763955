using Azure.Data.Tables;
using Azure.Storage.Queues;
using Sessions.Storage;

namespace Sessions.Tests;

/// <summary>
/// The storage clients of the tests. They have the product's options, but a call may be silent for longer. Azurite stalls for some seconds
/// while many tests use it, and a call that is then given up would fail a test that is about something else.
/// </summary>
public static class PatientStorage
{
    private static readonly TimeSpan NetworkTimeout = TimeSpan.FromMinutes(1);

    public static TableClientOptions Options()
    {
        var options = StorageClient.Options();
        options.Retry.NetworkTimeout = NetworkTimeout;
        return options;
    }

    public static QueueClientOptions QueueOptions()
    {
        var options = Queues.ClientOptions();
        options.Retry.NetworkTimeout = NetworkTimeout;
        return options;
    }
}
