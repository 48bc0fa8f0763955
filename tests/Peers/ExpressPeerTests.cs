using System.Diagnostics;
using Azure.Data.Tables;
using Sessions.LocalHost;
using Sessions.Storage;
using Sessions.Tests.Infrastructure;

namespace Sessions.Tests;

/// <summary>The peer of the benchmark (bench/peers/express), on Node.js over a storage account of its own.</summary>
public sealed class ExpressPeer(AzuriteFixture azurite) : ApiServer
{
    private static readonly string Folder = Path.Combine(Bicep.RepositoryFolder, "bench", "peers", "express");

    private Process? _node;
    private Tables? _tables;

    public override Uri Url => Http.BaseAddress!;

    public override Tables Tables => _tables!;

    public override CredentialStore Credentials => new(Tables, Time);

    public override TimeProvider Time => TimeProvider.System;

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
        var ready = await _node.StandardOutput.ReadLineAsync();
        Http.BaseAddress = new(ready?.Split(' ')[^1] ?? throw new InvalidOperationException($"The peer ended: {await errors}"));
    }

    /// <summary>It ends when its standard input closes.</summary>
    protected override async Task StopAsync()
    {
        _node!.StandardInput.Close();
        await _node.WaitForExitAsync();
        Assert.Equal(0, _node.ExitCode);
        _node.Dispose();
    }
}

/// <summary>The suites run on one peer, one after the other.</summary>
[CollectionDefinition]
public sealed class OneExpressPeer : ICollectionFixture<ExpressPeer>;

/// <inheritdoc/>
[Collection<OneExpressPeer>]
public sealed class ExpressPeerOperationTests(ExpressPeer peer) : OperationSuite(peer);

/// <inheritdoc/>
[Collection<OneExpressPeer>]
public sealed class ExpressPeerMeaningTests(ExpressPeer peer) : MeaningSuite(peer);

/// <inheritdoc/>
[Collection<OneExpressPeer>]
public sealed class ExpressPeerBadInputTests(ExpressPeer peer) : BadInputSuite(peer)
{
    /// <summary>Its parser does not tell where a body is not well-formed.</summary>
    protected override string TextOf(string expected) => expected.Split(" at line ") is [var what, _] ? $"{what}." : expected;
}

/// <inheritdoc/>
[Collection<OneExpressPeer>]
public sealed class ExpressPeerToleranceTests(ExpressPeer peer) : ToleranceSuite(peer);

/// <inheritdoc/>
[Collection<OneExpressPeer>]
public sealed class ExpressPeerAuthenticationTests(ExpressPeer peer) : AuthenticationSuite(peer);

/// <inheritdoc/>
[Collection<OneExpressPeer>]
public sealed class ExpressPeerTokenTests(ExpressPeer peer) : TokenSuite(peer);
