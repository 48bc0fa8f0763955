using System.Reflection;
using Sessions.LocalHost;

namespace Sessions.Tests;

/// <summary>The official client makes a whole call.</summary>
public sealed class SdkTests(Server server) : IClassFixture<Server>
{
    private static readonly string SdkFolder = typeof(SdkTests).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().Single(metadata => metadata.Key == nameof(SdkFolder)).Value!;

    [Fact]
    public async Task The_official_Node_SDK_runs_a_whole_call()
    {
        var account = await server.NewAccountAsync();
        await Node.InstallAsync(SdkFolder);

        using var node = Node.Start(new("node", ["call.mjs", $"{server.Url}v1", account.Id, Account.Writer, Server.Secret]), SdkFolder);
        var (output, errors) = await node.ReadToEndAsync();

        TestContext.Current.TestOutputHelper!.WriteLine(output);
        Assert.True(node.ExitCode == 0, $"{output}{errors}");
        Assert.Empty(await account.RowsAsync());
    }
}
