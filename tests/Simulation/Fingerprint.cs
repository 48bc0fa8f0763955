namespace Sessions.Tests.Simulation;

/// <summary>A 64-bit fingerprint that distinguishes states. It is the same in every run.</summary>
internal static class Fingerprint
{
    private const ulong Basis = 14695981039346656037;
    private const ulong Prime = 1099511628211;

    public static ulong Of(params ReadOnlySpan<string> texts)
    {
        var hash = Basis;
        foreach (var text in texts)
        {
            foreach (var character in text)
                hash = (hash ^ character) * Prime;
            hash = (hash ^ 0x1F) * Prime;
        }

        return Mix(hash);
    }

    public static ulong Of(ulong first, ulong second) => Mix((first * Prime) ^ Mix(second + Basis));

    public static ulong Of(object value) => value switch
    {
        string text => Of([text]),
        DateTimeOffset time => Mix((ulong)time.UtcTicks),
        long number => Mix((ulong)number),
        int number => Mix((ulong)number),
        bool flag => Mix(flag ? 1u : 0u),
        byte[] bytes => Of(Convert.ToHexString(bytes)),
        _ => throw new NotSupportedException($"A column of type {value.GetType()}."),
    };

    // The finalizer of SplitMix64.
    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
