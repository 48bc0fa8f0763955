using Azure.Data.Tables;
using Sessions.Storage;

namespace Sessions.Tests;

/// <summary>The storage client of the tests.</summary>
public static class PatientStorage
{
    /// <summary>
    /// The product's options, but a call may be silent for longer. Azurite stalls for some seconds while many tests use it, and a write
    /// that is then given up would fail a test that is about something else.
    /// </summary>
    public static TableClientOptions Options()
    {
        var options = StorageClient.Options();
        options.Retry.NetworkTimeout = TimeSpan.FromMinutes(1);
        return options;
    }
}
