using System.Net.WebSockets;
using Sessions.Media;
using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Gateway;

/// <summary>Identifies a device, which is one SDK object of a participant. It keeps its <c>uniqueId</c> when it reconnects.</summary>
internal readonly record struct DeviceKey(AccountId AccountId, ParticipantId ParticipantId, string UniqueId);

/// <summary>
/// A device, with its media and its side of the protocol. The media outlive its WebSocket. The device offers the streams that it publishes.
/// The gateway offers the streams that the device receives, one offer at a time. Thread-safe.
/// </summary>
/// <param name="key">Identifies the device.</param>
/// <param name="permissions">The kinds of media that it may publish.</param>
/// <param name="engine">Creates its peers.</param>
/// <param name="limits">The limits for the device.</param>
/// <param name="time">The time.</param>
/// <param name="logger">The logger for the number of its diagnostics.</param>
internal sealed partial class Device(
    DeviceKey key, MediaPermissions permissions, MediaEngine engine, Limits limits, TimeProvider time, ILogger logger)
{
    // A device that cannot use an offer sends neither an answer nor an error.
    public static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(10);

    // Shorter, because the gateway has to guess the number of sections of a device that was connected before this server started
    // (SubscribingPeer.Grow).
    public static readonly TimeSpan FirstAnswerTimeout = TimeSpan.FromSeconds(3);

    public static readonly TimeSpan DisconnectedLifetime = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private readonly string _publishingId = Guid.NewGuid().ToString();
    private readonly string _subscribingId = Guid.NewGuid().ToString();

    private JsonRpcConnection? _connection;
    private long _disconnected = time.GetTimestamp();
    private PublishingPeer? _publishing;
    private IReadOnlyList<PublishedStream> _published = [];
    private bool _isPublisherDead;
    private SubscribingPeer? _subscribing;
    private IReadOnlyList<PublishedStream> _received = [];
    private bool _needsOffer;
    private long? _offered;
    private long _revision;
    private bool _isClosed;

    public DeviceKey Key => key;

    /// <summary>Called without a lock after the device has published streams.</summary>
    public required Action<Device> Published { private get; init; }

    /// <summary>Called without a lock when the device leaves.</summary>
    public required Action<Device> Left { private get; init; }

    /// <summary>
    /// Called under a lock when the device has connected, has lost its connection, or has left, in the order of these changes.
    /// </summary>
    public required Action<DeviceChangeKind> Changed { private get; init; }

    /// <summary>The streams that it publishes. Empty while its media do not arrive.</summary>
    public IReadOnlyList<PublishedStream> Streams
    {
        get
        {
            lock (_lock)
                return _isPublisherDead ? [] : _published;
        }
    }

    /// <summary>When it lost its connection, in ticks of the time provider, or null while it is connected.</summary>
    public long? Disconnected
    {
        get
        {
            lock (_lock)
                return _connection is null ? _disconnected : null;
        }
    }

    /// <summary>Replaces the previous connection with a new one. False if the device has been closed.</summary>
    public bool Attach(JsonRpcConnection connection)
    {
        JsonRpcConnection? before;
        lock (_lock)
        {
            if (_isClosed)
                return false;

            (before, _connection) = (_connection, connection);

            // The offer or its answer may have been lost with the connection.
            _needsOffer |= _offered is not null;
            _offered = null;
            Changed(DeviceChangeKind.Connected);
        }

        // With 1000, so that the previous client does not reconnect. It would take the connection back, and the two clients would alternate
        // every second.
        before?.Close(WebSocketCloseStatus.NormalClosure, "The device has connected again.");
        Offer();
        return true;
    }

    /// <summary>
    /// Records that a connection has ended. A device that closed it with 1000 does not come back, because rpc-websockets reconnects after
    /// every other status.
    /// </summary>
    public void Detach(JsonRpcConnection connection)
    {
        if (connection.IsClosedByDevice && IsCurrent(connection))
            Left(this);

        lock (_lock)
        {
            if (_connection != connection)
                return;

            (_connection, _disconnected) = (null, time.GetTimestamp());
            if (!_isClosed)
                Changed(DeviceChangeKind.Lost);
        }
    }

    private bool IsCurrent(JsonRpcConnection connection)
    {
        lock (_lock)
            return _connection == connection;
    }

    /// <summary>Marks the device as gone, so that it accepts no other connection. <see cref="Close"/> follows.</summary>
    public void Leave()
    {
        lock (_lock)
        {
            if (!_isClosed)
                Changed(DeviceChangeKind.Left);
            _isClosed = true;
        }
    }

    /// <summary>Ends the device and its media. Its connection is closed with 1000, so that the device does not reconnect.</summary>
    public void Close(string reason)
    {
        Leave();
        lock (_lock)
        {
            _connection?.Close(WebSocketCloseStatus.NormalClosure, reason);
            _publishing?.Dispose();
            _subscribing?.Dispose();
            (_published, _received) = ([], []);
        }
    }

    /// <summary>Handles a request.</summary>
    public JsonRpcReply Handle(JsonRpcRequest request)
    {
        switch (request.Method)
        {
            case "offerSdp":
                return Publish(request);
            case "answerSdp":
                return TakeAnswer(request);
            case "setMediaPreferences" or "ping":
                return JsonRpcReply.Empty;
            case "deviceDiagnostics":
                _ = request.TryRead(DeviceFormat.Default.DiagnosticsParams, out var diagnostics);
                LogDiagnostics(key.ParticipantId, diagnostics?.Logs?.Count ?? 0);
                return JsonRpcReply.Empty;
            case "leave":
                Left(this);
                return JsonRpcReply.Empty;
            default:
                return JsonRpcReply.Fail(JsonRpcReply.MethodNotFound, "There is no such method.");
        }
    }

    /// <summary>Sets the streams that the device receives. Media that it may no longer receive stop before this returns.</summary>
    /// <returns>Whether an offer is due, which <see cref="Offer"/> sends.</returns>
    public bool Receive(IReadOnlyList<PublishedStream> streams)
    {
        lock (_lock)
        {
            if (_isClosed || streams.SequenceEqual(_received))
                return false;

            _received = streams;
            _subscribing ??= engine.CreateSubscribingPeer();
            _subscribing.SetSources([.. streams.SelectMany(stream => stream.Sources)]);

            // An offer is due even if the tracks are the same, because only an offer announces a new alias.
            return _needsOffer = true;
        }
    }

    /// <summary>Sends an offer if one is due and the device has answered the previous one.</summary>
    public void Offer()
    {
        lock (_lock)
        {
            if (!_needsOffer || _offered is not null || _connection is null || _subscribing is null || _isClosed)
                return;

            var offer = _subscribing.CreateOffer(iceRestart: _subscribing.IsDead);

            // The clock keeps the revision increasing even if the gateway has lost its state.
            _revision = Math.Max(_revision + 1, time.GetUtcNow().ToUnixTimeMilliseconds());
            (_needsOffer, _offered) = (false, time.GetTimestamp());
            _connection.Send(JsonRpcReply.Notification(
                "sdpOffer", new(offer, _revision, _subscribingId, MetadataOf(_received)), DeviceFormat.Default.SdpOfferParams));
        }
    }

    /// <summary>Checks for offers without an answer, and for connections that no longer carry media.</summary>
    /// <returns>Whether an offer is due, and whether <see cref="Streams"/> has changed.</returns>
    public (bool OfferIsDue, bool HaveStreamsChanged) Advance()
    {
        lock (_lock)
        {
            if (_isClosed)
                return default;

            if (_offered is { } offered && time.GetElapsedTime(offered) >= (_subscribing!.HasAnswer ? AnswerTimeout : FirstAnswerTimeout))
            {
                (_offered, _needsOffer) = (null, true);
                if (!_subscribing.HasAnswer)
                    _subscribing.Grow();
            }

            // A device does not react when its receiving connection fails.
            if (_offered is null && _received.Count > 0 && _connection is not null)
                _needsOffer |= _subscribing!.IsDead;

            var wasDead = _isPublisherDead;
            _isPublisherDead = _publishing?.IsDead == true;
            return (_needsOffer && _offered is null, wasDead != _isPublisherDead && _published.Count > 0);
        }
    }

    private JsonRpcReply Publish(JsonRpcRequest request)
    {
        if (!request.TryRead(DeviceFormat.Default.OfferSdpParams, out var offer) || offer.SdpOffer is null)
            return JsonRpcReply.Fail(JsonRpcReply.InvalidParams, "Expected an sdpOffer and mediaMetadata.");

        var descriptions = offer.MediaMetadata?.MediaStreams ?? new Dictionary<string, StreamDescription?>();
        if (descriptions.Count > limits.StreamsPerDevice)
            return JsonRpcReply.Fail(JsonRpcReply.InvalidParams, $"A device may publish at most {limits.StreamsPerDevice} streams.");
        if (descriptions.Values.Any(description => description?.Alias?.Length > limits.AliasLength))
            return JsonRpcReply.Fail(JsonRpcReply.InvalidParams, "An alias is too long.");

        OfferSdpResult result;
        lock (_lock)
        {
            if (_isClosed)
                return JsonRpcReply.Fail(JsonRpcReply.Gone, "The device has left.");

            _publishing ??= engine.CreatePublishingPeer();
            var (error, answer) = _publishing.Answer(offer.SdpOffer, permissions, limits.TracksPerDevice);
            if (answer is null)
                return JsonRpcReply.Fail(JsonRpcReply.SdpRejected, error ?? "The SDP offer cannot be used.");

            _isPublisherDead = false;
            _published =
            [
                .. _publishing.Sources.GroupBy(source => source.StreamId)
                    .Select(tracks => Describe(tracks.Key, [.. tracks], descriptions)),
            ];
            result = new(answer, _publishingId, MetadataOf(_published));
        }

        Published(this);
        return JsonRpcReply.Ok(result, DeviceFormat.Default.OfferSdpResult);
    }

    /// <summary>A stream in its current state. Returns the same instance if nothing has changed.</summary>
    private PublishedStream Describe(string streamId, Source[] tracks, IReadOnlyDictionary<string, StreamDescription?> descriptions)
    {
        var before = _published.FirstOrDefault(stream => stream.StreamId == streamId);
        var alias = descriptions.GetValueOrDefault(streamId)?.Alias;
        return before is not null && before.Alias == alias && before.Sources.SequenceEqual(tracks)
            ? before
            : new(key.ParticipantId, streamId, alias, _publishingId, before?.Since ?? time.GetTimestamp(), tracks);
    }

    private JsonRpcReply TakeAnswer(JsonRpcRequest request)
    {
        if (!request.TryRead(DeviceFormat.Default.AnswerSdpParams, out var answer) || answer.SdpAnswer is null)
            return JsonRpcReply.Fail(JsonRpcReply.InvalidParams, "Expected an sdpAnswer.");

        lock (_lock)
        {
            if (_isClosed || _subscribing is null || _offered is null)
                return JsonRpcReply.Fail(JsonRpcReply.InvalidRequest, "There is no SDP offer to answer.");

            // After an unusable answer, the next offer is sent only after the timeout. An immediate offer could repeat without end.
            if (_subscribing.Answer(answer.SdpAnswer) is { } error)
                return JsonRpcReply.Fail(JsonRpcReply.SdpRejected, error);

            _offered = null;
        }

        Offer();
        return JsonRpcReply.Empty;
    }

    private static Dictionary<string, StreamMetadata> MetadataOf(IReadOnlyList<PublishedStream> streams)
        => streams.ToDictionary(stream => stream.StreamId, stream => stream.ToMetadata());

    [LoggerMessage(22, LogLevel.Debug, "A device of participant {ParticipantId} sent {Count} entries of diagnostics.")]
    private partial void LogDiagnostics(ParticipantId participantId, int count);
}
