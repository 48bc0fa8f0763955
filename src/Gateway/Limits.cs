namespace Sessions.Gateway;

/// <summary>The limits for devices of a gateway. The gateway refuses anything beyond a limit, and other devices are not affected.</summary>
public sealed record Limits
{
    /// <summary>The maximum length of a message from a device, in bytes. A longer message closes the connection with 1009.</summary>
    public int MessageBytes { get; init; } = 128 * 1024;

    /// <summary>The maximum number of messages queued for a device. One more message ends its connection.</summary>
    public int QueuedMessages { get; init; } = 64;

    /// <summary>The maximum number of tracks that a device may publish. Further sections are rejected in the SDP answer.</summary>
    public int TracksPerDevice { get; init; } = 16;

    /// <summary>The maximum number of streams that a device may describe in one offer.</summary>
    public int StreamsPerDevice { get; init; } = 16;

    /// <summary>The maximum length of a stream's alias, in UTF-16 code units. Every alias that a subscription can name fits.</summary>
    public int AliasLength { get; init; } = 2 * Model.Subscriptions.MaxStreamAliasLength;

    /// <summary>The maximum length of a device's <c>uniqueId</c>. For example, a UUID has 36 characters.</summary>
    public int UniqueIdLength { get; init; } = 100;

    /// <summary>The maximum number of devices of a participant, which are pages, apps and tabs with the same token.</summary>
    public int DevicesPerParticipant { get; init; } = 4;

    /// <summary>The maximum number of devices of an account.</summary>
    public int DevicesPerAccount { get; init; } = 1_000;

    /// <summary>
    /// The maximum number of connections that are begun from one address in a second. For example, all devices of an office may reconnect
    /// at once.
    /// </summary>
    public int HandshakesPerSecond { get; init; } = 100;

    /// <summary>The maximum number of refused tokens from one address in a second.</summary>
    public int FailedTokensPerSecond { get; init; } = 10;
}
