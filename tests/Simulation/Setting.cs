using System.Globalization;

namespace Sessions.Tests.Simulation;

/// <summary>The environment variables of the simulation.</summary>
internal static class Setting
{
    /// <summary>
    /// Selects what a run explores. By default it is always the same, so that a failure is caused by a change. With 5, each part is hardly
    /// larger than it has to be.
    /// </summary>
    public static int Seed => Number("SIMULATION_SEED") ?? 5;

    public static int? Number(string name)
        => Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : null;
}
