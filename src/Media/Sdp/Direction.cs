namespace Sessions.Media.Sdp;

/// <summary>The direction of a section's media, as seen by the description's author (RFC 8866, section 6.7).</summary>
public enum Direction
{
    /// <summary>In both directions.</summary>
    SendRecv,

    /// <summary>From the author.</summary>
    SendOnly,

    /// <summary>To the author.</summary>
    RecvOnly,

    /// <summary>In neither direction.</summary>
    Inactive,
}
