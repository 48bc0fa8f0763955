using System.Diagnostics;
using System.Globalization;
using Sessions.Bench;
using Sessions.Media;
using Sessions.Media.Dtls;

namespace Sessions.MediaBench;

/// <summary>The number of sessions, and of participants in each.</summary>
internal sealed record Scene(int Sessions, int Participants)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Sessions} × {Participants}");
}

/// <summary>The result of one run of one server.</summary>
/// <param name="PacketsPerSecond">RTP packets per second that arrived at the devices.</param>
/// <param name="Arrived">The fraction of the expected packets that arrived.</param>
/// <param name="CpuOfPacket">Microseconds of the server's processor time for each packet that arrived.</param>
/// <param name="Cpu">The server's processor time, as a fraction of one core.</param>
/// <param name="P50">The median of the milliseconds from before the load encrypts a packet until it arrives at a device.</param>
/// <param name="P99">The 99th percentile of the same time.</param>
/// <param name="Memory">The server's resident memory in megabytes.</param>
/// <param name="MemoryOfDevice">The additional kilobytes for each further device, after garbage collections.</param>
internal sealed record Result(
    double PacketsPerSecond, double Arrived, double CpuOfPacket, double Cpu, double P50, double P99, double Memory, double MemoryOfDevice);

/// <summary>Connects all devices of a scene to a server, and measures while each device sends to all others.</summary>
internal sealed class Call(Subject subject, Scene scene) : IDisposable
{
    private const double Megabyte = 1e6;
    private const double Kilobyte = 1e3;

    private const int MoreDevices = 40;

    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(20);

    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly DtlsCertificate? _certificate = subject.IsPlain ? null : DtlsCertificate.Create();
    private readonly List<LoadDevice> _devices = [];
    private readonly Receiver _receiver = new();
    private Sender? _sender;
    private double _expected;
    private int _sessions;

    public async Task<Result> MeasureAsync(TimeSpan duration)
    {
        _sender = new(Now);
        await AddSessionsAsync(scene.Sessions);

        var (received, cpu, start) = (Received(), subject.Program.CpuTime, Now());
        Record(true);
        await Task.Delay(duration);
        Record(false);
        (received, cpu, var elapsed) = (Received() - received, subject.Program.CpuTime - cpu, Now() - start);
        var latencies = new Latencies([.. _devices.SelectMany(device => device.Subscribing!.TakeLatencies())]);

        return new(
            received / elapsed.TotalSeconds,
            received / (elapsed.TotalSeconds * _expected),
            cpu.TotalMicroseconds / received,
            cpu / elapsed,
            latencies.Percentile(0.5),
            latencies.Percentile(0.99),
            subject.Program.Memory / Megabyte,
            await MeasureDeviceAsync());
    }

    public void Dispose()
    {
        _sender?.Dispose();
        _receiver.Dispose();
        foreach (var device in _devices)
            device.Dispose();
    }

    /// <summary>
    /// Measures the memory of a device, by adding sessions like the existing ones. The first of them also cost memory that no device needs
    /// again, such as recompiled code and the allocator's arenas, so only the growth with the second ones counts.
    /// </summary>
    private async Task<double> MeasureDeviceAsync()
    {
        var sessions = (MoreDevices + scene.Participants - 1) / scene.Participants;
        _sender!.Silence();
        await AddSessionsAsync(sessions);
        _sender.Silence();
        var (count, memory) = (_devices.Count, await subject.MeasureMemoryAsync());
        await AddSessionsAsync(sessions);
        return (await subject.MeasureMemoryAsync() - memory) / Kilobyte / (_devices.Count - count);
    }

    private async Task AddSessionsAsync(int count)
    {
        for (var session = 0; session < count; session++)
            await AddSessionAsync(_sessions++);
        await Task.Delay(Settling);
    }

    private async Task AddSessionAsync(int session)
    {
        var first = _devices.Count;
        for (var index = 0; index < scene.Participants; index++)
        {
            var (audio, video) = (new LoadTrack(MediaKind.Audio), new LoadTrack(MediaKind.Video));
            var connection = new LoadConnection(subject.IsPublisherDtlsClient, _certificate, Now)
            {
                KeyFrameRequested = ssrc => (ssrc == video.Ssrc ? video : audio).RequestKeyFrame(),
            };
            _receiver.Add(connection);
            await subject.PublishAsync(session, connection, audio, video);
            var device = new LoadDevice(connection, audio, video);
            _devices.Add(device);
            _sender!.Add(device);
            await ConnectAsync(connection);
            _expected += (scene.Participants - 1) * (PacketsPerSecond(audio) + PacketsPerSecond(video));
        }

        for (var index = first; index < _devices.Count; index++)
        {
            var connection = new LoadConnection(isDtlsClient: false, _certificate, Now);
            _receiver.Add(connection);
            await subject.SubscribeAsync(session, connection, [.. Enumerable.Range(first, scene.Participants).Where(other => other != index)]);
            _devices[index].Subscribing = connection;
            await ConnectAsync(connection);
        }
    }

    private async Task ConnectAsync(LoadConnection connection)
    {
        var limit = Now() + ConnectLimit;
        while (!connection.IsConnected)
        {
            if (Now() > limit)
                throw new BenchmarkException($"A device did not connect to {subject.Name}.");
            await Task.Delay(5);
        }
    }

    private static double PacketsPerSecond(LoadTrack track) => track.PacketsInInterval / track.Interval.TotalSeconds;

    private TimeSpan Now() => Stopwatch.GetElapsedTime(_started);

    private long Received() => _devices.Sum(device => device.Subscribing!.Packets);

    private void Record(bool isRecording) => _devices.ForEach(device => device.Subscribing!.IsRecording = isRecording);
}
