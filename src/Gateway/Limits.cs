namespace Sessions.Gateway;

/// <summary>How much devices may take of a gateway. What is more is refused, and harms no other device.</summary>
public sealed record Limits
{
    /// <summary>The longest message of a device, in bytes; a longer one closes its connection with 1009.</summary>
    public int MessageBytes { get; init; } = 128 * 1024;

    /// <summary>The most messages that wait for a device to read them; with one more its connection ends.</summary>
    public int QueuedMessages { get; init; } = 64;

    /// <summary>The most tracks that a device may publish; sections beyond are rejected in the SDP answer.</summary>
    public int TracksPerDevice { get; init; } = 16;

    /// <summary>The most streams that a device may describe in one offer.</summary>
    public int StreamsPerDevice { get; init; } = 16;

    /// <summary>The longest alias of a stream, in UTF-16 units: any that a subscription can name.</summary>
    public int AliasLength { get; init; } = 2 * Model.Subscriptions.MaxStreamAliasLength;

    /// <summary>The longest <c>uniqueId</c> of a device: a UUID has 36 characters.</summary>
    public int UniqueIdLength { get; init; } = 100;

    /// <summary>The most devices of a participant: pages, apps and tabs with the same token.</summary>
    public int DevicesPerParticipant { get; init; } = 4;

    /// <summary>The most devices of an account.</summary>
    public int DevicesPerAccount { get; init; } = 1_000;

    /// <summary>The most connections that are begun from one address in a second: an office of devices comes back at once.</summary>
    public int HandshakesPerSecond { get; init; } = 100;

    /// <summary>The most tokens from one address in a second that open nothing.</summary>
    public int FailedTokensPerSecond { get; init; } = 10;
}
