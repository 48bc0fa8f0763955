using System.Runtime.CompilerServices;

namespace Sessions.Tests;

/// <summary>Every server of a run, in this process or in another, has a media port of its own.</summary>
internal static class MediaPort
{
    [ModuleInitializer]
    internal static void AnyFree() => Environment.SetEnvironmentVariable("Gateway__MediaPort", "0");
}
