using System.Runtime.CompilerServices;

namespace Sessions.Tests;

/// <summary>Gives every server of a run its own media port, including servers in other processes.</summary>
internal static class MediaPort
{
    [ModuleInitializer]
    internal static void AnyFree() => Environment.SetEnvironmentVariable("Gateway__MediaPort", "0");
}
