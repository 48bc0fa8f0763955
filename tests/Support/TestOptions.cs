using Microsoft.Extensions.Configuration;

namespace Sessions.Tests;

/// <summary>The options of a server for tests that use no real storage.</summary>
internal static class TestOptions
{
    /// <summary>The options with every default.</summary>
    public static SessionsOptions Default { get; } = With();

    /// <summary>The options with these settings, for example <c>Sessions:SessionLifetime</c>.</summary>
    public static SessionsOptions With(params IEnumerable<(string Name, string Value)> settings)
    {
        var configuration = new ConfigurationManager
        {
            ["Sessions:StorageConnectionString"] = "UseDevelopmentStorage=true",
            ["Sessions:TokenSigningKey"] = ApiServer.TokenSigningKey,
        };
        foreach (var (name, value) in settings)
            configuration[name] = value;
        return SessionsOptions.Read(configuration);
    }
}
