using System.Diagnostics;
using Azure.Data.Tables;
using Sessions.LocalHost;
using Sessions.Storage;
using Sessions.Tests.Infrastructure;

namespace Sessions.Tests;

/// <summary>The peer of the benchmark (bench/peers/express), on Node.js with its own storage account.</summary>
public sealed class ExpressPeer(AzuriteFixture azurite) : ApiServer(keepsContract: false)
{
    private static readonly string Folder = Path.Combine(Bicep.RepositoryFolder, "bench", "peers", "express");

    private Process? _node;
    private Tables? _tables;

    public override Tables Tables => _tables!;

    public override CredentialStore Credentials => new(Tables, TimeProvider.System);

    public override Task WaitAMomentAsync() => Task.Delay(10);

    public override async ValueTask InitializeAsync()
    {
        await Node.InstallAsync(Folder);
        var connectionString = azurite.NextConnectionString();
        _tables = new(new TableServiceClient(connectionString));
        _node = Node.Start(
            new("node", ["server.js"])
            {
                Environment =
                {
                    ["NODE_ENV"] = "production",
                    ["PORT"] = "0",
                    ["STORAGE_CONNECTION_STRING"] = connectionString,
                    ["TOKEN_SIGNING_KEY"] = TokenSigningKey,
                },
            },
            Folder);
        var errors = _node.StandardError.ReadToEndAsync();
        var ready = await _node.ReadLineAsync();
        Http.BaseAddress = new(ready?.Split(' ')[^1] ?? throw new InvalidOperationException($"The peer ended: {await errors}"));
    }

    /// <summary>The peer ends when its standard input is closed.</summary>
    protected override async Task StopAsync()
    {
        _node!.StandardInput.Close();
        await _node.EndAsync();
        Assert.Equal(0, _node.ExitCode);
        _node.Dispose();
    }
}

/// <summary>The operations that are measured on the peer do the same as in Sessions.</summary>
public sealed class ExpressPeerTests(ExpressPeer peer) : MeasuredOperationSuite(peer), IClassFixture<ExpressPeer>;
