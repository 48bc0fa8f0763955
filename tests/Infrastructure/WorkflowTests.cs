namespace Sessions.Tests.Infrastructure;

/// <summary>The workflows on GitHub.</summary>
public sealed class WorkflowTests
{
    private static readonly string Folder = Path.Combine(Bicep.RepositoryFolder, ".github", "workflows");

    [Fact]
    public async Task Every_action_is_pinned_to_a_commit()
    {
        foreach (var file in Directory.EnumerateFiles(Folder))
            Assert.DoesNotMatch(@"uses: (?!\S+@[0-9a-f]{40} # v)", await File.ReadAllTextAsync(file));
    }

    [Fact]
    public async Task Deployment_is_started_by_hand_in_a_protected_environment_and_with_no_stored_secret()
    {
        var deploy = await File.ReadAllTextAsync(Path.Combine(Folder, "deploy.yml"));

        Assert.Matches(@"(?m)^on:\n  workflow_dispatch:\n(    .*\n)+\n", deploy);
        Assert.Matches(@"(?m)^permissions: \{\}$", deploy);
        Assert.Matches(@"(?m)^    permissions:\n      contents: read\n      id-token: write.*\n    \w", deploy);
        Assert.Matches(@"(?m)^    environment: \$\{\{ inputs\.environment \}\}$", deploy);
        Assert.DoesNotContain("secrets.", deploy);
    }
}
