using System.Net.WebSockets;
using Sessions.Media;
using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Gateway;

/// <summary>Which device: one SDK object of a participant, which keeps its <c>uniqueId</c> over reconnections.</summary>
internal readonly record struct DeviceKey(AccountId AccountId, ParticipantId ParticipantId, string UniqueId);

/// <summary>
/// A device: its media, which outlive its WebSocket, and its side of the protocol. The device offers what it publishes; the gateway
/// offers what the device receives, one offer at a time. Safe for several threads.
/// </summary>
/// <param name="key">Which device.</param>
/// <param name="permissions">What it may publish.</param>
/// <param name="engine">Makes its peers.</param>
/// <param name="limits">What it may take.</param>
/// <param name="time">The time.</param>
/// <param name="logger">Where its diagnostics are counted.</param>
internal sealed partial class Device(
    DeviceKey key, MediaPermissions permissions, MediaEngine engine, Limits limits, TimeProvider time, ILogger logger)
{
    // A device says nothing when it cannot use an offer, and then does not answer.
    public static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(10);

    // Sooner, because a device from before this server was started can only be met by trying (SubscribingPeer.Grow).
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

    /// <summary>Called without a lock when the device publishes something else than before.</summary>
    public required Action<Device> Published { private get; init; }

    /// <summary>Called without a lock when the device leaves.</summary>
    public required Action<Device> Left { private get; init; }

    /// <summary>Called under a lock, in the order in which it happens, when it is connected, has lost its connection, or has left.</summary>
    public required Action<DeviceChangeKind> Changed { private get; init; }

    /// <summary>What it publishes; nothing while its media do not arrive.</summary>
    public IReadOnlyList<PublishedStream> Streams
    {
        get
        {
            lock (_lock)
                return _isPublisherDead ? [] : _published;
        }
    }

    /// <summary>Since when it has no connection, in ticks of the time provider; null when it has one.</summary>
    public long? Disconnected
    {
        get
        {
            lock (_lock)
                return _connection is null ? _disconnected : null;
        }
    }

    /// <summary>Takes a new connection into use, in place of the one before; false when the device has been closed.</summary>
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

        // Not to be retried: whoever is behind it would take the place back, and so on every second.
        before?.Close(WebSocketCloseStatus.NormalClosure, "The device has connected again.");
        Offer();
        return true;
    }

    /// <summary>Notes that a connection has ended. A device that has closed it with 1000 does not come back (rpc-websockets retries all but that).</summary>
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

    /// <summary>Has the device be gone: it takes no other connection. <see cref="Close"/> follows.</summary>
    public void Leave()
    {
        lock (_lock)
        {
            if (!_isClosed)
                Changed(DeviceChangeKind.Left);
            _isClosed = true;
        }
    }

    /// <summary>Ends the device with its media. Its connection is closed such that it does not come back.</summary>
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

    /// <summary>Answers a request.</summary>
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

    /// <summary>
    /// Sets what the device receives. Media that it may not receive any more stop before this returns.
    /// </summary>
    /// <returns>Whether an offer is due; <see cref="Offer"/> sends it.</returns>
    public bool Receive(IReadOnlyList<PublishedStream> streams)
    {
        lock (_lock)
        {
            if (_isClosed || streams.SequenceEqual(_received))
                return false;

            _received = streams;
            _subscribing ??= engine.CreateSubscribingPeer();
            _subscribing.SetSources([.. streams.SelectMany(stream => stream.Sources)]);

            // Also when the tracks are the same: an offer is the only way to tell another alias.
            return _needsOffer = true;
        }
    }

    /// <summary>Sends an offer if one is due, and the device has answered the last.</summary>
    public void Offer()
    {
        lock (_lock)
        {
            if (!_needsOffer || _offered is not null || _connection is null || _subscribing is null || _isClosed)
                return;

            var offer = _subscribing.CreateOffer(iceRestart: _subscribing.IsDead);

            // The clock stays right when the gateway has lost its state.
            _revision = Math.Max(_revision + 1, time.GetUtcNow().ToUnixTimeMilliseconds());
            (_needsOffer, _offered) = (false, time.GetTimestamp());
            _connection.Send(JsonRpcReply.Notification(
                "sdpOffer", new(offer, _revision, _subscribingId, MetadataOf(_received)), DeviceFormat.Default.SdpOfferParams));
        }
    }

    /// <summary>Looks at what is due by now: offers without an answer, and connections that carry no media any more.</summary>
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

            // A device does nothing when its receiving connection fails.
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

    /// <summary>A stream as it is published now: the same instance if nothing of it has changed.</summary>
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

            // After an answer that cannot be used, the time-out has a fresh offer sent, and not at once, again and again.
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
