using System.Xml.Linq;

namespace Sessions.Tests.Infrastructure;

/// <summary>The files at the root of the repository.</summary>
public sealed class RepositoryTests
{
    [Fact]
    public async Task Scripts_contain_no_carriage_return_even_after_a_checkout_on_Windows()
    {
        foreach (var script in new[] { "build", ".ci/run", "eng/release.sh", "eng/mutation/run.sh" })
            Assert.DoesNotContain('\r', await ReadAsync(script));
        Assert.Contains("\n* text=auto eol=lf\n", await ReadAsync(".gitattributes"));
    }

    [Fact]
    public async Task The_root_solution_contains_no_benchmarks_and_their_own_solution_contains_all()
    {
        Assert.DoesNotContain("bench", await ReadAsync("Sessions.sln"));

        var bench = Path.Combine(Bicep.RepositoryFolder, "bench");
        var inSolution = XDocument.Load(Path.Combine(bench, "Bench.slnx")).Descendants("Project").Select(project => (string?)project.Attribute("Path"));
        Assert.Equal(
            Directory.EnumerateFiles(bench, "*.csproj", SearchOption.AllDirectories)
                .Where(file => !file.Contains("node_modules", StringComparison.Ordinal))
                .Select(file => Path.GetRelativePath(bench, file).Replace('\\', '/')).Order(StringComparer.Ordinal),
            inSolution.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_program_has_the_same_version()
        => Assert.Single(
            new[] { typeof(Sessions.Cli.CliProgram), typeof(Sessions.LocalHost.LocalHostProgram), typeof(Sessions.Gateway.GatewayProgram), typeof(Endpoints.Health), typeof(Telemetry) }
                .Select(type => type.Assembly.GetName().Version).Distinct());

    [Fact]
    public async Task The_release_is_built_for_six_platforms()
        => Assert.Contains("set -- win-x64 win-arm64 linux-x64 linux-arm64 osx-x64 osx-arm64\n", await ReadAsync("eng/release.sh"));

    private static Task<string> ReadAsync(string file) => File.ReadAllTextAsync(Path.Combine(Bicep.RepositoryFolder, file));
}
