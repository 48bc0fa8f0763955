using Sessions.Media;

namespace Sessions.MediaBench;

/// <summary>A participant's device, which publishes sound and video, and receives those of others.</summary>
internal sealed class LoadDevice(LoadConnection publishing, LoadTrack audio, LoadTrack video) : IDisposable
{
    private LoadConnection? _subscribing;

    public LoadConnection Publishing => publishing;

    public LoadConnection? Subscribing
    {
        get => Volatile.Read(ref _subscribing);
        set => Volatile.Write(ref _subscribing, value);
    }

    public LoadTrack Track(MediaKind kind) => kind == MediaKind.Audio ? audio : video;

    /// <summary>Sends the reports of both directions.</summary>
    public void Report()
    {
        publishing.SendReport(audio);
        publishing.SendReport(video);
        Subscribing?.ReportReception();
    }

    /// <summary>Advances the timers of the connections.</summary>
    public void Advance()
    {
        publishing.Advance();
        Subscribing?.Advance();
    }

    public void Dispose()
    {
        publishing.Dispose();
        Subscribing?.Dispose();
    }
}
