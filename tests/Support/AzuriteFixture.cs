using Sessions.LocalHost;

[assembly: AssemblyFixture(typeof(Sessions.Tests.AzuriteFixture))]

namespace Sessions.Tests;

/// <summary>One in-memory Azurite for the run. Each server gets its own storage account, and therefore its own tables.</summary>
public sealed class AzuriteFixture : IAsyncLifetime
{
    private const int Accounts = 300;

    private Azurite? _azurite;
    private int _taken;

    public async ValueTask InitializeAsync()
    {
        try
        {
            _azurite = await Azurite.StartAsync(
                LocalStorage.AzuriteFolder, dataFolder: null, accounts: Enumerable.Range(1, Accounts).Select(number => $"account{number}"));
        }
        catch (LocalHostException exception)
        {
            // One line instead of a stack trace for every test.
            await Console.Error.WriteLineAsync(exception.Message);
            Environment.Exit(1);
        }
    }

    public string NextConnectionString()
    {
        var number = Interlocked.Increment(ref _taken);
        Assert.True(number <= Accounts, "Raise the number of Azurite's accounts.");
        return _azurite!.ConnectionString($"account{number}");
    }

    public ValueTask DisposeAsync() => _azurite!.DisposeAsync();
}
