using System.Globalization;

namespace Sessions.Tests.Simulation;

/// <summary>The environment variables of the simulation.</summary>
internal static class Setting
{
    public static int? Number(string name)
        => Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : null;
}
