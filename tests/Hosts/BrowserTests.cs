using System.Diagnostics;
using System.Reflection;
using System.Text.Json;
using Sessions.Gateway;
using Sessions.LocalHost;

namespace Sessions.Tests;

/// <summary>Browsers need the whole machine, so no other test runs concurrently.</summary>
[CollectionDefinition(nameof(BrowserTests), DisableParallelization = true)]
public sealed class BrowserTestsAlone;

/// <summary>
/// The official browser SDK makes calls in Chromium and Firefox, if they are installed. An older SDK version runs some of the scenarios, or
/// all of them if the environment variable <c>BROWSERS</c> is <c>full</c>.
/// </summary>
[Collection(nameof(BrowserTests))]
public sealed class BrowserTests(Server server, ExpiringServer expiring) : IClassFixture<Server>, IClassFixture<ExpiringServer>
{
    private static readonly string BrowsersFolder = typeof(BrowserTests).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().Single(metadata => metadata.Key == nameof(BrowsersFolder)).Value!;

    private static readonly Dictionary<string, string[]> Programs = new()
    {
        ["chromium"] = ["chromium", "chromium-browser", "google-chrome"],
        ["firefox"] = ["firefox-esr", "firefox"],
    };

    [Fact]
    public async Task The_official_browser_SDK_runs_calls_in_Chromium_and_Firefox()
    {
        string[] browsers = [.. from program in Programs let path = Find(program.Key, program.Value) where path is not null select $"{program.Key}={path}"];
        Assert.SkipWhen(browsers is [], "No browser is installed. Run: apt-get install chromium firefox-esr");
        foreach (var each in new[] { server, expiring })
        {
            var account = await each.NewAccountAsync(LocalCredential.Account);
            await account.AddUserAsync(LocalCredential.User, LocalCredential.Secret, Security.Access.Write);
        }

        await Node.InstallAsync(BrowsersFolder);

        // The first request for the page's script installs its packages, which takes longer than a browser waits.
        using (var http = new HttpClient())
            (await http.GetAsync(new Uri(server.Url, "/call/page.js"))).EnsureSuccessStatusCode();

        string[] arguments =
        [
            "browsers.mjs", $"{server.Url}", $"{expiring.Url}", typeof(GatewayProgram).Assembly.Location,
            LocalCredential.Account, LocalCredential.User, LocalCredential.Secret, .. browsers,
        ];
        var start = new ProcessStartInfo("node", arguments);
        start.Environment["Sessions__StorageConnectionString"] = server.ConnectionString;
        start.Environment["Sessions__TokenSigningKey"] = ApiServer.TokenSigningKey;
        using var node = Node.Start(start, BrowsersFolder);
        var errors = node.StandardError.ReadToEndAsync();
        List<string> failed = [];
        var output = TestContext.Current.TestOutputHelper!;
        while (await node.ReadLineAsync() is { } line)
        {
            output.WriteLine(line);
            if (!JsonElement.Parse(line).GetProperty("passed").GetBoolean())
                failed.Add(line);
        }

        await node.EndAsync();
        Assert.True(failed is [] && node.ExitCode == 0, $"{string.Join('\n', failed)}{await errors}");
    }

    /// <summary>The path of Chromium, or null if there is none.</summary>
    internal static string? FindChromium() => Find("chromium", Programs["chromium"]);

    /// <summary>The program in an environment variable (CHROMIUM, FIREFOX), or else an installed one.</summary>
    private static string? Find(string kind, string[] names)
    {
        if (Environment.GetEnvironmentVariable(kind.ToUpperInvariant()) is { Length: > 0 } chosen)
            return chosen;

        var folders = Environment.GetEnvironmentVariable("PATH")?.Split(Path.PathSeparator) ?? [];
        return names.SelectMany(_ => folders, (name, folder) => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
    }
}

/// <summary>A server whose sessions expire soon, but only after enough time to hear audio in one.</summary>
public sealed class ExpiringServer(AzuriteFixture azurite) : Server(azurite)
{
    protected override IEnumerable<string> Settings => ["--Sessions:SessionLifetime=00:00:20"];
}
