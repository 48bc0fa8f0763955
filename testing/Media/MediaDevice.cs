using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;
using Sessions.Media;
using Sessions.Media.Dtls;
using Sessions.Media.Ice;
using Sessions.Media.Negotiation;
using Sessions.Media.Rtp;
using Sessions.Media.Sdp;

namespace Sessions.Testing.Media;

/// <summary>
/// A device with media. It uses the device protocol over a WebSocket, and sends packets over UDP or TCP. It publishes, answers every offer,
/// and counts the packets that it receives from each stream. Thread-safe.
/// </summary>
/// <param name="url">The gateway's URL.</param>
/// <param name="token">The participant's token.</param>
/// <param name="isTcpOnly">Whether the network blocks UDP.</param>
public sealed class MediaDevice(Uri url, string token, bool isTcpOnly = false) : IAsyncDisposable
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan ReportInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan CallLimit = TimeSpan.FromSeconds(30);

    // The same times as in the SDK.
    private static readonly TimeSpan ReconnectPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RestartPause = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _sending = new(1);
    private readonly DtlsCertificate _certificate = DtlsCertificate.Create();
    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<int, TaskCompletionSource<JsonNode>> _calls = [];
    private readonly Dictionary<(string StreamId, MediaKind Kind), Received> _received = [];
    private readonly Dictionary<uint, ReceivedTrack> _receivedTracks = [];
    private readonly Dictionary<uint, (MediaKind Kind, byte? EventType)> _sections = [];
    private readonly List<(MediaKind Kind, SentTrack? Track)> _published = [];
    private readonly List<(DeviceConnection Connection, DeviceSocket Socket, uint Priority)> _sockets = [];
    private readonly Outbox _outbox = new();
    private DeviceConnection? _publishing;
    private DeviceConnection? _subscribing;
    private ClientWebSocket _socket = new();
    private TimeSpan _nextPacket;
    private TimeSpan _nextReport;
    private TimeSpan _nextRestart;
    private TimeSpan _ahead;
    private string[] _streams = [];
    private ulong _version;
    private int _sectionCount;
    private int _lastCall;
    private Task? _ticking;
    private Task? _reconnecting;

    /// <summary>The device's id at the gateway.</summary>
    public string UniqueId { get; init; } = Guid.NewGuid().ToString();

    /// <summary>
    /// Whether it behaves like the SDK when the gateway is gone. It then reconnects every second without end, unless the gateway closed
    /// with 1000. It also offers an ICE restart when its publishing connection has failed.
    /// </summary>
    public bool Recovers { get; init; }

    /// <summary>The time between two packets of a track.</summary>
    public TimeSpan PacketInterval { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>Whether answers accept video.</summary>
    public bool TakesVideo { get; set; } = true;

    /// <summary>Decides whether the network loses an RTP packet that has just arrived.</summary>
    public Func<bool>? Loses { get; set; }

    /// <summary>Whether it sends no packets.</summary>
    public bool IsSilent { get; set; }

    /// <summary>The status with which the gateway closed the last WebSocket, or null if the WebSocket was lost.</summary>
    public Task<WebSocketCloseStatus?> Closed { get; private set; } = Task.FromResult<WebSocketCloseStatus?>(null);

    /// <summary>The streams of the last offer and their aliases.</summary>
    public IReadOnlyDictionary<string, string?> Offered { get; private set; } = new Dictionary<string, string?>();

    /// <summary>The packets received from a stream.</summary>
    public Received this[string streamId, MediaKind kind]
    {
        get
        {
            lock (_lock)
                return _received.GetValueOrDefault((streamId, kind));
        }
    }

    /// <summary>The number of key frames that it has sent.</summary>
    public int KeyFramesSent
    {
        get
        {
            lock (_lock)
                return _published.Sum(section => section.Track?.KeyFrames ?? 0);
        }
    }

    /// <summary>All packets received, by stream and kind.</summary>
    public IReadOnlyDictionary<(string StreamId, MediaKind Kind), Received> All
    {
        get
        {
            lock (_lock)
                return new Dictionary<(string, MediaKind), Received>(_received);
        }
    }

    /// <summary>Whether packets can be sent.</summary>
    public bool IsPublishing
    {
        get
        {
            lock (_lock)
                return _publishing?.IsConnected == true;
        }
    }

    private TimeSpan Now => Stopwatch.GetElapsedTime(_started) + _ahead;

    /// <summary>Connects the WebSocket, for the first time or again. The media continue.</summary>
    public async Task ConnectAsync()
    {
        var socket = new ClientWebSocket();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        limit.CancelAfter(CallLimit);
        await socket.ConnectAsync(
            new($"ws://{url.Authority}/v3/?token={Uri.EscapeDataString(token)}&client=browser&sdkVersion=0.13.1&uniqueId={UniqueId}"), limit.Token);
        _socket = socket;
        Closed = ReadAsync(socket);
        _ticking ??= Task.Run(TickAsync);
        if (Recovers)
            _reconnecting ??= Task.Run(ReconnectAsync);
    }

    /// <summary>Drops the WebSocket without closing it.</summary>
    public void Abort() => _socket.Abort();

    /// <summary>Advances the device's clock.</summary>
    public void Advance(TimeSpan time)
    {
        lock (_lock)
            _ahead += time;
    }

    /// <summary>Closes all media sockets. New ones are created when ICE restarts.</summary>
    public void LoseNetwork()
    {
        lock (_lock)
        {
            foreach (var (_, socket, _) in _sockets)
                socket.Dispose();
            _sockets.Clear();
        }
    }

    /// <summary>Replaces each media socket without notifying the gateway. Checks then come from the new sockets.</summary>
    public void ChangeNetwork()
    {
        lock (_lock)
        {
            var before = _sockets.ToArray();
            LoseNetwork();
            foreach (var (connection, socket, priority) in before)
                Open(connection, socket.Remote, priority + 1);
        }
    }

    /// <summary>
    /// Publishes exactly these streams. Each is a name, optionally followed by a colon and an alias, for example <c>camera:front</c>.
    /// Streams that are already published continue.
    /// </summary>
    public async Task<JsonNode> PublishAsync(params string[] streams)
    {
        var names = streams.Select(stream => stream.Split(':')).ToArray();
        string offer;
        lock (_lock)
        {
            _streams = streams;
            _publishing ??= new(true, _certificate, Random.Shared);
            SetTracks([.. names.Select(name => name[0])]);
            offer = DeviceSdp.Offer(_publishing, _published, ++_version);
        }

        var streamsOfOffer = new JsonObject(names.Select(name => KeyValuePair.Create(
            name[0], (JsonNode?)(name.Length > 1 ? new JsonObject { ["alias"] = name[1] } : []))));
        var result = await CallAsync("offerSdp", new JsonObject
        {
            ["sdpOffer"] = offer,
            ["mediaMetadata"] = new JsonObject { ["mediaStreams"] = streamsOfOffer, ["dataChannels"] = new JsonObject() },
        });
        lock (_lock)
            Take(_publishing, Parse((string)result["sdpAnswer"]!));
        return result;
    }

    /// <summary>Makes the next <see cref="PublishAsync"/> an ICE restart (RFC 8445, section 2.4).</summary>
    public void RestartIce()
    {
        lock (_lock)
            _publishing?.RestartIce();
    }

    /// <summary>Sends a telephone event in a stream's audio.</summary>
    public void SendEvent(string streamId, byte code)
    {
        lock (_lock)
        {
            _publishing!.SendRtp(_published.Find(section => section.Track?.StreamId == streamId).Track!.Event(code), _outbox);
            Flush();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _socket.Abort();
        await Task.WhenAll(_ticking ?? Task.CompletedTask, _reconnecting ?? Task.CompletedTask);
        lock (_lock)
        {
            _publishing?.Dispose();
            _subscribing?.Dispose();
            LoseNetwork();
        }

        _socket.Dispose();
        _sending.Dispose();
        _stop.Dispose();
    }

    private void SetTracks(string[] streamIds)
    {
        for (var index = 0; index < _published.Count; index++)
        {
            if (_published[index].Track is { } track && !streamIds.Contains(track.StreamId))
                _published[index] = (track.Kind, null);
        }

        foreach (var id in streamIds.Where(id => !_published.Exists(section => section.Track?.StreamId == id)))
        {
            foreach (var kind in new[] { MediaKind.Audio, MediaKind.Video })
            {
                var free = _published.FindIndex(section => section.Track is null && section.Kind == kind);
                var index = free < 0 ? _published.Count : free;
                var section = (kind, new SentTrack(id, kind, DeviceSdp.Mid(index), (uint)Random.Shared.NextInt64(1, uint.MaxValue)));
                if (free < 0)
                    _published.Add(section);
                else
                    _published[index] = section;
            }
        }
    }

    private static SessionDescription Parse(string sdp)
        => SessionDescription.TryParse(sdp, out var description, out var error) ? description : throw new InvalidDataException(error);

    private void Take(DeviceConnection connection, SessionDescription description)
    {
        if (Bundle.Of(description).Remote is not { } remote || !connection.SetRemote(remote, Now))
            return;

        foreach (var value in description.Sections.SelectMany(section => section.Candidates))
        {
            if (!Candidate.TryParse(value, out var candidate) || candidate!.EndPoint is not { } address)
                continue;

            var isTcp = candidate.Transport == CandidateTransport.TcpPassive;
            if (isTcp != isTcpOnly)
                continue;

            Open(connection, address, candidate.Priority);
        }
    }

    private void Open(DeviceConnection connection, IPEndPoint address, uint priority)
    {
        var socket = new DeviceSocket(address, isTcpOnly);
        _sockets.Add((connection, socket, priority));
        connection.AddFlow(socket, priority);
        _ = socket.RunAsync((flow, datagram) => Receive(connection, flow, datagram.Span));
    }

    private async Task ReconnectAsync()
    {
        try
        {
            while (await Closed != WebSocketCloseStatus.NormalClosure)
            {
                await Task.Delay(ReconnectPause, _stop.Token);
                await TryAsync(ConnectAsync);
            }
        }
        catch (OperationCanceledException)
        {
            // The device is being disposed.
        }
    }

    /// <summary>Makes an attempt that fails if the gateway is gone.</summary>
    private static async Task TryAsync(Func<Task> attempt)
    {
        try
        {
            await attempt();
        }
        catch (Exception exception) when (exception is WebSocketException or TimeoutException or InvalidOperationException)
        {
            // A later attempt follows.
        }
    }

    private void Receive(DeviceConnection connection, DeviceSocket flow, Span<byte> datagram)
    {
        lock (_lock)
        {
            // The packet is lost before decryption, because a retransmission would otherwise be rejected as a replay.
            if (_stop.IsCancellationRequested || (PacketKind.Of(datagram) == PacketKind.Rtp && Loses?.Invoke() == true))
                return;

            var (kind, length) = connection.Receive(datagram, flow, Now, _outbox);
            if (length > 0 && kind == PacketKind.Rtp && connection == _subscribing && RtpPacket.TryParse(datagram[..length], out var packet))
                Count(packet);
            else if (length > 0 && kind == PacketKind.Rtcp && connection == _publishing)
                AnswerFeedback(datagram[..length]);
            Flush();
        }
    }

    private void Count(in RtpPacket packet)
    {
        if (!_sections.TryGetValue(packet.Ssrc, out var section))
            return;
        if (!_receivedTracks.TryGetValue(packet.Ssrc, out var track))
            _receivedTracks[packet.Ssrc] = track = new(section.Kind);

        var isEvent = packet.PayloadType == section.EventType;
        var key = (track.StreamOf(packet.Payload, isEvent), section.Kind);
        _received[key] = track.Count(_received.GetValueOrDefault(key), packet, isEvent, Now);
    }

    private void AnswerFeedback(ReadOnlySpan<byte> compound)
    {
        var reader = new RtcpReader(compound);
        while (reader.TryNext(out var packet))
        {
            var ssrc = packet.MediaSsrc;
            if (_published.Find(section => section.Track?.Ssrc == ssrc).Track is not { } track)
                continue;

            if (packet.IsPli)
                track.RequestKeyFrame();
            foreach (var number in packet.Nack)
            {
                if (track.Find(number) is { } sent)
                    _publishing!.SendRtp(sent, _outbox);
            }
        }
    }

    private async Task TickAsync()
    {
        using var timer = new PeriodicTimer(Tick);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                lock (_lock)
                {
                    _publishing?.Advance(Now, _outbox);
                    _subscribing?.Advance(Now, _outbox);
                    SendPackets();
                    SendReports();
                    Flush();
                    RestartWhenFailed();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The device is being disposed.
        }
    }

    private void RestartWhenFailed()
    {
        if (!Recovers || _publishing?.HasFailed(Now) != true || Now < _nextRestart || _socket.State != WebSocketState.Open)
            return;

        _nextRestart = Now + RestartPause;
        _publishing.RestartIce();
        _ = TryAsync(() => PublishAsync(_streams));
    }

    private void SendPackets()
    {
        if (IsSilent || Now < _nextPacket || _publishing is not { IsConnected: true })
            return;

        _nextPacket = Now + PacketInterval;
        foreach (var (_, track) in _published)
        {
            if (track is not null)
                _publishing.SendRtp(track.Next(), _outbox);
        }
    }

    private void SendReports()
    {
        const uint Ssrc = 1;

        if (_subscribing is not { IsConnected: true })
            return;

        Span<byte> room = stackalloc byte[1200];
        Span<ushort> missing = stackalloc ushort[64];
        var isReportDue = Now >= _nextReport;
        foreach (var (ssrc, track) in _receivedTracks)
        {
            var lost = track.Kind == MediaKind.Video ? missing[..track.Missing.Due(Now, missing)] : [];
            if (!isReportDue && lost.IsEmpty)
                continue;

            var writer = new RtcpWriter(room);
            writer.AddReceiverReport(Ssrc, isReportDue ? [track.Statistics.Report(ssrc, Now)] : []);
            if (!lost.IsEmpty)
                writer.AddNack(Ssrc, ssrc, lost);
            _subscribing.SendRtcp(room[..writer.Length], _outbox);
        }

        _nextReport = isReportDue ? Now + ReportInterval : _nextReport;
    }

    private void Flush()
    {
        for (var index = 0; index < _outbox.Count; index++)
            ((DeviceSocket)_outbox[index].Flow).Send(_outbox[index].Datagram.Span);
        _outbox.Clear();
    }

    private async Task<JsonNode> CallAsync(string method, JsonObject parameters)
    {
        var id = Interlocked.Increment(ref _lastCall);
        var call = _calls[id] = new(TaskCreationOptions.RunContinuationsAsynchronously);
        var message = new JsonObject { ["jsonrpc"] = "2.0", ["method"] = method, ["params"] = parameters, ["id"] = id };
        await _sending.WaitAsync(CallLimit);
        try
        {
            await _socket.SendAsync(Encoding.UTF8.GetBytes(message.ToJsonString()), WebSocketMessageType.Text, true, CancellationToken.None);
        }
        finally
        {
            _sending.Release();
        }

        var answer = await call.Task.WaitAsync(CallLimit);
        return answer["result"] ?? throw new InvalidOperationException(answer.ToJsonString());
    }

    private async Task<WebSocketCloseStatus?> ReadAsync(ClientWebSocket socket)
    {
        var buffer = new byte[256 * 1024];
        var length = 0;
        try
        {
            while (true)
            {
                var result = await socket.ReceiveAsync(buffer.AsMemory(length), CancellationToken.None);
                if (result.MessageType == WebSocketMessageType.Close)
                {
                    await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", CancellationToken.None);
                    return socket.CloseStatus;
                }

                length += result.Count;
                if (!result.EndOfMessage)
                    continue;

                Read(JsonNode.Parse(buffer.AsSpan(0, length))!);
                length = 0;
            }
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException or ObjectDisposedException)
        {
            return socket.CloseStatus;
        }
    }

    private void Read(JsonNode message)
    {
        if (message["method"] is null && message["id"] is { } id && _calls.TryRemove((int)id, out var call))
            call.TrySetResult(message);
        else if ((string?)message["method"] == "sdpOffer")
            Answer(message["params"]!);
    }

    private void Answer(JsonNode parameters)
    {
        string answer;
        lock (_lock)
        {
            // The number of sections never decreases (RFC 3264, section 8), and the SDK does not answer an offer that it cannot use.
            var offer = Parse((string)parameters["sdpOffer"]!);
            if (offer.Sections.Count < _sectionCount)
                return;

            _sectionCount = offer.Sections.Count;
            _subscribing ??= new(false, _certificate, Random.Shared);
            Take(_subscribing, offer);
            foreach (var section in offer.Sections.Where(section => section.Sources is not []))
            {
                _sections[section.Sources[0].Ssrc] =
                    (section.Kind!.Value, section.Codecs.FirstOrDefault(codec => codec.Is("telephone-event", 48_000))?.PayloadType);
            }

            Offered = parameters["streamMetadata"]!.AsObject().ToDictionary(stream => stream.Key, stream => (string?)stream.Value!["alias"]);
            answer = DeviceSdp.Answer(_subscribing, offer, TakesVideo);
        }

        _ = TryAsync(() => CallAsync("answerSdp", new JsonObject { ["sdpAnswer"] = answer }));
    }
}
