using System.Diagnostics;
using System.Globalization;
using Sessions.Bench;
using Sessions.Media;
using Sessions.Media.Dtls;

namespace Sessions.MediaBench;

/// <summary>How many sessions there are, and how many participants each has.</summary>
internal sealed record Scene(int Sessions, int Participants)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Sessions} × {Participants}");
}

/// <summary>What was measured in one run of one server.</summary>
/// <param name="PacketsPerSecond">RTP packets that came to the devices.</param>
/// <param name="Arrived">The part of the packets that should have come.</param>
/// <param name="CpuOfPacket">Microseconds of the server's processor time for a packet that came.</param>
/// <param name="Cpu">The server's processor time, as a part of one core.</param>
/// <param name="P50">Milliseconds from before a packet is encrypted by the load until it is at a device, median.</param>
/// <param name="P99">The same, 99th percentile.</param>
/// <param name="Memory">The server's resident memory in megabytes.</param>
/// <param name="MemoryOfDevice">By how many kilobytes another device makes it larger, after garbage collections.</param>
internal sealed record Result(
    double PacketsPerSecond, double Arrived, double CpuOfPacket, double Cpu, double P50, double P99, double Memory, double MemoryOfDevice);

/// <summary>Connects all devices of a scene to a server, and measures while everybody sends to everybody.</summary>
internal sealed class Call(Subject subject, Scene scene) : IDisposable
{
    private const double Megabyte = 1e6;
    private const double Kilobyte = 1e3;

    // Enough that what is not a device's, such as code compiled meanwhile, counts for little.
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

    /// <summary>The memory of a device, by more sessions like those that are there.</summary>
    private async Task<double> MeasureDeviceAsync()
    {
        var count = _devices.Count;
        _sender!.Silence();
        var memory = await subject.MeasureMemoryAsync();
        await AddSessionsAsync((MoreDevices + scene.Participants - 1) / scene.Participants);
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
