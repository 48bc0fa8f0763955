using System.Reflection;
using System.Text.Json;
using Sessions.LocalHost;

namespace Sessions.Tests;

/// <summary>Browsers take the whole machine: no other test runs beside them.</summary>
[CollectionDefinition(nameof(BrowserTests), DisableParallelization = true)]
public sealed class BrowserTestsAlone;

/// <summary>The official browser SDK plays calls in Chromium and Firefox, as far as they are installed.</summary>
[Collection(nameof(BrowserTests))]
public sealed class BrowserTests(Server server) : IClassFixture<Server>
{
    private static readonly string BrowsersFolder = typeof(BrowserTests).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().Single(metadata => metadata.Key == nameof(BrowsersFolder)).Value!;

    private static readonly Dictionary<string, string[]> Programs = new()
    {
        ["chromium"] = ["chromium", "chromium-browser", "google-chrome"],
        ["firefox"] = ["firefox-esr", "firefox"],
    };

    [Fact]
    public async Task The_official_browser_SDK_plays_calls_in_Chromium_and_Firefox()
    {
        string[] browsers = [.. from program in Programs let path = Find(program.Key, program.Value) where path is not null select $"{program.Key}={path}"];
        Assert.SkipWhen(browsers is [], "There is no browser: apt-get install chromium firefox-esr");
        var account = await server.NewAccountAsync(LocalCredential.Account);
        await account.AddUserAsync(LocalCredential.User, LocalCredential.Secret, Security.Access.Write);
        await Node.InstallAsync(BrowsersFolder);

        using var node = Node.Start(
            new("node", ["browsers.mjs", server.Url.ToString(), account.Id, LocalCredential.User, LocalCredential.Secret, .. browsers]), BrowsersFolder);
        var errors = node.StandardError.ReadToEndAsync();
        List<string> failed = [];
        while (await node.ReadLineAsync() is { } line)
        {
            TestContext.Current.TestOutputHelper!.WriteLine(line);
            if (!JsonElement.Parse(line).GetProperty("passed").GetBoolean())
                failed.Add(line);
        }

        await node.EndAsync();
        Assert.True(failed is [] && node.ExitCode == 0, $"{string.Join('\n', failed)}{await errors}");
    }

    /// <summary>The program that a variable names (CHROMIUM, FIREFOX), or else one that is installed.</summary>
    private static string? Find(string kind, string[] names)
    {
        if (Environment.GetEnvironmentVariable(kind.ToUpperInvariant()) is { Length: > 0 } chosen)
            return chosen;

        var folders = Environment.GetEnvironmentVariable("PATH")?.Split(Path.PathSeparator) ?? [];
        return names.SelectMany(_ => folders, (name, folder) => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
    }
}
