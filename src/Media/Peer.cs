using System.Diagnostics.CodeAnalysis;
using System.Text;
using Sessions.Media.Dtls;
using Sessions.Media.Ice;
using Sessions.Media.Negotiation;
using Sessions.Media.Rtp;
using Sessions.Media.Srtp;
using Sessions.Media.Stun;

namespace Sessions.Media;

/// <summary>
/// The server's end of one peer connection, with ICE, DTLS and SRTP over one transport (max-bundle, rtcp-mux). Nothing is sent to a flow
/// that has not passed an authenticated check. Thread-safe. Each peer has its own lock, which is never held while another peer's lock is
/// acquired.
/// </summary>
public abstract class Peer : IDisposable
{
    /// <summary>The largest RTP packet, which just fits an Ethernet frame.</summary>
    private protected const int MaxPacket = 1500;

    /// <summary>The largest compound RTCP packet. With headers and encryption it fits the minimum MTU of IPv6.</summary>
    private protected const int MaxRtcp = 1100;

    private protected static readonly TimeSpan ReportInterval = TimeSpan.FromSeconds(1);

    /// <summary>The error for a description that arrives after the end of the connection.</summary>
    private protected const string Ended = "The connection has ended.";

    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(30);

    private bool _isDtlsClient;
    private IceLite _ice;
    private IceLite? _restarted;
    private DtlsAssociation? _dtls;
    private RemoteTransport? _remote;
    private SrtpSender? _sender;
    private SrtpReceiver? _receiver;
    private TimeSpan _negotiated;
    private bool _isConnectionKnown;

    private protected Peer(MediaEngine engine)
    {
        Engine = engine;
        _negotiated = engine.Now;
        _ice = new(IceCredentials.Create());
        engine.Add(_ice.Local, this);
    }

    /// <summary>Whether media can flow. A candidate pair must have been nominated, and the keys must be known.</summary>
    public bool IsConnected => _sender is not null && _ice.Selected is not null;

    internal Lock Gate { get; } = new();

    internal bool IsDisposed { get; private set; }

    /// <summary>When <see cref="Advance"/> is due next, or null for never.</summary>
    internal abstract TimeSpan? Deadline { get; }

    /// <summary>This end's transport for the next description. During an ICE restart it has the new credentials.</summary>
    private protected LocalTransport LocalTransport
    {
        get
        {
            var credentials = (_restarted ?? _ice).Local;
            return new(credentials.UsernameFragment, credentials.Password, Engine.Certificate.Fingerprint, Engine.Candidates);
        }
    }

    private protected MediaEngine Engine { get; }

    private protected TimeSpan? DtlsDeadline => _dtls?.Deadline;

    /// <summary>
    /// Whether the device is gone. It has then given no consent for 30 s (RFC 7675, section 5.1), or has not connected within 30 s of the
    /// last description.
    /// </summary>
    public bool IsDead
    {
        get
        {
            lock (Gate)
                return IsSilent(Engine.Now) && Engine.Now - _negotiated >= ConnectTimeout;
        }
    }

    /// <summary>Ends the connection. Nothing is sent or received afterwards.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Ends the connection.</summary>
    protected virtual void Dispose(bool disposing)
    {
        lock (Gate)
        {
            IsDisposed = true;
            Forget();
            Engine.Remove(_ice.Local);
            if (_restarted is not null)
                Engine.Remove(_restarted.Local);
        }
    }

    /// <summary>Responds to a Binding request. A flow belongs to this peer once it has passed the check.</summary>
    internal void ReceiveCheck(in StunMessage request, Flow flow, TimeSpan now, Outbox outbox)
    {
        lock (Gate)
        {
            if (IsDisposed)
                return;

            var room = outbox.Reserve(IceLite.MaxResponseLength);
            var isRestarted = _restarted is not null && IsFor(_restarted, request);
            var result = (isRestarted ? _restarted! : _ice).Check(request, flow, now, room, out var length);
            if (length > 0)
                outbox.Commit(flow, length);
            if (result is not (CheckResult.Authenticated or CheckResult.Nominated))
                return;

            flow.Owner = this;
            flow.LastCheck = now;
            if (result == CheckResult.Nominated && isRestarted)
                FinishRestart();
            StartHandshake();
            SendHandshake(outbox);
        }
    }

    /// <summary>Processes any other datagram of a flow that has passed a check. The datagram is overwritten.</summary>
    internal void Receive(Span<byte> datagram, TimeSpan now, Outbox outbox)
    {
        switch (PacketKind.Of(datagram))
        {
            case PacketKind.Dtls:
                ReceiveHandshake(datagram, now, outbox);
                break;
            case PacketKind.Rtp:
                ReceiveRtp(datagram, now, outbox);
                break;
            case PacketKind.Rtcp:
                ReceiveRtcp(datagram, now, outbox);
                break;
        }
    }

    /// <summary>Does all work that is due.</summary>
    internal virtual void Advance(TimeSpan now, Outbox outbox)
    {
        lock (Gate)
        {
            _dtls?.Advance(now);
            SendHandshake(outbox);
        }

        FinishHandshake(now, outbox);
    }

    /// <summary>Waits until the handshake has processed all datagrams and needs another one. For tests in virtual time.</summary>
    internal void WaitForHandshake() => _dtls?.WaitUntilIdle();

    private protected abstract void ReceiveRtp(Span<byte> datagram, TimeSpan now, Outbox outbox);

