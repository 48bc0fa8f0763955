namespace Sessions.Media.Sdp;

/// <summary>Which way the media of a section go, as seen by the description's author (RFC 8866, section 6.7).</summary>
public enum Direction
{
    /// <summary>Both ways.</summary>
    SendRecv,

    /// <summary>From the author.</summary>
    SendOnly,

    /// <summary>To the author.</summary>
    RecvOnly,

    /// <summary>Neither way.</summary>
    Inactive,
}
