namespace Sessions.Media;

/// <summary>The kinds of media that a participant may publish.</summary>
/// <param name="Audio">Whether it may publish audio.</param>
/// <param name="Video">Whether it may publish video.</param>
public sealed record MediaPermissions(bool Audio, bool Video)
{
    /// <summary>Whether the participant may publish media of the kind.</summary>
    public bool Allows(MediaKind kind) => kind == MediaKind.Audio ? Audio : Video;
}