    private protected abstract void ReceiveRtcp(Span<byte> datagram, TimeSpan now, Outbox outbox);

    /// <summary>Called once the keys are known.</summary>
    private protected virtual void OnConnected(TimeSpan now, Outbox outbox)
    {
    }

    /// <summary>Called when the DTLS association and its keys have been discarded.</summary>
    private protected virtual void OnForgotten()
    {
    }

    /// <summary>
    /// Applies the device's transport from its description. New credentials restart ICE (RFC 8445, section 2.4), unless this end has
    /// already restarted it. A new certificate means a new connection, which begins with its own handshake.
    /// </summary>
    /// <returns>Whether this end now also has new credentials.</returns>
    private protected bool SetRemote(RemoteTransport remote, bool isDtlsClient)
    {
        var credentials = new IceCredentials(remote.UsernameFragment, remote.Password);
        var isRestart = _restarted is null ? _ice.Remote is not null && _ice.Remote != credentials
            : _restarted.Remote is not null && _restarted.Remote != credentials;
        if (isRestart)
            RestartIce();
        (_restarted ?? _ice).Remote = credentials;
        (_negotiated, _isDtlsClient) = (Engine.Now, isDtlsClient);
        if (_remote is null || !_remote.Fingerprints.SequenceEqual(remote.Fingerprints))
            Forget();
        _remote = remote;
        StartHandshake();
        return isRestart;
    }

    /// <summary>
    /// Creates new credentials for the next description (RFC 8445, section 2.4). The old ones stay valid until a new pair is nominated.
    /// </summary>
    private protected void RestartIce()
    {
        if (_restarted is not null)
            Engine.Remove(_restarted.Local);
        _restarted = new(IceCredentials.Create());
        Engine.Add(_restarted.Local, this);
        _negotiated = Engine.Now;
        if (_dtls?.State == DtlsState.Failed)
            Forget();
    }

    private protected bool CanSendAt(TimeSpan now) => _sender is not null && _ice.Selected is not null && !_ice.IsConsentExpired(now);

    private protected bool IsCongested => _ice.Selected?.IsCongested == true;

    private protected bool TryUnprotectRtp(Span<byte> datagram, out int length)
    {
        length = 0;
        return EnsureKeys() && _receiver.TryUnprotectRtp(datagram, out length);
    }

    private protected bool TryUnprotectRtcp(Span<byte> datagram, out int length)
    {
        length = 0;
        return EnsureKeys() && _receiver.TryUnprotectRtcp(datagram, out length);
    }

    private protected void SendRtp(ReadOnlySpan<byte> packet, Outbox outbox)
    {
        var length = _sender!.ProtectRtp(packet, outbox.Reserve(packet.Length + SrtpSender.MaxOverhead));
        if (length > 0)
            outbox.Commit(_ice.Selected!, length);
    }

    private protected void SendRtcp(ReadOnlySpan<byte> packet, Outbox outbox)
    {
        var length = _sender!.ProtectRtcp(packet, outbox.Reserve(packet.Length + SrtpSender.MaxOverhead));
        if (length > 0)
            outbox.Commit(_ice.Selected!, length);
    }

    private bool IsSilent(TimeSpan now) => _ice.Selected is null || _ice.IsConsentExpired(now) || _dtls?.State == DtlsState.Failed;

    private static bool IsFor(IceLite ice, in StunMessage request)
        => request.TryGetUsername(out var username)
            && Ascii.Equals(MediaEngine.LocalFragment(username), ice.Local.UsernameFragment);

    private void ReceiveHandshake(ReadOnlySpan<byte> datagram, TimeSpan now, Outbox outbox)
    {
        lock (Gate)
        {
            _dtls?.Receive(datagram, now);
            SendHandshake(outbox);
        }
    }

    /// <summary>
    /// Starts the handshake. A server waits for the other end, and a client begins as soon as a candidate pair is nominated.
    /// </summary>
    private void StartHandshake()
    {
        if (_dtls is null && _remote is not null && (!_isDtlsClient || _ice.Selected is not null))
            _dtls = new(_isDtlsClient, Engine.Certificate, _remote, Engine.Now, Wake);
    }

    private void SendHandshake(Outbox outbox)
    {
        while (_ice.Selected is { } flow && _dtls?.TryTake(out var datagram) == true)
            outbox.Add(flow, datagram);
    }

    private void FinishHandshake(TimeSpan now, Outbox outbox)
    {
        lock (Gate)
        {
            if (_isConnectionKnown || !EnsureKeys())
                return;

            _isConnectionKnown = true;
        }

        OnConnected(now, outbox);
    }

    [MemberNotNullWhen(true, nameof(_receiver))]
    private bool EnsureKeys()
    {
        if (_receiver is not null)
            return true;
        if (_dtls is not { State: DtlsState.Connected, Keys: { } keys })
            return false;

        _sender = new(keys.Sending);
        _receiver = new(keys.Receiving);
        Engine.Wake(this);
        return true;
    }

    private void FinishRestart()
    {
        Engine.Remove(_ice.Local);
        (_ice, _restarted) = (_restarted!, null);
    }

    private void Forget()
    {
        _dtls?.Dispose();
        _sender?.Dispose();
        _receiver?.Dispose();
        (_dtls, _sender, _receiver, _isConnectionKnown) = (null, null, null, false);
        OnForgotten();
    }

    private void Wake() => Engine.Wake(this);
}
