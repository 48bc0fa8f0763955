namespace Sessions.Media;

/// <summary>The kind of media of a track.</summary>
public enum MediaKind
{
    /// <summary>Audio.</summary>
    Audio,

    /// <summary>Video.</summary>
    Video,
}
