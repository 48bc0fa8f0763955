namespace Sessions.Tests.Infrastructure;

/// <summary>The workflows on GitHub.</summary>
public sealed class WorkflowTests
{
    private static readonly string Folder = Path.Combine(Bicep.RepositoryFolder, ".github", "workflows");

    private static readonly string Actions = Path.Combine(Bicep.RepositoryFolder, ".github", "actions");

    [Fact]
    public async Task Every_action_is_pinned_to_a_commit_or_is_in_the_repository()
    {
        foreach (var file in Directory.EnumerateFiles(Folder).Concat(Directory.EnumerateFiles(Actions, "*", SearchOption.AllDirectories)))
            Assert.DoesNotMatch(@"uses: (?!\S+@[0-9a-f]{40} # v|\./\.github/actions/\w+\n)", await File.ReadAllTextAsync(file));
    }

    [Fact]
    public async Task The_deployment_workflow_is_started_manually_with_an_environment_and_no_stored_login()
    {
        var deploy = await File.ReadAllTextAsync(Path.Combine(Folder, "deploy.yml"));

        Assert.Matches(@"(?m)^on:\n  workflow_dispatch:\n(    .*\n)+\n", deploy);
        Assert.Matches(@"(?m)^    environment: \$\{\{ inputs\.environment \}\}$", deploy);
        LogsInWithoutSecret(deploy);
    }

    [Fact]
    public async Task The_azd_workflow_is_started_manually_and_with_no_stored_login()
    {
        var deploy = await File.ReadAllTextAsync(Path.Combine(Folder, "azure-dev.yml"));

        Assert.Matches(@"(?m)^on:\n  workflow_dispatch:\n\n", deploy);
        LogsInWithoutSecret(deploy);
        foreach (var name in new[] { "AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_SUBSCRIPTION_ID", "AZURE_LOCATION", "AZURE_ENV_NAME" })
            Assert.Contains($"      {name}: ${{{{ vars.{name} }}}}\n", deploy);
    }

    private static void LogsInWithoutSecret(string deploy)
    {
        Assert.Matches(@"(?m)^permissions: \{\}$", deploy);
        Assert.Matches(@"(?m)^    permissions:\n      contents: read\n      id-token: write.*\n    \w", deploy);
        Assert.DoesNotMatch(@"secrets\.(?!SESSIONS_OTLP_HEADERS )", deploy);
        Assert.Contains("        uses: ./.github/actions/deploy\n".TrimStart(), deploy);
    }
}
